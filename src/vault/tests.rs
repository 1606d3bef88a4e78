use super::*;

fn secrets(passwords: &[(&str, &str)]) -> Secrets {
    let mut secrets = Secrets::default();
    for (id, password) in passwords {
        secrets.add(*id, Password::new(*password));
    }
    secrets
}

const GOLD: &str = "$ANSIBLE_VAULT;1.1;AES256\n36373666366336343635366537333631366337340a66323136323565656131646231323864643333\n31313738393236373137663461643961393433366263396430383534333935336563386338666563\n62326562320a6130323932373934303432323332326335386237313532393232623165343031\n";

#[test]
fn opens_what_ansible_sealed() {
    assert_eq!(secrets(&[("default", "gold")]).decrypt(GOLD.as_bytes()).as_deref(), Ok(&b"s3cret"[..]));
}

#[test]
fn tries_every_password() {
    let both = secrets(&[("a", "wrong"), ("b", "gold")]);
    assert_eq!(both.decrypt(GOLD.as_bytes()).as_deref(), Ok(&b"s3cret"[..]));
    assert_eq!(secrets(&[("a", "wrong")]).decrypt(GOLD.as_bytes()), Err(Failure::WrongPassword));
    assert_eq!(Secrets::default().decrypt(GOLD.as_bytes()), Err(Failure::NoSecrets));
}

#[test]
fn a_vault_with_an_id_is_opened_by_that_id_alone_when_ids_must_match() {
    let mut both = secrets(&[("dev", "one"), ("prod", "two")]);
    let vault = both.encrypt(b"text", Some("prod")).expect("there is a password");
    assert!(vault.starts_with("$ANSIBLE_VAULT;1.2;AES256;prod\n"));
    assert_eq!(both.decrypt(vault.as_bytes()).as_deref(), Ok(&b"text"[..]));
    both.match_ids = true;
    assert_eq!(both.decrypt(vault.as_bytes()).as_deref(), Ok(&b"text"[..]));
    let mut other = secrets(&[("dev", "two")]);
    assert!(other.decrypt(vault.as_bytes()).is_ok());
    other.match_ids = true;
    assert_eq!(other.decrypt(vault.as_bytes()), Err(Failure::WrongPassword));
}

#[test]
fn whatever_is_encrypted_comes_back() {
    let secrets = secrets(&[("default", "p")]);
    for length in [0, 1, 15, 16, 17, 500] {
        let plain = vec![7; length];
        let vault = secrets.encrypt(&plain, None).expect("there is a password");
        assert!(vault.lines().all(|line| line.len() <= 80));
        assert_eq!(secrets.decrypt(vault.as_bytes()), Ok(plain));
    }
}

#[test]
fn broken_vaults_are_refused() {
    let secrets = secrets(&[("default", "p")]);
    for vault in
        ["$ANSIBLE_VAULT", "$ANSIBLE_VAULT;1.1", "$ANSIBLE_VAULT;1.1;AES256\n61", "$ANSIBLE_VAULT;1.1;AES256\nxyz"]
    {
        assert!(matches!(secrets.decrypt(vault.as_bytes()), Err(Failure::Format(_))), "{vault}");
    }
    assert!(matches!(secrets.decrypt(b"$ANSIBLE_VAULT;9.1;AES256\n61"), Err(Failure::Unsupported(..))));
    assert_eq!(secrets.decrypt(b"plain"), Err(Failure::NotVault));
}

#[test]
fn a_vault_that_is_cut_short_or_changed_stays_closed() {
    let secrets = secrets(&[("default", "gold")]);
    let whole = GOLD.trim_end();
    for length in MAGIC.len()..whole.len() {
        let refused = secrets.decrypt(&whole.as_bytes()[..length]);
        assert!(
            matches!(refused, Err(Failure::Format(_) | Failure::WrongPassword | Failure::Unsupported(..))),
            "{length}: {refused:?}"
        );
    }
    let body = whole.find('\n').expect("it has a header") + 1;
    for at in (body..whole.len()).filter(|at| whole.as_bytes()[*at] != b'\n') {
        let mut changed = whole.as_bytes().to_vec();
        changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
        assert!(changed == whole.as_bytes() || secrets.decrypt(&changed).is_err(), "{at}");
    }
}

#[test]
fn vaults_prepared_side_by_side_open_as_usual() {
    let secrets = secrets(&[("default", "p")]);
    let vaults: Vec<String> =
        (0..8_u8).map(|number| secrets.encrypt(&[number], None).expect("there is a password")).collect();
    secrets.prepare(vaults.iter().map(String::as_bytes).chain([&b"$ANSIBLE_VAULT;broken"[..]]));
    let opened: Vec<_> = vaults.iter().map(|vault| secrets.decrypt(vault.as_bytes())).collect();
    assert_eq!(opened, (0..8).map(|number| Ok(vec![number])).collect::<Vec<_>>());
}
