//! The numbers at the end of a run.

use super::banner::banner;
use super::color::{Color, Painted, paint};
use super::dump;
use super::terminal::Terminal;
use crate::engine::event::{HostStats, Stats};
use crate::value::{Dict, Value};

pub fn show(stats: &Stats, custom: bool, terminal: &mut Terminal) {
    let heading = banner("PLAY RECAP", terminal.columns);
    terminal.line(&heading, None);
    for (host, numbers) in &stats.hosts {
        let line = line(host, numbers, terminal.color);
        terminal.painted_line(&line);
    }
    terminal.line("", None);
    if custom && !stats.custom.is_empty() {
        custom_stats(stats, terminal);
    }
}

fn line(host: &str, numbers: &HostStats, color: bool) -> Painted {
    let mut line = if color {
        let state = if numbers.failed > 0 || numbers.unreachable > 0 {
            Color::Error
        } else if numbers.changed > 0 {
            Color::Changed
        } else {
            Color::Ok
        };
        paint(host, Some(state)).padded(37)
    } else {
        paint(host, None).padded(26)
    };
    line.push(&paint(" :", None));
    let counters = [
        ("ok", numbers.ok, Color::Ok),
        ("changed", numbers.changed, Color::Changed),
        ("unreachable", numbers.unreachable, Color::Unreachable),
        ("failed", numbers.failed, Color::Error),
        ("skipped", numbers.skipped, Color::Skip),
        ("rescued", numbers.rescued, Color::Ok),
        ("ignored", numbers.ignored, Color::Warn),
    ];
    for (name, number, kind) in counters {
        line.push(&paint(" ", None));
        line.push(&paint(format!("{name}={number:<4}"), (color && number > 0).then_some(kind)));
    }
    line
}

fn custom_stats(stats: &Stats, terminal: &mut Terminal) {
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
    dump::json(&Value::dict(data.clone()), Some(1)).replace('\n', "")
}
