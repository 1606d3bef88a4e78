//! Fetches what packages and keys need from the web. `get_url` is the module for files; this is for modules that take a URL
//! where they also take a file.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// No key or signature list is larger than this.
const LONGEST_TEXT: u64 = 10 * 1024 * 1024;

pub fn to_file(url: &str, into: &Path, validate_certs: bool) -> Result<(), String> {
    let mut body = get(url, validate_certs)?;
    let mut file = File::create(into).map_err(|err| err.to_string())?;
    io::copy(&mut body.as_reader(), &mut file).map(|_| ()).map_err(|err| err.to_string())
}

pub fn bytes(url: &str, validate_certs: bool) -> Result<Vec<u8>, String> {
    get(url, validate_certs)?.with_config().limit(LONGEST_TEXT).read_to_vec().map_err(|err| err.to_string())
}

fn get(url: &str, validate_certs: bool) -> Result<ureq::Body, String> {
    let roots: Vec<Certificate<'static>> = if validate_certs {
        rustls_native_certs::load_native_certs().certs.iter().map(|it| Certificate::from_der(it).to_owned()).collect()
    } else {
        Vec::new()
    };
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .disable_verification(!validate_certs)
        .build();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .user_agent("ansible-httpget")
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .http_status_as_error(false)
        .build()
        .into();
    let response = agent.get(url).call().map_err(|err| format!("Request failed: {err}"))?;
    let status = response.status();
    if !status.is_success() {
        let reason = status.canonical_reason().unwrap_or("Unknown");
        return Err(format!("HTTP Error {}: {reason}", status.as_u16()));
    }
    Ok(response.into_body())
}
