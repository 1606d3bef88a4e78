//! The keywords of a play: rendered before any host is known, and what they say about its hosts.

use std::sync::Arc;

use super::keyword_values::{to_bool, to_float, to_int};
use super::shared::Shared;
use super::strategy::{self, StrategySpec};
use crate::error::Error;
use crate::playbook::Play;
use crate::playbook::keywords::Keyword;
use crate::template::Templar;
use crate::value::Value;

/// A play's own keywords are rendered before any host is known.
pub struct PlayReader<'a> {
    pub play: &'a Play,
    pub templar: Templar,
}

impl PlayReader<'_> {
    pub fn value(&self, keyword: Keyword) -> Result<Option<Value>, Error> {
        let Some(written) = self.play.keywords.get(keyword) else { return Ok(None) };
        self.render(written, keyword).map(|value| (!matches!(value, Value::Null | Value::Omit)).then_some(value))
    }

    fn render(&self, written: &Value, keyword: Keyword) -> Result<Value, Error> {
        self.templar.render(written).map_err(|err| {
            Error::project(
                format!("Error processing keyword '{}': {}", keyword.name(), err.message),
                err.place.as_ref().or(self.play.keywords.span(keyword)).or(Some(&self.play.span)),
            )
            .with_exit_code(4)
        })
    }

    pub fn bool(&self, keyword: Keyword) -> Result<Option<bool>, Error> {
        let Some(value) = self.value(keyword)? else { return Ok(None) };
        to_bool(&value).map(Some).ok_or_else(|| {
            Error::project(
                format!("the value {} of '{}' could not be converted to 'bool'", value.repr(), keyword.name()),
                self.play.keywords.span(keyword),
            )
        })
    }

    pub fn max_fail_percentage(&self) -> Result<Option<f64>, Error> {
        Ok(self.value(Keyword::MaxFailPercentage)?.as_ref().and_then(to_float))
    }

    /// The play's name. One without a name is called after its hosts, a list of them as they are written.
    pub fn name(&self) -> Result<String, Error> {
        let written = match (&self.play.name, &self.play.hosts) {
            (Some(name), _) if !name.as_str().is_empty() => Value::Str(name.clone()),
            (_, Value::List(items)) => {
                return Ok(items.iter().map(Value::to_text).collect::<Vec<_>>().join(","));
            }
            (_, single) => single.clone(),
        };
        let name = self.render(&written, Keyword::Name)?;
        Ok(if matches!(name, Value::List(_)) { name.repr() } else { name.to_text() })
    }

    /// The host patterns.
    pub fn patterns(&self) -> Result<Vec<String>, Error> {
        let rendered = self.render(&self.play.hosts, Keyword::Hosts)?;
        Ok(match rendered {
            Value::List(items) => items.iter().map(Value::to_text).collect(),
            single => vec![single.to_text()],
        })
    }
}

/// The strategy that a play names, else the run's; or why there is none of that name.
pub fn strategy_of(reader: &PlayReader<'_>, shared: &Shared) -> Result<Result<&'static StrategySpec, Error>, Error> {
    let written = reader.value(Keyword::Strategy)?.map(|name| name.to_text());
    let name = written.as_deref().or(shared.options.strategy.as_deref()).unwrap_or("linear");
    Ok(strategy::find(name).ok_or_else(|| {
        shared.notices.deprecated(FOREIGN_STRATEGY, None);
        let place = reader.play.keywords.span(Keyword::Strategy);
        Error::project(format!("Invalid play strategy specified: {name}"), place)
            .hint(format!("the strategies are {}", strategy::names().join(", ")))
            .with_exit_code(1)
    }))
}

const FOREIGN_STRATEGY: &str = "Use of strategy plugins not included in ansible.builtin are deprecated and do not carry any backwards compatibility guarantees. No alternative for third party strategy plugins is currently planned. This feature will be removed from ansible-core in a future release.";

/// Hosts in the order of the inventory, and as the play takes them.
pub struct PlayHostNames {
    pub in_inventory_order: Vec<Arc<str>>,
    pub ordered: Vec<Arc<str>>,
}

pub fn hosts(shared: &Shared, reader: &PlayReader<'_>, patterns: &[String]) -> Result<PlayHostNames, Error> {
    let in_inventory_order = shared
        .world
        .change_quietly(|inventory| inventory.hosts(&patterns.join(","), shared.options.limit.as_deref()))?;
    let mut hosts = in_inventory_order.clone();
    match reader.value(Keyword::Order)?.map(|order| order.to_text()).as_deref() {
        None | Some("inventory") => {}
        Some("reverse_inventory") => hosts.reverse(),
        Some("sorted") => hosts.sort(),
        Some("reverse_sorted") => {
            hosts.sort();
            hosts.reverse();
        }
        Some("shuffle") => {
            use rand::seq::SliceRandom;
            hosts.shuffle(&mut rand::rng());
        }
        Some(other) => {
            return Err(Error::project(
                format!("Invalid 'order' specified for inventory hosts: {other}"),
                reader.play.keywords.span(Keyword::Order),
            )
            .with_exit_code(5));
        }
    }
    Ok(PlayHostNames { in_inventory_order, ordered: hosts })
}

/// The hosts in portions, as `serial` says.
pub fn batches(reader: &PlayReader<'_>, hosts: &[Arc<str>]) -> Result<Vec<Vec<Arc<str>>>, Error> {
    let sizes = match reader.value(Keyword::Serial)? {
        None => return Ok(vec![hosts.to_vec()]),
        Some(Value::List(items)) => items.to_vec(),
        Some(single) => vec![single],
    };
    let mut counts = Vec::new();
    for size in &sizes {
        let text = size.to_text();
        let count = match text.trim().strip_suffix('%') {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a share of a count"
            )]
            Some(percent) => {
                percent.parse::<f64>().ok().map(|share| (((share / 100.0) * hosts.len() as f64) as usize).max(1))
            }
            None => to_int(size).map(|count| usize::try_from(count).unwrap_or(0)),
        };
        let Some(count) = count else {
            return Err(Error::project(
                format!("serial must be a number or a percentage, not {}", size.repr()),
                reader.play.keywords.span(Keyword::Serial),
            ));
        };
        counts.push(count);
    }
    let mut batches = Vec::new();
    let mut rest = hosts;
    let mut index = 0;
    while !rest.is_empty() {
        let count = counts.get(index).or(counts.last()).copied().unwrap_or(0);
        let count = if count == 0 { rest.len() } else { count.min(rest.len()) };
        let (batch, later) = rest.split_at(count);
        batches.push(batch.to_vec());
        rest = later;
        index += 1;
    }
    Ok(batches)
}
