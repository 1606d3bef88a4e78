//! A local user of a target who lays traps: links where root is expected to write, and names that change while root works.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::hosts::Hosts;
use crate::project::{Ended, Project};

/// What only root may read and change, and a folder that only root may write.
const SETUP: &str = "sudo useradd -m mallory; sudo sh -c 'umask 77; echo untouched > /root/victim; mkdir -m 755 /srv/rootdir; \
                     echo config > /srv/rootdir/config; chmod 644 /srv/rootdir/config'";
const STATE: &str = "sudo sh -c 'stat -c \"%n %a %U %G %h %s\" /root/victim /srv/rootdir /srv/rootdir/*; cat /root/victim /srv/rootdir/*; \
                     ls -A /srv/rootdir; ls -A /root/.ssh 2>&1 | wc -l'";

struct Trapped {
    hosts: Hosts,
    before: String,
}

impl Trapped {
    /// A host on which mallory has run this script in the own home.
    fn boot(traps: &str) -> Self {
        let hosts = Hosts::boot(1, "1g");
        hosts.ssh("h1", SETUP);
        let trapped = Self { before: hosts.ssh("h1", STATE), hosts };
        trapped.mallory(traps);
        trapped
    }

    fn mallory(&self, script: &str) -> String {
        self.hosts.ssh("h1", &format!("sudo -u mallory -H sh -c 'cd; {script}'"))
    }

    fn project(&self, tasks: &str) -> Project {
        let site = format!("- hosts: all\n  gather_facts: false\n  become: true\n  tasks:\n{tasks}");
        Project::new().file("hosts", self.hosts.inventory()).file("site.yml", site).file("template.j2", "evil\n")
    }

    fn run(&self, project: &Project) -> Ended {
        self.hosts.run(project, &["-i", "hosts", "site.yml"])
    }

    /// What is root's is as it was.
    fn unharmed(&self, after: &str) {
        assert_eq!(self.hosts.ssh("h1", STATE), self.before, "{after}");
    }
}

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl m";

#[test]
#[ignore = "boots hosts: tests/run"]
fn links_in_a_home_give_nothing_of_roots_away() {
    let host = Trapped::boot(
        "ln -s /srv/rootdir .ssh; ln -s /root/victim f; ln -s /srv/rootdir d; ln -s d dd; mkdir -p tree/sub; \
         ln -s /root/victim tree/sub/f; ln -s /srv/rootdir tree/sub/d; touch tree/own",
    );
    let home = "/home/mallory";
    let refused = [
        format!("authorized_key: {{user: mallory, key: '{KEY}'}}"),
        format!("file: {{path: {home}/f, mode: '0666', owner: mallory}}"),
        format!("file: {{path: {home}/f, state: file, owner: mallory}}"),
        format!("file: {{path: {home}/f, state: touch}}"),
        format!("file: {{path: {home}/d, state: directory, owner: mallory}}"),
        format!("file: {{path: {home}/d/new/deep, state: directory}}"),
        format!("file: {{path: {home}/dd/new, state: touch}}"),
        format!("file: {{path: {home}/d/config, state: absent}}"),
        format!("file: {{path: {home}/d/config, mode: '0666'}}"),
        format!("file: {{path: {home}/d/link, src: /etc/passwd, state: link}}"),
        format!("file: {{path: {home}/d/hard, src: /etc/passwd, state: hard}}"),
        format!("copy: {{dest: {home}/d/config, content: evil}}"),
        format!("copy: {{dest: {home}/f, content: evil, follow: true}}"),
        format!("copy: {{dest: {home}/stolen, src: {home}/tree/, remote_src: true, local_follow: true}}"),
        format!("template: {{dest: {home}/d/config, src: template.j2}}"),
        format!("lineinfile: {{path: {home}/f, line: evil}}"),
        format!("lineinfile: {{path: {home}/d/config, line: evil}}"),
        format!("blockinfile: {{path: {home}/f, block: evil}}"),
        format!("replace: {{path: {home}/f, regexp: untouched, replace: evil}}"),
        format!("get_url: {{url: 'file:///etc/hostname', dest: {home}/d/config}}"),
        format!("unarchive: {{src: a.tar, dest: {home}/d}}"),
        format!("tempfile: {{path: {home}/d}}"),
        "user: {name: mallory, generate_ssh_key: true, ssh_key_type: ed25519}".to_owned(),
    ];
    let tasks: String = refused.iter().map(|task| format!("    - {task}\n      ignore_errors: true\n")).collect();
    let project = host.project(&tasks);
    let made = Command::new("tar").args(["-cf", "a.tar", "template.j2"]).current_dir(project.path()).status();
    assert!(made.is_ok_and(|status| status.success()));
    let ended = host.run(&project);
    host.unharmed(&ended.stdout);
    let expected = format!("ignored={}", refused.len());
    assert!(ended.stdout.contains(&expected), "{expected}: {}", ended.stdout);
    assert!(ended.stdout.contains("belongs to user 1"), "{}", ended.stdout);
    assert_eq!(host.mallory("find . -newer tree/own -name stolen -type f; cat stolen/sub/f"), "");

    // Everything below a folder: what can be done is done, what a link leads to is left alone, and it is told.
    let project = host.project(&format!(
        "    - file: {{path: {home}/tree, state: directory, recurse: true, owner: mallory, mode: '0777'}}\n"
    ));
    let ended = host.run(&project);
    host.unharmed(&ended.stdout);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("tree/sub/f is left alone"), "{}", ended.stderr);
    assert_eq!(host.mallory("stat -c %a tree/own"), "777\n");
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn links_within_a_home_and_roots_own_are_followed() {
    let host = Trapped::boot("mkdir keys conf; ln -s keys .ssh; ln -s conf/app app; touch conf/app");
    host.hosts.ssh("h1", "sudo ln -s /srv/rootdir /home/mallory/byroot; sudo ln -s /srv/rootdir/config /etc/linked");
    let home = "/home/mallory";
    let tasks = format!(
        "    - authorized_key: {{user: mallory, key: '{KEY}'}}\n\
         \x20   - copy: {{dest: {home}/app, content: one, follow: true}}\n\
         \x20   - lineinfile: {{path: {home}/app, line: two}}\n\
         \x20   - file: {{path: {home}/app, mode: '0600'}}\n\
         \x20   - copy: {{dest: {home}/byroot/new, content: new}}\n\
         \x20   - file: {{path: /etc/linked, mode: '0640'}}\n\
         \x20   - user: {{name: mallory, generate_ssh_key: true, ssh_key_type: ed25519}}\n"
    );
    let ended = host.run(&host.project(&tasks));
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    let said = host.mallory(
        "stat -c \"%a %U\" keys keys/authorized_keys keys/id_ed25519 keys/id_ed25519.pub conf/app; readlink .ssh app; cat app; \
         cat /srv/rootdir/new; stat -c %a /srv/rootdir/config",
    );
    let expected = "700 mallory\n600 mallory\n600 mallory\n644 mallory\n600 mallory\nkeys\nconf/app\nonetwo\nnew640\n";
    assert_eq!(said.replace("one\ntwo\n", "onetwo\n"), expected);
}

