//! A host over libssh2: one thread keeps the connection and carries the bytes of all its channels.

mod authenticate;
mod connect;
mod pump;

use std::io::Write;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::link::{Ending, Link};
use super::ssh_config::SshConfig;
use super::{SshSettings, Unreachable};
use pump::{Open, Pump};

pub enum ConnectError {
    /// It can only be done by OpenSSH's own program.
    Unsupported,
    Unreachable(Unreachable),
}

impl From<Unreachable> for ConnectError {
    fn from(err: Unreachable) -> Self {
        ConnectError::Unreachable(err)
    }
}

/// An authenticated session. Dropping it ends the thread once its channels are closed.
pub struct Session {
    opens: mpsc::Sender<Open>,
    /// A byte here makes the thread look for work.
    wake: StdUnixStream,
}

impl Session {
    pub async fn connect(settings: Arc<SshSettings>, config: Arc<SshConfig>) -> Result<Self, ConnectError> {
        let broken = |err: std::io::Error| ConnectError::Unreachable(Unreachable::ssh(err));
        let (opens, receiver) = mpsc::channel();
        let (wake, woken) = StdUnixStream::pair().map_err(broken)?;
        wake.set_nonblocking(true).map_err(broken)?;
        woken.set_nonblocking(true).map_err(broken)?;
        let (answer, answered) = oneshot::channel();
        let name: String = format!("ssh {}", settings.host).chars().take(15).collect();
        let run = move || match connect::connect(&settings, &config) {
            Ok(connected) => {
                if answer.send(Ok(())).is_ok() {
                    Pump::new(connected, receiver, woken).run();
                }
            }
            Err(err) => {
                let _ = answer.send(Err(err));
            }
        };
        thread::Builder::new().name(name).stack_size(512 * 1024).spawn(run).map_err(broken)?;
        match answered.await {
            Ok(Ok(())) => Ok(Self { opens, wake }),
            Ok(Err(err)) => Err(err),
            Err(_) => Err(Unreachable::ssh("the connection's thread ended").into()),
        }
    }

    pub async fn open(&self, line: &str, terminal: bool) -> Result<Link, Unreachable> {
        let (near, far) = StdUnixStream::pair().map_err(Unreachable::ssh)?;
        near.set_nonblocking(true).map_err(Unreachable::ssh)?;
        far.set_nonblocking(true).map_err(Unreachable::ssh)?;
        let ending = Ending::default();
        let (answer, answered) = oneshot::channel();
        let open = Open { line: line.to_owned(), terminal, stream: far, ending: ending.clone(), answer };
        let ended = || Unreachable::ssh("the connection is closed");
        self.opens.send(open).map_err(|_| ended())?;
        self.wake();
        answered.await.map_err(|_| ended())?.map_err(Unreachable::ssh)?;
        let (reader, writer) = UnixStream::from_std(near).map_err(Unreachable::ssh)?.into_split();
        Ok(Link { reader: Box::new(reader), writer: Box::new(writer), ending, guard: None })
    }

    fn wake(&self) {
        // When the pipe is full the thread has been woken already.
        let _ = (&self.wake).write(&[0]);
    }
}
