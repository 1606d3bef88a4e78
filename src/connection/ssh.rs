//! A host over libssh2: a task keeps the connection and carries the bytes of all its channels.

mod authenticate;
mod connect;
mod dial;
mod driver;
mod host_key;
mod pipe;
mod sockets;
mod wire;

use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, mpsc, oneshot};

use super::link::{Ending, Link};
use super::ssh_config::SshConfig;
use super::{SshSettings, Unreachable};
use driver::{Driver, Open};
use pipe::Pipe;

pub enum ConnectError {
    /// It can only be done by OpenSSH's own program.
    Unsupported(String),
    Unreachable(Unreachable),
}

impl From<Unreachable> for ConnectError {
    fn from(err: Unreachable) -> Self {
        ConnectError::Unreachable(err)
    }
}

/// An authenticated session. Dropping it ends the connection once its channels are closed.
pub struct Session {
    opens: mpsc::UnboundedSender<Open>,
    wake: Arc<Notify>,
    environment: Arc<[(String, String)]>,
    /// Why the connection broke.
    broken: Arc<OnceLock<String>>,
}

impl Session {
    pub async fn connect(settings: &SshSettings, config: &SshConfig) -> Result<Self, ConnectError> {
        let wire = connect::connect(settings, config).await?;
        let (opens, receiver) = mpsc::unbounded_channel();
        let wake = Arc::new(Notify::new());
        let broken = Arc::new(OnceLock::new());
        let driver = Driver::new(wire, receiver, Arc::clone(&wake));
        let why = Arc::clone(&broken);
        tokio::spawn(async move {
            if let Some(reason) = driver.run().await {
                let _ = why.set(reason);
            }
        });
        Ok(Self { opens, wake, environment: config.sent_environment().into(), broken })
    }

    pub async fn open(&self, line: &str, terminal: bool) -> Result<Link, Unreachable> {
        let pipe = Pipe::new(Arc::clone(&self.wake));
        let ending = Ending::default();
        let (answer, answered) = oneshot::channel();
        let (reader, writer) = pipe.ends();
        let environment = Arc::clone(&self.environment);
        let open = Open { line: line.to_owned(), terminal, environment, pipe, ending: ending.clone(), answer };
        self.opens.send(open).map_err(|_| self.closed())?;
        self.wake.notify_one();
        answered.await.map_err(|_| self.closed())?.map_err(Unreachable::ssh)?;
        Ok(Link { reader: Box::new(reader), writer: Box::new(writer), ending, guard: None })
    }

    pub fn is_over(&self) -> bool {
        self.opens.is_closed()
    }

    fn closed(&self) -> Unreachable {
        let reason = self.broken.get().map_or("the connection is closed", String::as_str);
        Unreachable::ssh(reason).transient()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The driver looks for orders when it is woken; the sender is gone by then only if it is dropped first.
        let (closed, _) = mpsc::unbounded_channel();
        drop(std::mem::replace(&mut self.opens, closed));
        self.wake.notify_one();
    }
}
