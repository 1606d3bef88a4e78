//! Tags: as a mapping, and the difference between what is there and what is wanted.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::Tag;
use rplay_module_api::{Failure, Json, Map};

use crate::error::{ApiError, api_error};

pub type Tags = BTreeMap<String, String>;

/// Tags as written: values of any scalar type become the text Ansible makes of them.
pub fn from_written(written: &Map<String, Json>) -> Tags {
    written.iter().map(|(name, value)| (name.clone(), text_of(value))).collect()
}

/// A scalar as Python's `str` writes it; null is the empty text.
pub fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}

pub fn from_ec2(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

pub fn to_ec2(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

pub fn to_json(tags: &Tags) -> Json {
    Json::Object(tags.iter().map(|(key, value)| (key.clone(), Json::String(value.clone()))).collect())
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChange {
    pub set: Tags,
    pub remove: Vec<String>,
}

impl TagChange {
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

/// What must change. Tags of AWS itself (`aws:…`) are never touched.
pub fn difference(present: &Tags, wanted: &Tags, purge: bool) -> TagChange {
    let set = wanted
        .iter()
        .filter(|(key, value)| present.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let remove =
        present.keys().filter(|key| purge && !wanted.contains_key(*key) && !key.starts_with("aws:")).cloned().collect();
    TagChange { set, remove }
}

/// Applies a change to resources of EC2.
pub async fn apply(client: &aws_sdk_ec2::Client, ids: &[String], change: &TagChange) -> Result<(), ApiError> {
    if !change.remove.is_empty() {
        let removed = change.remove.iter().map(|key| Tag::builder().key(key).build()).collect();
        client
            .delete_tags()
            .set_resources(Some(ids.to_vec()))
            .set_tags(Some(removed))
            .send()
            .await
            .map_err(api_error("DeleteTags"))?;
    }
    if !change.set.is_empty() {
        client
            .create_tags()
            .set_resources(Some(ids.to_vec()))
            .set_tags(Some(to_ec2(&change.set)))
            .send()
            .await
            .map_err(api_error("CreateTags"))?;
    }
    Ok(())
}

/// Brings the tags of one resource of EC2 to what is wanted; tells whether anything changed.
pub async fn reconcile(
    client: &aws_sdk_ec2::Client,
    id: &str,
    present: &Tags,
    wanted: &Tags,
    purge: bool,
    check: bool,
) -> Result<bool, Failure> {
    let change = difference(present, wanted, purge);
    if !change.is_empty() && !check {
        apply(client, &[id.to_owned()], &change)
            .await
            .map_err(|err| err.because(&format!("Unable to change the tags of {id}")))?;
    }
    Ok(!change.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{TagChange, Tags, difference};

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_differences_are_changed_and_tags_of_aws_are_left_alone() {
        let present = tags(&[("Name", "a"), ("Old", "x"), ("aws:stack", "s")]);
        let wanted = tags(&[("Name", "b"), ("New", "y")]);
        assert_eq!(
            difference(&present, &wanted, true),
            TagChange { set: tags(&[("Name", "b"), ("New", "y")]), remove: vec!["Old".to_owned()] }
        );
        assert!(difference(&present, &wanted, false).remove.is_empty());
        assert!(difference(&present, &tags(&[("Name", "a"), ("Old", "x")]), true).is_empty());
    }
}
