//! `vault` and `unvault`: encrypting and opening text with a given password.

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::value::{Str, mask};
use crate::vault::{Password, Secrets, encrypt_with, is_encrypted};

fn password(args: &Bound) -> Res<Password> {
    let secret = args.val(1);
    let Val::Str(secret) = &secret else {
        return Err(raised(format!(
            "Secret passed is required to be a string, instead we got <class '{}'>.",
            secret.type_name()
        )));
    };
    Ok(Password::new(secret.as_bytes()))
}

pub fn vault(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let Val::Str(text) = &value else {
        return Err(raised(format!("Can only vault strings, instead we got <class '{}'>.", value.type_name())));
    };
    if args.some(4).map(Val::truthy).transpose()?.unwrap_or(false) {
        // The text itself, which is known to come from a vault.
        return Ok(Val::Str(text.clone().into_untrusted().into_vaulted()));
    }
    let id = args.some(3).map(print::text).transpose()?.unwrap_or_else(|| "filter_default".to_owned());
    let salt = args.some(2).map(print::text).transpose()?;
    let salt = salt.as_deref().map(str::as_bytes);
    let sealed = encrypt_with(&password(&args)?, text.as_bytes(), salt, Some(&id));
    Ok(Val::str(sealed))
}

pub fn unvault(scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let Val::Str(text) = &value else {
        return Err(raised(format!(
            "Vault should be in the form of a string, instead we got <class '{}'>.",
            value.type_name()
        )));
    };
    let mut secrets = Secrets::default();
    secrets.add("filter_default", password(&args)?);
    if !is_encrypted(text.as_bytes()) {
        return Ok(value);
    }
    let plain = secrets.decrypt(text.as_bytes()).map_err(|failure| raised(failure.to_string()))?;
    let plain = Str::data(String::from_utf8_lossy(&plain).into_owned()).into_secret();
    mask::remember(&plain);
    scope.context.note_secret(&plain);
    Ok(Val::Str(plain))
}
