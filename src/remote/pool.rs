//! The connections of a run: one per endpoint, shared by every task and every delegation.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::client::Client;
use crate::connection::{Endpoint, Unreachable};

type Slot = Arc<OnceCell<Arc<Client>>>;

#[derive(Default)]
pub struct Pool {
    slots: Mutex<Vec<(Endpoint, Slot)>>,
}

impl Pool {
    pub fn new() -> Self {
        Self::default()
    }

    /// The host's client. Callers that come while it connects wait for the same connection; a failure is not remembered.
    pub async fn client(&self, endpoint: &Endpoint) -> Result<Arc<Client>, Unreachable> {
        let slot = self.slot(endpoint);
        let client = slot.get_or_try_init(|| async { Client::connect(endpoint).await.map(Arc::new) }).await?;
        Ok(Arc::clone(client))
    }

    fn slot(&self, endpoint: &Endpoint) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let usable = |slot: &Slot| slot.get().is_none_or(|client| client.is_usable());
        slots.retain(|(_, slot)| usable(slot));
        if let Some((_, slot)) = slots.iter().find(|(known, _)| known == endpoint) {
            return Arc::clone(slot);
        }
        let slot = Slot::default();
        slots.push((endpoint.clone(), Arc::clone(&slot)));
        slot
    }

    /// Forgets the connection to a host (`meta: reset_connection`); it closes when the last task that uses it ends.
    pub fn reset(&self, endpoint: &Endpoint) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| known != endpoint);
    }

    /// Forgets all connections.
    pub fn close(&self) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
