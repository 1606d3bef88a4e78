//! A stand-in for Mattermost: same files, same settings, same ports and addresses, and a database it really uses.

mod config;
mod http;
mod pages;
mod store;

use std::{env, error::Error, path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("mattermost: {err}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let mut config_file = None;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "server" => {}
            "version" => {
                println!("Version: stand-in {}", env!("CARGO_PKG_VERSION"));
                return Ok(());
            }
            "-c" | "--config" => {
                config_file = Some(PathBuf::from(arguments.next().ok_or("--config needs a file")?));
            }
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let config = config::read(config_file)?;
    let store = store::Store::open(&config.sql_settings)?;
    let address = config.listen_address();
    eprintln!("listening on {address}");
    http::serve(&address, |request| pages::answer(&config, &store, request))?;
    Ok(())
}
