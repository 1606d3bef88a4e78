//! Modules and the actions that call them, as a playbook uses them: on this machine and, over ssh, on a real host.

use std::fs;

use rplay::modules;

use crate::hosts::Hosts;
use crate::project::{Ended, Project};

fn play(tasks: &str) -> String {
    format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
}

fn local(project: &Project) -> Ended {
    project.run(&["-i", "localhost,", "-c", "local", "site.yml", "--diff"])
}

fn assert_ok(ended: &Ended) {
    assert_eq!(ended.status, 0, "{}\n{}", ended.stdout, ended.stderr);
}

/// Each action that calls a module, with nothing but what must be given: the rest is the module's defaults.
const CALLS: &str = r#"
    - wait_for_connection:
      register: waited
    - assert:
        that: [waited is not changed, waited.elapsed >= 0]
    - copy: {content: "text\n", dest: "{{ dir }}/copied"}
      register: copied
    - template: {src: page.j2, dest: "{{ dir }}/page"}
      register: page
    - unarchive: {src: small.tar, dest: "{{ dir }}"}
      register: unpacked
    - assemble: {src: frag, dest: "{{ dir }}/joined", remote_src: false, delimiter: "--"}
      register: joined
    - assemble: {src: "{{ dir }}/parts", dest: "{{ dir }}/joined-there"}
      register: joined_there
    - fetch: {src: "{{ dir }}/page", dest: fetched}
      register: fetched
    - script: hello.sh
      register: script
    - assert:
        that:
          - copied is changed and page is changed and unpacked is changed
          - joined is changed and joined_there is changed and fetched is changed
          - script.stdout_lines == ['hello']
    - slurp: {src: "{{ dir }}/joined"}
      register: text
    - assert:
        that: text.content | b64decode == 'one\n--\ntwo\n'
    - copy: {content: "text\n", dest: "{{ dir }}/copied"}
      register: copied
    - template: {src: page.j2, dest: "{{ dir }}/page"}
      register: page
    - assemble: {src: frag, dest: "{{ dir }}/joined", remote_src: false, delimiter: "--"}
      register: joined
    - assert:
        that: copied is not changed and page is not changed and joined is not changed
"#;

fn calls(dir: &str) -> Project {
    let prepare = format!(
        "    - set_fact: {{dir: \"{dir}\"}}\n    - file: {{path: '{{{{ dir }}}}/parts', state: directory}}\n    \
         - copy: {{content: a, dest: '{{{{ dir }}}}/parts/a'}}\n"
    );
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    archive.append_data(&mut header, "inside", &b"x\n"[..]).expect("an entry");
    Project::new()
        .file("site.yml", play(&format!("{prepare}{CALLS}")))
        .file("page.j2", "page of {{ inventory_hostname }}\n")
        .file("small.tar", archive.into_inner().expect("an archive"))
        .file("frag/1", "one\n")
        .file("frag/2", "two\n")
        .file("hello.sh", "#!/bin/sh\necho hello\n")
}

#[test]
fn actions_call_their_modules_on_this_machine() {
    assert_ok(&local(&calls("{{ playbook_dir }}/there")));
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn actions_call_their_modules_over_ssh() {
    let hosts = Hosts::boot(1, "1g");
    let project = calls("/tmp/there").file("hosts", hosts.inventory());
    assert_ok(&hosts.run(&project, &["-i", "hosts", "site.yml"]));
}

#[test]
fn an_argument_under_two_names_is_warned_of() {
    let project = Project::new().file("site.yml", play("    - stat: {path: /, dest: /etc}\n"));
    let ended = local(&project);
    assert_ok(&ended);
    assert!(
        ended.stderr.contains("Both option path and its alias dest are set."),
        "{}\n{}",
        ended.stdout,
        ended.stderr
    );
}

#[test]
fn a_value_of_a_choice_that_is_none_is_named_with_the_choices() {
    let project = Project::new().file("site.yml", play("    - cron: {name: x, job: y, special_time: dayly}\n"));
    let ended = local(&project);
    assert_ne!(ended.status, 0);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("value of special_time must be one of: reboot, yearly, annually"), "{said}");
}

