//! Which entries of an archive are unpacked, and under which names.

use crate::support::shell_pattern::matches;

/// The arguments `include`, `exclude` and `extra_opts`, understood.
pub(super) struct Selection {
    include: Vec<String>,
    exclude: Vec<String>,
    strip: usize,
    pub same_owner: bool,
}

impl Selection {
    pub(super) fn new(include: &[String], exclude: &[String], extra_opts: &[String]) -> Result<Self, String> {
        let mut selection = Self { include: include.to_vec(), exclude: exclude.to_vec(), strip: 0, same_owner: true };
        let mut options = extra_opts.iter();
        while let Some(option) = options.next() {
            let number = match option.split_once('=') {
                Some(("--strip-components" | "--strip", number)) => Some(number.to_owned()),
                _ if matches!(option.as_str(), "--strip-components" | "--strip") => options.next().cloned(),
                _ => None,
            };
            match (option.as_str(), number) {
                (_, Some(number)) => {
                    selection.strip = number.parse().map_err(|_| format!("extra_opts: `{option}` needs a number"))?;
                }
                ("--no-same-owner" | "-o", None) => selection.same_owner = false,
                ("--same-owner" | "-p" | "--preserve-permissions" | "--same-permissions", None) => {}
                (other, None) => {
                    return Err(format!(
                        "extra_opts: `{other}` is not supported; rplay unpacks archives itself and knows \
                         --strip-components=N, --no-same-owner and --preserve-permissions"
                    ));
                }
            }
        }
        Ok(selection)
    }

    /// Whether the entry of this name is wanted.
    pub(super) fn takes(&self, name: &str) -> bool {
        let name = name.trim_start_matches("./").trim_end_matches('/');
        let included = self.include.is_empty() || self.include.iter().any(|pattern| covers(pattern, name, true));
        included && !self.exclude.iter().any(|pattern| covers(pattern, name, false))
    }

    /// The name without its first components; none if nothing is left of it.
    pub(super) fn stripped<'n>(&self, name: &'n str) -> Option<&'n str> {
        let mut rest = name.trim_start_matches("./").trim_start_matches('/');
        for _ in 0..self.strip {
            rest = rest.split_once('/')?.1;
        }
        (!rest.is_empty() || self.strip == 0).then_some(rest)
    }

    pub(super) fn strips(&self) -> bool {
        self.strip > 0
    }
}

/// Whether a pattern means this path or a directory above it. One that is not anchored may begin at any component.
fn covers(pattern: &str, path: &str, anchored: bool) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let ends = path.match_indices('/').map(|(index, _)| index).chain([path.len()]);
    ends.filter_map(|end| path.get(..end)).any(|prefix| {
        let mut starts = prefix.match_indices('/').map(|(index, _)| index + 1);
        matches(pattern.as_bytes(), prefix.as_bytes())
            || (!anchored
                && starts.any(|start| matches(pattern.as_bytes(), prefix.as_bytes().get(start..).unwrap_or_default())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(include: &[&str], exclude: &[&str], options: &[&str]) -> Selection {
        let owned = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        Selection::new(&owned(include), &owned(exclude), &owned(options)).unwrap()
    }

    #[test]
    fn selects() {
        for (include, exclude, name, expected) in [
            (&[][..], &["top/x"][..], "top/x", false),
            (&[], &["top/x"], "top/xy", true),
            (&[], &["sub"], "top/sub/y", false),
            (&[], &["*.txt"], "top/a.txt", false),
            (&[], &["[a-c]?"], "top/b1", false),
            (&[], &["[!a-c]?"], "top/b1", true),
            (&["top/sub"], &[], "top/sub/y", true),
            (&["top/sub"], &[], "top/x", false),
            (&["x"], &[], "top/x", false),
            (&["*/x"], &[], "./top/x", true),
        ] {
            assert_eq!(selection(include, exclude, &[]).takes(name), expected, "{include:?} {exclude:?} {name}");
        }
    }

    #[test]
    fn strips() {
        let selection = selection(&[], &[], &["--strip-components", "1"]);
        assert_eq!(selection.stripped("./top/sub/y"), Some("sub/y"));
        assert_eq!(selection.stripped("top/"), None);
        assert_eq!(selection.stripped("top"), None);
        assert!(Selection::new(&[], &[], &["--transform=s/a/b/".to_owned()]).is_err());
    }
}
