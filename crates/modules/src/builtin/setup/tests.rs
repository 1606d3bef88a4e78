use std::collections::HashMap;

use rplay_module_api::{Json, json};

use super::table::COLLECTORS;
use super::{MODULE, devices, distribution, hardware, local, mounts, subsets};
use crate::support::process::Processes;
use crate::support::testing::{Mode, assert_fields, run};

fn gather(args: Json) -> Json {
    run(&MODULE, args, Mode::default(), &mut Processes::default())
}

#[test]
fn the_table_is_sorted() {
    assert!(COLLECTORS.is_sorted_by_key(|it| it.name));
}

#[test]
fn this_host() {
    let result = gather(json!({}));
    let found = result.get("ansible_facts").and_then(Json::as_object).cloned().unwrap_or_default();
    for name in [
        "ansible_all_ipv4_addresses",
        "ansible_architecture",
        "ansible_date_time",
        "ansible_default_ipv4",
        "ansible_distribution",
        "ansible_env",
        "ansible_fibre_channel_wwn",
        "ansible_fqdn",
        "ansible_hostname",
        "ansible_hostnqn",
        "ansible_interfaces",
        "ansible_iscsi_iqn",
        "ansible_kernel",
        "ansible_lo",
        "ansible_lvm",
        "ansible_memory_mb",
        "ansible_memtotal_mb",
        "ansible_mounts",
        "ansible_os_family",
        "ansible_pkg_mgr",
        "ansible_processor_vcpus",
        "ansible_service_mgr",
        "ansible_user_id",
        "ansible_virtualization_type",
        "module_setup",
    ] {
        assert!(found.contains_key(name), "{name} is missing");
    }
    assert_eq!(found.get("ansible_lo").and_then(|it| it.pointer("/ipv4/netmask")), Some(&json!("255.0.0.0")));
    assert_eq!(found.get("gather_subset"), Some(&json!(["all"])));
}

#[test]
fn the_hosts_python_is_told() {
    let mut asked = std::process::Command::new("python3");
    asked.args(["-c", "import platform; print(platform.python_version())"]);
    let version = asked.output().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let found = gather(json!({"gather_subset": ["!all", "!min", "python"]}));
    assert_eq!(found["ansible_facts"]["ansible_python_version"].as_str(), version.as_deref().ok());
    let about = &found["ansible_facts"]["ansible_python"];
    assert_eq!((&about["type"], &about["version_info"][0]), (&json!("cpython"), &about["version"]["major"]), "{about}");
}

#[test]
fn selection() {
    let select = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        subsets::select(&names).map(|found| found.iter().map(|it| it.name).collect::<Vec<_>>())
    };
    let everything: Vec<_> = COLLECTORS.iter().map(|it| it.name).collect();
    let minimum: Vec<_> = COLLECTORS.iter().filter(|it| it.minimal).map(|it| it.name).collect();
    assert_eq!(select(&["all"]), Ok(everything.clone()));
    assert_eq!(select(&["!all"]), Ok(minimum.clone()));
    assert_eq!(select(&["min"]), Ok(minimum));
    assert_eq!(select(&["!all", "!min", "network"]), Ok(vec!["network"]));
    assert_eq!(select(&["!all", "!min"]), Ok(vec![]));
    assert_eq!(select(&["!hardware"]).map(|it| it.contains(&"mounts")), Ok(false));
    assert_eq!(select(&["!hardware"]).map(|it| it.contains(&"network")), Ok(true));
    assert_eq!(select(&["hardware"]).map(|it| (it.contains(&"devices"), it.contains(&"network"))), Ok((true, false)));
    let problem = select(&["nope"]).unwrap_err();
    assert!(
        problem.starts_with(
            "Bad subset 'nope' given to Ansible. gather_subset options allowed: all, all_ipv4_addresses, "
        )
    );
}

