//! Against a real sshd on loopback, started by the test, and against this machine.

mod ciphers;
mod hostile;
mod sshd;

use std::time::{Duration, Instant};

use rplay_module_api::{Failure, Outcome, json};

use super::*;
use sshd::Sshd;

async fn connect(endpoint: &Endpoint) -> Result<Client, Unreachable> {
    Client::connect(endpoint, &std::sync::Arc::default()).await
}

fn local() -> Endpoint {
    Endpoint::Local { executable: "/bin/sh".into(), directory: "/".into() }
}

fn command(line: &str) -> ModuleRequest {
    let args = json!({"_raw_params": line, "argv": null, "chdir": null, "creates": null, "removes": null,
        "executable": null, "expand_argument_vars": true, "stdin": null, "stdin_add_newline": true, "strip_empty_ends": true});
    module("shell", args)
}

fn module(name: &str, args: Json) -> ModuleRequest {
    let Json::Object(args) = args else { panic!("arguments are an object") };
    ModuleRequest { module: name.into(), action: name.into(), args, ..ModuleRequest::default() }
}

fn ping() -> ModuleRequest {
    module("ping", json!({"data": "pong"}))
}

async fn outcome(client: &Client, request: ModuleRequest) -> Result<Outcome, Failure> {
    client.run(request, &mut |_| ()).await.expect("the host answers").result
}

fn text<'a>(outcome: &'a Outcome, name: &str) -> &'a str {
    outcome.fields.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn other_user(user: &str) -> Become {
    Become { method: "sudo".into(), user: user.into(), exe: None, flags: None, password: None, allow_same_user: false }
}

#[tokio::test]
async fn local_agent_runs_modules_without_a_trace() {
    let client = connect(&local()).await.expect("local");
    assert_eq!(text(&outcome(&client, ping()).await.expect("ping"), "ping"), "pong");
    let hello = client.hello().await.expect("hello");
    assert_eq!(hello.uid, rustix::process::getuid().as_raw());
    let failure = outcome(&client, module("no_such_module", json!({}))).await.expect_err("unknown");
    assert_eq!(failure.msg, "the agent has no module `no_such_module`");
}

