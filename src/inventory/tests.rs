use std::collections::HashMap;
use std::fs;

use super::*;
use crate::config::Config;
use crate::yaml::Reader;

fn load(files: &[(&str, &str)], sources: &[&str]) -> (Inventory, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    }
    let notices = Notices::default();
    let config = Config::load(HashMap::new(), folder.path(), &notices).expect("no configuration");
    let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
    let reader = Reader { notices: notices.clone(), ..Reader::default() };
    let inventory = Inventory::load(&sources, &reader, &config, &notices).expect("an inventory");
    for host in inventory.host_names() {
        inventory.host_layers(host).expect("variables");
    }
    (inventory, notices.drain().into_iter().map(|notice| notice.message).collect())
}

fn names(hosts: &[HostName]) -> Vec<&str> {
    hosts.iter().map(|host| &**host).collect()
}

#[test]
fn hosts_can_be_added_while_a_play_runs() {
    let (mut inventory, _) = load(&[], &["a,"]);
    let vars = Dict::from_iter([(Value::str("x"), Value::Int(1))]);
    let mut pending = Pending::default();
    let mut make = |inventory: &mut Inventory, change: &Change| {
        let changes = inventory.would_change(change, &mut pending).expect("a change");
        inventory.make(change).expect("made");
        inventory.settle();
        changes
    };
    let add = Change::AddHost { name: "b".into(), groups: vec!["web".into()], vars };
    assert!(make(&mut inventory, &add));
    assert!(!make(&mut inventory, &add));
    assert_eq!(names(&inventory.hosts("web", None).expect("a group")), ["b"]);
    assert_eq!(names(&inventory.hosts("all", Some("!b")).expect("all")), ["a"]);
    assert_eq!(inventory.host_vars("b").expect("variables").get("x"), Some(&Value::Int(1)));
    let group = Change::GroupBy { host: "a".into(), group: "os_x".into(), parents: vec!["os".into()] };
    assert!(make(&mut inventory, &group));
    assert_eq!(names(&inventory.hosts("os", None).expect("a group")), ["a"]);
    assert_eq!(inventory.group_names("a").iter().map(|name| &**name).collect::<Vec<_>>(), ["os", "os_x"]);
}

#[test]
fn variables_are_shared_between_hosts() {
    let files = [
        ("inv", "[web]\nw[1:2]\n[web:vars]\na=1\n"),
        ("group_vars/web.yml", "b: 2\n"),
        ("group_vars/other.yml", "a: [\n"),
    ];
    let (inventory, _) = load(&files, &["inv"]);
    let (one, two) = (inventory.host_layers("w1").expect("layers"), inventory.host_layers("w2").expect("layers"));
    assert_eq!(
        one.iter().map(|layer| layer.level).collect::<Vec<_>>(),
        [Level::GroupsInventory, Level::GroupsFilesInventory]
    );
    assert!(one.iter().zip(&two).all(|(a, b)| Arc::ptr_eq(&a.vars, &b.vars)));
}

#[test]
fn a_range_that_is_too_long_is_refused() {
    for range in ["h[1:99999999]", "h[0:9][0:9][0:9][0:9][0:9][0:9][0:9]", "h[1:5", "h[:]", "h[1:2:0]"] {
        assert!(address::expand_ranges(range).is_err(), "{range}");
    }
    assert_eq!(address::expand_ranges("h[08:10]x").expect("a range"), ["h08x", "h09x", "h10x"]);
}

#[test]
fn patterns_find_hosts_among_known_groups() {
    let hosts = |names: &[&str]| Value::list(names.iter().map(|name| Value::str(*name)).collect());
    let groups = crate::value::Dict::from_iter([
        (Value::str("all"), hosts(&["w1", "w2", "db"])),
        (Value::str("web"), hosts(&["w1", "w2"])),
    ]);
    let check = |pattern: &str, expected: &[&str]| {
        let found = Inventory::hosts_among(&groups, &[pattern.to_owned()], &Reader::default(), &Config::default());
        let found: Vec<String> = found.expect("a pattern").iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{pattern}");
    };
    check("all", &["w1", "w2", "db"]);
    check("web:!w1", &["w2"]);
    check("nowhere", &[]);
}
