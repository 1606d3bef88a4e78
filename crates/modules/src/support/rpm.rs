//! What rpm has installed, and which of it a user means by a name.

use std::cmp::Ordering;

use rplay_module_api::{Command, CommandOutput, Ctx, Failure};

use crate::support::{os_error, program, shell_pattern};

const FORMAT: &str = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\n";

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    pub name: String,
    /// `0` without one.
    pub epoch: String,
    pub version: String,
    pub release: String,
    pub arch: String,
}

impl Package {
    /// From a line of `FORMAT`; a key that packages are signed with is none.
    fn read(line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
        let Ok([name, epoch, version, release, arch]) = <[String; 5]>::try_from(fields) else { return None };
        (name != "gpg-pubkey").then_some(Self { name, epoch, version, release, arch })
    }

    /// From `name`, `arch` and `[epoch:]version-release`, the columns of dnf's tables.
    pub fn of_columns(name: &str, arch: &str, version: &str) -> Option<Self> {
        let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
        let (version, release) = rest.rsplit_once('-')?;
        let [name, epoch, version, release, arch] = [name, epoch, version, release, arch].map(str::to_owned);
        Some(Self { name, epoch, version, release, arch })
    }

    /// `bash-5.1-1.x86_64`, with an epoch if there is one.
    pub fn nevra(&self) -> String {
        let epoch = if self.epoch == "0" { String::new() } else { format!("{}:", self.epoch) };
        format!("{}-{epoch}{}-{}.{}", self.name, self.version, self.release, self.arch)
    }

    /// Whether `spec` means it: a name with or without version, release, epoch and architecture, patterns included, or a comparison.
    pub fn is_called(&self, spec: &str) -> bool {
        if let Some((name, operator, wanted)) = comparison(spec) {
            return name == self.name && holds(self.compare(wanted), operator);
        }
        let Self { name, epoch, version, release, arch } = self;
        let forms = [
            name.clone(),
            format!("{name}.{arch}"),
            format!("{name}-{version}"),
            format!("{name}-{version}-{release}"),
            format!("{name}-{version}-{release}.{arch}"),
            format!("{name}-{epoch}:{version}"),
            format!("{name}-{epoch}:{version}-{release}"),
            format!("{name}-{epoch}:{version}-{release}.{arch}"),
            format!("{epoch}:{name}-{version}-{release}.{arch}"),
        ];
        forms
            .iter()
            .any(|form| form == spec || is_pattern(spec) && shell_pattern::matches(spec.as_bytes(), form.as_bytes()))
    }

    /// Whether `spec` names an older version of it.
    pub fn is_newer_than(&self, spec: &str) -> bool {
        let Some(rest) = spec.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('-')) else { return false };
        let version = rest.strip_suffix(&format!(".{}", self.arch)).unwrap_or(rest);
        version.starts_with(|it: char| it.is_ascii_digit()) && self.compare(version) == Ordering::Greater
    }

    /// Against `[epoch:]version[-release]`; what is not given doesn't count.
    fn compare(&self, wanted: &str) -> Ordering {
        let (epoch, rest) = wanted.split_once(':').map_or((None, wanted), |(epoch, rest)| (Some(epoch), rest));
        let (version, release) = rest.split_once('-').map_or((rest, None), |(one, other)| (one, Some(other)));
        epoch
            .map_or(Ordering::Equal, |epoch| compare_versions(&self.epoch, epoch))
            .then_with(|| compare_versions(&self.version, version))
            .then_with(|| release.map_or(Ordering::Equal, |release| compare_versions(&self.release, release)))
    }
}

pub fn is_pattern(spec: &str) -> bool {
    spec.contains(['*', '?', '['])
}

/// `name >= 1.0` in its parts.
fn comparison(spec: &str) -> Option<(&str, &str, &str)> {
    let start = spec.find(['<', '>', '='])?;
    let (name, rest) = spec.split_at(start);
    let version = rest.trim_start_matches(['<', '>', '=']);
    let operator = rest.get(..rest.len() - version.len())?;
    Some((name.trim(), operator, version.trim()))
}

fn holds(order: Ordering, operator: &str) -> bool {
    match operator {
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        ">=" => order != Ordering::Less,
        _ => order == Ordering::Equal,
    }
}

