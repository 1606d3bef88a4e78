//! SDK clients: made when a task first needs them, kept for the run, one per distinct settings.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_config::{BehaviorVersion, Region, SdkConfig, imds};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_ec2::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use rplay_module_api::Failure;
use tokio::sync::Mutex;

use super::{Settings, http};
use crate::context::Pace;
use crate::error::{error_chain, with_hint};

/// The clients of a run. Cheap to clone; clones share what they hold.
#[derive(Clone, Default)]
pub struct Clients {
    made: Arc<Mutex<HashMap<(Settings, Pace), Made>>>,
}

#[derive(Clone)]
struct Made {
    ec2: aws_sdk_ec2::Client,
    rds: aws_sdk_rds::Client,
    region: Option<Region>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clients")
    }
}

impl Clients {
    pub async fn ec2(&self, settings: &Settings, pace: Pace) -> Result<aws_sdk_ec2::Client, Failure> {
        let made = self.made(settings, pace).await?;
        match (&made.region, &settings.endpoints.ec2) {
            (None, None) => Err(Failure::new("Either region or ec2_url must be specified")),
            _ => Ok(made.ec2),
        }
    }

    pub async fn rds(&self, settings: &Settings, pace: Pace) -> Result<aws_sdk_rds::Client, Failure> {
        let made = self.made(settings, pace).await?;
        match (&made.region, &settings.endpoints.rds) {
            (None, None) => Err(Failure::new(
                "Region must be specified as a parameter, in EC2_REGION or AWS_REGION environment variables or in boto \
                 configuration file",
            )),
            _ => Ok(made.rds),
        }
    }

    async fn made(&self, settings: &Settings, pace: Pace) -> Result<Made, Failure> {
        let mut made = self.made.lock().await;
        let key = (settings.clone(), pace);
        if let Some(found) = made.get(&key) {
            return Ok(found.clone());
        }
        let new = make(settings, pace).await?;
        made.insert(key, new.clone());
        Ok(new)
    }
}

async fn make(settings: &Settings, pace: Pace) -> Result<Made, Failure> {
    let http_client = http::client(settings)?;
    let provider = ProviderConfig::without_region().with_http_client(http_client.clone());
    let has_endpoint = settings.endpoints.ec2.is_some() || settings.endpoints.rds.is_some();
    let region = region(settings, &provider, has_endpoint).await;
    let provider = provider.with_region(region.clone());
    let credentials = credentials(settings, &provider).await?;

    let signing_region = region.clone().or_else(|| has_endpoint.then(|| Region::from_static("us-east-1")));
    let retry = RetryConfig::standard()
        .with_max_attempts(settings.max_attempts.unwrap_or(10))
        .with_initial_backoff(pace.first_retry)
        .with_max_backoff(pace.first_retry * 20);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(settings.connect_timeout.unwrap_or(10)))
        .read_timeout(Duration::from_secs(settings.read_timeout.unwrap_or(60)))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .region(signing_region)
        .credentials_provider(credentials)
        .retry_config(retry)
        .timeout_config(timeouts)
        .profile_files(profile_files(settings));
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    let config = loader.load().await;
    Ok(Made { ec2: ec2_client(&config, settings), rds: rds_client(&config, settings), region })
}

fn ec2_client(config: &SdkConfig, settings: &Settings) -> aws_sdk_ec2::Client {
    let mut builder = aws_sdk_ec2::config::Builder::from(config);
    if let Some(endpoint) = &settings.endpoints.ec2 {
        builder = builder.endpoint_url(endpoint);
    }
    aws_sdk_ec2::Client::from_conf(builder.build())
}

fn rds_client(config: &SdkConfig, settings: &Settings) -> aws_sdk_rds::Client {
    let mut builder = aws_sdk_rds::config::Builder::from(config);
    if let Some(endpoint) = &settings.endpoints.rds {
        builder = builder.endpoint_url(endpoint);
    }
    aws_sdk_rds::Client::from_conf(builder.build())
}