#[test]
fn filters() {
    let result = gather(json!({"filter": "ansible_distribution*,hostname"}));
    let found = result.get("ansible_facts").and_then(Json::as_object).cloned().unwrap_or_default();
    assert!(found.contains_key("ansible_hostname") && found.contains_key("ansible_distribution_version"));
    assert!(!found.contains_key("ansible_kernel") && !found.contains_key("gather_subset"));
}

#[test]
fn distributions() {
    let describe = |text: &str, debian_version: &str, expected: Json| {
        let release: HashMap<String, String> =
            text.lines().filter_map(|it| it.split_once('=')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        assert_fields(&distribution::describe("/etc/os-release", &release, debian_version).into(), &expected);
    };
    describe(
        "ID=debian\nNAME=Debian GNU/Linux\nVERSION_ID=12\nVERSION_CODENAME=bookworm",
        "12.11",
        json!({"distribution": "Debian", "distribution_version": "12.11", "distribution_major_version": "12",
               "distribution_minor_version": "11", "distribution_release": "bookworm", "os_family": "Debian"}),
    );
    describe(
        "ID=ubuntu\nVERSION_ID=22.04\nVERSION_CODENAME=jammy",
        "bookworm/sid",
        json!({"distribution": "Ubuntu", "distribution_version": "22.04", "distribution_major_version": "22", "distribution_release": "jammy"}),
    );
    describe(
        "ID=rocky\nID_LIKE=rhel centos fedora\nVERSION_ID=9.3\nVERSION=9.3 (Blue Onyx)",
        "",
        json!({"distribution": "Rocky", "distribution_release": "Blue Onyx", "os_family": "RedHat"}),
    );
    describe(
        "ID=neon\nNAME=KDE neon\nID_LIKE=ubuntu debian\nVERSION_ID=22.04",
        "",
        json!({"distribution": "KDE neon", "os_family": "Debian", "distribution_release": "NA"}),
    );
}

#[test]
fn processors() {
    let text = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\nphysical id\t: 0\nsiblings\t: 2\ncpu cores\t: 2\nflags\t\t: fpu vme\n\
                processor\t: 1\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\nphysical id\t: 0\nsiblings\t: 2\ncpu cores\t: 2\nflags\t\t: fpu vme\n";
    assert_fields(
        &hardware::processors(text).into(),
        &json!({"processor": ["0", "AuthenticAMD", "AMD EPYC", "1", "AuthenticAMD", "AMD EPYC"], "processor_count": 1,
                "processor_cores": 2, "processor_threads_per_core": 1, "processor_vcpus": 2, "flags": ["fpu", "vme"]}),
    );
    assert_fields(
        &hardware::processors("processor\t: 0\nprocessor\t: 1\n").into(),
        &json!({"processor_count": 2, "processor_cores": 1, "processor_vcpus": 2}),
    );
}

#[test]
fn memory() {
    assert_fields(
        &hardware::memory(
            "MemTotal: 2048 kB\nMemFree: 1024 kB\nCached: 1024 kB\nSwapTotal: 4096 kB\nSwapFree: 4096 kB\n",
        )
        .into(),
        &json!({"memtotal_mb": 2, "memfree_mb": 1, "swaptotal_mb": 4,
                "memory_mb": {"real": {"total": 2, "used": 1, "free": 1}, "nocache": {"free": 2, "used": 0},
                              "swap": {"total": 4, "free": 4, "used": 0, "cached": 0}}}),
    );
}

#[test]
fn small_parts() {
    assert_eq!(devices::human_size(0), "0.00 Bytes");
    assert_eq!(devices::human_size(10 * 1024 * 1024 * 1024), "10.00 GB");
    assert_eq!(mounts::unescape("/a\\040b\\x"), "/a b\\x");
    assert_eq!(local::parse_ini("[A]\nName=1\n; x\n[B]\n"), Some(json!({"A": {"name": "1"}, "B": {}})));
    assert_eq!(local::parse_ini("nonsense"), None);
}
