//! The way to a server: whom it is trusted by, who we are, and through which proxy.

use std::path::Path;

use rplay_module_api::Ctx;
use ureq::Proxy;
use ureq::http::Uri;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig};

use super::{Download, NotReceived};
use crate::support::{home, os_error};

impl Download {
    pub(super) fn tls(&self, uri: &Uri) -> Result<TlsConfig, NotReceived> {
        let mut tls = TlsConfig::builder().disable_verification(!self.validate_certs);
        if uri.scheme_str() == Some("https") && self.validate_certs {
            let found = rustls_native_certs::load_native_certs();
            let mut roots: Vec<_> =
                found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
            if let Some(path) = &self.ca_path {
                roots = self.authorities(path)?;
            }
            if roots.is_empty() {
                return Err(self.failed("no CA certificates are installed on this host", -1));
            }
            tls = tls.root_certs(RootCerts::new_with_certs(&roots));
        }
        if let Some(path) = &self.client_cert {
            tls = tls.client_cert(Some(self.client_certificate(path)?));
        }
        Ok(tls.build())
    }

    /// The authorities that alone are trusted, from a PEM file.
    fn authorities(&self, path: &Path) -> Result<Vec<Certificate<'static>>, NotReceived> {
        let pem = std::fs::read(path).map_err(|err| {
            self.failed(format!("could not read {}: {}", path.display(), os_error::numbered(&err)), -1)
        })?;
        let certificates = ureq::tls::parse_pem(&pem).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        Ok(certificates.collect())
    }

    fn client_certificate(&self, path: &Path) -> Result<ClientCert, NotReceived> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|err| {
                self.failed(format!("could not read {}: {}", path.display(), os_error::numbered(&err)), -1)
            })
        };
        let pem = read(path)?;
        let key_pem = match &self.client_key {
            Some(key) => read(key)?,
            None => pem.clone(),
        };
        let chain: Vec<_> = ureq::tls::parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        let key = PrivateKey::from_pem(&key_pem).map_err(|err| self.failed(format!("client key: {err}"), -1))?;
        Ok(ClientCert::new_with_certs(&chain, key))
    }

    /// The proxy that the environment names for this URL.
    pub(super) fn proxy(&self, uri: &Uri, ctx: &Ctx) -> Result<Option<Proxy>, NotReceived> {
        let variable = |name: &str| {
            home::variable(&ctx.environment, name)
                .or_else(|| home::variable(&ctx.environment, &name.to_uppercase()))
                .filter(|value| !value.is_empty())
        };
        let host = uri.host().unwrap_or_default();
        if variable("no_proxy").is_some_and(|list| is_excluded(host, &list)) {
            return Ok(None);
        }
        let scheme = uri.scheme_str().unwrap_or("http");
        let Some(proxy) = variable(&format!("{scheme}_proxy")).or_else(|| variable("all_proxy")) else {
            return Ok(None);
        };
        Proxy::new(&proxy).map(Some).map_err(|err| self.failed(format!("{scheme}_proxy is not usable: {err}"), -1))
    }
}

pub(super) fn not_trusted(host: &str, err: &dyn std::fmt::Display) -> String {
    format!(
        "Failed to validate the SSL certificate for {host}: {err}. \
         Make sure your managed systems have a valid CA certificate installed. \
         You can use validate_certs=False if you do not need to confirm the servers identity \
         but this is unsafe and not recommended."
    )
}

/// Whether `no_proxy` has the host: by its name, by a domain it is in, or by `*`.
fn is_excluded(host: &str, list: &str) -> bool {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let domain = entry.trim_start_matches('*').trim_start_matches('.');
        entry == "*"
            || host.eq_ignore_ascii_case(domain)
            || host.to_ascii_lowercase().ends_with(&format!(".{}", domain.to_ascii_lowercase()))
    })
}