/// Names that are folders and files of mallory's at one moment, and links to what is root's at the next.
#[test]
#[ignore = "boots hosts: tests/run"]
fn names_that_change_while_root_works_lead_nowhere() {
    let host = Trapped::boot(
        "mkdir -p t/d t/old k; touch t/f t/d/config k/authorized_keys; ln -s /root/victim t/link; ln -s /srv/rootdir t/dlink; \
         ln -s /srv/rootdir klink",
    );
    let home = "/home/mallory";
    let tasks = format!(
        "    - {{file: {{path: {home}/t, state: directory, recurse: true, owner: mallory, mode: '0777'}}, loop: '{{{{ range(20) }}}}', ignore_errors: true}}\n\
         \x20   - {{file: {{path: {home}/t/f, owner: mallory, mode: '0666', follow: false}}, loop: '{{{{ range(20) }}}}', ignore_errors: true}}\n\
         \x20   - {{copy: {{dest: {home}/t/d/config, content: 'evil {{{{ item }}}}', owner: mallory}}, loop: '{{{{ range(20) }}}}', ignore_errors: true}}\n\
         \x20   - {{lineinfile: {{path: {home}/t/d/config, line: 'evil {{{{ item }}}}'}}, loop: '{{{{ range(20) }}}}', ignore_errors: true}}\n\
         \x20   - {{authorized_key: {{user: mallory, path: {home}/k/authorized_keys, key: '{KEY}{{{{ item }}}}'}}, loop: '{{{{ range(20) }}}}', ignore_errors: true}}\n"
    );
    let project = host.project(&tasks);
    let program = project.path().join("exchange");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/exchange.c");
    let built = Command::new("cc").args(["-O2", "-static", "-o"]).arg(&program).arg(source).status();
    assert!(built.is_ok_and(|status| status.success()), "mallory's program can be built");
    let mut ssh = Command::new("ssh");
    ssh.args([
        "-i",
        &host.hosts.key(),
        "-o",
        "BatchMode=yes",
        "ubuntu@h1",
        "cat > /tmp/exchange && chmod 755 /tmp/exchange",
    ]);
    let mut sent = host.hosts.enter(Path::new("/"), &ssh);
    let sent = sent.stdin(std::fs::File::open(&program).expect("the program")).stdout(Stdio::null()).status();
    assert!(sent.is_ok_and(|status| status.success()));
    for names in ["t/f t/link", "t/d t/dlink", "k klink"] {
        host.mallory(&format!("/tmp/exchange {names} > /dev/null 2>&1 < /dev/null &"));
    }
    assert_eq!(host.hosts.ssh("h1", "pgrep -c exchange").trim(), "3");
    for _ in 0..3 {
        let ended = host.run(&project);
        assert!(ended.stdout.contains("PLAY RECAP"), "{}{}", ended.stdout, ended.stderr);
        host.unharmed(&ended.stdout);
    }
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn folders_for_everybody_hold_no_traps() {
    let host = Trapped::boot(
        "ln -s /root/victim /tmp/f; ln -s /srv/rootdir /tmp/d; ln -s /root/nosuch /var/tmp/new; echo mine > /tmp/mine",
    );
    let tasks = "    - {copy: {dest: /tmp/f, content: evil, follow: true}, ignore_errors: true}\n    \
                 - {copy: {dest: /tmp/d/config, content: evil}, ignore_errors: true}\n    \
                 - {file: {path: /tmp/f, mode: '0666'}, ignore_errors: true}\n    \
                 - {lineinfile: {path: /var/tmp/new, line: evil, create: true}, ignore_errors: true}\n    \
                 - {copy: {dest: /var/tmp/new, content: new}}\n    \
                 - {copy: {dest: /tmp/mine, content: new}}\n    - {copy: {dest: /tmp/other, content: new}}\n";
    let ended = host.run(&host.project(tasks));
    host.unharmed(&ended.stdout);
    assert!(ended.stdout.contains("ignored=4") && ended.stdout.contains("ok=7"), "{}", ended.stdout);
    assert_eq!(host.hosts.ssh("h1", "sudo ls /root/nosuch 2>/dev/null; cat /tmp/mine /tmp/other"), "newnew");
}
