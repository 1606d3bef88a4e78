//! An error of AWS as Ansible's modules tell it, with what to do about it.

use std::error::Error;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId;
use rplay_module_api::{Failure, Json, Map, json};

/// What a call to AWS failed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    pub operation: &'static str,
    /// The service's code; none when the call never got an answer.
    pub code: Option<String>,
    pub message: String,
    pub request_id: Option<String>,
    pub status: Option<u16>,
}

/// Makes the error of a call to `operation`, for `map_err`.
pub fn api_error<E>(operation: &'static str) -> impl FnOnce(SdkError<E>) -> ApiError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    move |err| {
        let status = err.raw_response().map(|response| response.status().as_u16());
        let code = err.code().map(str::to_owned);
        let message = match (&code, err.message()) {
            (Some(_), Some(message)) => message.to_owned(),
            (Some(_), None) => "None".to_owned(),
            (None, _) => error_chain(&err),
        };
        let request_id = err.meta().request_id().map(str::to_owned);
        ApiError { operation, code, message, request_id, status }
    }
}

/// Every distinct text on the way to the cause. The SDK's own top text says little ("dispatch failure").
pub fn error_chain(err: &dyn Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(err);
    while let Some(err) = next {
        let text = err.to_string();
        if !texts.iter().any(|earlier| earlier.contains(&text)) {
            texts.push(text);
        }
        next = err.source();
    }
    texts.join(": ")
}

impl ApiError {
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// `Code: Message`, as boto 2's modules had it.
    pub fn short(&self) -> String {
        match &self.code {
            Some(code) => format!("{code}: {}", self.message),
            None => self.message.clone(),
        }
    }

    /// The sentence of today's SDK for Python, which playbooks search for words.
    pub fn sentence(&self) -> String {
        match &self.code {
            Some(code) => {
                format!("An error occurred ({code}) when calling the {} operation: {}", self.operation, self.message)
            }
            None => format!("the {} call got no answer: {}", self.operation, self.message),
        }
    }

    pub fn hint(&self) -> Option<&'static str> {
        match &self.code {
            Some(code) => HINTS.iter().find(|(known, _)| known == code).map(|(_, hint)| *hint),
            None => Some("is the endpoint right and can this machine reach it?"),
        }
    }

    /// A failure whose message is `text`, hint added.
    pub fn failure(&self, text: impl Into<String>) -> Failure {
        let text = text.into();
        let failure = Failure::new(match self.hint() {
            Some(hint) => with_hint(text, hint),
            None => text,
        });
        let mut metadata = Map::new();
        if let Some(id) = &self.request_id {
            metadata.insert("request_id".to_owned(), json!(id));
        }
        if let Some(status) = self.status {
            metadata.insert("http_status_code".to_owned(), json!(status));
        }
        let failure = match &self.code {
            Some(code) => failure.with("error", json!({"code": code, "message": self.message})),
            None => failure,
        };
        if metadata.is_empty() { failure } else { failure.with("response_metadata", Json::Object(metadata)) }
    }

    /// `context: sentence`, as today's modules fail.
    pub fn because(&self, context: &str) -> Failure {
        self.failure(format!("{context}: {}", self.sentence()))
    }
}

pub fn with_hint(text: String, hint: &str) -> String {
    format!("{text} (hint: {hint})")
}

