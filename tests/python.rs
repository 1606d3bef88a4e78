//! What a project has in Python: modules on targets, plugins on the controller. Needs ansible-core, which is installed once into a folder of the tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::project::{Ended, Project};

/// The version that everything is compared with.
const ANSIBLE: &str = "ansible-core==2.19.14";

/// An interpreter with ansible-core: the one that `RPLAY_TEST_PYTHON` names, or that of an environment which pip fills the first time.
static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(named) = std::env::var_os("RPLAY_TEST_PYTHON") {
        return PathBuf::from(named);
    }
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
    let folder = home.join(".cache/rplay-tests/ansible-core-2.19");
    let python = folder.join("bin/python");
    let has_ansible =
        || Command::new(&python).args(["-c", "import ansible"]).status().is_ok_and(|status| status.success());
    if !has_ansible() {
        run("python3", &["-m", "venv", &folder.to_string_lossy()]);
        run(&python.to_string_lossy(), &["-m", "pip", "install", "--quiet", ANSIBLE]);
    }
    python
});

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{program} {arguments:?} is needed for the tests with Python, and failed"
    );
}

fn project() -> Project {
    Project::new().env("RPLAY_PYTHON", &PYTHON.to_string_lossy()).env("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3")
}

fn play(tasks: &str) -> String {
    let indented: String = tasks.lines().map(|line| format!("    {line}\n")).collect();
    format!("- hosts: localhost\n  gather_facts: false\n  vars: {{who: world}}\n  tasks:\n{indented}")
}

/// Runs the tasks, all of which must do what their `assert` says.
fn passes(project: Project, tasks: &str) -> Ended {
    let ended = project.file("site.yml", play(tasks)).run(&["site.yml"]);
    assert_eq!(ended.status, 0, "{}\n{}", ended.stdout, ended.stderr);
    ended
}

const GREET: &str = "#!/usr/bin/python
import os
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.shouting import shout

def main():
    spec = dict(name=dict(required=True), token=dict(no_log=True), path=dict(type='path'))
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    module.warn('mind the step')
    module.deprecate('say hello instead', version='3.0', collection_name='my.own')
    diff = dict(before='a\\n', after='b\\n')
    module.exit_json(changed=True, greeting=shout(module.params['name']), said=module.params['token'], path=module.params['path'],
                     check=module.check_mode, env=os.environ.get('WHO'), diff=diff, ansible_facts=dict(greeted=True))

if __name__ == '__main__':
    main()
";

fn greeting() -> Project {
    project()
        .file("library/greet.py", GREET)
        .file("module_utils/shouting.py", "def shout(text):\n    return text.upper() + '!'\n")
}

#[test]
fn a_module_of_the_project_runs_with_its_module_utils() {
    let ended = passes(
        greeting(),
        "
- greet: {name: you, token: sesame-open, path: ~/x}
  environment: {WHO: me}
  register: r
- assert:
    that:
      - r is changed
      - r.greeting == 'YOU!'
      - r.env == 'me'
      - r.path == lookup('env', 'HOME') + '/x'
      - not r.check
      - r.said == 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER'
      - greeted
",
    );
    assert!(ended.stderr.contains("mind the step"), "{}", ended.stderr);
    let deprecated = "say hello instead. This feature will be removed from collection 'my.own' version 3.0.";
    assert!(ended.stderr.contains(deprecated), "{}", ended.stderr);
}

#[test]
fn check_mode_diff_and_refused_arguments_are_the_modules_own() {
    let project = greeting().file("site.yml", play("- greet: {name: you}\n- greet: {nam: you}\n"));
    let ended = project.run(&["site.yml", "--check", "--diff"]);
    assert_eq!(ended.status, 2, "{ended:?}");
    assert!(ended.stdout.contains("-a\n+b\n") && ended.stdout.contains("changed: [localhost]"), "{}", ended.stdout);
    let both = format!("{}{}", ended.stdout, ended.stderr);
    assert!(both.contains("Module failed: missing required arguments: name") && both.contains("site.yml:6"), "{both}");
}

