//! Names to addresses. The program is a static binary without NSS, so the machine's own `getent` is asked.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::process::Command;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

#[derive(Clone, Debug)]
pub struct HostNames;

impl ResolveDns for HostNames {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        let name = name.to_owned();
        DnsFuture::new(async move {
            let asked = tokio::task::spawn_blocking(move || addresses(&name)).await;
            asked.map_err(io::Error::other).and_then(|found| found).map_err(ResolveDnsError::new)
        })
    }
}

/// All addresses of a host, best first.
fn addresses(name: &str) -> io::Result<Vec<IpAddr>> {
    let Ok(output) = Command::new("getent").args(["ahosts", name]).output() else {
        // Small systems without it have no more than what the C library reads by itself.
        return Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect());
    };
    let mut found: Vec<IpAddr> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some(Ok(address)) = line.split_whitespace().next().map(str::parse)
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("no address is known for the name {name}")));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn names_have_addresses_or_the_reason() {
        assert!(addresses("localhost").unwrap().iter().all(std::net::IpAddr::is_loopback));
        assert!(addresses("nowhere.invalid").unwrap_err().to_string().contains("nowhere.invalid"));
    }
}