/// What to do about the codes that people meet.
const HINTS: &[(&str, &str)] = &[
    ("AccessDenied", "the account's user or role lacks the permission for this call"),
    ("AuthFailure", "the access key or secret key is wrong, or the clock of this machine is off"),
    ("DBInstanceAlreadyExists", "a database of this name exists already in this account and region"),
    ("DBInstanceNotFound", "is the name right, and is the database in this region?"),
    ("DBSnapshotAlreadyExists", "choose another name for the snapshot, or delete the old one"),
    ("DBSubnetGroupNotFoundFault", "create the subnet group first, or leave `subnet` out for the default VPC"),
    ("DependencyViolation", "something still uses it: an instance, a network interface or a rule of another group"),
    ("ExpiredToken", "the session token has expired: log in again or get new temporary credentials"),
    ("ExpiredTokenException", "the session token has expired: log in again or get new temporary credentials"),
    ("IncorrectInstanceState", "wait until the instance has settled, then run again"),
    ("InstanceLimitExceeded", "the account's limit for this instance type is reached: ask AWS for a higher quota"),
    ("InsufficientInstanceCapacity", "try another zone, another instance type, or later"),
    ("InvalidAMIID.Malformed", "an image id looks like ami-0123456789abcdef0"),
    ("InvalidAMIID.NotFound", "image ids differ per region: choose an image of this task's region"),
    ("InvalidClientTokenId", "the access key is unknown to AWS: check access_key or AWS_ACCESS_KEY_ID"),
    ("InvalidDBInstanceState", "wait until the database is available; a source of replicas needs automated backups"),
    ("InvalidGroup.InUse", "something still uses it: an instance, a network interface or a rule of another group"),
    ("InvalidGroup.NotFound", "a group is looked up by name only in the default VPC: use group_id elsewhere"),
    ("InvalidInstanceID.NotFound", "is the id right, and is the instance in this region?"),
    ("InvalidKeyPair.NotFound", "create the key pair in this region first, for instance with ec2_key"),
    ("InvalidParameterCombination", "AWS does not offer this combination, often because of the instance type"),
    ("InvalidPermission.Duplicate", "two rules say the same"),
    ("InvalidSubnetID.NotFound", "is the id right, and is the subnet in this region?"),
    ("InvalidVpcID.NotFound", "is the id right, and is the VPC in this region?"),
    ("MissingParameter", "AWS needs one more argument, named in its message"),
    ("OptInRequired", "the account is not subscribed to this service or region, or to this marketplace image"),
    ("PendingVerification", "AWS is still verifying the account: try again in some hours"),
    ("RequestExpired", "the clock of this machine is off, or the session token has expired"),
    ("RequestLimitExceeded", "AWS throttles this account: run again later, or with fewer forks"),
    ("RulesPerSecurityGroupLimitExceeded", "spread the rules over several groups or ask AWS for a higher quota"),
    ("SecurityGroupLimitExceeded", "delete unused groups or ask AWS for a higher quota"),
    ("SignatureDoesNotMatch", "the secret key is wrong: check secret_key or AWS_SECRET_ACCESS_KEY"),
    ("Throttling", "AWS throttles this account: run again later, or with fewer forks"),
    ("UnauthorizedOperation", "the account's user or role lacks the permission for this call"),
    ("VPCIdNotSpecified", "the region has no default VPC: give a subnet or VPC id"),
    ("VcpuLimitExceeded", "the account's limit for this instance type is reached: ask AWS for a higher quota"),
];

#[cfg(test)]
mod tests {
    use super::{ApiError, HINTS};

    fn error(code: Option<&str>) -> ApiError {
        ApiError {
            operation: "RunInstances",
            code: code.map(str::to_owned),
            message: "The image id '[ami-1]' does not exist".to_owned(),
            request_id: Some("req-1".to_owned()),
            status: Some(400),
        }
    }

    #[test]
    fn the_sentence_is_the_one_playbooks_search() {
        assert_eq!(
            error(Some("InvalidAMIID.NotFound")).sentence(),
            "An error occurred (InvalidAMIID.NotFound) when calling the RunInstances operation: The image id '[ami-1]' \
             does not exist"
        );
        assert_eq!(
            error(Some("InvalidAMIID.NotFound")).short(),
            "InvalidAMIID.NotFound: The image id '[ami-1]' does not exist"
        );
    }

    #[test]
    fn a_failure_holds_code_metadata_and_hint() {
        let failure = error(Some("InvalidAMIID.NotFound")).because("Instance creation failed");
        assert!(failure.msg.ends_with("(hint: image ids differ per region: choose an image of this task's region)"));
        assert_eq!(failure.fields["error"]["code"], "InvalidAMIID.NotFound");
        assert_eq!(failure.fields["response_metadata"]["request_id"], "req-1");
        assert_eq!(failure.fields["response_metadata"]["http_status_code"], 400);
        let unanswered = error(None).because("Instance creation failed");
        assert!(unanswered.msg.contains("the RunInstances call got no answer"));
        assert!(!unanswered.fields.contains_key("error"));
    }

    #[test]
    fn hints_are_sorted_and_unique() {
        assert!(HINTS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