#[tokio::test]
async fn ssh_uploads_once_and_answers_quickly() {
    let sshd = Sshd::start();
    let began = Instant::now();
    let client = connect(&sshd.endpoint()).await.expect("connects");
    assert_eq!(text(&outcome(&client, ping()).await.expect("ping"), "ping"), "pong");
    let first = began.elapsed();
    drop(client);
    let began = Instant::now();
    let client = connect(&sshd.endpoint()).await.expect("connects");
    let connected = began.elapsed();
    outcome(&client, ping()).await.expect("ping");
    let second = began.elapsed();
    let began = Instant::now();
    for _ in 0..100 {
        outcome(&client, ping()).await.expect("ping");
    }
    #[expect(clippy::print_stderr, reason = "the figures are what the test is read for")]
    {
        eprintln!(
            "with upload {first:?}, connect {connected:?}, with agent {second:?}, 100 pings {:?}",
            began.elapsed()
        );
    }
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn requests_of_one_host_run_side_by_side() {
    let sshd = Sshd::start();
    let client = connect(&sshd.endpoint()).await.expect("connects");
    let began = Instant::now();
    let (one, two) = tokio::join!(outcome(&client, command("sleep 1")), outcome(&client, command("sleep 1")));
    assert!(one.is_ok() && two.is_ok() && began.elapsed() < Duration::from_millis(1900), "{:?}", began.elapsed());
}

#[tokio::test]
async fn output_of_200_megabytes_and_bytes_that_are_no_text() {
    let sshd = Sshd::start();
    let client = connect(&sshd.endpoint()).await.expect("connects");
    let result = outcome(&client, command("head -c 200000000 /dev/zero | tr '\\0' x")).await.expect("succeeds");
    assert_eq!(text(&result, "stdout").len(), 200_000_000);
    let result = outcome(&client, command("printf 'a\\377b'")).await.expect("succeeds");
    assert!(text(&result, "stdout").starts_with('a'));
    let mut live = 0;
    let mut request = command("head -c 5000000 /dev/zero | tr '\\0' x");
    request.live_output = true;
    let mut on_event = |event| {
        if let RemoteEvent::Output(_, bytes) = event {
            live += bytes.len();
        }
    };
    client.run(request, &mut on_event).await.expect("the host answers").result.expect("succeeds");
    assert!(live == 0 || live == 5_000_000, "{live}");
}

#[tokio::test]
async fn a_line_gets_its_input_and_the_end_of_it() {
    let sshd = Sshd::start();
    for endpoint in [sshd.endpoint(), local()] {
        let client = connect(&endpoint).await.expect("connects");
        let work = client.raw_with_input("cat; echo end", None, b"in\n");
        let raw = tokio::time::timeout(Duration::from_secs(20), work).await.expect("ends").expect("runs");
        assert_eq!(String::from_utf8_lossy(&raw.stdout), "in\nend\n");
    }
}

#[tokio::test]
async fn becomes_other_users_over_the_same_connection() {
    let sshd = Sshd::start();
    for endpoint in [sshd.endpoint(), local()] {
        let client = connect(&endpoint).await.expect("connects");
        for user in ["root", "nobody", "nobody"] {
            let mut request = command("id -un");
            request.become_ = Some(other_user(user));
            assert_eq!(text(&outcome(&client, request).await.expect("succeeds"), "stdout"), user);
        }
        let mut request = command("id -un");
        request.become_ = Some(other_user("no-such-user"));
        let refused = client.run(request, &mut |_| {}).await.expect_err("no such user");
        assert!(matches!(&refused, RemoteError::Failed(reason) if reason.contains("no-such-user")), "{refused}");
        let raw = client.raw("id -un; exit 3", Some(&other_user("nobody"))).await.expect("runs");
        assert_eq!((raw.rc, String::from_utf8_lossy(&raw.stdout).trim()), (3, "nobody"));
    }
}

#[tokio::test]
async fn becoming_who_is_logged_in_needs_no_program() {
    let sshd = Sshd::start();
    let mut becoming = Become { exe: Some("/no/such/sudo".into()), ..other_user("root") };
    for endpoint in [sshd.endpoint(), local()] {
        becoming.allow_same_user = false;
        let client = connect(&endpoint).await.expect("connects");
        let mut request = command("id -un");
        request.become_ = Some(becoming.clone());
        assert_eq!(text(&outcome(&client, request.clone()).await.expect("succeeds"), "stdout"), "root");
        let raw = client.raw("id -un", Some(&becoming)).await.expect("runs");
        assert_eq!(String::from_utf8_lossy(&raw.stdout).trim(), "root");
        becoming.allow_same_user = true;
        request.become_ = Some(becoming.clone());
        let refused = client.run(request, &mut |_| {}).await.expect_err("there is no such program").to_string();
        assert!(refused.contains("/no/such/sudo"), "{refused}");
    }
}

#[tokio::test]
async fn a_dropped_request_ends_its_commands() {
    let sshd = Sshd::start();
    for endpoint in [sshd.endpoint(), local()] {
        let client = connect(&endpoint).await.expect("connects");
        for user in [None, Some("nobody")] {
            let mut request = command("sleep 4711.5 & sleep 4711.25");
            request.become_ = user.map(other_user);
            let waited = tokio::time::timeout(Duration::from_secs(2), outcome(&client, request)).await;
            assert!(waited.is_err());
            let mut left = String::new();
            for _ in 0..50 {
                let raw = client.raw("pgrep -f '[s]leep 4711' || true", None).await.expect("runs");
                left = String::from_utf8_lossy(&raw.stdout).trim().to_owned();
                if left.is_empty() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(left, "");
            assert!(outcome(&client, ping()).await.is_ok());
        }
    }
}

#[tokio::test]
async fn an_agent_killed_in_the_middle_is_unreachable() {
    let sshd = Sshd::start();
    let pool = Pool::new();
    let client = pool.client(&sshd.endpoint()).await.expect("connects");
    let pid = client.hello().await.expect("hello").pid;
    let killer = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        client.raw(&format!("kill -9 {pid}"), None).await.expect("runs");
    };
    let mut ignore = |_| ();
    let (err, ()) = tokio::join!(client.run(command("sleep 20"), &mut ignore), killer);
    let Err(RemoteError::Unreachable(err)) = err else { panic!("{err:?}") };
    assert_eq!(err.message, "the agent was ended by signal 9");
    let again = pool.client(&sshd.endpoint()).await.expect("connects anew");
    assert!(outcome(&again, ping()).await.is_ok());
}

#[tokio::test]
async fn a_lost_connection_is_unreachable() {
    let sshd = Sshd::start();
    let client = connect(&sshd.endpoint()).await.expect("connects");
    outcome(&client, ping()).await.expect("ping");
    let mut ignore = |_| ();
    let (err, ()) = tokio::join!(client.run(command("sleep 20"), &mut ignore), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        sshd.kill_sessions();
    });
    assert!(matches!(err, Err(RemoteError::Unreachable(_))), "{err:?}");
}

