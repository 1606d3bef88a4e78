use super::*;

fn load(file: &str, environment: &[(&str, &str)]) -> (Result<Config, Error>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("my.cfg"), file).expect("a file");
    let mut all: HashMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.insert("HOME".to_owned(), "/home/me".to_owned());
    all.insert("ANSIBLE_CONFIG".to_owned(), folder.path().join("my.cfg").to_string_lossy().into_owned());
    let notices = Notices::default();
    let config = Config::load(all, folder.path(), &notices);
    (config, notices.drain().into_iter().map(|notice| notice.message).collect())
}

#[test]
fn settings_are_sorted_and_their_defaults_are_of_their_kind() {
    assert!(SETTINGS.is_sorted_by_key(|setting| setting.name));
    for setting in SETTINGS {
        assert_eq!(mistake(setting.kind, setting.default), None, "{}", setting.name);
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let file = "[defaults]\nforks = 7 ; a comment\nroles_path = roles:~/r:/r\ntimeout: 3\n[ssh_connection]\nssh_args = '-o A=b'\n";
    let (config, _) = load(file, &[("ANSIBLE_TIMEOUT", "9")]);
    let config = config.expect("it is right");
    assert_eq!((config.forks(), config.get(setting::DEFAULT_TIMEOUT)), (7, 9));
    assert_eq!(config.get(setting::SSH_ARGS), "-o A=b");
    let roles = config.get(setting::DEFAULT_ROLES_PATH);
    assert!(roles.first().is_some_and(|path| path.is_absolute() && path.ends_with("roles")));
    assert_eq!(roles.get(1..), Some(&[PathBuf::from("/home/me/r"), PathBuf::from("/r")][..]));
}

#[test]
fn mistakes_and_unsupported_settings_are_reported() {
    let (config, _) = load("[defaults]\nforks = many\ngathering = never\n", &[]);
    let err = config.expect_err("two mistakes");
    assert_eq!((err.also.len(), err.place.map(|place| place.line)), (1, Some(2)));
    let (_, warnings) = load("[defaults]\nfilter_plugins = x\n", &[]);
    assert_eq!(warnings, ["the setting DEFAULT_FILTER_PLUGIN_PATH is not supported and has no effect"]);
    assert!(load("forks = 1\n", &[]).0.is_err());
    assert!(load("[defaults]\nforks = 1\nforks = 2\n", &[]).0.is_err());
}
