use std::time::{Duration, Instant};

use rplay_module_api::{Command, Runner, Stream};

use super::Processes;
use crate::support::testing::Recorder;

fn run(command: &Command) -> (i32, String, String) {
    let output = Processes::default().run(command, &mut Recorder::default()).expect("the command starts");
    (output.rc, output.stdout_text(), output.stderr_text())
}

fn shell(script: &str) -> Command {
    Command::new(["/bin/sh", "-c", script])
}

#[test]
fn both_streams_and_the_exit_code() {
    assert_eq!(run(&shell("echo out; echo err >&2; exit 7")), (7, "out\n".into(), "err\n".into()));
    assert_eq!(run(&shell("kill -9 $$")).0, -9);
}

#[test]
fn input_larger_than_a_pipe() {
    let input = "x".repeat(1 << 20);
    assert_eq!(run(&Command::new(["wc", "-c"]).stdin(input)).1.trim(), "1048576");
    assert_eq!(run(&Command::new(["true"]).stdin("x".repeat(1 << 20))).0, 0);
    assert_eq!(run(&Command::new(["cat"])).1, "");
}

#[test]
fn environment_directory_and_umask() {
    let mut command = shell("echo $WORD; pwd; umask").env("WORD", "hi").cwd("/usr");
    command.umask = Some(0o27);
    assert_eq!(run(&command).1, "hi\n/usr\n0027\n");
}

#[test]
fn streams_while_it_runs() {
    let mut port = Recorder::default();
    Processes::default().run(&shell("echo a; sleep 0.1; echo b >&2").streamed(), &mut port).expect("sh starts");
    assert_eq!(port.output, [(Stream::Stdout, "a\n".to_owned()), (Stream::Stderr, "b\n".to_owned())]);
}

#[test]
fn background_children_do_not_hold_it_up() {
    let begin = Instant::now();
    assert_eq!(run(&shell("sleep 5 & echo started")).1, "started\n");
    assert!(begin.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_time_limit_ends_the_whole_group() {
    let mut command = shell("sleep 50 | cat");
    command.timeout = Some(Duration::from_millis(200));
    let begin = Instant::now();
    let err = Processes::default().run(&command, &mut Recorder::default()).expect_err("it takes too long");
    assert_eq!(err.kind(), std::io::ErrorKind::TimedOut);
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn kill_reaches_commands_of_other_threads() {
    let processes = Processes::default();
    let mut same = processes.clone();
    let thread = std::thread::spawn(move || same.run(&shell("sleep 50; true"), &mut Recorder::default()));
    while processes.running.lock().expect("no thread panicked").is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    processes.kill();
    let output = thread.join().expect("the thread ends").expect("the command was started");
    assert_eq!(output.rc, -9);
}
