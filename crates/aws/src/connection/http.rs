//! The HTTP client of the SDK: rustls with ring, the system's roots or the bundle that was asked for, proxies.

use aws_sdk_ec2::config::SharedHttpClient;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use rplay_module_api::Failure;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::Settings;
use super::host_names::HostNames;

pub fn client(settings: &Settings) -> Result<SharedHttpClient, Failure> {
    let trust = match &settings.ca_bundle {
        Some(path) => TrustStore::empty().with_pem_certificate(read_bundle(path)?),
        None => TrustStore::default(),
    };
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|err| Failure::new(format!("the TLS client can't be set up: {err}")))?;
    Ok(Builder::new().build_with_connector_fn(move |connector_settings, components| {
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(connector_settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context.clone())
            .build_with_resolver(HostNames)
    }))
}

/// Certificates are always checked: an endpoint with TLS refuses settings that say otherwise.
pub fn check_tls(settings: &Settings, endpoint: Option<&str>) -> Result<(), Failure> {
    if settings.validate_certs || endpoint.is_some_and(|url| url.starts_with("http://")) {
        return Ok(());
    }
    Err(Failure::new(
        "validate_certs: no is not supported for an https endpoint (give the authority's file as aws_ca_bundle)",
    ))
}

/// Reads and checks a bundle. The HTTP client panics on one that it can't parse, so it never gets to see such a file.
fn read_bundle(path: &str) -> Result<Vec<u8>, Failure> {
    let pem = std::fs::read(path).map_err(|err| Failure::new(format!("could not read the CA bundle {path}: {err}")))?;
    let invalid = |reason: String| Failure::new(format!("the CA bundle {path} is not valid: {reason}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|err| invalid(err.to_string()))?;
        roots.add(certificate).map_err(|err| invalid(err.to_string()))?;
    }
    if roots.is_empty() {
        return Err(invalid("it holds no certificate".to_owned()));
    }
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{client, read_bundle};
    use crate::connection::Settings;

    #[test]
    fn a_bad_bundle_is_an_error_and_not_a_panic() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        assert!(read_bundle(&path).unwrap_err().msg.contains("holds no certificate"));
        file.write_all(b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n").unwrap();
        assert!(read_bundle(&path).unwrap_err().msg.contains("is not valid"));
        let missing = Settings { ca_bundle: Some("/nonexistent/ca.pem".into()), ..Settings::default() };
        let missing = Settings { validate_certs: true, ..missing };
        assert!(client(&missing).unwrap_err().msg.contains("could not read the CA bundle"));
    }
}
