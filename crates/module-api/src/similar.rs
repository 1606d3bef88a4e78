//! The name somebody probably meant.

/// The nearest of `candidates`, if one is near enough to be meant.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let same_letters = |name: &str| name.to_lowercase().replace('-', "_");
    let name = same_letters(name);
    let tolerance = (name.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&name, &same_letters(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= tolerance && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn finds_what_was_meant() {
        let names = ["state", "name", "update_cache", "user"];
        for (typed, meant) in [
            ("stat", Some("state")),
            ("sate", Some("state")),
            ("satte", Some("state")),
            ("update-cahce", Some("update_cache")),
            ("Name", Some("name")),
            ("x", None),
            ("cache", None),
            ("", None),
        ] {
            assert_eq!(closest(typed, names), meant, "{typed}");
        }
    }
}
