//! What results change outside of their task. This is the only place that applies effects, each once, after the task was judged.

use super::play_state::{HostId, PlayState};
use crate::actions::effect::{FactsOf, HostEffect, RunEffect};
use crate::actions::{Effect, Include};
use crate::error::Error;
use crate::playbook::keywords::warn_of_reserved;
use crate::vars::removal_warning;

/// Applies the effects of `host`'s result for `affected` (all hosts of a task that ran once). Returns what is to be included.
pub fn apply(
    play: &mut PlayState<'_>,
    host: HostId,
    affected: &[HostId],
    effects: Vec<Effect>,
) -> Result<Vec<Include>, Error> {
    let mut includes = Vec::new();
    for effect in effects {
        match effect {
            Effect::Host { of: FactsOf::Named(name), effect } => {
                apply_to(play, &name, effect);
            }
            Effect::Host { of: FactsOf::Task, effect } => {
                if let [only] = affected {
                    apply_to(play, play.name(*only), effect);
                } else {
                    for other in affected {
                        apply_to(play, play.name(*other), effect.clone());
                    }
                }
            }
            Effect::Run(effect) => includes.extend(change_run(play, host, effect)?),
        }
    }
    Ok(includes)
}

fn apply_to(play: &PlayState<'_>, host: &str, effect: HostEffect) {
    let variables = play.shared.world.host(host);
    let notices = &play.shared.notices;
    match effect {
        HostEffect::SetFacts { facts, cacheable } => {
            warn_of_reserved(facts.keys(), notices);
            if cacheable {
                for name in variables.add_cacheable(&facts) {
                    notices.warn(removal_warning(&name), None);
                }
                play.shared.world.keep_facts(host);
            }
            variables.set(facts);
        }
        HostEffect::Facts(facts) => {
            warn_of_reserved(facts.injected().keys(), notices);
            variables.add_facts(&facts, play.shared.options.inject_facts);
            play.shared.world.keep_facts(host);
        }
        HostEffect::IncludeVars(included) => {
            warn_of_reserved(included.keys(), notices);
            variables.include(included);
        }
    }
}

fn change_run(play: &PlayState<'_>, host: HostId, effect: RunEffect) -> Result<Option<Include>, Error> {
    match effect {
        RunEffect::Inventory(change) => play.shared.world.change_hosts(&change)?,
        RunEffect::SetStats { data, per_host, aggregate } => {
            let host = per_host.then(|| &**play.name(host));
            play.shared.counters.add_custom(host, data, aggregate);
        }
        RunEffect::Include(include) => return Ok(Some(include)),
    }
    Ok(None)
}
