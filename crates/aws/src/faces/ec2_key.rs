//! `ec2_key`: key pairs.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::KeyPairInfo;
use rplay_module_api::{Failure, Json, Map, ModuleResult, Outcome, json};
use serde::Deserialize;

use crate::AwsModule;
use crate::api::key_pairs;
use crate::api::tags::{self, Tags};
use crate::connection::Secret;
use crate::services::Ec2;
use crate::task::{Task, run};

pub const MODULE: AwsModule = AwsModule { spec: &rplay_aws_specs::EC2_KEY, run: run!(ec2_key) };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    file_name: Option<String>,
    force: bool,
    key_material: Option<String>,
    key_type: Option<String>,
    name: String,
    purge_tags: bool,
    state: String,
    tags: Option<Map<String, Json>>,
    wait: Option<bool>,
    wait_timeout: Option<u64>,
}

impl Args {
    fn material(&self) -> Option<&str> {
        self.key_material.as_deref().map(str::trim).filter(|material| !material.is_empty())
    }

    fn tags(&self) -> Tags {
        self.tags.as_ref().map(tags::from_written).unwrap_or_default()
    }
}

async fn ec2_key(args: Args, task: &Task) -> ModuleResult {
    if args.wait == Some(true) || args.wait_timeout.is_some() {
        task.warn("wait and wait_timeout have no effect on ec2_key: AWS answers at once");
    }
    let client = task.client::<Ec2>().await?;
    let found = key_pairs::find(&client, &args.name).await.map_err(|err| err.because("error finding keypair"))?;
    match (args.state.as_str(), found) {
        ("absent", None) => Ok(Outcome::changed(false).with("key", Json::Null).with("msg", "key did not exist")),
        ("absent", Some(_)) => {
            if !task.context.check {
                delete(&args, &client).await?;
            }
            Ok(Outcome::changed(true).with("key", Json::Null).with("msg", "key deleted"))
        }
        (_, None) => make(&args, task, &client, "key pair created").await,
        (_, Some(present)) => update(&args, task, &client, &present).await,
    }
}

async fn delete(args: &Args, client: &Client) -> Result<(), Failure> {
    key_pairs::delete(client, &args.name).await.map_err(|err| err.because("error deleting keypair"))
}

/// Creates or imports the pair, which does not exist (any more).
async fn make(args: &Args, task: &Task, client: &Client, message: &str) -> ModuleResult {
    let outcome = Outcome::changed(true).with("msg", message);
    if task.context.check {
        return Ok(outcome.with("key", Json::Null));
    }
    let mut private_key = None;
    if let Some(material) = args.material() {
        key_pairs::import(client, &args.name, material, &args.tags())
            .await
            .map_err(|err| err.because("error importing key"))?;
    } else {
        // Opened before AWS makes the key: it shows the private part only once.
        let file = args.file_name.as_deref().map(open_private_file).transpose()?;
        let key = key_pairs::create(client, &args.name, args.key_type.as_deref(), &args.tags())
            .await
            .map_err(|err| err.because("error creating key"))?;
        match file {
            Some(file) => save(file, &key)?,
            None => private_key = Some(key),
        }
    }
    let made = key_pairs::find(client, &args.name).await.map_err(|err| err.because("error finding keypair"))?;
    let made = made.ok_or_else(|| Failure::new(format!("error finding keypair: {} is gone again", args.name)))?;
    let mut key = to_json(&made);
    if let Some(private_key) = private_key {
        key["private_key"] = json!(private_key.reveal());
    }
    Ok(outcome.with("key", key))
}

fn open_private_file(path: &str) -> Result<File, Failure> {
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    opened
        .and_then(|file| file.set_permissions(std::fs::Permissions::from_mode(0o600)).map(|()| file))
        .map_err(|err| Failure::new(format!("could not open {path} for the private key: {err}")))
}

fn save(mut file: File, key: &Secret) -> Result<(), Failure> {
    let saved = file.set_len(0).and_then(|()| file.write_all(key.reveal().as_bytes())).and_then(|()| file.sync_all());
    saved.map_err(|err| {
        let text = "Could not save private key to specified path. Private key is irretrievable.";
        Failure { changed: true, ..Failure::new(format!("{text} ({err})")) }
    })
}

async fn update(args: &Args, task: &Task, client: &Client, present: &KeyPairInfo) -> ModuleResult {
    let replaced = match args.material() {
        Some(material) => args.force && is_other_key(client, task, present, material).await?,
        None => {
            let kind = present.key_type().map_or("rsa", |kind| kind.as_str());
            args.key_type.as_deref().is_some_and(|wanted| wanted != kind)
        }
    };
    if replaced {
        if !task.context.check {
            delete(args, client).await?;
        }
        return make(args, task, client, "key pair updated").await;
    }
    let mut changed = false;
    if args.tags.is_some() {
        let id = present.key_pair_id().unwrap_or_default();
        let tags = tags::from_ec2(present.tags());
        changed = tags::reconcile(client, id, &tags, &args.tags(), args.purge_tags, task.context.check).await?;
    }
    let message = if changed { "key pair updated" } else { "key pair already exists" };
    let shown = if changed && !task.context.check {
        key_pairs::find(client, &args.name).await.map_err(|err| err.because("error finding keypair"))?
    } else {
        None
    };
    let key = to_json(shown.as_ref().unwrap_or(present));
    Ok(Outcome::changed(changed).with("key", key).with("msg", message))
}

/// Compares fingerprints. For keys whose fingerprint isn't known here in the form that AWS shows, AWS tells it, through
/// a pair of a temporary name.
async fn is_other_key(client: &Client, task: &Task, present: &KeyPairInfo, material: &str) -> Result<bool, Failure> {
    let shown = present.key_fingerprint().unwrap_or_default();
    let wanted = match key_pairs::fingerprint(material) {
        Some(fingerprint) if fingerprint.contains(':') == shown.contains(':') => fingerprint,
        _ if task.context.check => return Ok(true),
        _ => {
            let nanos = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
            let temporary = format!("rplay-{}-{nanos:x}", std::process::id());
            let fingerprint = key_pairs::import(client, &temporary, material, &Tags::new())
                .await
                .map_err(|err| err.because("error importing key"))?;
            key_pairs::delete(client, &temporary).await.map_err(|err| err.because("error deleting keypair"))?;
            fingerprint.unwrap_or_default()
        }
    };
    Ok(!key_pairs::same_fingerprint(shown, &wanted))
}

fn to_json(key: &KeyPairInfo) -> Json {
    json!({
        "name": key.key_name(),
        "fingerprint": key.key_fingerprint(),
        "id": key.key_pair_id(),
        "tags": tags::to_json(&tags::from_ec2(key.tags())),
        "type": key.key_type().map(aws_sdk_ec2::types::KeyType::as_str),
    })
}
