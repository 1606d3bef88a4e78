//! Restarts a host and waits until it is back: until the kernel has another boot id and a command runs.

use std::time::{Duration, Instant};

use rplay_module_api::message::shell_quote;
use rplay_module_api::{Kind, ModuleArgs, Return, Spec, take_args};

use super::{ActionResult, Invocation};

pub const SPEC: Spec = Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC };

const EXAMPLE: &str = r"- name: Restart into the new kernel
  reboot:
    msg: The kernel was updated.
    reboot_timeout: 900
";

const RETURNS: &[Return] = &[
    Return::new("rebooted", Kind::Bool, "always", "Whether the host was restarted."),
    Return::new("elapsed", Kind::Int, "always", "Seconds it took."),
];

/// Restart a host and wait until it is back.
#[derive(ModuleArgs)]
#[module(name = "reboot")]
struct Args {
    /// Seconds to wait before; shutdown counts whole minutes.
    #[arg(default = "0", alias("pre_reboot_delay_sec"))]
    pre_reboot_delay: u64,
    /// Seconds to wait before the first look whether the host is back.
    #[arg(default = "0", alias("post_reboot_delay_sec"))]
    post_reboot_delay: u64,
    /// Seconds the restart may take, and then again the command that tests the host.
    #[arg(default = "600", alias("reboot_timeout_sec"))]
    reboot_timeout: u64,
    /// Seconds that one attempt to connect may take.
    #[arg(alias("connect_timeout_sec"))]
    connect_timeout: Option<u64>,
    /// The command that must succeed in the end.
    #[arg(default = "whoami")]
    test_command: String,
    /// What logged-in users are told.
    #[arg(default = "Reboot initiated by Ansible")]
    msg: String,
    /// Where to look for `shutdown`.
    #[arg(default = "['/sbin', '/bin', '/usr/sbin', '/usr/bin', '/usr/local/sbin']")]
    search_paths: Vec<String>,
    /// A command whose output differs from boot to boot.
    #[arg(default = "cat /proc/sys/kernel/random/boot_id")]
    boot_time_command: String,
    /// The command that restarts the host, in place of `shutdown`.
    reboot_command: Option<String>,
}

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let args: Args = match take_args(invocation.checked.clone()) {
        Ok(args) => args,
        Err(failure) => return ActionResult::failed(failure.msg),
    };
    if invocation.target.is_local() {
        return ActionResult::failed("Running reboot with local connection would reboot the control node.")
            .with_changed(false)
            .with("elapsed", 0_i64)
            .with("rebooted", false);
    }
    if invocation.check {
        return ActionResult::changed(true).with("elapsed", 0_i64).with("rebooted", true);
    }
    let started = Instant::now();
    let outcome = restart(invocation, &args).await;
    let elapsed = i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX);
    match outcome {
        Ok(()) => ActionResult::changed(true).with("rebooted", true),
        Err((rebooted, message)) => ActionResult::failed(message).with("rebooted", rebooted),
    }
    .with("elapsed", elapsed)
}

/// The error says whether the command to restart was given.
async fn restart(invocation: &Invocation<'_>, args: &Args) -> Result<(), (bool, String)> {
    let before = output(invocation, &args.boot_time_command, None)
        .await
        .map_err(|reason| (false, format!("Failed to get host boot time info, {reason}")))?;
    let line = args.reboot_command.clone().unwrap_or_else(|| {
        format!(
            "PATH={}:$PATH shutdown -r {} {}",
            args.search_paths.join(":"),
            args.pre_reboot_delay / 60,
            shell_quote(&args.msg)
        )
    });
    // A host that goes down at once ends the connection: that is no failure.
    if let Ok(output) = invocation.target.raw(&line).await
        && output.rc > 0
    {
        return Err((
            false,
            format!(
                "Reboot command failed. Error was: '{}, {}'",
                String::from_utf8_lossy(&output.stdout).trim(),
                String::from_utf8_lossy(&output.stderr).trim()
            ),
        ));
    }
    tokio::time::sleep(Duration::from_secs(args.pre_reboot_delay / 60 * 60 + args.post_reboot_delay)).await;
    let is_new = |text: &str| text != before;
    wait(invocation, args, &args.boot_time_command, &is_new, "last boot time check").await?;
    wait(invocation, args, &args.test_command, &|_| true, "post-reboot test command").await
}

/// Runs the command on new connections until its output is accepted.
async fn wait(
    invocation: &Invocation<'_>,
    args: &Args,
    command: &str,
    accepted: &(dyn Fn(&str) -> bool + Send + Sync),
    what: &str,
) -> Result<(), (bool, String)> {
    let deadline = Instant::now() + Duration::from_secs(args.reboot_timeout);
    let mut pause = Duration::from_millis(500);
    loop {
        // What is left of a connection to the host that goes down says nothing about the new one.
        invocation.target.pool.reset(&invocation.target.endpoint);
        let limit = Duration::from_secs(args.connect_timeout.unwrap_or(10).max(1));
        let reason = match output(invocation, command, Some(limit)).await {
            Ok(text) if accepted(&text) => return Ok(()),
            Ok(_) => "it has not gone down yet".to_owned(),
            Err(reason) => reason,
        };
        if Instant::now() >= deadline {
            return Err((true, format!("Timed out waiting for {what} (timeout={})", args.reboot_timeout)));
        }
        (invocation.progress)(&format!("waiting for the host: {reason}"));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(12));
    }
}

/// Standard output of a command that succeeds.
async fn output(invocation: &Invocation<'_>, command: &str, limit: Option<Duration>) -> Result<String, String> {
    let work = invocation.target.raw(command);
    let output = match limit {
        None => work.await,
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_| "no answer".to_owned())?,
    };
    let output = output.map_err(|err| err.to_string())?;
    if output.rc == 0 {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(format!("rc {}: {}", output.rc, String::from_utf8_lossy(&output.stderr).trim()))
}
