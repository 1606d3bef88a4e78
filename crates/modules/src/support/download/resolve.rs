//! Addresses of the hosts of one request, looked up beforehand by the host's own means.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use rplay_module_api::Ctx;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// What the HTTP library has room for.
const MOST: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Addresses {
    known: HashMap<String, Vec<IpAddr>>,
}

impl Addresses {
    pub(super) fn add(&mut self, host: &str, ctx: &mut Ctx) {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        self.known.insert(bare.to_owned(), crate::support::resolve::addresses(bare, ctx));
    }
}

impl Resolver for Addresses {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let mut result = self.empty();
        for address in self.known.get(bare).into_iter().flatten().take(MOST) {
            result.push(SocketAddr::new(*address, port));
        }
        if result.is_empty() { Err(Error::HostNotFound) } else { Ok(result) }
    }
}
