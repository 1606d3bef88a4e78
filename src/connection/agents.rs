//! The agents that are part of this program, one per architecture.

use rplay_module_api::bootstrap::{self, AgentFile};

pub struct Agent {
    /// As `uname -m` says it, with alternatives separated by `|`.
    pub machine: &'static str,
    pub hash: &'static str,
    pub content: &'static [u8],
}

pub const AGENTS: &[Agent] = include!(concat!(env!("OUT_DIR"), "/agents.rs"));

/// The agent for what `uname -m` said.
pub fn for_machine(machine: &str) -> Option<&'static Agent> {
    AGENTS.iter().find(|agent| agent.machine.split('|').any(|name| name == machine))
}

/// The command that turns a login shell's channel into an agent.
pub fn bootstrap_command() -> String {
    let files: Vec<AgentFile> = AGENTS
        .iter()
        .map(|agent| AgentFile { machine: agent.machine, hash: agent.hash, size: agent.content.len() })
        .collect();
    bootstrap::command(&files)
}
