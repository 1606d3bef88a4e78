//! SDK clients: made when a task first needs them, kept for the run, one per distinct settings.

use std::any::{Any, TypeId};
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
use crate::services::Service;

/// The clients of a process. Cheap to clone; clones share what they hold.
#[derive(Clone, Default)]
pub struct Clients {
    made: Arc<Mutex<Made>>,
}

type Key = (Settings, Pace);

#[derive(Default)]
struct Made {
    accounts: HashMap<Key, Account>,
    /// By the service's type.
    clients: HashMap<(Key, TypeId), Box<dyn Any + Send>>,
}

/// What the clients of all services share.
struct Account {
    config: SdkConfig,
    region: Option<Region>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clients")
    }
}

impl Clients {
    /// The client of a service, made when it is needed for the first time.
    pub async fn get<S: Service>(&self, settings: &Settings, pace: Pace) -> Result<S::Client, Failure> {
        let endpoint = settings.endpoints.of(S::ENDPOINT);
        http::check_tls(settings, endpoint)?;
        let key = (settings.clone(), pace);
        let service = (key.clone(), TypeId::of::<S>());
        let mut made = self.made.lock().await;
        if let Some(client) = made.clients.get(&service).and_then(|client| client.downcast_ref::<S::Client>()) {
            return Ok(client.clone());
        }
        if !made.accounts.contains_key(&key) {
            made.accounts.insert(key.clone(), account(settings, pace).await?);
        }
        let account = &made.accounts[&key];
        if account.region.is_none() && endpoint.is_none() {
            return Err(Failure::new(S::NO_REGION));
        }
        let client = S::client(&account.config, endpoint);
        made.clients.insert(service, Box::new(client.clone()));
        Ok(client)
    }
}

async fn account(settings: &Settings, pace: Pace) -> Result<Account, Failure> {
    let http_client = http::client(settings)?;
    let provider = ProviderConfig::without_region().with_http_client(http_client.clone());
    let has_endpoint = !settings.endpoints.is_empty();
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
    Ok(Account { config: loader.load().await, region })
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
