//! Waits until a port answers, a file is there or contains something, connections have drained, or time is over.

mod connections;

use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regex::bytes::{Captures, Regex, RegexBuilder};
use rplay_module_api::{Ctx, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::file_attributes::with_path_info;
use crate::support::resolve;

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(wait_for) };

const EXAMPLE: &str = r"- name: Wait until the database listens
  wait_for:
    port: 5432
    timeout: 60
";

const RETURNS: &[Return] = &[
    Return::new("elapsed", Kind::Int, "always", "Seconds it took."),
    Return::new("match_groups", Kind::List, "with search_regex", "Groups of the match."),
    Return::new("match_groupdict", Kind::Dict, "with search_regex", "Named groups of the match."),
];

/// Wait for a port, a file, or some time.
#[derive(ModuleArgs)]
#[module(name = "wait_for", check_mode = false)]
struct Args {
    /// The host whose port is tried.
    #[arg(default = "127.0.0.1")]
    host: String,
    /// Seconds until it fails.
    #[arg(default = "300")]
    timeout: u64,
    /// Seconds that one attempt may take.
    #[arg(default = "5")]
    connect_timeout: u64,
    /// Seconds before the first attempt.
    #[arg(default = "0")]
    delay: u64,
    /// The port.
    port: Option<u16>,
    /// TCP states that count as connected.
    #[arg(default = "ESTABLISHED,FIN_WAIT1,FIN_WAIT2,SYN_RECV,SYN_SENT,TIME_WAIT")]
    active_connection_states: Vec<String>,
    /// The file.
    path: Option<PathBuf>,
    /// What the file, or what the port sends, must contain.
    search_regex: Option<String>,
    /// What is waited for.
    #[arg(default = "started", choices("absent", "drained", "present", "started", "stopped"))]
    state: String,
    /// Hosts whose connections don't count when draining.
    exclude_hosts: Option<Vec<String>>,
    /// Seconds between attempts.
    #[arg(default = "1")]
    sleep: u64,
    /// What to say when time is over.
    msg: Option<String>,
}

fn wait_for(args: Args, ctx: &mut Ctx) -> ModuleResult {
    check_arguments(&args)?;
    let pattern = match args.search_regex.as_deref() {
        Some(text) => Some(
            RegexBuilder::new(text)
                .multi_line(true)
                .build()
                .map_err(|err| Failure::new(format!("invalid search_regex: {err}")).with("elapsed", 0))?,
        ),
        None => None,
    };
    let begin = Instant::now();
    std::thread::sleep(Duration::from_secs(args.delay));
    if args.port.is_none() && args.path.is_none() && args.state != "drained" {
        std::thread::sleep(Duration::from_secs(args.timeout));
        return Ok(outcome(&args, begin, Found::default(), ctx));
    }
    let end = begin + Duration::from_secs(args.timeout);
    let mut reported = Instant::now();
    while Instant::now() < end {
        if let Some(found) = attempt(&args, pattern.as_ref(), end, ctx)? {
            return Ok(outcome(&args, begin, found, ctx));
        }
        if reported.elapsed() > Duration::from_secs(5) {
            ctx.port.progress(&format!("waiting for {}", goal(&args)));
            reported = Instant::now();
        }
        let left = end.saturating_duration_since(Instant::now());
        std::thread::sleep(Duration::from_secs(args.sleep).min(left));
    }
    let msg = args.msg.clone().unwrap_or_else(|| format!("Timeout when waiting for {}", goal(&args)));
    Err(Failure::new(msg).with("elapsed", begin.elapsed().as_secs()))
}

fn check_arguments(args: &Args) -> Result<(), Failure> {
    let msg = if args.port.is_some() && args.path.is_some() {
        "port and path parameter can not both be passed to wait_for"
    } else if args.path.is_some() && args.state == "stopped" {
        "state=stopped should only be used for checking a port in the wait_for module"
    } else if args.path.is_some() && args.state == "drained" {
        "state=drained should only be used for checking a port in the wait_for module"
    } else if args.exclude_hosts.is_some() && args.state != "drained" {
        "exclude_hosts should only be with state=drained"
    } else if let Some(stranger) = args.active_connection_states.iter().find(|it| !connections::is_state(it)) {
        return Err(Failure::new(format!("unknown active_connection_state ({stranger}) defined")).with("elapsed", 0));
    } else if args.state == "drained" && args.port.is_none() {
        "state=drained requires a port in the wait_for module"
    } else {
        return Ok(());
    };
    Err(Failure::new(msg).with("elapsed", 0))
}