#[test]
fn every_example_is_a_task_that_could_run() {
    let mut wrong = Vec::new();
    for spec in modules::specs().filter(|spec| !spec.example.is_empty()) {
        let tasks: String = spec.example.lines().map(|line| format!("    {line}\n")).collect();
        let project = Project::new().file("site.yml", play(&tasks));
        let ended = project.run(&["-i", "localhost,", "site.yml", "--syntax-check"]);
        if ended.status != 0 {
            wrong.push(format!("{}: {}{}", spec.name, ended.stdout, ended.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Modules that change a host, each run twice: a change, then none.
const ON_A_HOST: &str = r##"
    - hostname: {name: renamed.example.com}
      register: first
    - hostname: {name: renamed.example.com}
      register: second
    - command: hostname
      register: name
    - assert:
        that: [first is changed, second is not changed, name.stdout == 'renamed.example.com']
    - cron: {name: job, cron_file: tested, user: root, minute: "5", job: /bin/true}
      register: first
    - cron: {name: job, cron_file: tested, user: root, minute: "5", job: /bin/true}
      register: second
    - assert:
        that: [first is changed, second is not changed, "first.jobs == ['job']"]
    - ansible.posix.sysctl: {name: net.ipv4.ip_forward, value: "1", sysctl_file: /etc/sysctl.d/90-test.conf, reload: false}
      register: first
    - ansible.posix.sysctl: {name: net.ipv4.ip_forward, value: "1", sysctl_file: /etc/sysctl.d/90-test.conf, reload: false}
      register: second
    - assert:
        that: [first is changed, second is not changed]
    - ansible.posix.mount: {path: /mnt/t, src: tmpfs, fstype: tmpfs, opts: size=1m, state: mounted}
      register: first
    - ansible.posix.mount: {path: /mnt/t, src: tmpfs, fstype: tmpfs, opts: size=1m, state: mounted}
      register: second
    - command: grep /mnt/t /proc/mounts
    - ansible.posix.mount: {path: /mnt/t, state: absent}
      register: third
    - ansible.posix.mount: {path: /mnt/t, state: absent}
      register: fourth
    - stat: {path: /mnt/t}
      register: point
    - assert:
        that: [first is changed, second is not changed, third is changed, fourth is not changed, not point.stat.exists]
    - community.general.timezone: {name: Europe/Berlin}
      register: first
    - community.general.timezone: {name: Europe/Berlin}
      register: second
    - community.general.timezone: {name: Nowhere/Else}
      register: third
      ignore_errors: true
    - setup: {gather_subset: [systemd, date_time]}
    - assert:
        that:
          - first is changed and first.msg == 'executed `/usr/bin/timedatectl set-timezone Europe/Berlin`'
          - second is not changed
          - third is failed and 'given timezone "Nowhere/Else" is not available' in third.msg
          - ansible_facts.date_time.tz in ['CET', 'CEST'] and ansible_facts.systemd.version > 200
    - package_facts:
    - service_facts:
    - assert:
        that:
          - ansible_facts.packages['openssh-server'][0].source == 'apt'
          - ansible_facts.services['ssh.service'].state == 'running'
    - known_hosts: {name: h, key: "h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJXUvXnkGWZzYPPzSaYKYtd8u9Ye6rgUWbfPOPNkBzaa", hash_host: true, path: /root/kh}
      register: first
    - known_hosts: {name: h, key: "h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJXUvXnkGWZzYPPzSaYKYtd8u9Ye6rgUWbfPOPNkBzaa", hash_host: true, path: /root/kh}
      register: second
    - known_hosts: {name: h, state: absent, path: /root/kh}
      register: third
    - assert:
        that: [first is changed, second is not changed, third is changed]
    - community.general.ini_file: {path: /etc/t.ini, section: a, option: b, value: c}
      register: first
    - community.general.ini_file: {path: /etc/t.ini, section: a, option: b, value: c}
      register: second
    - community.general.pam_limits: {domain: joe, limit_type: soft, limit_item: nofile, value: "100"}
      register: third
    - community.general.pam_limits: {domain: joe, limit_type: soft, limit_item: nofile, value: "100"}
      register: fourth
    - assert:
        that: [first is changed, second is not changed, third is changed, fourth is not changed]
    - copy:
        dest: /etc/systemd/system/tested.service
        content: "[Service]\nExecStart=/bin/sleep 600\n"
    - service: {name: tested, state: started, daemon_reload: true}
      register: first
    - service: {name: tested, state: started}
      register: second
    - service: {daemon_reload: true}
    - systemd_service: {name: tested, state: restarted}
      register: fifth
    - systemd: {name: tested, state: stopped}
      register: third
    - systemd: {name: tested, state: stopped}
      register: fourth
    - assert:
        that: [first is changed, second is not changed, third is changed, fourth is not changed, fourth.status.ActiveState == 'inactive', fifth is changed]
    - dpkg_selections: {name: bash, selection: hold}
      register: first
    - dpkg_selections: {name: bash, selection: hold}
      register: second
    - dpkg_selections: {name: nosuchpackage, selection: hold}
      register: third
      ignore_errors: true
    - assert:
        that:
          - first is changed and first.before == 'install' and first.after == 'hold'
          - second is not changed
          - third.msg is search("Failed to find package 'nosuchpackage' to perform selection 'hold'.")
    - debconf: {name: foo, question: foo/bar, vtype: boolean, value: true}
      register: first
    - debconf: {name: foo, question: foo/bar, vtype: boolean, value: true}
      register: second
    - debconf: {name: foo, question: foo/bar, vtype: boolean, value: false}
      check_mode: true
      register: third
    - debconf: {name: foo}
      register: fourth
    - assert:
        that:
          - "first is changed and first.current == {'foo/bar': 'true'} and first.previous == {'foo/bar': ''}"
          - second is not changed and third is changed
          - "fourth.current == {'foo/bar': 'true'}"
    - copy: {content: "#!/bin/sh\n", dest: "/usr/local/bin/{{ item }}", mode: "0755"}
      loop: [alt1, alt2]
    - community.general.alternatives: {name: tst, path: /usr/local/bin/alt1, link: /usr/local/bin/tst}
      register: first
    - community.general.alternatives: {name: tst, path: /usr/local/bin/alt1, link: /usr/local/bin/tst}
      register: second
    - community.general.alternatives: {name: tst, path: /usr/local/bin/alt2, link: /usr/local/bin/tst, priority: 10}
      register: third
    - command: readlink -f /usr/local/bin/tst
      register: chosen
    - community.general.alternatives: {name: tst, path: /usr/local/bin/alt1, state: absent}
      register: fourth
    - assert:
        that:
          - first.msg == "Install alternative '/usr/local/bin/alt1' for 'tst'. Set alternative '/usr/local/bin/alt1' for 'tst'."
          - second is not changed and third is changed and fourth is changed
          - chosen.stdout == '/usr/local/bin/alt2'
"##;

#[test]
#[ignore = "boots hosts: tests/run"]
fn modules_change_a_host_once() {
    let hosts = Hosts::boot(1, "1g");
    let site = format!("- hosts: all\n  become: true\n  gather_facts: false\n  tasks:\n{ON_A_HOST}");
    let project = Project::new().file("hosts", hosts.inventory()).file("site.yml", site);
    let password = format!("ansible_become_password={}", hosts.sudo_password());
    assert_ok(&hosts.run(&project, &["-i", "hosts", "site.yml", "-e", &password]));
}

#[test]
#[ignore = "boots hosts: tests/run"]
fn a_host_is_restarted_and_waited_for() {
    let hosts = Hosts::boot(1, "1g");
    let tasks = "  - command: cat /proc/sys/kernel/random/boot_id\n    register: before\n  - reboot: {reboot_timeout: 120}\n    \
                 register: done\n  - command: cat /proc/sys/kernel/random/boot_id\n    register: after\n  - assert:\n      \
                 that: [done.rebooted, done is changed, before.stdout != after.stdout]\n";
    let site = format!("- hosts: all\n  become: true\n  gather_facts: false\n  tasks:\n{tasks}");
    let project = Project::new().file("hosts", hosts.inventory()).file("site.yml", site);
    let password = format!("ansible_become_password={}", hosts.sudo_password());
    assert_ok(&hosts.run(&project, &["-i", "hosts", "site.yml", "-e", &password]));
}

/// Runs the tasks on this machine, in the project's own folder.
fn here(project: Project, tasks: &str) -> (Project, crate::project::Ended) {
    let site =
        format!("- hosts: all\n  gather_facts: false\n  vars: {{d: '{{{{ playbook_dir }}}}'}}\n  tasks:\n{tasks}");
    let project = project.file("site.yml", site);
    let ended = project.run(&["-i", "localhost,", "-c", "local", "-v", "site.yml"]);
    assert!(ended.stdout.contains("PLAY RECAP"), "{}{}", ended.stdout, ended.stderr);
    (project, ended)
}

fn mode(project: &Project, name: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(project.path().join(name)).expect(name).permissions().mode() & 0o7777
}

#[test]
fn fetched_files_have_the_umasks_mode_and_those_that_exist_keep_theirs() {
    let tasks = "    - copy: {content: a, dest: '{{ d }}/s', mode: '0755'}\n    - copy: {content: old, dest: '{{ d }}/keep', mode: '0664'}\n    \
                 - fetch: {src: '{{ d }}/s', dest: new, flat: true}\n    - fetch: {src: '{{ d }}/s', dest: keep, flat: true}\n    \
                 - fetch: {src: '{{ d }}/s', dest: other, flat: true, mode: '0600'}\n    - shell: umask\n      register: umask\n    \
                 - copy: {content: '{{ umask.stdout }}', dest: '{{ d }}/umask'}\n";
    let (project, ended) = here(Project::new(), tasks);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    let umask = fs::read_to_string(project.path().join("umask")).expect("the umask");
    let of_umask = 0o666 & !u32::from_str_radix(umask.trim(), 8).expect("octal digits");
    assert_eq!((mode(&project, "new"), mode(&project, "keep"), mode(&project, "other")), (of_umask, 0o664, of_umask));
}

#[test]
fn unarchive_gives_implied_directories_their_owner_too() {
    let tasks = "    - shell: mkdir -p x/top/in t u && echo 1 > x/top/in/f && tar -C x -cf i.tar top/in/f && tar -C x -cf dot.tar ./\n      args: {chdir: '{{ d }}'}\n    \
                 - unarchive: {src: '{{ d }}/i.tar', dest: '{{ d }}/t', owner: daemon, remote_src: true}\n    \
                 - unarchive: {src: '{{ d }}/dot.tar', dest: '{{ d }}/u', owner: daemon, remote_src: true, list_files: true}\n      register: dot\n    \
                 - command: stat -c %U t/top t/top/in/f u u/top\n      args: {chdir: '{{ d }}'}\n      register: owners\n    \
                 - assert: {that: [\"owners.stdout_lines | unique == ['daemon']\", \"'' not in dot.files\"]}\n";
    let (_, ended) = here(Project::new(), tasks);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn copy_of_a_folder_judges_directories_that_exist_but_the_topmost() {
    let tasks = "    - file: {path: '{{ d }}/o/t/sub', state: directory}\n    - file: {path: '{{ d }}/o/{{ item }}', mode: '0700'}\n      loop: [t/sub, t]\n    \
                 - copy: {src: t, dest: '{{ d }}/o/', directory_mode: '0755'}\n";
    let (project, ended) = here(Project::new().file("files/t/sub/a", "a\n"), tasks);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!((mode(&project, "o/t"), mode(&project, "o/t/sub")), (0o700, 0o755));
}

#[test]
fn a_copy_that_failed_on_its_mode_changed_nothing() {
    let tasks = "    - copy: {content: a, dest: '{{ d }}/x', mode: 'u=rwz'}\n      ignore_errors: true\n      register: r\n    \
                 - assert: {that: not r.changed}\n";
    let (_, ended) = here(Project::new(), tasks);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("changed=0"), "{}", ended.stdout);
}

#[test]
fn a_dangling_link_of_a_tree_is_copied_as_a_link() {
    let project = Project::new().file("files/t/a", "a\n");
    std::os::unix::fs::symlink("nosuch", project.path().join("files/t/broken")).expect("a link");
    let (project, ended) = here(project, "    - copy: {src: t, dest: '{{ d }}/o/'}\n");
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    let link = fs::read_link(project.path().join("o/t/broken")).expect("a link");
    assert_eq!(link.to_str(), Some("nosuch"));
    assert_eq!(fs::read_to_string(project.path().join("o/t/a")).expect("a file"), "a\n");
}

#[test]
fn replace_leaves_bytes_that_are_no_text() {
    let project = Project::new().file("a", b"caf\xe9=1\nz=1\n");
    let (project, ended) = here(project, "    - replace: {path: '{{ d }}/a', regexp: z, replace: q}\n");
    assert!(ended.stdout.contains("changed=1"), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(fs::read(project.path().join("a")).expect("a file"), b"caf\xe9=1\nq=1\n");
}
