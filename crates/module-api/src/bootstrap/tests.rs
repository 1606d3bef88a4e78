use super::*;

const AGENTS: &[AgentFile] = &[AgentFile {
    machine: "x86_64|amd64",
    hash: AgentHash { sha256: "abc", blake2b: "def" },
    size: 3,
    packed_size: Some(2),
}];

fn upload(machine: &str, packed: bool) -> Step {
    Step::Upload { machine: machine.to_owned(), packed }
}

#[test]
fn script_survives_single_quotes_in_any_shell() {
    let script = script(AGENTS, Some("/proc/1/exe"), "0123");
    assert!(!script.contains(['\'', '\\', '!', '\n']), "{script}");
}

#[test]
fn noise_ahead_of_the_agent_is_skipped() {
    let mut bootstrap = Bootstrap::new("0123");
    assert_eq!(bootstrap.feed(b"Welcome\nto the\nRPLAY-NE"), Step::More);
    assert_eq!(bootstrap.feed(b"ED 0123 x86_64 gzip\n"), upload("x86_64", true));
    assert_eq!(bootstrap.feed(b"\nRPLAY-HELLO 0123\n\x05rest"), Step::Ready(b"\x05rest".to_vec()));
    assert_eq!(bootstrap.noise(), "Welcome\nto the");
}

#[test]
fn noise_that_looks_like_the_script_is_noise() {
    let mut bootstrap = Bootstrap::new("0123");
    let noise = b"RPLAY-NEED x86_64\nRPLAY-NEED 0124 x86_64 raw\nRPLAY-HELLO\nRPLAY-HELLO \nRPLAY-FAIL 012 no\n";
    assert_eq!(bootstrap.feed(noise), Step::More);
    assert_eq!(bootstrap.feed(b"RPLAY-NEED 0123 aarch64 raw\r\n"), upload("aarch64", false));
    assert_eq!(bootstrap.noise().lines().count(), 5);
}

#[test]
fn endless_noise_is_not_kept() {
    let mut bootstrap = Bootstrap::new("0123");
    for _ in 0..1000 {
        assert_eq!(bootstrap.feed(&[b'x'; 1000]), Step::More);
    }
    assert!(bootstrap.noise().len() <= 2 * MAX_NOISE);
}

#[test]
fn giving_up_says_why() {
    let step = Bootstrap::new("0123").feed(b"RPLAY-FAIL 0123 no agent for the architecture mips\r\n");
    assert_eq!(step, Step::Failed("no agent for the architecture mips".into()));
}

#[test]
fn hints() {
    assert!(hint(Some(1), "rbash: line 1: exec: restricted").is_some_and(|hint| hint.contains("rbash")));
    assert!(hint(Some(126), "exec: ./agent: Exec format error").is_some_and(|hint| hint.contains("architecture")));
    assert!(hint(Some(1), "This account is currently not available.").is_some_and(|hint| hint.contains("nologin")));
    assert!(hint(Some(1), " ").is_some_and(|hint| hint.contains("/bin/false")));
    assert_eq!(hint(Some(127), "sh: 1: uname: not found"), None);
    assert_eq!(hint(None, ""), None);
}
