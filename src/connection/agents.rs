//! The agents that are part of this program, one per architecture.

use rplay_module_api::bootstrap::{self, AgentFile, AgentHash};

pub struct Agent {
    /// As `uname -m` says it, with alternatives separated by `|`.
    pub machine: &'static str,
    pub hash: AgentHash<'static>,
    pub content: &'static [u8],
    /// The content compressed by gzip.
    pub packed: &'static [u8],
}

pub const AGENTS: &[Agent] = include!(concat!(env!("OUT_DIR"), "/agents.rs"));

/// The agent for what `uname -m` said.
pub fn for_machine(machine: &str) -> Option<&'static Agent> {
    AGENTS.iter().find(|agent| agent.machine.split('|').any(|name| name == machine))
}

/// The command that turns a login shell's channel into an agent. The `nonce` is in all that it says to this side.
pub fn bootstrap_command(nonce: &str) -> String {
    let file = |agent: &'static Agent| AgentFile {
        machine: agent.machine,
        hash: agent.hash,
        size: agent.content.len(),
        packed_size: Some(agent.packed.len()),
    };
    bootstrap::command(&AGENTS.iter().map(file).collect::<Vec<_>>(), nonce)
}
