//! Typed access to the settings that are used in more than one place.

use std::path::PathBuf;

use super::Config;
use crate::vault::PasswordSources;
use crate::yaml::DuplicateKeys;

impl Config {
    pub fn forks(&self) -> usize {
        usize::try_from(self.int("DEFAULT_FORKS")).unwrap_or(1).max(1)
    }

    pub fn inventory_sources(&self) -> Vec<PathBuf> {
        self.paths("DEFAULT_HOST_LIST")
    }

    pub fn roles_path(&self) -> Vec<PathBuf> {
        self.paths("DEFAULT_ROLES_PATH")
    }

    pub fn duplicate_keys(&self) -> DuplicateKeys {
        match self.text("DUPLICATE_YAML_DICT_KEY") {
            Some("error") => DuplicateKeys::Error,
            Some("ignore") => DuplicateKeys::Ignore,
            _ => DuplicateKeys::Warn,
        }
    }

    /// Whether dicts of different precedence are merged (`hash_behaviour = merge`).
    pub fn merges_hashes(&self) -> bool {
        self.text("DEFAULT_HASH_BEHAVIOUR") == Some("merge")
    }

    /// Vault passwords that the configuration names; the command line's come before them.
    pub fn vault_passwords(&self) -> PasswordSources {
        PasswordSources {
            ids: self.list("DEFAULT_VAULT_IDENTITY_LIST").iter().map(|id| self.vault_id(id)).collect(),
            files: self
                .path("DEFAULT_VAULT_PASSWORD_FILE")
                .map(|path| path.to_string_lossy().into_owned())
                .into_iter()
                .collect(),
            ask: self.bool("DEFAULT_ASK_VAULT_PASS"),
            match_ids: self.bool("DEFAULT_VAULT_ID_MATCH"),
            new: false,
        }
    }

    /// `label@file` with the file's path resolved.
    fn vault_id(&self, id: &str) -> String {
        let (label, source) = match id.split_once('@') {
            Some((label, source)) => (format!("{label}@"), source),
            None => (String::new(), id),
        };
        if matches!(source, "prompt" | "prompt_ask_vault_pass") {
            return id.to_owned();
        }
        format!("{label}{}", self.resolve("DEFAULT_VAULT_IDENTITY_LIST", source).display())
    }
}
