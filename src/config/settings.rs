//! Settings that are more than one value: several rows in one, or a row for another crate.

use super::{Config, table};
use crate::vault::PasswordSources;
use crate::yaml::DuplicateKeys;

impl Config {
    /// Hosts that work at a time, at least one.
    pub fn forks(&self) -> usize {
        self.get(table::DEFAULT_FORKS).max(1)
    }

    pub fn duplicate_keys(&self) -> DuplicateKeys {
        self.get(table::DUPLICATE_YAML_DICT_KEY)
    }

    /// Vault passwords that the configuration names; the command line's come before them.
    pub fn vault_passwords(&self) -> PasswordSources {
        let file = self.get(table::DEFAULT_VAULT_PASSWORD_FILE);
        PasswordSources {
            ids: self.get(table::DEFAULT_VAULT_IDENTITY_LIST).iter().map(|id| self.vault_id(id)).collect(),
            files: file.map(|path| path.to_string_lossy().into_owned()).into_iter().collect(),
            ask: self.get(table::DEFAULT_ASK_VAULT_PASS),
            match_ids: self.get(table::DEFAULT_VAULT_ID_MATCH),
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
        format!("{label}{}", self.resolve(table::DEFAULT_VAULT_IDENTITY_LIST.row, source).display())
    }
}
