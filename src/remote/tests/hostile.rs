//! Servers that mean harm, or are broken, and hosts that stall: every wait ends, and says why.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use sha1::{Digest, Sha1};

use super::*;

/// Far longer than anything here may take.
const AGES: Duration = Duration::from_mins(1);

/// A server that does this with each connection.
fn server(serve: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    port
}

fn settings(port: u16) -> SshSettings {
    SshSettings {
        port: Some(port),
        user: Some("root".into()),
        common_args: "-F none".into(),
        host_key_checking: false,
        timeout: Duration::from_secs(2),
        ..SshSettings::new("127.0.0.1")
    }
}

async fn refusal(settings: SshSettings) -> String {
    let endpoint = Endpoint::Ssh(settings.into());
    match tokio::time::timeout(AGES, connect(&endpoint)).await.expect("the attempt ends") {
        Ok(_) => panic!("connected"),
        Err(err) => err.message,
    }
}

fn flood(mut stream: TcpStream, piece: &[u8]) {
    while stream.write_all(piece).is_ok() {}
}

#[tokio::test]
async fn a_flood_before_the_version_is_refused() {
    let message = refusal(settings(server(|stream| flood(stream, &[b'x'; 16384])))).await;
    assert!(message.contains("more than 8192 bytes"), "{message}");
    let message = refusal(settings(server(|stream| flood(stream, b"hello\r\n")))).await;
    assert!(message.contains("more than 1024 lines"), "{message}");
    let long = |mut stream: TcpStream| {
        let _ = stream.write_all(&[b"SSH-2.0-".as_slice(), &[b'x'; 5000], b"\r\n"].concat());
        let _ = stream.read(&mut [0; 1]);
        thread::sleep(AGES);
    };
    let message = refusal(settings(server(long))).await;
    assert!(message.contains("version line is longer"), "{message}");
}

