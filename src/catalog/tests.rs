use super::{Found, Kind, Missing, Plugin, Scope, Table, home, short, split};

static COPY: &str = "copy";
static SYSCTL: &str = "sysctl";
static EC2: &str = "ec2";
static GROUP: &str = "ec2_group";

fn table() -> Table<&'static str> {
    let rows = [
        ("copy".to_owned(), &COPY),
        (home(Kind::Module, "sysctl", "ansible.builtin"), &SYSCTL),
        (home(Kind::Module, "ec2", "amazon.aws"), &EC2),
        (home(Kind::Module, "ec2_security_group", "amazon.aws"), &GROUP),
    ];
    Table::new(Kind::Module, rows.iter().map(|(name, row)| (name.as_str(), *row)))
}

fn resolved(name: &str, collections: &[&str]) -> String {
    let collections: Vec<String> = collections.iter().map(|it| (*it).to_owned()).collect();
    match table().resolve(name, &Scope { collections: &collections }) {
        Ok(Found { full_name, plugin: Plugin::Native(row) }) => format!("{full_name} is {row}"),
        Ok(Found { full_name, plugin: Plugin::Known | Plugin::Foreign(_) }) => format!("{full_name} is known"),
        Err(Missing::Unknown { near }) => format!("unknown, {near:?}"),
        Err(Missing::Removed(removed)) => removed.message().to_owned(),
    }
}

#[test]
fn one_plugin_has_the_names_that_ansible_gives_it() {
    for name in ["copy", "ansible.builtin.copy", "ansible.legacy.copy"] {
        assert_eq!(resolved(name, &[]), "ansible.builtin.copy is copy");
    }
    for name in ["sysctl", "ansible.builtin.sysctl", "ansible.posix.sysctl"] {
        assert_eq!(resolved(name, &[]), "ansible.posix.sysctl is sysctl");
    }
    for name in ["ec2", "amazon.aws.ec2", "ansible.builtin.ec2"] {
        assert_eq!(resolved(name, &[]), "amazon.aws.ec2 is ec2");
    }
    for name in ["ec2_group", "amazon.aws.ec2_group", "amazon.aws.ec2_security_group"] {
        assert_eq!(resolved(name, &[]), "amazon.aws.ec2_security_group is ec2_group");
    }
}

#[test]
fn a_collection_does_not_have_what_others_have() {
    assert_eq!(resolved("community.general.copy", &[]), "unknown, Some(\"ansible.builtin.copy\")");
    assert_eq!(resolved("ansible.builtin.coppy", &[]), "unknown, Some(\"ansible.builtin.copy\")");
    assert_eq!(resolved("some.where.copy", &[]), "unknown, Some(\"ansible.builtin.copy\")");
    assert_eq!(resolved("ansible.posix.dnf", &[]), "unknown, Some(\"ansible.builtin.dnf\")");
    assert_eq!(resolved("copi", &[]), "unknown, Some(\"copy\")");
}

#[test]
fn names_without_an_implementation_are_known() {
    assert_eq!(resolved("dnf", &[]), "ansible.builtin.dnf is known");
    assert_eq!(resolved("yum", &[]), "ansible.builtin.dnf is known");
    assert_eq!(resolved("ufw", &[]), "community.general.ufw is known");
    assert_eq!(resolved("community.general.zypper", &[]), "community.general.zypper is known");
    assert_eq!(resolved("win_ping", &[]), "ansible.windows.win_ping is known");
    // Only its full name, as in Ansible: it never was one of Ansible's own.
    assert_eq!(resolved("docker_compose_v2", &[]), "unknown, Some(\"community.docker.docker_compose_v2\")");
}

#[test]
fn removed_names_say_since_when() {
    assert_eq!(
        resolved("docker_compose", &[]),
        "The 'community.docker.docker_compose' module has been removed. This feature was removed from collection 'community.docker' version 4.0.0."
    );
}

#[test]
fn collections_are_searched_first() {
    assert_eq!(resolved("docker_compose_v2", &["community.docker"]), "community.docker.docker_compose_v2 is known");
    assert_eq!(resolved("copy", &["community.general"]), "ansible.builtin.copy is copy");
    assert_eq!(resolved("sysctl", &["ansible.posix"]), "ansible.posix.sysctl is sysctl");
}

#[test]
fn parts_of_names() {
    assert_eq!(split("a.b.c"), Some(("a.b", "c")));
    assert_eq!(split("a.b.c.d"), Some(("a.b", "c.d")));
    assert_eq!(split("a.b"), None);
    assert_eq!(split("a.b."), None);
    assert_eq!(short("ansible.builtin.copy"), "copy");
    assert_eq!(short("copy"), "copy");
}
