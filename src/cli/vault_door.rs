//! Vault passwords for templates.

use std::sync::Arc;

use crate::template::VaultDoor;
use crate::vault::{Password, Secrets};

pub struct Door(pub Arc<Secrets>);
