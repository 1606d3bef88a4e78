//! Connection settings as one value: what tells two clients apart.

use std::collections::BTreeMap;

use rplay_module_api::{Failure, Json, Map};

use rplay_aws_specs::CONNECTION_ARGS;

use super::secret::Secret;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Settings {
    pub keys: Option<Keys>,
    pub profile: Option<String>,
    /// The profile was an argument, so that keys in the environment don't count.
    pub profile_from_args: bool,
    pub region: Option<String>,
    pub endpoints: Endpoints,
    pub ca_bundle: Option<String>,
    pub validate_certs: bool,
    pub connect_timeout: Option<u64>,
    pub read_timeout: Option<u64>,
    pub max_attempts: Option<u32>,
    pub config_file: Option<String>,
    pub credentials_file: Option<String>,
    pub web_identity: Option<WebIdentity>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keys {
    pub access: String,
    pub secret: Secret,
    pub session_token: Option<Secret>,
}

/// Addresses of services in place of Amazon's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Endpoints {
    /// Said for all services, by an argument or the variables of boto 2.
    common: Option<String>,
    /// The other variables by their names.
    variables: BTreeMap<String, String>,
}

const ENDPOINT_OF_ALL: &str = "AWS_ENDPOINT_URL";

impl Endpoints {
    fn new(given: Option<String>, environment: &BTreeMap<String, String>) -> Self {
        let env = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        let ignored =
            env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let is_endpoint = |name: &str| {
            name.strip_prefix(ENDPOINT_OF_ALL).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        let variables = environment.iter().filter(|(name, value)| !ignored && is_endpoint(name) && !value.is_empty());
        Self {
            common: given.or_else(|| env("AWS_URL")).or_else(|| env("EC2_URL")).map(with_scheme),
            variables: variables.map(|(name, value)| (name.clone(), with_scheme(value.clone()))).collect(),
        }
    }

    /// The address of the service with this variable (`AWS_ENDPOINT_URL_EC2`).
    pub fn of(&self, variable: &str) -> Option<&str> {
        let variables = || self.variables.get(variable).or_else(|| self.variables.get(ENDPOINT_OF_ALL));
        self.common.as_ref().or_else(variables).map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.common.is_none() && self.variables.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebIdentity {
    pub token_file: String,
    pub role_arn: String,
    pub session_name: String,
}

const ACCESS_KEY: &[&str] = &["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "EC2_ACCESS_KEY"];
const SECRET_KEY: &[&str] = &["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "EC2_SECRET_KEY"];
const SESSION_TOKEN: &[&str] = &["AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN", "EC2_SECURITY_TOKEN"];
const REGION: &[&str] = &["AWS_REGION", "AWS_DEFAULT_REGION", "EC2_REGION"];
const PROFILE: &[&str] = &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

impl Settings {
    /// Takes the connection arguments out of `args`; what is left belongs to the module.
    pub fn take(args: &mut Map<String, Json>, environment: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let mut own = Map::new();
        for arg in CONNECTION_ARGS {
            if let Some(value) = args.remove(arg.name).filter(|value| !value.is_null()) {
                own.insert(arg.name.to_owned(), value);
            }
        }
        // An empty text counts as not given, in arguments as in the environment.
        let text = |name: &str| own.get(name).and_then(Json::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let env = |names: &[&str]| {
            names.iter().find_map(|name| environment.get(*name).filter(|value| !value.is_empty())).cloned()
        };

        if own.get("debug_botocore_endpoint_logs").and_then(Json::as_bool) == Some(true) {
            return Err(Failure::new("debug_botocore_endpoint_logs is not supported"));
        }
        let mut settings = Self {
            validate_certs: own.get("validate_certs").and_then(Json::as_bool).unwrap_or(true),
            region: text("region").or_else(|| env(REGION)),
            ca_bundle: text("aws_ca_bundle").or_else(|| env(&["AWS_CA_BUNDLE"])),
            config_file: env(&["AWS_CONFIG_FILE"]),
            credentials_file: env(&["AWS_SHARED_CREDENTIALS_FILE"]),
            ..Self::default()
        };
        settings.profile_from_args = text("profile").is_some();
        settings.profile = text("profile").or_else(|| env(PROFILE));
        if !settings.profile_from_args {
            settings.keys = keys(
                text("access_key").or_else(|| env(ACCESS_KEY)),
                text("secret_key").or_else(|| env(SECRET_KEY)),
                text("session_token").or_else(|| env(SESSION_TOKEN)),
            )?;
            settings.web_identity = web_identity(&env);
        }
        settings.endpoints = Endpoints::new(text("endpoint_url"), environment);
        settings.read_client_config(own.get("aws_config"))?;
        Ok(settings)
    }

    /// Reads `aws_config`, which has the names of botocore's Config.
    fn read_client_config(&mut self, config: Option<&Json>) -> Result<(), Failure> {
        let Some(config) = config.and_then(Json::as_object) else {
            return Ok(());
        };
        for (name, value) in config {
            let fits = match name.as_str() {
                "connect_timeout" => whole_number(value).map(|seconds| self.connect_timeout = Some(seconds)),
                "read_timeout" => whole_number(value).map(|seconds| self.read_timeout = Some(seconds)),
                "region_name" => value.as_str().map(|region| self.region = Some(region.to_owned())),
                "retries" => {
                    let Some(retries) = value.as_object() else {
                        return Err(Failure::new("aws_config: retries is not a dict"));
                    };
                    return retries.iter().try_for_each(|(name, value)| self.read_retries(name, value));
                }
                _ => return Err(Failure::new(format!("aws_config: {name} is not supported"))),
            };
            fits.ok_or_else(|| Failure::new(format!("aws_config: {name} can't be {value}")))?;
        }
        Ok(())
    }

    fn read_retries(&mut self, name: &str, value: &Json) -> Result<(), Failure> {
        let attempts = whole_number(value).and_then(|number| u32::try_from(number).ok());
        match (name, attempts) {
            ("total_max_attempts", Some(attempts)) => self.max_attempts = Some(attempts.max(1)),
            // botocore counts the retries here, and the first attempt not.
            ("max_attempts", Some(retries)) => self.max_attempts = Some(retries.saturating_add(1)),
            ("mode", _) if matches!(value.as_str(), Some("legacy" | "standard")) => {}
            _ => {
                return Err(Failure::new(format!("aws_config: retries.{name} can't be {value}")));
            }
        }
        Ok(())
    }
}

fn whole_number(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn keys(access: Option<String>, secret: Option<String>, token: Option<String>) -> Result<Option<Keys>, Failure> {
    match (access, secret) {
        (Some(access), Some(secret)) => {
            Ok(Some(Keys { access, secret: Secret::new(secret), session_token: token.map(Secret::new) }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(Failure::new(
            "Partial credentials found: an access key without a secret key (set secret_key or AWS_SECRET_ACCESS_KEY)",
        )),
        (None, Some(_)) => Err(Failure::new(
            "Partial credentials found: a secret key without an access key (set access_key or AWS_ACCESS_KEY_ID)",
        )),
    }
}

fn web_identity(env: &impl Fn(&[&str]) -> Option<String>) -> Option<WebIdentity> {
    Some(WebIdentity {
        token_file: env(&["AWS_WEB_IDENTITY_TOKEN_FILE"])?,
        role_arn: env(&["AWS_ROLE_ARN"])?,
        session_name: env(&["AWS_ROLE_SESSION_NAME"]).unwrap_or_else(|| "rplay".to_owned()),
    })
}

/// boto took a bare host name, too.
fn with_scheme(url: String) -> String {
    if url.contains("://") { url } else { format!("https://{url}") }
}

#[cfg(test)]
mod tests;
