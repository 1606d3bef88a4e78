//! The agent's way onto real hosts: what damages it, what is in its way, and who else would like to be run in its place.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::hosts::Hosts;
use crate::project::{Ended, Project};

const WHOAMI: &str = "    - command: id -un\n    - command: pwd\n";

fn project(hosts: &Hosts, tasks: &str) -> Project {
    let site = format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}");
    Project::new().file("hosts", hosts.inventory()).file("site.yml", site)
}

fn run(hosts: &Hosts, project: &Project) -> Ended {
    hosts.run(project, &["-i", "hosts", "-v", "site.yml"])
}

/// The tasks ran, in the home where the login began.
fn all_well(ended: &Ended) {
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    for said in ["\"stdout\": \"ubuntu\"", "\"stdout\": \"/home/ubuntu\""] {
        assert!(ended.stdout.contains(said), "{said}: {}", ended.stdout);
    }
}

/// The agent's file in the home: name, mode and content belong together, and nothing else is there.
fn installed(hosts: &Hosts) {
    let script = "cd .cache/rplay && stat -c %a . && ls -A && echo agent-$(sha256sum < agent-* | cut -d' ' -f1)";
    let said = hosts.ssh("h1", script);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert_eq!((lines[0], lines[1]), ("700", lines[2]), "{said}");
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_damaged_agent_is_replaced() {
    let hosts = Hosts::boot(1, "1g");
    let project = project(&hosts, WHOAMI);
    all_well(&run(&hosts, &project));
    installed(&hosts);
    for damage in [
        "s=$(stat -c %s $f); truncate -s 0 $f; truncate -s $s $f",
        "truncate -s 4096 $f",
        ": > $f",
        "s=$(stat -c %s $f); cp /bin/true $f; truncate -s $s $f",
        "printf X | dd of=$f bs=1 seek=100000 conv=notrunc",
        "chmod 600 $f",
        "rm $f; ln -s /bin/true $f",
        "rm $f; mkfifo $f",
    ] {
        hosts.ssh("h1", &format!("f=$(echo ~/.cache/rplay/agent-*); {damage}"));
        all_well(&run(&hosts, &project));
        installed(&hosts);
    }
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn without_a_program_that_hashes_nothing_is_trusted() {
    let hosts = Hosts::boot(1, "1g");
    let project = project(&hosts, WHOAMI);
    hosts.ssh("h1", "cd /usr/bin && sudo rm b2sum sha256sum openssl shasum busybox gzip");
    all_well(&run(&hosts, &project));
    let plant = "f=$(echo ~/.cache/rplay/agent-*); printf '#!/bin/sh\\ntouch ~/planted\\n' > $f; ls ~/planted";
    hosts.ssh("h1", plant);
    all_well(&run(&hosts, &project));
    assert_eq!(hosts.ssh("h1", "ls ~/planted"), "");
}

/// A user of the host who may do nothing there, and a program of theirs.
struct Attacker<'a> {
    hosts: &'a Hosts,
}

impl<'a> Attacker<'a> {
    fn new(hosts: &'a Hosts, project: &Project) -> Self {
        let program = project.path().join("exchange");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/exchange.c");
        let built = Command::new("cc").args(["-O2", "-static", "-o"]).arg(&program).arg(source).status();
        assert!(built.is_ok_and(|status| status.success()), "the attacker's program can be built");
        let mut ssh = Command::new("ssh");
        let line = "cat > /tmp/exchange && chmod 755 /tmp/exchange";
        ssh.args(["-i", &hosts.key(), "-o", "BatchMode=yes", "ubuntu@h1", line]);
        let mut sent = hosts.enter(Path::new("/"), &ssh).stdin(Stdio::piped()).spawn().expect("ssh starts");
        let content = std::fs::read(program).expect("the program");
        sent.stdin.take().expect("a pipe").write_all(&content).expect("ssh reads");
        assert!(sent.wait().expect("ssh ends").success());
        Self { hosts }
    }

    fn run(&self, script: &str) -> String {
        self.hosts.ssh("h1", &format!("sudo setpriv --reuid=65534 --regid=65534 --clear-groups sh -c '{script}'"))
    }

    /// Exchanges two names, as fast as it can, for as long as the host runs.
    fn exchange(&self, one: &str, other: &str) {
        self.run(&format!("/tmp/exchange {one} {other} > /dev/null 2>&1 < /dev/null &"));
    }
}

/// With a home where nothing can be kept, the agent's file is in folders that everybody may write.
#[test]
#[ignore = "boots hosts: tests/run"]
fn another_user_cannot_have_his_program_run() {
    let hosts = Hosts::boot(1, "1g");
    let project = project(&hosts, WHOAMI);
    all_well(&run(&hosts, &project));
    // As the reviewer did it: a folder of the attacker's, in which a link to a program of root's and a file of the right size and name
    // change places all the time; and a name that is now a link to a private folder of the user's, now the attacker's folder.
    hosts.ssh(
        "h1",
        "f=$(basename ~/.cache/rplay/agent-*); s=$(stat -c %s ~/.cache/rplay/$f); echo $f > /tmp/name; echo $s > /tmp/size; \
         cp ~/.cache/rplay/$f /tmp/agent; rm -r ~/.cache; touch ~/.cache; mkdir -m 700 ~/private; cp /tmp/agent ~/private/$f",
    );
    let attacker = Attacker::new(&hosts, &project);
    let plant = "umask 22; f=$(cat /tmp/name); uid=1000; \
        for d in /var/tmp /dev/shm; do mkdir $d/evil; cd $d/evil || exit; chmod 711 .; \
        printf \"#!/bin/sh\\nid > /tmp/owned-\\$(id -u)\\n\" > $f; truncate -s $(cat /tmp/size) $f; chmod 755 $f; \
        ln -s /bin/true other; done; \
        mv /var/tmp/evil /var/tmp/.rplay-$uid; \
        ln -s /home/ubuntu/private /dev/shm/.rplay-$uid; echo planted";
    assert_eq!(hosts.ssh("h1", "id -u").trim(), "1000");
    assert_eq!(attacker.run(plant).trim(), "planted");
    attacker.exchange("/var/tmp/.rplay-1000/$(cat /tmp/name)", "/var/tmp/.rplay-1000/other");
    attacker.exchange("/dev/shm/.rplay-1000", "/dev/shm/evil");
    assert_eq!(hosts.ssh("h1", "pgrep -c exchange").trim(), "2");
    for _ in 0..40 {
        all_well(&run(&hosts, &project));
        assert_eq!(hosts.ssh("h1", "ls /tmp | grep owned; ls ~/private | wc -l"), "1\n");
    }
    assert_eq!(
        hosts.ssh("h1", "stat -c '%a %U' /tmp/.rplay-1000; ls /tmp/.rplay-1000 | grep -c agent-"),
        "700 ubuntu\n1\n"
    );
    // The third folder, too: then there is none, and it is said.
    hosts.ssh("h1", "rm -r /tmp/.rplay-1000");
    attacker.run("mkdir /tmp/.rplay-1000");
    let ended = run(&hosts, &project);
    assert_eq!(ended.status, 4, "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("no folder with space for the agent that permits execution, tried"),
        "{}",
        ended.stdout
    );
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn two_runs_begin_on_a_fresh_host_at_once() {
    let hosts = Hosts::boot(1, "1g");
    let project = project(&hosts, WHOAMI);
    for _ in 0..3 {
        let started: Vec<_> = (0..4)
            .map(|_| {
                let mut command = hosts.enter(project.path(), &project.command(&["-i", "hosts", "-v", "site.yml"]));
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rplay starts")
            })
            .collect();
        for child in started {
            all_well(&project.ended(child.wait_with_output().expect("rplay ends")));
        }
        installed(&hosts);
        hosts.ssh("h1", "rm -r ~/.cache");
    }
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn noise_of_login_scripts_is_not_believed() {
    let hosts = Hosts::boot(1, "1g");
    let noise = "echo RPLAY-NEED x86_64 raw; echo RPLAY-NEED 0 x86_64 raw; echo RPLAY-HELLO; echo RPLAY-FAIL no; echo RPLAY-FAIL 0 no";
    hosts.ssh("h1", &format!("(echo '{noise}'; cat ~/.bashrc) > b; mv b ~/.bashrc"));
    assert!(hosts.ssh("h1", "true").contains("RPLAY-HELLO"));
    let project = project(&hosts, WHOAMI);
    all_well(&run(&hosts, &project));
    all_well(&run(&hosts, &project));
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_home_that_is_full_read_only_or_without_execution_is_passed_over() {
    let hosts = Hosts::boot(1, "1g");
    let project = project(&hosts, WHOAMI);
    for options in ["noexec", "size=100k", "ro"] {
        hosts.ssh("h1", &format!("mkdir -p ~/.cache; sudo mount -t tmpfs -o uid=1000,mode=700,{options} t ~/.cache"));
        assert!(hosts.ssh("h1", "grep -c /home/ubuntu/.cache /proc/mounts").starts_with('1'));
        all_well(&run(&hosts, &project));
        all_well(&run(&hosts, &project));
        let left =
            "find ~/.cache -type f; stat -c %a /var/tmp/.rplay-1000; ls -A /var/tmp/.rplay-1000 | grep -cv agent-";
        assert_eq!(hosts.ssh("h1", left), "700\n0\n", "{options}");
        hosts.ssh("h1", "sudo umount ~/.cache; rm -r /var/tmp/.rplay-1000");
    }
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_login_shell_that_runs_nothing_is_named() {
    let hosts = Hosts::boot(1, "1g");
    let project = project(&hosts, WHOAMI);
    for (shell, hint) in [("/bin/rbash", "rbash"), ("/usr/sbin/nologin", "nologin"), ("/bin/false", "/bin/false")] {
        hosts.ssh("h1", &format!("sudo usermod -s {shell} operator"));
        let ended = hosts.run(&project, &["-i", "hosts", "site.yml", "-e", "ansible_user=operator"]);
        assert_eq!(ended.status, 4, "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("the agent did not start") && ended.stdout.contains(hint), "{}", ended.stdout);
    }
}

/// A user who is not root cannot look into the first one's home: the agent's file is not there for them, nor the directory to begin in.
#[test]
#[ignore = "boots hosts: tests/run"]
fn other_users_get_an_agent_of_their_own() {
    let hosts = Hosts::boot(1, "1g");
    hosts.ssh("h1", "chmod 700 ~");
    let tasks = "    - command: id -un\n      become: true\n      become_user: \"{{ item }}\"\n      loop: [root, operator, nobody]\n      \
                 register: who\n    - assert:\n        that: who.results | map(attribute='stdout') | list == ['root', 'operator', 'nobody']\n    \
                 - command: id -un\n";
    let project = project(&hosts, tasks);
    for _ in 0..2 {
        let ended = run(&hosts, &project);
        assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    }
    let agents = "sudo find / -xdev -name 'agent-*' -printf '%u %m %h\\n' | grep rplay | sort";
    let expected = "nobody 700 /var/tmp/.rplay-65534\noperator 700 /home/operator/.cache/rplay\nubuntu 700 /home/ubuntu/.cache/rplay\n";
    assert_eq!(hosts.ssh("h1", agents), expected);
}
