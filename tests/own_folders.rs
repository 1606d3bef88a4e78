//! Modules that change the whole machine, run where /etc, /var and the network are the test's own.

use std::process::{Command, Stdio};

use crate::project::Project;

/// Puts copies over the two folders, then starts what follows.
const INSIDE: &str = r#"
set -e
mount --make-rprivate /
mkdir "$1/own"
mount -t tmpfs none "$1/own"
for folder in etc var; do
    mkdir "$1/own/$folder" "$1/own/$folder.work"
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$1/own/$folder,workdir=$1/own/$folder.work" "/$folder"
done
ip link set lo up
# Debian's rpm has its database at home.
export HOME="$1/own"
shift
exec "$@"
"#;

const KEY_ON_THE_HOST: &str = "
    - copy: {src: key.asc, dest: /var/tested.asc}";

fn runs(tasks: &str) {
    let project = Project::new()
        .file("files/key.asc", include_str!("keys/tested.asc"))
        .file("site.yml", format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"));
    let rplay = project.command(&["-i", "localhost,", "-c", "local", "site.yml"]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "sh", "-c", INSIDE, "sh"]).arg(project.path());
    command.arg(rplay.get_program()).args(rplay.get_args()).current_dir(project.path()).stdin(Stdio::null());
    for (name, value) in rplay.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let ended = project.ended(command.output().expect("unshare starts"));
    assert_eq!(ended.status, 0, "{}\n{}", ended.stdout, ended.stderr);
}

#[test]
#[ignore = "needs root and Debian's package iptables"]
fn rules_of_the_packet_filter() {
    runs(
        r#"
    - iptables: &web {chain: INPUT, protocol: tcp, destination_port: "80", ctstate: [NEW], jump: ACCEPT, comment: the web}
      register: first
    - iptables: *web
      register: second
    - iptables: {chain: INPUT, in_interface: lo, jump: ACCEPT, action: insert}
      check_mode: true
      register: third
    - iptables: {chain: FORWARD, policy: DROP, ip_version: both}
    - iptables: {chain: INPUT, jump: NOSUCH}
      ignore_errors: true
      register: fourth
    - command: iptables -S
      register: rules
    - command: ip6tables -S FORWARD
      register: rules_of_6
    - assert:
        that:
          - first is changed and second is not changed and third is changed
          - first.rule == '-p tcp -j ACCEPT --destination-port 80 -m conntrack --ctstate NEW -m comment --comment the web'
          - fourth is failed and fourth.cmd == iptables ~ ' -t filter -A INPUT -j NOSUCH' and fourth.rc == 2
          - rules.stdout_lines[:3] == ['-P INPUT ACCEPT', '-P FORWARD DROP', '-P OUTPUT ACCEPT']
          - rules.stdout_lines[3:] == ['-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -m comment --comment "the web" -j ACCEPT']
          - rules_of_6.stdout == '-P FORWARD DROP'
      vars: {iptables: "{{ lookup('pipe', 'command -v iptables') }}"}
    - iptables: {chain: INPUT, flush: true}
    - command: iptables -S INPUT
      register: rules
    - assert: {that: rules.stdout == '-P INPUT ACCEPT'}
"#,
    );
}

#[test]
#[ignore = "needs root and Debian's package ufw"]
fn rules_of_ubuntus_firewall() {
    runs(
        r#"
    - community.general.ufw: &web {rule: allow, port: "80", proto: tcp, comment: the web}
      register: first
    - community.general.ufw: *web
      register: second
    - community.general.ufw: {rule: deny, src: 10.0.0.0/8, insert: 1}
      check_mode: true
      register: third
    - community.general.ufw: {state: enabled, policy: reject}
      register: fourth
    - community.general.ufw: {rule: allow, port: "80", proto: tcp, delete: true}
      register: fifth
    - community.general.ufw: {state: disabled}
      register: sixth
    - assert:
        that:
          - first is changed and second is not changed and third is changed
          - "fourth is changed and fourth.msg is search('Default: reject .incoming.') and fourth.msg is search('# the web')"
          - fifth is changed and '80/tcp' not in fifth.msg
          - "sixth is changed and sixth.msg == 'Status: inactive'"
"#,
    );
}

#[test]
#[ignore = "needs root and Debian's package rpm"]
fn keys_of_rpm() {
    let fingerprint = "B55D1E88099C2C09D0004F7BEB2A51F8493097D0";
    let other = fingerprint.replace('B', "C");
    runs(&format!(
        r"{KEY_ON_THE_HOST}
    - rpm_key: {{key: /var/tested.asc, fingerprint: [{fingerprint}, {other}]}}
      ignore_errors: true
      register: first
    - rpm_key: {{key: /var/tested.asc, fingerprint: {fingerprint}}}
      register: second
    - rpm_key: {{key: /var/tested.asc, fingerprint: {other}}}
      register: third
    - command: rpm -q gpg-pubkey
      register: keys
    - rpm_key: {{key: '{id}', state: absent}}
      register: fourth
    - rpm_key: {{key: '{id}'}}
      ignore_errors: true
      register: fifth
    - assert:
        that:
          - first is failed and first.msg is search('does not match any key fingerprints')
          - second is changed and third is not changed and fourth is changed
          - keys.stdout is search('gpg-pubkey-493097d0')
          - fifth is failed and fifth.msg == 'When importing a key, a valid file must be given'
",
        id = &fingerprint[24..],
    ));
}

#[test]
#[ignore = "needs root"]
fn keys_of_apt() {
    runs(&format!(
        r"{KEY_ON_THE_HOST}
    - apt_key: {present}
      register: first
    - apt_key: {present}
      register: second
    - find: {{paths: /etc/apt/trusted.gpg.d, patterns: 'tested.*'}}
      register: found
    - apt_key: {absent}
      register: third
    - apt_key: {absent}
      register: fourth
    - assert:
        that:
          - first is changed and second is not changed and third is changed and fourth is not changed
          - found.matched == 1 and found.files[0].path == '/etc/apt/trusted.gpg.d/tested.gpg'
",
        present = "{file: /var/tested.asc, keyring: /etc/apt/trusted.gpg.d/tested.gpg}",
        absent = "{id: EB2A51F8493097D0, keyring: /etc/apt/trusted.gpg.d/tested.gpg, state: absent}",
    ));
}
