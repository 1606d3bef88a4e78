//! `--tags` and `--skip-tags`: which tasks are in the run at all.

use crate::error::Error;
use crate::playbook::Task;
use crate::playbook::keywords::Keyword;
use crate::template::Templar;
use crate::value::Value;

pub struct TagFilter {
    pub only: Vec<String>,
    pub skip: Vec<String>,
    /// Renders tags with the variables of the play.
    pub templar: Templar,
}

impl TagFilter {
    /// Whether a task is in the run.
    pub fn selects(&self, task: &Task) -> Result<bool, Error> {
        if task.implicit && task.keyword(Keyword::Tags).is_none() {
            return Ok(true);
        }
        let tags = self.tags_of(task)?;
        Ok(selects(&tags, &self.only, &self.skip))
    }

    pub fn tags_of(&self, task: &Task) -> Result<Vec<String>, Error> {
        let Some(written) = task.keyword(Keyword::Tags) else { return Ok(Vec::new()) };
        let rendered = self.templar.render(written).map_err(|err| {
            Error::project(err.message.clone(), err.place.as_ref().or(task.keywords.span(Keyword::Tags)))
        })?;
        let mut tags = Vec::new();
        collect(&rendered, &mut tags);
        Ok(tags)
    }
}

fn collect(value: &Value, tags: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::List(items) => items.iter().for_each(|item| collect(item, tags)),
        other => tags.extend(other.to_text().split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty())),
    }
}

/// The rule, with its special tags `always`, `never`, `tagged`, `untagged` and `all`.
pub fn selects(tags: &[String], only: &[String], skip: &[String]) -> bool {
    let has = |list: &[String], name: &str| list.iter().any(|tag| tag == name);
    let meets = |list: &[String]| tags.iter().any(|tag| has(list, tag));
    let tagged = !tags.is_empty();
    let wanted = only.is_empty()
        || has(tags, "always")
        || (has(only, "all") && !has(tags, "never"))
        || meets(only)
        || (has(only, "tagged") && tagged && !has(tags, "never"))
        || (has(only, "untagged") && !tagged);
    if !wanted {
        return false;
    }
    if skip.is_empty() {
        return true;
    }
    let skipped = if has(skip, "all") {
        !has(tags, "always") || has(skip, "always")
    } else {
        meets(skip) || (has(skip, "tagged") && tagged) || (has(skip, "untagged") && !tagged)
    };
    !skipped
}

#[cfg(test)]
mod tests {
    use super::selects;

    #[track_caller]
    fn check(tags: &[&str], only: &[&str], skip: &[&str], expected: bool) {
        let owned = |list: &[&str]| list.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        assert_eq!(selects(&owned(tags), &owned(only), &owned(skip)), expected);
    }

    #[test]
    fn special_tags() {
        check(&[], &["all"], &[], true);
        check(&["never"], &["all"], &[], false);
        check(&["never", "x"], &["x"], &[], true);
        check(&["always"], &["x"], &[], true);
        check(&["always"], &["x"], &["always"], false);
        check(&["a"], &["tagged"], &[], true);
        check(&[], &["tagged"], &[], false);
        check(&[], &["untagged"], &[], true);
        check(&["a"], &["all"], &["all"], false);
        check(&["always"], &["all"], &["all"], true);
        check(&["a"], &["all"], &["tagged"], false);
    }
}
