//! Vault passwords for templates: the run's own, and those that a template names.

use std::sync::Arc;

use crate::template::VaultDoor;
use crate::vault::{Password, Secrets, encrypt_with};

pub struct Door(pub Arc<Secrets>);

impl VaultDoor for Door {
    fn open(&self, ciphertext: &str) -> Result<Vec<u8>, String> {
        self.0.decrypt(ciphertext.as_bytes()).map_err(|failure| failure.to_string())
    }

    fn seal(&self, plaintext: &[u8], secret: &str, salt: Option<&str>, vault_id: Option<&str>) -> Result<String, String> {
        Ok(encrypt_with(&Password::new(secret), plaintext, salt.map(str::as_bytes), vault_id))
    }

    fn open_with(&self, ciphertext: &str, secret: &str) -> Result<Vec<u8>, String> {
        let mut secrets = Secrets::default();
        secrets.add("default", Password::new(secret));
        secrets.decrypt(ciphertext.as_bytes()).map_err(|failure| failure.to_string())
    }
}
