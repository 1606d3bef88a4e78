//! From a name to a socket on which the other side has said that it speaks SSH.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::{RecvFlags, recv, sockopt};

use super::wire::Wire;
use crate::connection::Unreachable;
use crate::connection::limits;
use crate::connection::ssh_config::{AddressFamily, SshConfig};

/// Lines that a server may send before its version, and bytes in one of them: as many as OpenSSH takes.
const MOST_LINES: usize = 1024;
const LONGEST_LINE: usize = 8192;
/// Longest version line: 255 bytes, says RFC 4253.
const LONGEST_VERSION: usize = 255;

/// A connected socket, by the first of the host's addresses that answers.
pub async fn dial(config: &SshConfig) -> Result<TcpStream, Unreachable> {
    let mut attempt = 1;
    loop {
        match dial_once(config).await {
            Err(err) if err.transient && attempt < config.connection_attempts => {
                attempt += 1;
                // As long as ssh waits between its attempts.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            other => return other,
        }
    }
}

async fn dial_once(config: &SshConfig) -> Result<TcpStream, Unreachable> {
    let (host, port) = (&config.hostname, config.port);
    let addresses = tokio::net::lookup_host((host.as_str(), port)).await.map_err(|err| {
        // The resolver does not say that it could not open its files.
        let limit = std::fs::File::open("/dev/null").err().filter(limits::is_exhausted);
        let text = limits::explain(limit.as_ref().unwrap_or(&err));
        let reason = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
        Unreachable::ssh(format!("ssh: Could not resolve hostname {host}: {reason}"))
    })?;
    let wanted = |address: &SocketAddr| match config.address_family {
        AddressFamily::Any => true,
        AddressFamily::Inet => address.is_ipv4(),
        AddressFamily::Inet6 => address.is_ipv6(),
    };
    let mut failure = "no address of the wanted family".to_owned();
    for address in addresses.filter(wanted) {
        match tokio::net::TcpStream::connect(address).await.and_then(tokio::net::TcpStream::into_std) {
            Ok(stream) => {
                tune(&stream, config);
                return Ok(stream);
            }
            Err(err) if err.kind() == io::ErrorKind::TimedOut => failure = "Connection timed out".to_owned(),
            Err(err) => failure = limits::explain(&err),
        }
    }
    Err(Unreachable::ssh(format!("ssh: connect to host {host} port {port}: {failure}")).transient())
}

/// A host that vanishes without a word is noticed by the kernel in half a minute.
fn tune(stream: &TcpStream, config: &SshConfig) {
    let _ = stream.set_nodelay(true);
    if !config.tcp_keepalive {
        return;
    }
    let (interval, count) = (Duration::from_secs(10), 3);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, interval);
    let _ = sockopt::set_tcp_keepintvl(stream, interval);
    let _ = sockopt::set_tcp_keepcnt(stream, count);
    let _ = sockopt::set_tcp_user_timeout(stream, 40_000);
}

/// Takes away what the server says before its version, which is left for libssh2.
pub async fn skip_greeting(wire: &mut Wire) -> Result<(), String> {
    let mut lines = 0;
    let mut length = 0;
    // Never more than may be looked at once; the line that is left begins at the front.
    let mut buffer = [0; 1024];
    loop {
        let count = match recv(wire.stream().as_fd(), &mut buffer[..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((_, 0)) => return Err("the host closed the connection before it said its version of SSH".to_owned()),
            Ok((_, count)) => count,
            Err(rustix::io::Errno::AGAIN) => {
                wire.readable().await.map_err(|err| err.to_string())?;
                continue;
            }
            Err(rustix::io::Errno::INTR) => continue,
            Err(err) => return Err(limits::plain(&err.into())),
        };
        let seen = buffer.get(..count).unwrap_or_default();
        let line_end = seen.iter().position(|byte| *byte == b'\n');
        let version = b"SSH-";
        if length == 0 && (seen.starts_with(version) || (count < version.len() && version.starts_with(seen))) {
            match line_end {
                Some(end) if end <= LONGEST_VERSION => return Ok(()),
                None if count <= LONGEST_VERSION => {
                    // The rest of the line is on its way.
                    wait_for_more(wire, count).await?;
                    continue;
                }
                _ => return Err(format!("the host's version line is longer than {LONGEST_VERSION} bytes")),
            }
        }
        let taken = line_end.map_or(count, |end| end + 1);
        length += taken;
        if length > LONGEST_LINE {
            return Err(format!("banner line contains more than {LONGEST_LINE} bytes; this is no server of SSH"));
        }
        if line_end.is_some() {
            lines += 1;
            length = 0;
        }
        if lines > MOST_LINES {
            return Err(format!("banner contains more than {MOST_LINES} lines; this is no server of SSH"));
        }
        let piece = buffer.get_mut(..taken).unwrap_or_default();
        let _ = recv(wire.stream().as_fd(), piece, RecvFlags::DONTWAIT);
    }
}

/// Waits until more than `count` bytes can be seen.
async fn wait_for_more(wire: &mut Wire, count: usize) -> Result<(), String> {
    let mut buffer = [0; 1024];
    loop {
        wire.readable().await.map_err(|err| err.to_string())?;
        match recv(wire.stream().as_fd(), &mut buffer[..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((_, more)) if more > count => return Ok(()),
            // What is there already keeps the end of the stream from being seen.
            Ok(_) if is_closed(wire) => {
                return Err("the host closed the connection in the middle of its version line".to_owned());
            }
            _ => {}
        }
    }
}

fn is_closed(wire: &Wire) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::from_borrowed_fd(wire.stream().as_fd(), PollFlags::RDHUP)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok() && fds.iter().any(|fd| fd.revents().contains(PollFlags::RDHUP))
}
