//! Facts that outlive a run: one file for each host, in the form of ansible-core's `jsonfile` and community.general's `yaml`. What is read
//! is as untrusted as what a target says.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rplay_module_api::Json;

use super::facts::UntrustedFacts;
use crate::source::SourceFile;
use crate::value::{Dict, Value};
use crate::yaml::Reader;

/// In front of each host's name: the version of the form.
const SCHEMA: &str = "s1_";
/// The one key of a file, whose text is the facts as JSON.
const PAYLOAD: &str = "__payload__";
/// How many a file's owner lets read it, as with Ansible.
const MODE: u32 = 0o640;

pub struct FactCache {
    directory: PathBuf,
    prefix: String,
    /// How old facts may be; none for any age.
    timeout: Option<Duration>,
    reader: Reader,
}

impl FactCache {
    /// Makes the folder, if it isn't there.
    pub fn open(directory: PathBuf, prefix: String, seconds: i64, reader: Reader) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let timeout = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs);
        Ok(Self { directory, prefix, timeout, reader })
    }

    /// None for a host whose name cannot be a file's.
    fn file(&self, host: &str) -> Option<PathBuf> {
        (!host.is_empty() && !host.contains('/')).then(|| self.directory.join(format!("{}{SCHEMA}{host}", self.prefix)))
    }

    /// The facts of a host; none when there are none that are young enough. An error says why a file is not used.
    pub fn read(&self, host: &str) -> Result<Option<UntrustedFacts>, String> {
        let Some(path) = self.file(host) else { return Ok(None) };
        let failed = |reason: String| {
            let path = path.display();
            format!("the fact cache of {host}, {path}, is not used and left as it is: {reason}")
        };
        let meta = match fs::metadata(&path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            meta => meta.map_err(|err| failed(err.to_string()))?,
        };
        let age = meta.modified().ok().and_then(|then| SystemTime::now().duration_since(then).ok());
        if self.timeout.is_some_and(|timeout| age.is_some_and(|age| age > timeout)) {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(|err| failed(err.to_string()))?;
        let source = SourceFile::new(path.as_path(), text.as_str());
        let content = match serde_json::from_str::<Json>(&text) {
            Ok(json) => json,
            Err(_) => self.reader.read(&source).map_err(|err| failed(err.message))?.to_value().to_json(),
        };
        let payload = content.get(PAYLOAD).and_then(Json::as_str).ok_or_else(|| failed("it holds no facts".into()))?;
        let facts: Json = serde_json::from_str(payload).map_err(|err| failed(err.to_string()))?;
        match Value::from_json(untagged(facts)) {
            Value::Dict(facts) => Ok(Some(UntrustedFacts::new((*facts).clone()))),
            _ => Err(failed("it holds no facts".into())),
        }
    }

    /// Puts the facts of a host in the place of those that are there.
    pub fn write(&self, host: &str, facts: &Dict) -> io::Result<()> {
        let Some(path) = self.file(host) else { return Ok(()) };
        let payload = Value::dict(facts.clone()).to_json().to_string();
        let content = Json::Object([(PAYLOAD.to_owned(), Json::String(payload))].into_iter().collect());
        let mut new = tempfile::NamedTempFile::new_in(&self.directory)?;
        new.write_all(content.to_string().as_bytes())?;
        new.as_file().set_permissions(fs::Permissions::from_mode(MODE))?;
        new.as_file().sync_all()?;
        new.persist(&path).map_err(|err| err.error)?;
        Ok(())
    }

    pub fn remove(&self, host: &str) {
        if let Some(path) = self.file(host) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Values without what Ansible notes about where they come from.
fn untagged(json: Json) -> Json {
    match json {
        Json::Array(items) => items.into_iter().map(untagged).collect(),
        Json::Object(mut map) => {
            if map.remove("__ansible_type").is_some() {
                let value = ["value", "iso8601", "ciphertext"].iter().find_map(|name| map.remove(*name));
                return value.map_or(Json::Null, untagged);
            }
            Json::Object(map.into_iter().map(|(name, value)| (name, untagged(value))).collect())
        }
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use rplay_module_api::json;

    use super::*;

    fn cache(directory: &std::path::Path) -> FactCache {
        FactCache::open(directory.to_owned(), "p_".to_owned(), 60, Reader::default()).expect("a folder can be made")
    }

    fn read(cache: &FactCache, host: &str) -> Option<Dict> {
        let facts = cache.read(host).expect("the file can be read")?;
        Some(facts.clean().0.injected().clone())
    }

    #[test]
    fn facts_come_back() {
        let directory = tempfile::tempdir().expect("a folder");
        let cache = cache(&directory.path().join("new"));
        assert_eq!(read(&cache, "h"), None);
        let facts = Dict::from_iter([(Value::str("a"), Value::list(vec![Value::Int(1), Value::Null]))]);
        cache.write("h", &facts).expect("the file can be written");
        assert_eq!(read(&cache, "h"), Some(facts));
        cache.remove("h");
        assert_eq!(read(&cache, "h"), None);
    }

    #[test]
    fn what_ansible_wrote_is_read() {
        let directory = tempfile::tempdir().expect("a folder");
        let cache = cache(directory.path());
        let tagged = json!({"a": {"__ansible_type": "_AnsibleTaggedStr", "tags": [], "value": "x"}});
        let json = json!({PAYLOAD: tagged.to_string()}).to_string();
        let yaml = format!("{PAYLOAD}: '{tagged}'\n");
        for content in [json, yaml] {
            fs::write(directory.path().join("p_s1_h"), content).expect("a file can be written");
            let facts = Dict::from_iter([(Value::str("a"), Value::str("x"))]);
            assert_eq!(read(&cache, "h"), Some(facts));
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_stays() {
        let directory = tempfile::tempdir().expect("a folder");
        let cache = cache(directory.path());
        let path = directory.path().join("p_s1_h");
        fs::write(&path, "{\"__payload__\": \"").expect("a file can be written");
        assert!(cache.read("h").is_err());
        assert!(path.exists());
        assert!(cache.read("../h").is_ok_and(|facts| facts.is_none()));
    }
}