/// rpm's order: runs of digits and of letters one by one, digits after letters, `~` before anything, `^` after the same without it.
pub fn compare_versions(one: &str, other: &str) -> Ordering {
    let (mut a, mut b) = (one, other);
    loop {
        let is_part = |it: char| it.is_ascii_alphanumeric() || matches!(it, '~' | '^');
        a = a.trim_start_matches(|it| !is_part(it));
        b = b.trim_start_matches(|it| !is_part(it));
        for (mark, with, without) in
            [('~', Ordering::Less, Ordering::Greater), ('^', Ordering::Greater, Ordering::Less)]
        {
            match (a.starts_with(mark), b.starts_with(mark)) {
                (false, false) => {}
                (true, true) => {
                    return compare_versions(a.get(1..).unwrap_or_default(), b.get(1..).unwrap_or_default());
                }
                // More of a version goes after `^`, none before it.
                (true, false) => return if mark == '^' && !b.is_empty() { without } else { with },
                (false, true) => return if mark == '^' && !a.is_empty() { with } else { without },
            }
        }
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len());
        }
        let digits = a.starts_with(|it: char| it.is_ascii_digit());
        let run = |text: &str| {
            let end = text.find(|it: char| if digits { !it.is_ascii_digit() } else { !it.is_ascii_alphabetic() });
            end.unwrap_or(text.len())
        };
        let (left, rest_a) = a.split_at(run(a));
        let (right, rest_b) = b.split_at(run(b));
        if right.is_empty() {
            return if digits { Ordering::Greater } else { Ordering::Less };
        }
        let order = if digits {
            let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
            left.len().cmp(&right.len()).then_with(|| left.cmp(right))
        } else {
            left.cmp(right)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// Runs rpm on the system below `root`.
pub fn query(root: &str, words: &[&str], ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    let rpm = program::find("rpm").ok_or_else(|| program::missing("rpm"))?;
    let mut command = Command::new([rpm.as_os_str()]).env("LC_ALL", "C.UTF-8");
    if root != "/" {
        command = command.arg("--root").arg(root);
    }
    let command = words.iter().fold(command, Command::arg);
    ctx.command(&command).map_err(|err| Failure::new(os_error::numbered(&err)))
}

/// Everything that is installed, by name.
pub fn installed(root: &str, ctx: &mut Ctx) -> Result<Vec<Package>, Failure> {
    let output = query(root, &["-qa", "--queryformat", FORMAT], ctx)?;
    if !output.ok() {
        return Err(Failure::new(format!("rpm -qa failed: {}", output.stderr_text().trim())).with("rc", output.rc));
    }
    let mut packages: Vec<_> = output.stdout_text().lines().filter_map(Package::read).collect();
    packages.sort();
    Ok(packages)
}

/// Whether all of these, names with or without a version, are installed; rpm finds them by its index.
pub fn has_all(root: &str, specs: &[&str], ctx: &mut Ctx) -> Result<bool, Failure> {
    let words = [&["-q", "--queryformat", FORMAT][..], specs].concat();
    Ok(query(root, &words, ctx)?.ok())
}

/// The package in a file.
pub fn of_file(path: &str, ctx: &mut Ctx) -> Result<Option<Package>, Failure> {
    let output = query("/", &["-qp", "--nosignature", "--queryformat", FORMAT, path], ctx)?;
    Ok(if output.ok() { output.stdout_text().lines().find_map(Package::read) } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> Package {
        Package::read("foo-bar\t1\t2.0\t3.el9\tx86_64").expect("a line")
    }

    #[test]
    fn versions_have_rpms_order() {
        let lower = ["1.0~rc1", "1.0", "1.0^git1", "1.0.1", "1.1", "1.02", "1.10", "2"];
        for pair in lower.windows(2) {
            assert_eq!(compare_versions(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare_versions(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare_versions("1.a", "1.0"), Ordering::Less);
        assert_eq!(compare_versions("1.02", "1_2"), Ordering::Equal);
    }

    #[test]
    fn a_package_has_many_names() {
        for spec in [
            "foo-bar",
            "foo-bar.x86_64",
            "foo-bar-2.0",
            "foo-bar-2.0-3.el9",
            "foo-bar-1:2.0-3.el9.x86_64",
            "1:foo-bar-2.0-3.el9.x86_64",
            "foo*",
            "foo-bar >= 2",
            "foo-bar=1:2.0",
            "foo-bar < 3",
        ] {
            assert!(package().is_called(spec), "{spec}");
        }
        for spec in ["foo", "foo-bar-2", "foo-bar.noarch", "foo-bar > 1:2.0", "bar*"] {
            assert!(!package().is_called(spec), "{spec}");
        }
        assert!(package().is_newer_than("foo-bar-1.9-7.x86_64"));
        assert!(!package().is_newer_than("foo-bar-2.1") && !package().is_newer_than("foo-bar-extra-1"));
        assert_eq!(package().nevra(), "foo-bar-1:2.0-3.el9.x86_64");
    }
}
