//! The numbers at the end of a run.

use super::banner::banner;
use super::color::{Color, Painted, Palette};
use super::dump;
use super::terminal::Terminal;
use crate::engine::event::{HostStats, Stats};
use crate::value::{Dict, Value};

pub fn show(stats: &Stats, custom: bool, terminal: &mut Terminal) {
    let heading = banner("PLAY RECAP", terminal.columns);
    terminal.line(&heading, None);
    for (host, numbers) in &stats.hosts {
        let line = line(host, numbers, &[], &terminal.palette);
        terminal.painted_line(&line);
    }
    terminal.line("", None);
    if custom {
        custom_stats(stats, terminal);
    }
}

/// `HOST : ok=1 …`, as wide as Ansible makes it, without the counters of these names.
pub fn line(host: &str, numbers: &HostStats, without: &[&str], palette: &Palette) -> Painted {
    let mut line = padded_host(host, numbers, palette);
    line.push(&palette.paint(" :", None));
    for (name, number, color) in counters(numbers).into_iter().filter(|(name, ..)| !without.contains(name)) {
        line.push(&palette.paint(" ", None));
        line.push(&palette.paint(format!("{name}={number:<4}"), (number > 0).then_some(color)));
    }
    line
}

/// The host in the color of what became of it; escapes count as characters.
fn padded_host(host: &str, numbers: &HostStats, palette: &Palette) -> Painted {
    let color = if numbers.failed > 0 || numbers.unreachable > 0 {
        Color::Error
    } else if numbers.changed > 0 {
        Color::Changed
    } else {
        Color::Ok
    };
    palette.paint(host, Some(color)).padded(if palette.is_colored() { 37 } else { 26 })
}

fn counters(numbers: &HostStats) -> [(&'static str, u32, Color); 7] {
    [
        ("ok", numbers.ok, Color::Ok),
        ("changed", numbers.changed, Color::Changed),
        ("unreachable", numbers.unreachable, Color::Unreachable),
        ("failed", numbers.failed, Color::Error),
        ("skipped", numbers.skipped, Color::Skip),
        ("rescued", numbers.rescued, Color::Ok),
        ("ignored", numbers.ignored, Color::Warn),
    ]
}

/// What `set_stats` collected, of each host and of the whole run.
pub fn custom_stats(stats: &Stats, terminal: &mut Terminal) {
    if stats.custom.is_empty() {
        return;
    }
    let heading = banner("CUSTOM STATS: ", terminal.columns);
    terminal.line(&heading, None);
    for (host, data) in stats.custom.iter().filter(|(host, _)| *host != "_run") {
        terminal.line(format!("\t{host}: {}", one_line(data)), None);
    }
    if let Some(run) = stats.custom.get("_run") {
        terminal.line("", None);
        terminal.line(format!("\tRUN: {}", one_line(run)), None);
    }
    terminal.line("", None);
}

/// Ansible prints these indented and joins the lines again.
fn one_line(data: &Dict) -> String {
    dump::json(&Value::dict(data.clone()), dump::Json { indent: Some(1), ..dump::Json::default() }).replace('\n', "")
}
