//! The host's time zone, and whether its hardware clock has local time.

use std::fs;
use std::path::Path;

use rplay_module_api::{
    Choice, Command, Ctx, Diff, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
    truth,
};

use crate::support::{self, program};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(timezone) };

const EXAMPLE: &str = r"- name: The host is in Berlin
  community.general.timezone:
    name: Europe/Berlin
";

const RETURNS: &[Return] = &[Return::new("msg", Kind::Str, "changed", "The commands that were run, one in each line.")];

const ZONES: &str = "/usr/share/zoneinfo";
const ZONE_FILE: &str = "/etc/timezone";

/// Configure the time zone.
#[derive(ModuleArgs)]
#[module(name = "timezone", required_one_of("hwclock", "name"))]
struct Args {
    /// Whether the hardware clock has UTC or local time.
    #[arg(alias("rtc"))]
    hwclock: Option<HardwareClock>,
    /// The zone, such as `Europe/Berlin`.
    name: Option<String>,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum HardwareClock {
    Local,
    #[choice("UTC")]
    Utc,
}

/// What there is to change it with.
enum Means {
    Timedatectl(String),
    /// `/etc/timezone`, and programs that follow it.
    Debian,
    Alpine(String),
}

fn timezone(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let means = means(ctx)?;
    if let Some(name) = &args.name
        && (name.split('/').any(|part| part == "..") || !Path::new(ZONES).join(name.trim_start_matches('/')).is_file())
    {
        return Err(failed(&format!("given timezone \"{name}\" is not available"), &[]));
    }
    if args.hwclock.is_some() && !matches!(means, Means::Timedatectl(_)) {
        return Err(Failure::new("hwclock is set with timedatectl, which does not answer on this host"));
    }
    let mut planned = Map::new();
    if let Some(hwclock) = args.hwclock {
        planned.insert("hwclock".into(), hwclock.text().into());
    }
    planned.extend(args.name.map(|name| ("name".to_owned(), name.into())));
    let before = look(&means, &planned, ctx)?;
    let mut said = Vec::new();
    let mut after = planned.clone();
    if !ctx.check {
        for (key, value) in planned.iter().filter(|(key, value)| before.get(*key) != Some(*value)) {
            change(&means, key, value.as_str().unwrap_or_default(), &mut said, ctx)?;
        }
        after = look(&means, &planned, ctx)?;
        if after != planned {
            let (planned, after) = (Json::from(planned), Json::from(after));
            let reason =
                format!("still not desired state, though changes have made - planned: {planned}, after: {after}");
            return Err(failed(&reason, &said));
        }
    }
    let changed = before != after;
    let mut outcome =
        Outcome::changed(changed).with_diff(Diff { before: before.into(), after: after.into(), ..Diff::default() });
    if !said.is_empty() {
        outcome = outcome.with("msg", said.join("\n"));
    }
    Ok(outcome)
}

fn failed(reason: &str, said: &[String]) -> Failure {
    let mut lines = vec!["Error message:", reason];
    if !said.is_empty() {
        lines.push("Other message(s):");
        lines.extend(said.iter().map(String::as_str));
    }
    Failure::new(lines.join("\n"))
}

fn means(ctx: &mut Ctx) -> Result<Means, Failure> {
    let path = |name: &str| program::find(name).map(|path| path.to_string_lossy().into_owned());
    if let Some(timedatectl) = path("timedatectl")
        && ctx.command(&Command::new([&timedatectl])).is_ok_and(|output| output.ok())
    {
        return Ok(Means::Timedatectl(timedatectl));
    }
    if path("dpkg-reconfigure").is_some() {
        return Ok(Means::Debian);
    }
    path("setup-timezone").map(Means::Alpine).ok_or_else(|| {
        Failure::new(
            "the time zone is set with timedatectl, dpkg-reconfigure or setup-timezone, and this host has none",
        )
    })
}

/// What the host has of what was planned.
fn look(means: &Means, planned: &Map<String, Json>, ctx: &mut Ctx) -> Result<Map<String, Json>, Failure> {
    let mut found = Map::new();
    match means {
        Means::Timedatectl(timedatectl) => {
            let status =
                support::run::checked(&support::run::at(Path::new(timedatectl)).arg("status"), ctx)?.stdout_text();
            for key in planned.keys() {
                let label: &[&str] = if key == "hwclock" { &["RTC in local TZ"] } else { &["Time zone", "Timezone"] };
                let value = value_of(&status, label).unwrap_or_default();
                let is_local = key == "hwclock" && truth(value) == Some(true);
                let value = match key.as_str() {
                    "hwclock" if is_local => HardwareClock::Local.text(),
                    "hwclock" => HardwareClock::Utc.text(),
                    _ => value,
                };
                found.insert(key.clone(), value.into());
            }
        }
        Means::Debian | Means::Alpine(_) => {
            let text = fs::read_to_string(ZONE_FILE).unwrap_or_default();
            let linked = fs::canonicalize("/etc/localtime").ok();
            let linked = linked.as_ref().and_then(|path| path.strip_prefix(ZONES).ok()).and_then(Path::to_str);
            let name = text.split_whitespace().next().or(linked).unwrap_or("n/a");
            found.insert("name".into(), name.into());
        }
    }
    Ok(found)
}

/// The first word after a label and a colon.
fn value_of<'a>(status: &'a str, labels: &[&str]) -> Option<&'a str> {
    status.lines().find_map(|line| {
        let (label, value) = line.split_once(':')?;
        labels.contains(&label.trim()).then(|| value.split_whitespace().next())?
    })
}

fn change(means: &Means, key: &str, value: &str, said: &mut Vec<String>, ctx: &mut Ctx) -> Result<(), Failure> {
    let zone = Path::new(ZONES).join(value);
    let zone = zone.to_string_lossy();
    let commands: Vec<Vec<&str>> = match means {
        Means::Timedatectl(timedatectl) if key == "hwclock" => {
            vec![vec![timedatectl, "set-local-rtc", if value == HardwareClock::Local.text() { "yes" } else { "no" }]]
        }
        Means::Timedatectl(timedatectl) => vec![vec![timedatectl, "set-timezone", value]],
        // tzdata's own script takes the zone from the link.
        Means::Debian => vec![
            vec!["ln", "-sf", &zone, "/etc/localtime"],
            vec!["dpkg-reconfigure", "--frontend", "noninteractive", "tzdata"],
        ],
        Means::Alpine(program) => vec![vec![program, "-z", value]],
    };
    for command in commands {
        support::run::checked(&Command::new(&command), ctx)?;
        said.push(format!("executed `{}`", command.join(" ")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "               Local time: Fri 2026-11-27 16:00:00 UTC\n                Time zone: Etc/UTC (UTC, +0000)\n\
                          \x20         RTC in local TZ: no\n";

    #[test]
    fn what_timedatectl_says() {
        assert_eq!(value_of(STATUS, &["Time zone", "Timezone"]), Some("Etc/UTC"));
        assert_eq!(value_of(STATUS, &["RTC in local TZ"]), Some("no"));
        assert_eq!(value_of("Timezone: Europe/Berlin (CET)\n", &["Time zone", "Timezone"]), Some("Europe/Berlin"));
        assert_eq!(value_of(STATUS, &["NTP service"]), None);
    }
}