#[test]
fn modules_in_other_languages_take_pairs_or_json() {
    let project = project()
        .file("library/pairs.sh", "#!/bin/sh\n. \"$1\"\necho '{\"changed\": false, \"name\": \"'\"$name\"'\", \"flag\": \"'$flag'\"}'\n")
        .file("library/wants.sh", "#!/bin/sh\n# WANT_JSON\nprintf '{\"changed\": true, \"args\": '\ncat \"$1\"\necho '}'\n")
        .file("library/inside.pl", "#!/usr/bin/perl\n# <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>\nprint '{\"inside\": <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>}';\n");
    passes(
        project,
        "
- pairs: {name: a b, flag: true}
  register: p
- wants: {x: [1, {y: z}]}
  register: w
- inside: {x: 1}
  register: i
- assert:
    that:
      - p.name == 'a b' and p.flag == 'True' and p is not changed
      - w.args.x[0] == 1 and w.args.x[1].y == 'z' and w is changed
      - w.args._ansible_module_name is defined and w.args._ansible_check_mode == false
      - i.inside.x == 1
",
    );
}

#[test]
fn a_program_is_given_a_file_of_json() {
    let project = project().file("site.yml", play("- other: {a: b}\n"));
    std::fs::create_dir(project.path().join("library")).expect("a folder");
    std::fs::copy("/bin/cat", project.path().join("library/other")).expect("a copy");
    let ended = project.run(&["site.yml", "-v"]);
    assert_eq!(ended.status, 0, "{ended:?}");
    assert!(ended.stdout.contains("\"a\": \"b\""), "{}", ended.stdout);
}

const OF_COLLECTION: &str = "collections/ansible_collections/my/own";

fn collection() -> Project {
    let kind = "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\nfrom ..module_utils.helper import help_me\n\
                m = AnsibleModule(argument_spec=dict(a=dict(type='int', default=3)))\nm.exit_json(a=help_me(m.params['a']))\n";
    let runtime = "plugin_routing:\n  modules:\n    old_kind:\n      redirect: my.own.kind\n      deprecation:\n        removal_version: 9.0.0\n        \
                   warning_text: use kind\n    pong:\n      redirect: ansible.builtin.ping\n";
    let filters = "class FilterModule:\n    def filters(self):\n        return {'twice': lambda v: v * 2, 'boom': lambda v: 1 / 0}\n";
    project()
        .file(&format!("{OF_COLLECTION}/plugins/modules/kind.py"), kind)
        .file(&format!("{OF_COLLECTION}/plugins/modules/half.py"), kind)
        .file(&format!("{OF_COLLECTION}/plugins/action/half.py"), "class ActionModule: pass\n")
        .file(&format!("{OF_COLLECTION}/plugins/module_utils/helper.py"), "def help_me(n): return n * 2\n")
        .file(&format!("{OF_COLLECTION}/plugins/filter/f.py"), filters)
        .file(&format!("{OF_COLLECTION}/meta/runtime.yml"), runtime)
}

#[test]
fn modules_of_collections_are_found_through_their_routes() {
    let ended = passes(
        collection(),
        "
- my.own.kind: {a: 4}
  register: k
- my.own.old_kind:
  register: o
- my.own.pong:
  register: p
- kind: {a: 5}
  collections: [my.own]
  register: s
- my.own.half:
  register: h
  ignore_errors: true
- assert: {that: [k.a == 8, o.a == 6, p.ping == 'pong', s.a == 10, h.msg is search('my.own.half has an action plugin in Python')]}
",
    );
    assert!(ended.stderr.contains("use kind"), "{}", ended.stderr);
}

#[test]
fn the_result_is_found_among_other_lines_and_what_is_none_is_told() {
    let module = |rest: &str| {
        format!("#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\nimport sys\n{rest}\n")
    };
    let project = project()
        .file(
            "library/noisy.py",
            module("print('welcome')\nprint('{\"changed\": false, \"x\": 1}')\nprint('bye')\nsys.exit(0)"),
        )
        .file("library/silent.py", module("sys.stderr.write('oh no\\n')\nsys.exit(3)"))
        .file("library/raises.py", module("raise ValueError('a bad value')"));
    let ended = passes(
        project,
        "
- noisy:
  register: n
- silent:
  register: s
  ignore_errors: true
- raises:
  register: r
  ignore_errors: true
- assert:
    that:
      - n.x == 1
      - s is failed and s.rc == 3 and 'oh no' in s.module_stderr
      - \"'No start of json char found' in s.msg\"
      - r is failed
      - \"r.msg == 'Task failed: Module failed: a bad value'\"
",
    );
    assert!(ended.stderr.contains("junk after the JSON data: bye"), "{}", ended.stderr);
}

