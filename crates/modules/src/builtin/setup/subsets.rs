//! What `gather_subset` asks for.

use super::table::{COLLECTORS, Collector, EMPTY};

/// The collectors for a list such as `["!all", "network"]`.
pub fn select(wanted: &[String]) -> Result<Vec<&'static Collector>, String> {
    let mut included = Vec::new();
    let mut excluded = Vec::new();
    let mut without_minimal = false;
    for entry in wanted.iter().map(|it| it.trim()) {
        let (name, negative) = entry.strip_prefix('!').map_or((entry, false), |name| (name, true));
        match (name, negative) {
            ("all", false) => included.extend(COLLECTORS.iter().map(|it| it.name)),
            ("min", false) => included.extend(minimal()),
            // `!all` takes away everything but the minimum; only `!min` takes that too.
            ("all", true) => excluded.extend(COLLECTORS.iter().filter(|it| !it.minimal).map(|it| it.name)),
            ("min", true) => without_minimal = true,
            (name, negative) => {
                let named: Vec<_> = COLLECTORS
                    .iter()
                    .filter(|it| it.name == name || it.also.contains(&name))
                    .map(|it| it.name)
                    .collect();
                if named.is_empty() && !EMPTY.contains(&name) {
                    return Err(unknown(name));
                }
                if negative {
                    excluded.extend(named);
                } else {
                    included.extend(named);
                }
            }
        }
    }
    let explicit: Vec<&str> =
        wanted.iter().map(|it| it.trim()).filter(|it| !it.starts_with('!') && *it != "all").collect();
    let only_negative = wanted.iter().all(|it| it.trim().starts_with('!'));
    let says_all = wanted.iter().any(|it| it.trim() == "!all");
    if only_negative && !says_all {
        included.extend(COLLECTORS.iter().map(|it| it.name));
    }
    Ok(COLLECTORS
        .iter()
        .filter(|it| {
            let named = explicit.iter().any(|name| it.name == *name || it.also.contains(name));
            if it.minimal && without_minimal {
                return named;
            }
            // An explicit name outweighs `!all`.
            named || ((it.minimal || included.contains(&it.name)) && !excluded.contains(&it.name))
        })
        .collect())
}

fn minimal() -> impl Iterator<Item = &'static str> {
    COLLECTORS.iter().filter(|it| it.minimal).map(|it| it.name)
}

fn unknown(name: &str) -> String {
    let mut allowed: Vec<&str> = COLLECTORS
        .iter()
        .flat_map(|it| std::iter::once(it.name).chain(it.also.iter().copied()))
        .chain(EMPTY.iter().copied())
        .chain(["all", "min"])
        .collect();
    allowed.sort_unstable();
    allowed.dedup();
    format!("Bad subset '{name}' given to Ansible. gather_subset options allowed: {}", allowed.join(", "))
}
