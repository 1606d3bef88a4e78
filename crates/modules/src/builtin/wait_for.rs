//! Waits until a port answers, a file is there or contains something, connections have drained, or time is over.

mod connections;

use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regex::bytes::{Captures, Regex, RegexBuilder};
use rplay_module_api::{Arg, Ctx, Failure, Json, Kind, Map, Module, ModuleResult, Outcome, Spec, run};
use serde::Deserialize;

use crate::support::file_attributes::with_path_info;
use crate::support::resolve;

pub const MODULE: Module = Module {
    spec: Spec {
        name: "wait_for",
        summary: "Wait for a port, a file, or some time.",
        args: &[
            Arg::str("host", "The host whose port is tried.").default("127.0.0.1"),
            Arg::int("timeout", "Seconds until it fails.").default("300"),
            Arg::int("connect_timeout", "Seconds that one attempt may take.").default("5"),
            Arg::int("delay", "Seconds before the first attempt.").default("0"),
            Arg::int("port", "The port."),
            Arg::list("active_connection_states", "TCP states that count as connected.", Kind::Str)
                .default("ESTABLISHED,FIN_WAIT1,FIN_WAIT2,SYN_RECV,SYN_SENT,TIME_WAIT"),
            Arg::path("path", "The file."),
            Arg::str("search_regex", "What the file, or what the port sends, must contain."),
            Arg::str("state", "What is waited for.")
                .default("started")
                .choices(&["absent", "drained", "present", "started", "stopped"]),
            Arg::list("exclude_hosts", "Hosts whose connections don't count when draining.", Kind::Str),
            Arg::int("sleep", "Seconds between attempts.").default("1"),
            Arg::str("msg", "What to say when time is over."),
        ],
        check_mode: false,
        ..Spec::EMPTY
    },
    run: run!(wait_for),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    host: String,
    timeout: u64,
    connect_timeout: u64,
    delay: u64,
    port: Option<u16>,
    active_connection_states: Vec<String>,
    path: Option<PathBuf>,
    search_regex: Option<String>,
    state: String,
    exclude_hosts: Option<Vec<String>>,
    sleep: u64,
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
