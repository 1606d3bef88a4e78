//! The settings that matter here, under the names they have in Mattermost's config.json.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Config {
    pub service_settings: ServiceSettings,
    #[serde(default)]
    pub team_settings: TeamSettings,
    pub sql_settings: SqlSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ServiceSettings {
    pub listen_address: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub struct TeamSettings {
    #[serde(default)]
    pub site_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SqlSettings {
    pub driver_name: String,
    pub data_source: String,
}

impl Config {
    /// `:8065` means every interface, as in Go.
    pub fn listen_address(&self) -> String {
        let address = &self.service_settings.listen_address;
        if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.clone() }
    }
}

pub fn read(named: Option<PathBuf>) -> Result<Config, Box<dyn Error>> {
    let path = match named {
        Some(path) => path,
        None => find()?,
    };
    let text = fs::read_to_string(&path).map_err(|err| format!("{}: {err}", path.display()))?;
    let config = serde_json::from_str(&text).map_err(|err| format!("{}: {err}", path.display()))?;
    Ok(config)
}

/// Below the current folder, or beside the folder of the program, as the real one looks for it.
fn find() -> Result<PathBuf, Box<dyn Error>> {
    let program = env::current_exe()?;
    let beside_program = program.parent().and_then(Path::parent).map(|folder| folder.join("config/config.json"));
    [Some(PathBuf::from("config/config.json")), Some(PathBuf::from("../config/config.json")), beside_program]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
        .ok_or_else(|| "no config/config.json".into())
}
