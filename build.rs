//! Builds the agent for every architecture whose target is installed, and lists the files for the controller to embed.

use std::env;
use std::fmt::Write;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use blake2::{Blake2b512, Digest};
use sha2::Sha256;

/// `uname -m` of a target, and how the agent is built for it, best first. musl has no name service switch to miss when it is linked
/// statically; glibc is for machines where musl's target is not installed.
const TARGETS: &[(&str, &[&str])] = &[
    ("x86_64|amd64", &["x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"]),
    ("aarch64|arm64", &["aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu"]),
];

fn main() {
    for path in ["crates/agent", "crates/module-host", "crates/modules", "crates/module-api", "Cargo.lock", "build.rs"]
    {
        println!("cargo::rerun-if-changed={path}");
    }
    // A ready agent in place of building one: for packagers, and for many checkouts on one machine.
    println!("cargo::rerun-if-env-changed=RPLAY_AGENT");
    let mut agents = Vec::new();
    if let Some(ready) = env::var_os("RPLAY_AGENT").filter(|path| !path.is_empty()) {
        println!("cargo::rerun-if-changed={}", Path::new(&ready).display());
        agents.push((TARGETS[0].0, PathBuf::from(ready)));
    } else {
        for (machine, targets) in TARGETS {
            agents.extend(targets.iter().find(|target| usable(target)).map(|target| (*machine, build(target))));
        }
    }
    assert!(!agents.is_empty(), "no target is installed for which the agent can be built");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    fs::write(out.join("agents.rs"), table(&agents, &out)).expect("OUT_DIR is writable");
}

/// Whether the standard library for a target is there, and for a foreign one a linker.
fn usable(target: &str) -> bool {
    let sysroot = Command::new(rustc()).args(["--print", "sysroot"]).output().expect("rustc runs").stdout;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot).trim());
    let host = env::var("HOST").expect("set by cargo");
    let native = target.split('-').next() == host.split('-').next();
    let linker = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    println!("cargo::rerun-if-env-changed={linker}");
    let c_compiler = target.contains("gnu") || !native || found("musl-gcc");
    sysroot.join("lib/rustlib").join(target).join("lib").is_dir()
        && c_compiler
        && (native || env::var_os(linker).is_some())
}

fn found(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn rustc() -> PathBuf {
    PathBuf::from(env::var_os("RUSTC").expect("set by cargo"))
}

/// Builds in a target folder of its own: the outer cargo holds the lock of its own while it waits for this script.
fn build(target: &str) -> PathBuf {
    let profile = if env::var("PROFILE").as_deref() == Ok("release") { "agent" } else { "agent-dev" };
    let folder = target_folder().join("agent");
    let mut cargo = Command::new(env::var_os("CARGO").expect("set by cargo"));
    cargo.args(["build", "--package", "rplay-agent", "--bin", "rplay-agent", "--profile", profile, "--target", target]);
    cargo.arg("--target-dir").arg(&folder);
    // What the outer cargo set for this package would rebuild or mislead the inner one.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_")
            && !name.starts_with("CARGO_HOME")
            && !name.starts_with("CARGO_TARGET_")
            && !name.starts_with("CARGO_NET_")
            && !name.starts_with("CARGO_REGISTR")
            && !name.starts_with("CARGO_BUILD_JOBS")
        {
            cargo.env_remove(&*name);
        }
    }
    cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_TARGET_DIR").env_remove("RUSTC_WORKSPACE_WRAPPER");
    cargo.env("RUSTFLAGS", "-C target-feature=+crt-static -C relocation-model=static");
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "the agent for {target} could not be built");
    folder.join(target).join(profile).join("rplay-agent")
}

/// OUT_DIR is `TARGET_DIR/[TRIPLE/]PROFILE/build/PACKAGE/out`.
fn target_folder() -> PathBuf {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let profile_folder = out.ancestors().nth(3).expect("cargo's layout");
    let above = profile_folder.parent().expect("cargo's layout");
    let with_triple =
        above.file_name().is_some_and(|name| name.to_string_lossy() == env::var("TARGET").unwrap_or_default());
    if with_triple { above.parent().expect("cargo's layout").to_owned() } else { above.to_owned() }
}

fn table(agents: &[(&str, PathBuf)], out: &Path) -> String {
    let mut table = String::from("&[\n");
    for (index, (machine, path)) in agents.iter().enumerate() {
        let content = fs::read(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        let packed = out.join(format!("agent-{index}.gz"));
        fs::write(&packed, compressed(&content)).expect("OUT_DIR is writable");
        let sha256 = hexadecimal(&Sha256::digest(&content));
        let blake2b = hexadecimal(&Blake2b512::digest(&content));
        let path = fs::canonicalize(path).expect("just read");
        let text = |path: &Path| path.to_str().expect("cargo's own folders are named in UTF-8").to_owned();
        let (path, packed) = (text(&path), text(&packed));
        writeln!(
            table,
            "    Agent {{ machine: {machine:?}, hash: AgentHash {{ sha256: {sha256:?}, blake2b: {blake2b:?} }}, \
             content: include_bytes!({path:?}), packed: include_bytes!({packed:?}) }},"
        )
        .expect("text");
    }
    table.push_str("]\n");
    table
}

fn compressed(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(content).and_then(|()| writer.finish()).expect("memory takes everything")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