/// The region of arguments and environment, else of the profile, else of the machine.
/// The machine is asked last and only when nothing else can tell: outside of Amazon's network that costs seconds.
async fn region(settings: &Settings, provider: &ProviderConfig, has_endpoint: bool) -> Option<Region> {
    if let Some(region) = &settings.region {
        return Some(Region::new(region.clone()));
    }
    let mut profile = ProfileFileRegionProvider::builder().configure(provider).profile_files(profile_files(settings));
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    if let Some(region) = profile.build().region().await {
        return Some(region);
    }
    if has_endpoint {
        return None;
    }
    ImdsRegionProvider::builder().imds_client(metadata_client(provider)).build().region().await
}

fn metadata_client(provider: &ProviderConfig) -> imds::Client {
    imds::Client::builder()
        .configure(provider)
        .connect_timeout(Duration::from_secs(1))
        .read_timeout(Duration::from_secs(2))
        .max_attempts(2)
        .build()
}

/// The provider of credentials, asked once: a missing or expired one is told before the first call.
async fn credentials(settings: &Settings, provider: &ProviderConfig) -> Result<SharedCredentialsProvider, Failure> {
    if let Some(keys) = &settings.keys {
        let token = keys.session_token.as_ref().map(|token| token.reveal().to_owned());
        let credentials = Credentials::new(&keys.access, keys.secret.reveal(), token, None, "rplay");
        return Ok(SharedCredentialsProvider::new(credentials));
    }
    let shared = match &settings.web_identity {
        Some(identity) => SharedCredentialsProvider::new(
            WebIdentityTokenCredentialsProvider::builder()
                .configure(provider)
                .static_configuration(StaticConfiguration {
                    web_identity_token_file: identity.token_file.clone().into(),
                    role_arn: identity.role_arn.clone(),
                    session_name: identity.session_name.clone(),
                })
                .build(),
        ),
        None if settings.profile.is_some() || settings.config_file.is_some() || settings.credentials_file.is_some() => {
            profile_credentials(settings, provider).await
        }
        None => SharedCredentialsProvider::new(
            DefaultCredentialsChain::builder()
                .configure(provider.clone())
                .imds_client(metadata_client(provider))
                .build()
                .await,
        ),
    };
    match shared.provide_credentials().await {
        Ok(_) => Ok(shared),
        Err(err) => Err(no_credentials(settings, &error_chain(&err))),
    }
}

/// The files come first when they were named; without a profile of that name in them the rest of the chain is asked,
/// unless the task itself named the profile.
async fn profile_credentials(settings: &Settings, provider: &ProviderConfig) -> SharedCredentialsProvider {
    let mut files = aws_config::profile::ProfileFileCredentialsProvider::builder()
        .configure(provider)
        .profile_files(profile_files(settings));
    if let Some(profile) = &settings.profile {
        files = files.profile_name(profile);
    }
    let files = files.build();
    if settings.profile_from_args {
        return SharedCredentialsProvider::new(files);
    }
    let rest = DefaultCredentialsChain::builder()
        .configure(provider.clone())
        .imds_client(metadata_client(provider))
        .build()
        .await;
    SharedCredentialsProvider::new(
        aws_config::meta::credentials::CredentialsProviderChain::first_try("Profile", files).or_else("Default", rest),
    )
}

fn profile_files(settings: &Settings) -> EnvConfigFiles {
    let mut files = EnvConfigFiles::builder();
    files = match &settings.config_file {
        Some(path) => files.with_file(EnvConfigFileKind::Config, path),
        None => files.include_default_config_file(true),
    };
    files = match &settings.credentials_file {
        Some(path) => files.with_file(EnvConfigFileKind::Credentials, path),
        None => files.include_default_credentials_file(true),
    };
    files.build()
}

fn no_credentials(settings: &Settings, reason: &str) -> Failure {
    if settings.profile_from_args && reason.contains("was not defined") {
        return Failure::new("Profile given for AWS was not found.  Please fix and retry.");
    }
    Failure::new(with_hint(
        format!("Unable to locate credentials: {reason}"),
        "set access_key and secret_key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in ~/.aws/credentials",
    ))
}
