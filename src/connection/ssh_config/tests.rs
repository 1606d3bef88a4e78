use std::collections::HashMap;
use std::fs;
use std::process::Command;

use super::*;

#[test]
fn words_are_split_as_a_shell_does() {
    assert_eq!(
        split(r#" -o "Proxy Command=a b"  -p 22 'x y'\ z "" "#),
        ["-o", "Proxy Command=a b", "-p", "22", "x y z", ""]
    );
    assert_eq!(split("  "), Vec::<String>::new());
}

fn defaults() -> HashMap<String, String> {
    let said = Command::new("ssh").args(["-F", "none", "-G", "--", "localhost"]).output().expect("ssh runs");
    let text = String::from_utf8(said.stdout).expect("text");
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect()
}

#[test]
fn output_of_ssh_is_understood() {
    let config = parse_output(
        "host web\nuser deploy\nhostname 10.0.0.1\nport 2222\nstricthostkeychecking accept-new\n\
         identityfile /k/one\nuserknownhostsfile /k/known /k/known2\nglobalknownhostsfile /etc/k\n\
         serveraliveinterval 20\nserveralivecountmax 2\nproxyjump none\nforwardagent no\nconnectionattempts 3\n\
         requiredrsasize 2048\npreferredauthentications password,publickey\nsetenv A=b\n",
        &HashMap::new(),
    );
    assert_eq!((config.hostname.as_str(), config.port, config.user.as_str()), ("10.0.0.1", 2222, "deploy"));
    assert_eq!(config.strict_host_keys, StrictHostKeys::AcceptNew);
    assert_eq!(config.known_hosts_files, ["/k/known", "/k/known2", "/etc/k"].map(PathBuf::from));
    assert_eq!(config.server_alive, Some((20, 2)));
    assert_eq!((config.connection_attempts, config.required_rsa_size), (3, 2048));
    assert_eq!(config.authentications(), ["password", "publickey"]);
    assert_eq!(config.sent_environment(), [("A".to_owned(), "b".to_owned())]);
    assert!(!config.needs_ssh_program());
}

#[test]
fn every_option_that_ssh_prints_has_its_row() {
    let defaults = defaults();
    assert!(defaults.len() > 50, "{defaults:?}");
    let missing: Vec<&String> = defaults.keys().filter(|name| options::fate(name).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let names: Vec<&str> = options::OPTIONS.iter().map(|(name, _)| *name).collect();
    assert!(names.is_sorted(), "the rows are not in order");
}

#[test]
fn what_only_ssh_can_do_is_handed_over_or_refused() {
    let defaults = defaults();
    let asked = |option: &str| {
        let said =
            Command::new("ssh").args(["-F", "none", "-o", option, "-G", "--", "web"]).output().expect("ssh runs");
        assert!(said.status.success(), "{option}: {}", String::from_utf8_lossy(&said.stderr));
        parse_output(&String::from_utf8_lossy(&said.stdout), &defaults)
    };
    for option in [
        "ProxyJump=bastion",
        "ProxyCommand=nc %h %p",
        "RevokedHostKeys=/etc/revoked",
        "NoHostAuthenticationForLocalhost=yes",
        "HostbasedAuthentication=yes",
        "CheckHostIP=yes",
        "RekeyLimit=1G 1h",
        "IPQoS=cs1",
        "ForwardAgent=yes",
        "CertificateFile=/k/cert",
        "VerifyHostKeyDNS=yes",
        "KnownHostsCommand=/bin/true",
        "LocalForward=1 localhost:2",
    ] {
        assert!(asked(option).needs_ssh_program(), "{option}");
    }
    for option in ["RemoteCommand=ls", "SessionType=none", "StdinNull=yes"] {
        assert!(asked(option).refused.is_some_and(|refused| refused.contains("the ssh option")), "{option}");
    }
    for option in ["LogLevel=DEBUG", "ControlMaster=auto", "VisualHostKey=yes", "Compression=yes"] {
        let config = asked(option);
        assert!(!config.needs_ssh_program() && config.refused.is_none(), "{option}: {:?}", config.for_program);
    }
    assert_eq!(asked("HostKeyAlgorithms=ssh-ed25519").host_key_algorithms.as_deref(), Some("ssh-ed25519"));
    let strict = asked("PubkeyAcceptedAlgorithms=ssh-ed25519");
    assert!(strict.refuses_key("ssh-rsa").is_some() && strict.refuses_key("ssh-ed25519").is_none());
    assert_eq!(asked("Port=22").ciphers, None);
}

/// Files that are read here say of every host what ssh says of it.
#[test]
fn files_mean_what_they_mean_to_ssh() {
    const FILES: &[&str] = &[
        "",
        "# only a comment\n\n   # another\n",
        "Host *\n    SendEnv LANG LC_*\n    HashKnownHosts yes\n    GSSAPIAuthentication yes\n",
        "Host web1 web2\n  HostName 10.0.0.1\n  User deploy\n  Port 2222\nHost *\n  User other\n  Port 1\n  ServerAliveInterval 15\n",
        "Host web* !web2\n  IdentityFile ~/.ssh/one\n  IdentityFile /k/two\n  IdentitiesOnly yes\nHost *\n  IdentityFile /k/three\n",
        "user=a\nPORT = 23\nhost \"web1\"\n hostname \"Some.Where\"\n compression yes\n",
        "Host web1\n  UserKnownHostsFile /k/a /k/b\n  StrictHostKeyChecking accept-new\nMatch all\n  ServerAliveCountMax 5\n  ConnectTimeout 1m30s\n",
        "Host w?b1\n PreferredAuthentications password,publickey\n ConnectionAttempts 3\n RequiredRSASize 2048\n TCPKeepAlive no\n AddressFamily inet\n",
        "StrictHostKeyChecking off\nHost nowhere\n ProxyJump bastion\n",
        "ControlMaster auto\nControlPath ~/.ssh/%C\nControlPersist 60s\nLogLevel ERROR\nProxyJump none\nHostKeyAlias other\nSetEnv A=b C=d\n",
        "Host a,b web1,web2\n User x\n",
    ];
    let defaults = defaults();
    let folder = tempfile::tempdir().expect("temporary folder");
    for (number, text) in FILES.iter().enumerate() {
        let path = folder.path().join(format!("config{number}"));
        fs::write(&path, text).expect("written");
        for (host, more) in
            [("web1", ""), ("web2", "-o Port=77"), ("WEB1", "-C -l someone -i /etc/hostname"), ("10.1.2.3", "-p 9 -4")]
        {
            let mut arguments = vec!["-F".to_owned(), path.display().to_string()];
            arguments.extend(split(more));
            let read = files::read(&arguments, host).unwrap_or_else(|| panic!("{text:?} for {host} is not read"));
            let said = Command::new("ssh").args(&arguments).args(["-G", "--", host]).output().expect("ssh runs");
            assert!(said.status.success(), "{text:?}: {}", String::from_utf8_lossy(&said.stderr));
            let asked = parse_output(&String::from_utf8_lossy(&said.stdout), &defaults);
            assert_eq!(read, asked, "{text:?} for {host} with {more:?}");
        }
    }
}

#[test]
fn what_needs_ssh_is_left_to_it() {
    for text in [
        "Match host web*\n User x\n",
        "Match exec true\n User x\n",
        "HostName %h.lan\n",
        "IdentityFile ~/.ssh/%h\n",
        "UserKnownHostsFile ${HOME}/x\n",
        "ProxyJump bastion\n",
        "Ciphers +aes128-cbc\n",
        "CanonicalizeHostname yes\n",
        "Port many\n",
        "NoSuchOption yes\n",
        "User a # comment\n",
        "Host other\n NoSuchOption yes\n",
        "SendEnv -LANG\n",
        "Hostname \"a\n",
    ] {
        assert_eq!(evaluate(text, "web1"), None, "{text:?}");
    }
}

#[tokio::test]
async fn a_program_that_fails_is_no_configuration() {
    let settings = SshSettings { ssh_executable: "/bin/false".to_owned(), ..SshSettings::new("web1") };
    let err = effective(&settings).await.expect_err("fails");
    assert!(err.message.contains("`/bin/false -G localhost` failed"), "{err}");
    let settings = SshSettings { ssh_executable: "/no/such/ssh".to_owned(), ..SshSettings::new("web1") };
    let err = effective(&settings).await.expect_err("fails");
    assert!(err.message.contains("No such file or directory"), "{err}");
    let settings = SshSettings { common_args: "-o NoSuchOption=1".to_owned(), ..SshSettings::new("web1") };
    let err = effective(&settings).await.expect_err("fails");
    assert!(err.message.to_lowercase().contains("nosuchoption"), "{err}");
}
