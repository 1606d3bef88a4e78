//! Cases that are known to have another answer than ansible-core's, by id, each with its reason.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Corpus, Score};

/// The file `known-failures` of a folder of corpora: lines `CORPUS ID[, ID …]: REASON`; `#` begins a comment.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<(String, String), String>);

impl Known {
    /// A line that says something else is the error.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join("known-failures");
        let text = std::fs::read_to_string(&path).map_err(|err| format!("{}: {err}", path.display()))?;
        Self::parse(&text).map_err(|line| format!("{}: not `CORPUS ID: REASON`: {line}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut known = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let parts = line.split_once(": ").and_then(|(cases, reason)| Some((cases.split_once(' ')?, reason)));
            let Some(((corpus, ids), reason)) = parts.filter(|(_, reason)| !reason.trim().is_empty()) else {
                return Err(line.to_owned());
            };
            for id in ids.split(", ") {
                if known.insert((corpus.to_owned(), id.to_owned()), reason.to_owned()).is_some() {
                    return Err(format!("{corpus} {id} stands there twice"));
                }
            }
        }
        Ok(Self(known))
    }

    /// Why a case fails. What is said of a file's own corpus holds for every other one of the same file.
    pub fn reason(&self, corpus: &Corpus, id: &str) -> Option<&str> {
        let found = |name: &str| self.0.get(&(name.to_owned(), id.to_owned())).map(String::as_str);
        found(corpus.name).or_else(|| found(corpus.file))
    }

    /// What is wrong with a score: cases that fail and are not known to, and cases that are known to fail and pass.
    pub fn judge(&self, corpus: &Corpus, score: &Score) -> Vec<String> {
        let name = corpus.name;
        let fails = |id: &str| score.failures.iter().any(|(failing, _)| failing == id);
        let broken = score.failures.iter().filter(|(id, _)| self.reason(corpus, id).is_none());
        let healed = self.0.keys().filter(|(of, id)| of == name && !fails(id));
        broken
            .map(|(id, details)| format!("{name} {id} fails:\n{details}"))
            .chain(healed.map(|(_, id)| format!("{name} {id} passes: take it off known-failures")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CORPORA;

    #[test]
    fn a_case_that_breaks_and_one_that_heals_are_both_told() {
        let known = Known::parse("# why\nplays a-1, a-2: not there yet\n").expect("well formed");
        let failures = vec![("a-1".to_owned(), "-".to_owned()), ("a-3".to_owned(), "-".to_owned())];
        let score = Score { passed: 1, total: 3, failures };
        let corpus = |name: &str| CORPORA.iter().find(|corpus| corpus.name == name).expect("a row of the table");
        let told = known.judge(corpus("plays"), &score);
        assert_eq!(told, ["plays a-3 fails:\n-", "plays a-2 passes: take it off known-failures"]);
        assert_eq!(known.judge(corpus("plays-forks"), &score), ["plays-forks a-3 fails:\n-"]);
        assert!(Known::parse("plays a-1: \n").is_err() && Known::parse("plays: why\n").is_err());
        assert!(Known::parse("plays a: x\nplays a: y\n").is_err());
    }
}