fn goal(args: &Args) -> String {
    let place = match (args.port, &args.path) {
        (Some(port), _) => format!("{}:{port}", args.host),
        (None, Some(path)) => path.display().to_string(),
        (None, None) => args.host.clone(),
    };
    match (args.state.as_str(), &args.search_regex) {
        ("drained", _) => format!("{place} to drain"),
        ("absent" | "stopped", _) if args.port.is_some() => format!("{place} to stop."),
        ("absent" | "stopped", _) => format!("{place} to be absent."),
        (_, Some(pattern)) => format!("search string {pattern} in {place}"),
        (_, None) if args.port.is_none() => format!("file {place}"),
        _ => place,
    }
}

#[derive(Default)]
struct Found {
    groups: Vec<Json>,
    named: Map<String, Json>,
}

impl Found {
    fn of(pattern: &Regex, captures: &Captures) -> Self {
        let text = |it: Option<regex::bytes::Match>| {
            it.map_or(Json::Null, |it| String::from_utf8_lossy(it.as_bytes()).into_owned().into())
        };
        let named =
            pattern.capture_names().flatten().map(|name| (name.to_owned(), text(captures.name(name)))).collect();
        Self { groups: captures.iter().skip(1).map(text).collect(), named }
    }
}

fn outcome(args: &Args, begin: Instant, found: Found, ctx: &mut Ctx) -> Outcome {
    let outcome = Outcome::changed(false)
        .with("state", args.state.clone())
        .with("port", args.port)
        .with("search_regex", args.search_regex.clone())
        .with("match_groups", found.groups)
        .with("match_groupdict", found.named)
        .with("path", args.path.as_ref().map(|it| it.display().to_string()))
        .with("elapsed", begin.elapsed().as_secs());
    match &args.path {
        Some(path) => with_path_info(outcome, path, ctx),
        None => outcome,
    }
}

fn attempt(args: &Args, pattern: Option<&Regex>, end: Instant, ctx: &mut Ctx) -> Result<Option<Found>, Failure> {
    let holds = |it: bool| Ok(it.then(Found::default));
    match (args.state.as_str(), &args.path, args.port) {
        ("drained", _, Some(port)) => {
            let excluded =
                args.exclude_hosts.iter().flatten().flat_map(|it| resolve::addresses(it, ctx)).collect::<Vec<_>>();
            let own = resolve::addresses(&args.host, ctx);
            holds(!connections::any(&own, port, &args.active_connection_states, &excluded))
        }
        ("absent" | "stopped", Some(path), _) => holds(std::fs::symlink_metadata(path).is_err()),
        ("absent" | "stopped", None, _) => holds(connect(args, end, ctx).is_none()),
        (_, Some(path), _) => match pattern {
            None => holds(path.exists()),
            Some(pattern) => Ok(search_file(path, pattern)),
        },
        _ => Ok(connect(args, end, ctx).and_then(|stream| match pattern {
            None => Some(Found::default()),
            Some(pattern) => search_stream(stream, pattern, end),
        })),
    }
}

fn connect(args: &Args, end: Instant, ctx: &mut Ctx) -> Option<TcpStream> {
    let port = args.port?;
    let timeout = Duration::from_secs(args.connect_timeout)
        .min(end.saturating_duration_since(Instant::now()))
        .max(Duration::from_millis(1));
    resolve::addresses(&args.host, ctx)
        .into_iter()
        .find_map(|address| TcpStream::connect_timeout(&SocketAddr::new(address, port), timeout).ok())
}

fn search_file(path: &Path, pattern: &Regex) -> Option<Found> {
    let mut content = Vec::new();
    File::open(path).ok()?.read_to_end(&mut content).ok()?;
    pattern.captures(&content).map(|captures| Found::of(pattern, &captures))
}

/// Reads what the port sends until it matches, ends, or time is over.
fn search_stream(mut stream: TcpStream, pattern: &Regex, end: Instant) -> Option<Found> {
    let mut received = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let left = end.checked_duration_since(Instant::now())?.max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left)).ok()?;
        let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
        received.extend_from_slice(chunk.get(..length)?);
        if let Some(captures) = pattern.captures(&received) {
            return Some(Found::of(pattern, &captures));
        }
    }
}

#[cfg(test)]
mod tests;