#[tokio::test]
async fn greeting_lines_are_no_flood() {
    let polite = |mut stream: TcpStream| {
        for piece in ["welcome\r\n", "to\n", "\r\n", "this", " host\r\nSS", "H-2.0", "-old\r\n"] {
            let _ = stream.write_all(piece.as_bytes());
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(AGES);
    };
    let message = refusal(settings(server(polite))).await;
    assert!(message.contains("timed out during the key exchange"), "{message}");
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up_at_the_deadline() {
    let message = refusal(settings(server(|stream| {
        thread::sleep(AGES);
        drop(stream);
    })))
    .await;
    assert!(message.contains("timed out during banner exchange"), "{message}");
    // Each byte would begin a wait anew, if a wait were what is limited.
    let dripping = |mut stream: TcpStream| {
        let _ = stream.write_all(b"SSH-2.0-x\r\n\0\0\x01");
        while stream.write_all(b"\0").is_ok() {
            thread::sleep(Duration::from_millis(200));
        }
    };
    let message = refusal(settings(server(dripping))).await;
    assert!(message.contains("timed out during the key exchange"), "{message}");
}

#[tokio::test]
async fn no_reason_is_empty() {
    for answer in [
        b"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff".as_slice(),
        b"SSH-2.0-x\r\n\0\0\0\0\0\0\0\0\0\0\0\0",
        b"SSH-2.0-x\r\n\0\0\x01\0\xff",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-x\0y\r\n",
        b"SSH-2.0-x",
        b"SSH-1.5-old\r\n",
        b"",
    ] {
        let message = refusal_of_run(settings(server(move |mut stream: TcpStream| {
            let _ = stream.write_all(answer);
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
        })))
        .await;
        let reason = message.rsplit("via ssh: ").next().unwrap_or_default();
        assert!(reason.len() > 10 && !reason.contains("()"), "{answer:?}: {message}");
    }
}

#[tokio::test]
async fn packets_without_end_do_not_keep_a_connection_busy() {
    // A key exchange packet that is to be ignored, again and again.
    let mut packet = vec![0, 0, 0, 12, 6, 2, 0, 0, 0, 0];
    packet.resize(16, 0);
    let message = refusal(settings(server(move |mut stream: TcpStream| {
        let _ = stream.write_all(b"SSH-2.0-x\r\n");
        flood(stream, &packet.repeat(4096));
    })))
    .await;
    assert!(message.contains("sends without end") || message.contains("Connection closed"), "{message}");
}

#[tokio::test]
async fn one_dead_endpoint_is_tried_once_by_all_who_need_it() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let tried = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tried);
    let port = server(move |stream| {
        count.fetch_add(1, Ordering::Relaxed);
        thread::sleep(AGES);
        drop(stream);
    });
    let pool = Arc::new(Pool::new());
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let (pool, endpoint) = (Arc::clone(&pool), Endpoint::Ssh(settings(port).into()));
        waiting.spawn(async move { pool.client(&endpoint).await.err().map(|err| err.message) });
    }
    let answers = tokio::time::timeout(AGES, waiting.join_all()).await.expect("they end");
    assert!(answers.iter().all(|answer| answer.is_some() && answer == &answers[0]), "{answers:?}");
    // Also for who comes just after.
    assert!(pool.client(&Endpoint::Ssh(settings(port).into())).await.is_err());
    assert_eq!(tried.load(Ordering::Relaxed), 1);
    // Who asks for a new connection gets a new attempt.
    pool.reset(&Endpoint::Ssh(settings(port).into()));
    assert!(pool.client(&Endpoint::Ssh(settings(port).into())).await.is_err());
    assert_eq!(tried.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn idle_connections_make_room_and_come_back() {
    let sshd = Sshd::start();
    let pool = Pool::with_most(3);
    let hosts: Vec<Endpoint> = (1..=6)
        .map(|last| Endpoint::Ssh(SshSettings { host: format!("127.0.0.{last}"), ..sshd.settings_for_any() }.into()))
        .collect();
    for round in 0..2 {
        for host in &hosts {
            let client = pool.client(host).await.expect("connects");
            let done =
                outcome(&client, command("echo $PPID")).await.unwrap_or_else(|err| panic!("round {round}: {err:?}"));
            assert!(!text(&done, "stdout").is_empty());
        }
    }
    let sessions =
        || std::process::Command::new("pgrep").args(["-c", "-P", &sshd.pid().to_string()]).output().expect("pgrep");
    let mut open = 0;
    for _ in 0..100 {
        open = String::from_utf8_lossy(&sessions().stdout).trim().parse().expect("a number");
        if open <= 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(open <= 3, "{open} connections are open");
}

#[tokio::test]
async fn a_host_that_stops_answering_is_unreachable_as_server_alive_says() {
    let sshd = Sshd::start();
    let mut settings = sshd.settings();
    settings.common_args.push_str(" -o ServerAliveInterval=1 -o ServerAliveCountMax=2");
    let client = connect(&Endpoint::Ssh(settings.into())).await.expect("connects");
    outcome(&client, ping()).await.expect("ping");
    // Silence alone is no sign: the host answers questions.
    assert!(outcome(&client, command("sleep 4")).await.is_ok());
    let mut ignore = |_| ();
    let (err, ()) = tokio::join!(
        async { tokio::time::timeout(AGES, client.run(command("sleep 50"), &mut ignore)).await.expect("it ends") },
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            sshd.signal_sessions("-STOP");
        }
    );
    sshd.signal_sessions("-CONT");
    let Err(RemoteError::Unreachable(err)) = err else { panic!("{err:?}") };
    assert!(err.message.contains("Timeout, server not responding."), "{err}");
    assert!(!client.is_usable());
}

#[tokio::test]
async fn an_unknown_key_is_not_confirmed_with_the_password() {
    let sshd = Sshd::start();
    sshd.forget_host_key();
    let mut settings = sshd.settings();
    settings.common_args.push_str(" -o ForwardAgent=yes");
    settings.password = Some(crate::value::secret::Secret::new("yes"));
    let client = connect(&Endpoint::Ssh(settings.into())).await.expect("no connection yet");
    let raw = tokio::time::timeout(AGES, client.raw("true", None)).await.expect("it ends");
    let err = raw.expect_err("refused").to_string();
    assert!(err.contains("Host key verification failed"), "{err}");
    assert_eq!(sshd.known_hosts(), "");
}

#[tokio::test]
async fn raw_over_the_program_has_a_start_timeout() {
    let port = server(|mut stream: TcpStream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
        thread::sleep(AGES * 2);
    });
    let mut settings = settings(port);
    settings.common_args.push_str(" -o ForwardAgent=yes");
    let client = connect(&Endpoint::Ssh(settings.into())).await.expect("no connection yet");
    let err = tokio::time::timeout(AGES, client.raw("true", None)).await.expect("it ends").expect_err("no host");
    assert!(err.to_string().contains("timed out") || err.to_string().contains("not logged in"), "{err}");
}