#[test]
fn a_module_in_the_background_and_with_variables_of_the_interpreter() {
    let module = "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\nimport locale, os, time\n\
                  m = AnsibleModule(argument_spec=dict(a=dict(type='int')))\ntime.sleep(1)\n\
                  m.exit_json(changed=True, a=m.params['a'], path=os.environ.get('PYTHONPATH'))\n";
    passes(
        project().file("library/sleeps.py", module),
        "
- sleeps: {a: 5}
  async: 60
  poll: 1
  register: s
- sleeps: {a: 6}
  environment: {PYTHONPATH: /nowhere}
  register: e
- assert: {that: [s.a == 5, s is changed, e.path == '/nowhere']}
",
    );
}

#[test]
fn the_death_of_the_interpreter_is_one_tasks_failure() {
    let murders = "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\nimport os, signal, time\n\
                   m = AnsibleModule(argument_spec={})\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)\n";
    passes(
        greeting().file("library/murders.py", murders),
        "
- greet: {name: you}
- murders:
  register: m
  ignore_errors: true
- greet: {name: you}
  register: g
- assert: {that: [m is failed, \"'killed by signal 9' in m.msg\", g.greeting == 'YOU!']}
",
    );
}

#[test]
fn without_ansible_the_task_says_what_is_needed() {
    let project =
        greeting().env("RPLAY_PYTHON", "/nonexistent/python").file("site.yml", play("- greet: {name: you}\n"));
    let ended = project.run(&["site.yml"]);
    let both = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.status, 2, "{both}");
    assert!(both.contains("RPLAY_PYTHON names /nonexistent/python") && both.contains("site.yml:5:7"), "{both}");
}

#[test]
fn a_native_module_is_sent_through_python_when_asked_for() {
    let tasks = "- file: {path: /tmp, state: directory, nonsense: 1}\n";
    let project = project().env("RPLAY_PREFER_PYTHON", "file").file("site.yml", play(tasks));
    let ended = project.run(&["site.yml"]);
    let both = format!("{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.status == 2 && both.contains("Unsupported parameters for (ansible.builtin.file) module: nonsense"),
        "{both}"
    );
}

#[test]
fn filters_tests_and_lookups_of_the_project_and_of_collections() {
    let filters = "from jinja2 import pass_context\n@pass_context\ndef see(ctx, v, name): return [v, ctx.get(name)]\nclass FilterModule:\n    def filters(self):\n        \
                   return {'see': see, 'tup': lambda v: (v, {1: v}), 'raw': lambda v: b'\\xff\\x00', 'big': lambda v: 2 ** 80, 'gen': lambda v: (i for i in v),\n                \
                   'to_json': lambda v: 'mine', 'named': lambda v, a=1, *r, **k: [v, a, list(r), k]}\n";
    let tests = "class TestModule:\n    def tests(self):\n        return {'long': lambda v, n=2: len(v) > n}\n";
    let lookup = "from ansible.plugins.lookup import LookupBase\nclass LookupModule(LookupBase):\n    def run(self, terms, variables=None, **kwargs):\n        \
                  return [[t, variables['who'], kwargs.get('opt'), 'nobody' in variables] for t in terms]\n";
    let project = collection()
        .file("filter_plugins/mine.py", filters)
        .file("test_plugins/mine.py", tests)
        .file("lookup_plugins/look.py", lookup);
    passes(
        project,
        "
- assert:
    that:
      - (2 | my.own.twice) == 4
      - (['a', 'b'] | map('my.own.twice') | list) == ['aa', 'bb']
      - (1 | see('who')) == [1, 'world']
      - ('a' | tup)[1][1] == 'a'
      - (1 | big) == 1208925819614629174706176
      - ('ab' | gen) == ['a', 'b']
      - ({} | to_json) == 'mine'
      - ('x' | named(2, 3, k=dict(a=[1]))) == ['x', 2, [3], dict(k=dict(a=[1]))]
      - ('abc' is long) and ('ab' is not long) and ('ab' is long(1))
      - (['a', 'abc'] | select('long') | list) == ['abc']
      - lookup('look', 'x', opt=3) == ['x', 'world', 3, false]
      - query('look', 'x', 'y') | length == 2
- debug: {msg: '{{ item }}'}
  with_look: [a]
- debug: {msg: \"{{ 1 | my.own.boom }}\"}
  ignore_errors: true
  register: b
- assert: {that: \"'division by zero' in b.msg and 'my.own.boom' in b.msg\"}
",
    );
}

#[test]
fn a_project_without_python_starts_none() {
    let project = Project::new()
        .env("RPLAY_PYTHON", "/bin/false")
        .file("site.yml", play("- debug: {msg: \"{{ [1] | first }}\"}\n- command: 'true'\n"));
    assert_eq!(project.run(&["site.yml"]).status, 0);
    assert!(Path::new("/bin/false").exists());
}
