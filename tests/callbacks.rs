//! Callbacks that write files; what the others show is compared by cases (`cases/callbacks`).

use std::fs;

use crate::project::Project;

const SITE: &str = "- name: play
  hosts: all
  gather_facts: false
  tasks:
    - {name: say, debug: {msg: <hi>}}
    - {name: changes, command: echo}
    - {name: not, debug: {msg: x}, when: false}
    - {name: EXPECTED FAILURE, fail: {msg: a}, ignore_errors: true}
    - {name: TOGGLE RESULT, debug: {msg: b}}
    - {name: ignored, fail: {msg: c}, ignore_errors: true}
    - {name: hidden, debug: {msg: d}, no_log: true}
    - {name: end, fail: {msg: e}}
";

/// The report of a run with these variables of the environment.
fn junit(environment: &[(&str, &str)]) -> String {
    let project = Project::new().file("site.yml", SITE).env("ANSIBLE_CALLBACKS_ENABLED", "junit");
    let folder = project.path().join("report");
    let project = project.env("JUNIT_OUTPUT_DIR", &folder.to_string_lossy());
    let project = environment.iter().fold(project, |project, (name, value)| project.env(name, value));
    let cwd = project.path().to_string_lossy().into_owned();
    assert_eq!(project.run(&["-i", "localhost,", "-c", "local", "site.yml"]).status, 2);
    let files: Vec<_> = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let name = file.file_name().expect("a name").to_string_lossy();
    assert!(name.starts_with("site-"), "{name}");
    let report = fs::read_to_string(file).expect("a report");
    let times = regex::Regex::new(r#" time="[^"]*""#).expect("a pattern");
    times.replace_all(&report, "").replace(&cwd, "")
}

#[test]
fn junit_shows_tasks_as_test_cases() {
    let report = junit(&[]);
    for part in [
        "<?xml version=\"1.0\" ?>\n<testsuites disabled=\"0\" errors=\"1\" failures=\"1\" tests=\"8\">\n\t<testsuite disabled=\"0\" errors=\"1\" failures=\"1\" name=\"site\" skipped=\"1\" tests=\"8\">\n",
        "\t\t<testcase classname=\"/site.yml:5\" name=\"[localhost] play: say msg=&lt;hi&gt;\">\n\t\t\t<system-out>{\n    &quot;changed&quot;: false,\n    &quot;msg&quot;: &quot;&lt;hi&gt;&quot;\n}</system-out>\n\t\t</testcase>\n",
        "name=\"[localhost] play: changes _raw_params=echo\">\n\t\t\t<system-out>{\n&quot;changed&quot;: true,\n",
        "name=\"[localhost] play: not msg=x\">\n\t\t\t<skipped>Conditional result was False</skipped>\n",
        "name=\"[localhost] play: EXPECTED FAILURE msg=a\">\n\t\t\t<system-out>",
        "name=\"[localhost] play: TOGGLE RESULT msg=b\">\n\t\t\t<failure message=\"b\" type=\"failure\">",
        "name=\"[localhost] play: ignored msg=c\">\n\t\t\t<system-out>",
        "name=\"[localhost] play: hidden\">\n",
        "name=\"[localhost] play: end msg=e\">\n\t\t\t<error message=\"Task failed: Action failed: e\" type=\"error\">",
        "\t</testsuite>\n</testsuites>\n",
    ] {
        assert!(report.contains(part), "{part}\nis not in\n{report}");
    }
}

#[test]
fn options_of_junit_count() {
    for (environment, part) in [
        (
            ("JUNIT_FAIL_ON_CHANGE", "true"),
            "name=\"[localhost] play: changes _raw_params=echo\">\n\t\t\t<failure message=\"\"",
        ),
        (("JUNIT_FAIL_ON_IGNORE", "true"), "name=\"[localhost] play: ignored msg=c\">\n\t\t\t<error "),
        (("JUNIT_HIDE_TASK_ARGUMENTS", "true"), "name=\"[localhost] play: say\">"),
        (("JUNIT_TASK_CLASS", "true"), "classname=\"/site\""),
        (("JUNIT_TEST_CASE_PREFIX", "say"), "tests=\"3\""),
        (("JUNIT_TASK_RELATIVE_PATH", "."), "classname=\"site.yml:5\""),
    ] {
        let report = junit(&[environment]);
        assert!(report.contains(part), "{environment:?}: {part}\nis not in\n{report}");
    }
    let outside = [("JUNIT_TASK_RELATIVE_PATH", "elsewhere"), ("JUNIT_REPLACE_OUT_OF_TREE_PATH", "out:")];
    assert!(junit(&outside).contains("classname=\"out:site.yml:5\""));
}

#[test]
fn junit_leaves_the_gathering_of_facts_out_if_it_is_to() {
    let site = "- hosts: all\n  tasks: [{debug: {msg: x}}]\n";
    for (wanted, tests) in [("true", 2), ("false", 1)] {
        let project = Project::new().file("site.yml", site).env("ANSIBLE_CALLBACKS_ENABLED", "junit");
        let folder = project.path().join("report");
        let project = project.env("JUNIT_OUTPUT_DIR", &folder.to_string_lossy());
        let project = project.env("JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT", wanted);
        project.run(&["-i", "localhost,", "-c", "local", "site.yml"]);
        let file = fs::read_dir(folder).expect("a folder").flatten().next().expect("a report").path();
        let report = fs::read_to_string(file).expect("a report");
        assert!(report.contains(&format!("tests=\"{tests}\"")), "{report}");
    }
}

#[test]
fn tree_keeps_the_last_result_and_log_plays_all() {
    let settings = "[defaults]\ncallbacks_enabled = tree, community.general.log_plays\n\
        [callback_tree]\ndirectory = tree\n";
    let project = Project::new().file("site.yml", SITE).file("ansible.cfg", settings);
    let project = project.env("ANSIBLE_LOG_FOLDER", "plays");
    project.run(&["-i", "localhost,", "-c", "local", "site.yml"]);
    let read = |name: &str| fs::read_to_string(project.path().join(name)).expect("a file");
    assert_eq!(read("tree/localhost"), "{\"changed\": false, \"msg\": \"e\"}");
    let log = read("plays/localhost");
    let lines: Vec<&str> = log.split("\n\n").filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 8, "{log}");
    for (line, part) in [
        (0, "site.yml - say - debug - OK - {"),
        (1, "site.yml - changes - command - OK - {"),
        (2, " - not - debug - SKIPPED - {"),
        (6, "\"censored\": \"the output has been hidden"),
        (7, "site.yml - end - fail - FAILED - {"),
    ] {
        assert!(lines[line].contains(part), "{part} is not in {}", lines[line]);
    }
}

#[test]
fn a_name_that_means_no_callback_is_warned_about() {
    let project = Project::new()
        .file("site.yml", "- hosts: all\n  gather_facts: false\n  tasks: [{debug: {msg: x}}]\n")
        .env("ANSIBLE_STDOUT_CALLBACK", "nope")
        .env("ANSIBLE_CALLBACKS_ENABLED", "timr,slack");
    let ended = project.run(&["-i", "localhost,", "-c", "local", "site.yml"]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("ok: [localhost] =>"), "{}", ended.stdout);
    for part in [
        "[WARNING]: Could not load 'nope' callback plugin, 'default' shows the run",
        "[WARNING]: Skipping callback plugin 'timr', unable to load",
        "[WARNING]: Skipping callback plugin 'slack', unable to load",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}