#[tokio::test]
async fn revoked_keys_are_refused() {
    let sshd = Sshd::start();
    let mut settings = sshd.settings();
    settings.common_args.push_str(&format!(" -o RevokedHostKeys={}", sshd.file("host_key.pub").display()));
    let client = connect(&Endpoint::Ssh(settings.into())).await.expect("no connection yet");
    let err = client.run(ping(), &mut |_| ()).await.expect_err("revoked").to_string();
    assert!(err.contains("revoked by file"), "{err}");
}

#[tokio::test]
async fn known_hosts_that_cannot_be_read_trusts_nobody() {
    let sshd = Sshd::start();
    let mut settings = sshd.settings();
    settings.common_args =
        format!("-F none -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={}", sshd.file("cache").display());
    let message = refusal(settings).await;
    assert!(message.contains("cannot be read") && message.contains("Host key verification failed"), "{message}");
}

#[tokio::test]
async fn a_known_rsa_key_does_not_allow_sha1_nor_other_algorithms() {
    let sshd = Sshd::start_with("HostKeyAlgorithms ssh-rsa\n", "rsa");
    let message = refusal_of_run(sshd.settings()).await;
    assert!(message.contains("no matching host key type") || message.contains("ssh-rsa"), "{message}");
    let sshd = Sshd::start_with("", "rsa");
    let client = connect(&sshd.endpoint()).await.expect("rsa-sha2");
    assert!(outcome(&client, ping()).await.is_ok());
    let mut settings = sshd.settings();
    settings.common_args.push_str(" -o RequiredRSASize=16384");
    let message = refusal(settings).await;
    assert!(message.contains("RequiredRSASize is 16384"), "{message}");
    let mut settings = sshd.settings();
    settings.common_args.push_str(" -o HostKeyAlgorithms=ssh-ed25519");
    let message = refusal_of_run(settings).await;
    assert!(message.contains("no matching host key type"), "{message}");
}

/// The same when only `ssh` itself finds out.
async fn refusal_of_run(settings: SshSettings) -> String {
    match connect(&Endpoint::Ssh(settings.into())).await {
        Ok(client) => client.run(ping(), &mut |_| ()).await.expect_err("refused").to_string(),
        Err(err) => err.message,
    }
}

#[tokio::test]
async fn a_host_with_one_session_says_so_and_runs_modules() {
    let sshd = Sshd::start_with("MaxSessions 1\n", "ed25519");
    let client = connect(&sshd.endpoint()).await.expect("connects");
    assert!(outcome(&client, ping()).await.is_ok());
    let err = client.raw("true", None).await.expect_err("one session is the agent's").to_string();
    assert!(err.contains("MaxSessions"), "{err}");
    assert!(outcome(&client, ping()).await.is_ok());
}

#[tokio::test]
async fn a_host_that_lets_few_in_at_a_time_is_tried_again_with_retries() {
    let sshd = Sshd::start_with("MaxStartups 1\n", "ed25519");
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let settings = SshSettings { retries: 6, ..sshd.settings() };
        waiting.spawn(async move {
            let client = connect(&Endpoint::Ssh(settings.into())).await?;
            client.run(ping(), &mut |_| ()).await.map(|_| ()).map_err(Unreachable::ssh)
        });
    }
    for result in tokio::time::timeout(AGES * 2, waiting.join_all()).await.expect("they end") {
        assert_eq!(result, Ok(()));
    }
}

#[tokio::test]
async fn a_login_shell_that_hangs_is_told_of() {
    let sshd = Sshd::start_with("ForceCommand sleep 300\n", "ed25519");
    let client = connect(&sshd.endpoint()).await.expect("connects");
    let result = tokio::time::timeout(AGES, client.run(ping(), &mut |_| ())).await.expect("it ends");
    let err = result.expect_err("no agent").to_string();
    assert!(err.contains("the login shell has said nothing for"), "{err}");
}

