//! Everything the server remembers, in the database of `DataSource`. A lost connection is opened again on the next use.

use std::{
    error::Error,
    net::IpAddr,
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use postgres::{Client, Config, NoTls, config::Host};

use crate::config::SqlSettings;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS posts (
        id bigserial PRIMARY KEY, author text NOT NULL, message text NOT NULL, created timestamptz NOT NULL DEFAULT now());
    CREATE TABLE IF NOT EXISTS views (id bigserial PRIMARY KEY, visitor text NOT NULL, seen timestamptz NOT NULL DEFAULT now());
";

type Failure = Box<dyn Error>;

pub struct Store {
    data_source: String,
    client: Mutex<Option<Client>>,
}

pub struct Post {
    pub author: String,
    pub message: String,
}

/// What the page shows to prove where its data is.
pub struct Place {
    pub database: String,
    pub server: String,
    pub version: String,
}

impl Store {
    pub fn open(settings: &SqlSettings) -> Result<Self, Failure> {
        if settings.driver_name != "postgres" {
            return Err(
                format!("SqlSettings.DriverName is `{}`, only postgres is supported", settings.driver_name).into()
            );
        }
        let store = Self { data_source: settings.data_source.clone(), client: Mutex::new(None) };
        store.with(|client| {
            // Several servers start at once, and CREATE TABLE IF NOT EXISTS is no protection from one another.
            let mut transaction = client.transaction()?;
            transaction.batch_execute("SELECT pg_advisory_xact_lock(8065)")?;
            transaction.batch_execute(TABLES)?;
            transaction.commit()
        })?;
        Ok(store)
    }

    pub fn count_view(&self, visitor: &str) -> Result<i64, Failure> {
        self.with(|client| {
            client.execute("INSERT INTO views (visitor) VALUES ($1)", &[&visitor])?;
            Ok(client.query_one("SELECT count(*) FROM views", &[])?.get(0))
        })
    }

    pub fn add_post(&self, post: &Post) -> Result<(), Failure> {
        self.with(|client| {
            client.execute("INSERT INTO posts (author, message) VALUES ($1, $2)", &[&post.author, &post.message])
        })?;
        Ok(())
    }

    pub fn posts(&self) -> Result<Vec<Post>, Failure> {
        self.with(|client| {
            let rows = client.query("SELECT author, message FROM posts ORDER BY id DESC LIMIT 50", &[])?;
            Ok(rows.iter().map(|row| Post { author: row.get(0), message: row.get(1) }).collect())
        })
    }

    pub fn place(&self) -> Result<Place, Failure> {
        self.with(|client| {
            let row = client.query_one(
                "SELECT current_database()::text, host(inet_server_addr()), current_setting('server_version')",
                &[],
            )?;
            Ok(Place { database: row.get(0), server: row.get(1), version: row.get(2) })
        })
    }

    pub fn answers(&self) -> bool {
        self.with(|client| client.batch_execute("SELECT 1")).is_ok()
    }

    fn with<T>(&self, work: impl Fn(&mut Client) -> Result<T, postgres::Error>) -> Result<T, Failure> {
        let mut slot = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_none_or(Client::is_closed) {
            *slot = Some(connect(&self.data_source)?);
        }
        let client = slot.as_mut().ok_or("no connection")?;
        let result = work(client);
        if client.is_closed() {
            *slot = None;
        }
        result.map_err(in_words)
    }
}

/// The data source holds the password, so no message repeats it.
fn connect(data_source: &str) -> Result<Client, Failure> {
    let mut config: Config = data_source.parse().map_err(|_| "SqlSettings.DataSource is not a PostgreSQL address")?;
    config.connect_timeout(Duration::from_secs(10));
    if let Some(Host::Tcp(name)) = config.get_hosts().first().cloned() {
        config.hostaddr(resolve(&name)?);
    }
    config.connect(NoTls).map_err(in_words)
}

/// A static program can't load the C library's name service, so the one of the host is asked.
fn resolve(name: &str) -> Result<IpAddr, Failure> {
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let found = Command::new("getent").args(["ahosts", name]).output()?;
    let text = String::from_utf8_lossy(&found.stdout);
    let address =
        text.split_whitespace().next().ok_or_else(|| format!("the database's name `{name}` does not resolve"))?;
    Ok(address.parse()?)
}

fn in_words(err: postgres::Error) -> Failure {
    let cause = err.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("database: {err}{cause}").into()
}