async fn refusal(settings: SshSettings) -> String {
    match connect(&Endpoint::Ssh(settings.into())).await {
        Ok(_) => panic!("connected"),
        Err(err) => err.message,
    }
}

#[tokio::test]
async fn refusals_name_their_reason() {
    let sshd = Sshd::start();
    let mut settings = sshd.settings();
    settings.private_key_file = Some(sshd.other_key());
    let message = refusal(settings).await;
    assert_eq!(message, "Failed to connect to the host via ssh: root@127.0.0.1: Permission denied (publickey).");

    let mut settings = sshd.settings();
    settings.port = Some(1);
    let message = refusal(settings).await;
    assert_eq!(
        message,
        "Failed to connect to the host via ssh: ssh: connect to host 127.0.0.1 port 1: Connection refused"
    );

    let mut settings = sshd.settings();
    settings.host = "no-such-host.invalid".into();
    let message = refusal(settings).await;
    assert!(message.contains("ssh: Could not resolve hostname no-such-host.invalid: "), "{message}");

    sshd.forget_host_key();
    let message = refusal(sshd.settings()).await;
    assert!(message.ends_with("Host key verification failed.") && message.contains("is known for"), "{message}");

    sshd.write_wrong_host_key();
    let message = refusal(sshd.settings()).await;
    assert!(message.contains("REMOTE HOST IDENTIFICATION HAS CHANGED!"), "{message}");
    assert!(message.contains("known_hosts:1"), "{message}");

    sshd.forget_host_key();
    let mut settings = sshd.settings();
    settings.host_key_checking = false;
    drop(connect(&Endpoint::Ssh(settings.into())).await.expect("not checked"));
    drop(connect(&sshd.endpoint()).await.expect("remembered"));
}

#[tokio::test]
async fn openssh_carries_what_libssh2_cannot() {
    let sshd = Sshd::start();
    let mut settings = sshd.settings();
    settings.common_args.push_str(" -o ForwardAgent=yes");
    let client = connect(&Endpoint::Ssh(settings.clone().into())).await.expect("connects");
    assert!(outcome(&client, ping()).await.is_ok());
    let raw = client.raw("echo out; exit 4", None).await.expect("runs");
    assert_eq!((raw.rc, String::from_utf8_lossy(&raw.stdout).trim()), (4, "out"));
    settings.private_key_file = Some(sshd.other_key());
    let client = connect(&Endpoint::Ssh(settings.into())).await.expect("no connection yet");
    let err = client.run(ping(), &mut |_| ()).await.expect_err("refused");
    assert!(err.to_string().contains("Permission denied (publickey"), "{err}");
}

#[tokio::test]
async fn full_disks_are_passed_over() {
    let sshd = Sshd::start();
    let home = sshd.full_disk();
    let mut settings = sshd.settings();
    settings.host_key_checking = true;
    sshd.set_environment("XDG_CACHE_HOME", &home);
    let client = connect(&Endpoint::Ssh(settings.into())).await.expect("connects");
    assert!(outcome(&client, ping()).await.is_ok());
    assert_eq!(std::fs::read_dir(home.join("rplay")).map_or(0, Iterator::count), 0);
}

#[tokio::test]
async fn raw_needs_no_agent() {
    let sshd = Sshd::start();
    let client = connect(&sshd.endpoint()).await.expect("connects");
    let raw = client.raw("echo $((6*7)); echo err >&2; test -t 0; exit 5", None).await.expect("runs");
    assert_eq!((raw.rc, String::from_utf8_lossy(&raw.stdout).as_ref()), (5, "42\r\nerr\r\n"));
    let raw = client.raw_with_input("cat; echo err >&2", None, b"in").await.expect("runs");
    assert_eq!((raw.rc, raw.stdout.as_slice(), raw.stderr.as_slice()), (0, &b"in"[..], &b"err\n"[..]));
    let client = connect(&local()).await.expect("local");
    let raw = client.raw("echo $((6*7)); echo err >&2; exit 5", None).await.expect("runs");
    assert_eq!((raw.rc, raw.stdout.as_slice(), raw.stderr.as_slice()), (5, &b"42\n"[..], &b"err\n"[..]));
}