/// An agent that answers every request with what `answer`, a Python expression of the request's number, gives.
fn hostile_agent(answer: &str) -> Sshd {
    let script = tempfile::Builder::new().suffix(".py").tempfile().expect("a file").keep().expect("kept").1;
    let program = format!(
        "import os, re, struct, sys\n\
         nonce = re.search(r'r=([0-9a-f]{{16}})', os.environ['SSH_ORIGINAL_COMMAND']).group(1)\n\
         out, inp = sys.stdout.buffer, sys.stdin.buffer\n\
         def frame(kind, number, body, more=0): return struct.pack('<IBBHI', len(body), kind, more, 0, number) + body\n\
         hello = b'{{\"pid\":1,\"uid\":0,\"gid\":0,\"user\":\"root\",\"home\":\"/\",\"machine\":\"x\",\"hostname\":\"x\"}}'\n\
         out.write(b'\\nRPLAY-HELLO ' + nonce.encode() + b'\\n' + frame(1, 0, hello)); out.flush()\n\
         while True:\n\
         \x20   head = inp.read(12)\n\
         \x20   if len(head) < 12: break\n\
         \x20   length, kind, flags, _, number = struct.unpack('<IBBHI', head)\n\
         \x20   inp.read(length)\n\
         \x20   if kind != 4: continue\n\
         \x20   for piece in {answer}:\n\
         \x20       out.write(piece)\n\
         \x20   out.flush()\n"
    );
    std::fs::write(&script, program).expect("written");
    Sshd::start_with(&format!("ForceCommand /usr/bin/python3 {}\n", script.display()), "ed25519")
}

async fn answer_of(sshd: &Sshd) -> String {
    let client = connect(&sshd.endpoint()).await.expect("connects");
    let result = tokio::time::timeout(AGES * 4, client.run(ping(), &mut |_| ())).await.expect("it ends");
    result.expect_err("refused").to_string()
}

#[tokio::test]
async fn a_result_without_end_is_refused() {
    let sshd = hostile_agent("(frame(16, number, b'x' * 262144, 1) for _ in iter(int, 1))");
    let message = answer_of(&sshd).await;
    assert_eq!(message, "the result of the module ping is longer than 512 MB, which is more than a task may return");
}

#[tokio::test]
async fn a_result_that_would_fill_the_memory_is_refused() {
    let sshd = hostile_agent(
        "[frame(16, number, b'[', 1)] + [frame(16, number, b'0,' * 100000, 1)] * 50 + [frame(16, number, b'0]')]",
    );
    let message = answer_of(&sshd).await;
    assert!(message.contains("the result of the module ping holds more than 4000000 values"), "{message}");
    let sshd = hostile_agent("[frame(16, number, b'[' * 200000)]");
    let message = answer_of(&sshd).await;
    assert!(message.contains("the agent's answer cannot be read"), "{message}");
}

#[tokio::test]
async fn an_agent_that_asks_for_foreign_files_gets_none() {
    let sshd = hostile_agent(
        "[frame(6, number, b'/etc/shadow\\0src'), frame(11, number, b'\\xff' * 4), frame(7, number, b''), \
         frame(10, number, b'x'), frame(8, number, b'y' * 9), frame(12, number, b'/etc/cron.d/x'), frame(1, number, b'{}')]",
    );
    let message = answer_of(&sshd).await;
    assert!(message.contains("unexpected Hello"), "{message}");
}

#[tokio::test]
async fn many_files_come_in_one_sequence() {
    let sshd = Sshd::start();
    let folder = tempfile::tempdir().expect("temporary folder");
    let (source, dest) = (folder.path().join("source"), folder.path().join("dest"));
    std::fs::create_dir_all(&source).expect("created");
    let client = connect(&sshd.endpoint()).await.expect("connects");
    let tree = |changed: usize, length: usize| {
        let (mut entries, mut files) = (Vec::new(), Vec::new());
        for number in 0..200 {
            let round = if number < changed { length } else { 0 };
            let content = format!("{number} {round}\n").repeat(1 + number * 7 + round);
            let path = source.join(number.to_string());
            std::fs::write(&path, &content).expect("written");
            let sha1: String = Sha1::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            entries.push(json!({"path": number.to_string(), "kind": "file", "mode": "0644", "sha1": sha1}));
            files.push((format!("src/{number}"), FileSource::Path(path)));
        }
        let args = json!({"_tree": entries, "dest": dest, "follow": false, "force": true, "backup": false, "remote_src": false});
        ModuleRequest { files, ..module("copy", args) }
    };
    for (round, (changed, length)) in [(0, 0), (0, 0), (3, 50_000)].into_iter().enumerate() {
        let request = tree(changed, length);
        let done = outcome(&client, request).await.expect("copied");
        assert_eq!(done.changed, round != 1, "round {round}");
        for number in 0..200 {
            let name = number.to_string();
            assert!(std::fs::read(source.join(&name)).ok() == std::fs::read(dest.join(&name)).ok(), "{name}");
        }
    }
}
