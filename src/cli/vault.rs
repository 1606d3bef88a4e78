//! `rplay vault`: files and strings are encrypted, decrypted, shown and edited, as `ansible-vault` does it.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use rplay_module_api::shell_words;

use super::options::{EncryptionOptions, VaultAction, VaultCommandOptions, VaultKeys, VaultOptions};
use super::{pager, password, session, vault_set};
use crate::callback;
use crate::config::{Config, setting};
use crate::error::{Error, ErrorKind, Notices};
use crate::template::filters::yaml_text;
use crate::value::Value;
use crate::vault::{Opened, Password, PasswordSources, Secrets, encrypt_with, is_encrypted};

/// What `ansible-vault` answers to options that do not go together.
const OPTIONS: u8 = 5;

pub fn run(options: VaultCommandOptions) -> Result<u8, Error> {
    let notices = Notices::default();
    let config = Config::from_process(&notices)?;
    let vault = Vault { config, notices };
    let result = vault.act(&options.action);
    session::say_notices(&vault.config, &vault.notices, &mut session::terminal(&vault.config));
    result.map(|()| 0)
}

struct Vault {
    config: Config,
    notices: Notices,
}

/// What to encrypt with.
struct Key {
    id: String,
    password: Password,
}

impl Vault {
    fn act(&self, action: &VaultAction) -> Result<(), Error> {
        match action {
            VaultAction::Create { files, skip_tty_check, keys } => {
                let key = self.key(keys)?;
                let [file] = files.as_slice() else {
                    return Err(wrong_options("ansible-vault create can take only one filename argument"));
                };
                if !*skip_tty_check && !io::stdout().is_terminal() {
                    return Err(wrong_options("not a tty, editor cannot be opened"));
                }
                self.create(file, &key)
            }
            VaultAction::Decrypt { files, output, keys } => {
                let secrets = self.secrets(keys)?;
                one_output(files, output.as_ref())?;
                for file in files_or_stdin(files, "Reading ciphertext input from stdin") {
                    let opened = open(&secrets, &file)?;
                    write(output.as_deref().unwrap_or(&file), &opened.plain, Old::Ciphertext)?;
                }
                say("Decryption successful", io::stdout().is_terminal());
                Ok(())
            }
            VaultAction::Edit { files, keys } => {
                let secrets = self.secrets(&keys.keys)?;
                files.iter().try_for_each(|file| self.edit(&real(file), &secrets))
            }
            VaultAction::View { files, keys } => {
                let secrets = self.secrets(keys)?;
                files.iter().try_for_each(|file| pager::show(&self.config, &open(&secrets, file)?.plain))
            }
            VaultAction::Encrypt { files, output, keys } => {
                one_output(files, output.as_ref())?;
                let key = self.key(keys)?;
                for file in files_or_stdin(files, "Reading plaintext input from stdin") {
                    let sealed = self.seal(&read(&file)?, &key)?;
                    write(output.as_deref().unwrap_or(&file), sealed.as_bytes(), Old::Plaintext)?;
                }
                say("Encryption successful", io::stdout().is_terminal());
                Ok(())
            }
            VaultAction::EncryptString { .. } => self.encrypt_strings(action),
            VaultAction::Set { file, key, keys } => self.set(&real(file), key, keys),
            VaultAction::Rekey { files, new_vault_password_file, new_vault_id, keys } => {
                let secrets = self.secrets(&keys.keys)?;
                let key = self.new_key(new_vault_id.as_deref(), new_vault_password_file.as_deref(), keys)?;
                for file in files {
                    let opened = open(&secrets, &real(file))?;
                    let sealed = encrypt_with(
                        &key.password,
                        &opened.plain,
                        self.salt().as_deref().map(str::as_bytes),
                        Some(&key.id),
                    );
                    replace(&real(file), sealed.as_bytes())?;
                }
                say("Rekey successful", true);
                Ok(())
            }
        }
    }

    /// The passwords to open vaults with.
    fn secrets(&self, keys: &VaultKeys) -> Result<Secrets, Error> {
        self.load(session::vault_sources(&self.config, &keys.vault), false)
    }

    /// Without any source the user is asked.
    fn load(&self, mut sources: PasswordSources, new: bool) -> Result<Secrets, Error> {
        sources.new = new;
        sources.ask |= sources.ids.is_empty() && sources.files.is_empty();
        if let Some(id) = sources.ids.iter().find(|id| id.contains(';')) {
            let message = format!("'{id}' is not a valid vault id. The character ';' is not allowed in vault ids");
            return Err(wrong_options(message));
        }
        session::vault_secrets(&sources, &self.notices)
    }

    fn key(&self, keys: &EncryptionOptions) -> Result<Key, Error> {
        let secrets = self.load(session::vault_sources(&self.config, &keys.keys.vault), true)?;
        let wanted = self.encrypt_id(keys);
        let ids: Vec<&str> = secrets.ids().collect();
        if ids.len() > 1 && wanted.is_none() {
            return Err(wrong_options(format!(
                "The vault-ids {} are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id",
                ids.join(",")
            )));
        }
        choose(&secrets, wanted.as_deref())
    }

    fn new_key(&self, id: Option<&str>, file: Option<&Path>, keys: &EncryptionOptions) -> Result<Key, Error> {
        let wanted = self.encrypt_id(keys);
        let options = VaultOptions {
            vault_id: Vec::new(),
            ask_vault_password: keys.keys.vault.ask_vault_password,
            vault_password_file: file.map(Path::to_path_buf).into_iter().collect(),
        };
        let mut sources = session::vault_sources(&self.config, &options);
        if wanted.is_none() {
            sources.ids.clear();
        }
        sources.ids.extend(id.map(str::to_owned));
        choose(&self.load(sources, true)?, wanted.as_deref())
    }

    fn encrypt_id(&self, keys: &EncryptionOptions) -> Option<String> {
        keys.encrypt_vault_id.clone().or_else(|| self.config.get(setting::DEFAULT_VAULT_ENCRYPT_IDENTITY))
    }

    fn salt(&self) -> Option<String> {
        self.config.get(setting::VAULT_ENCRYPT_SALT)
    }

    fn seal(&self, plain: &[u8], key: &Key) -> Result<String, Error> {
        if is_encrypted(plain) {
            return Err(failed("input is already encrypted"));
        }
        Ok(encrypt_with(&key.password, plain, self.salt().as_deref().map(str::as_bytes), Some(&key.id)))
    }

    fn create(&self, file: &Path, key: &Key) -> Result<(), Error> {
        if file.is_file() {
            return Err(failed(format!("{} exists, please use 'edit' instead", file.display())));
        }
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
            self.notices.warn(format!("{} does not exist, creating...", folder.display()), None);
            fs::create_dir_all(folder).map_err(|err| unwritable(folder, &err))?;
        }
        let plain = self.edited(file, b"")?;
        write(file, self.seal(&plain, key)?.as_bytes(), Old::Ciphertext)
    }

    fn edit(&self, file: &Path, secrets: &Secrets) -> Result<(), Error> {
        let opened = open(secrets, file)?;
        let plain = self.edited(file, &opened.plain)?;
        if plain == opened.plain {
            return Ok(());
        }
        let sealed =
            encrypt_with(opened.password, &plain, self.salt().as_deref().map(str::as_bytes), opened.id.as_deref());
        replace(file, sealed.as_bytes())
    }

    /// Replaces one value. In a vaulted file it is plain text, elsewhere a vaulted string.
    fn set(&self, file: &Path, name: &str, keys: &EncryptionOptions) -> Result<(), Error> {
        let old = if file.exists() { read(file)? } else { Vec::new() };
        let as_text = |bytes: Vec<u8>| {
            String::from_utf8(bytes).map_err(|_| failed(format!("{} is not UTF-8 text", file.display())))
        };
        if is_encrypted(&old) {
            let secrets = self.secrets(&keys.keys)?;
            let opened = open(&secrets, file)?;
            let value = asked_value(name)?;
            let written =
                yaml_text::dump(&Value::str(value), &yaml_text::Options { width: i32::MAX, ..Default::default() });
            let written = written.map_err(failed)?;
            let written = written.trim_end_matches("...\n").trim_end_matches('\n').to_owned() + "\n";
            let text = vault_set::replaced(file, &as_text(opened.plain)?, name, |_| written.clone())?;
            let salt = self.salt();
            let sealed = encrypt_with(
                opened.password,
                text.as_bytes(),
                salt.as_deref().map(str::as_bytes),
                opened.id.as_deref(),
            );
            replace(file, sealed.as_bytes())?;
        } else {
            let key = self.key(keys)?;
            let sealed = self.seal(asked_value(name)?.as_bytes(), &key)?;
            let value = |indent: usize| {
                let pad = " ".repeat(indent);
                in_yaml(&sealed, None).replace("\n  ", &format!("\n{pad}  "))
            };
            let text = vault_set::replaced(file, &as_text(old)?, name, value)?;
            if file.exists() {
                replace(file, text.as_bytes())?;
            } else {
                write(file, text.as_bytes(), Old::Plaintext)?;
            }
        }
        say(&format!("{name} of {} was set", file.display()), true);
        Ok(())
    }

    /// What the user's editor makes of a text. The file that it works on is readable for its user alone, and wiped.
    fn edited(&self, file: &Path, text: &[u8]) -> Result<Vec<u8>, Error> {
        let suffix = file.extension().map(|it| format!(".{}", it.to_string_lossy())).unwrap_or_default();
        let folder = self.config.get(setting::DEFAULT_LOCAL_TMP);
        fs::create_dir_all(&folder).map_err(|err| unwritable(&folder, &err))?;
        let temporary = tempfile::Builder::new().suffix(&suffix).tempfile_in(&folder);
        let temporary = temporary.map_err(|err| unwritable(&folder, &err))?.into_temp_path();
        fs::write(&temporary, text).map_err(|err| unwritable(&temporary, &err))?;
        let result = self.run_editor(&temporary).and_then(|()| read(&temporary));
        wipe(&temporary).map_err(|err| unwritable(&temporary, &err))?;
        result
    }

    fn run_editor(&self, file: &Path) -> Result<(), Error> {
        let line = self.config.get(setting::EDITOR);
        let failed_to_run = |why: String| failed(format!("Unable to execute the command \"{line}\": {why}"));
        let words = shell_words::split_to_comment(&line).map_err(|why| failed_to_run(why.to_string()))?;
        let (program, arguments) = words.split_first().ok_or_else(|| failed_to_run("it is empty".to_owned()))?;
        let ran = Command::new(program).args(arguments).arg(file).status();
        ran.map(drop).map_err(|err| failed_to_run(err.to_string()))
    }

    fn encrypt_strings(&self, action: &VaultAction) -> Result<(), Error> {
        let VaultAction::EncryptString { strings, prompt, show_input, name, stdin_name, output, keys } = action else {
            return Ok(());
        };
        let from_stdin =
            strings.iter().any(|text| text == "-") || stdin_name.is_some() || (strings.is_empty() && !prompt);
        if *prompt && from_stdin {
            return Err(wrong_options("The --prompt option is not supported if also reading input from stdin"));
        }
        let key = self.key(keys)?;
        let mut texts = Vec::new();
        if *prompt {
            texts.push(asked_string(*show_input)?);
        }
        if from_stdin {
            texts.push(Named { name: stdin_name.clone(), source: "stdin", text: stdin_text()? });
        }
        let arguments: Vec<&String> = strings.iter().filter(|text| *text != "-").collect();
        if let Some(last) = name.last().filter(|_| arguments.len() > name.len()) {
            say("The number of --name options do not match the number of args.", true);
            say(&format!("The last named variable will be \"{last}\". The rest will not have names."), true);
        }
        for (index, text) in arguments.into_iter().enumerate() {
            if text.is_empty() {
                let message = "The plaintext provided from the command line args was empty, not encrypting";
                return Err(wrong_options(message));
            }
            let text = text.clone().into_bytes();
            texts.push(Named { name: name.get(index).cloned(), source: "the command line args", text });
        }
        let mut out = String::new();
        for (index, named) in texts.iter().enumerate() {
            if texts.len() > 1 {
                say(&named.remark(index + 1), true);
            }
            out.push_str(&in_yaml(&self.seal(&named.text, &key)?, named.name.as_deref()));
        }
        write(output.as_deref().unwrap_or(Path::new("-")), out.as_bytes(), Old::Ciphertext)?;
        say("Encryption successful", io::stdout().is_terminal());
        Ok(())
    }
}

/// A text to encrypt, and where it comes from.
struct Named {
    name: Option<String>,
    source: &'static str,
    text: Vec<u8>,
}

impl Named {
    fn remark(&self, number: usize) -> String {
        match &self.name {
            Some(name) => {
                format!("# The encrypted version of variable (\"{name}\", the string #{number} from {}).", self.source)
            }
            None => format!("# The encrypted version of the string #{number} from {}.)", self.source),
        }
    }
}

fn asked_string(shown: bool) -> Result<Named, Error> {
    let name = password::ask_openly("Variable name (enter for no name): ")?;
    let text = if shown {
        password::ask_openly("String to encrypt:")?
    } else {
        password::ask("String to encrypt (hidden): ")?.expose().to_owned()
    };
    if text.is_empty() {
        return Err(wrong_options("The plaintext provided from the prompt was empty, not encrypting"));
    }
    Ok(Named { name: (!name.is_empty()).then_some(name), source: "the interactive prompt", text: text.into_bytes() })
}

/// The new value, from the terminal or from standard input, whose last line need not end.
fn asked_value(name: &str) -> Result<String, Error> {
    if io::stdin().is_terminal() {
        return password::ask(&format!("New value of {name} (hidden): ")).map(|value| value.expose().to_owned());
    }
    let text = String::from_utf8(read(Path::new("-"))?).map_err(|_| failed("standard input is not UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if text.is_empty() {
        return Err(wrong_options("stdin was empty, not encrypting"));
    }
    Ok(text.to_owned())
}

fn stdin_text() -> Result<Vec<u8>, Error> {
    let hint = "Reading plaintext input from stdin. (ctrl-d to end input, twice if your content does not already have a newline)";
    say(hint, io::stdout().is_terminal());
    let text = read(Path::new("-"))?;
    if text.is_empty() {
        return Err(wrong_options("stdin was empty, not encrypting"));
    }
    Ok(text)
}

/// A vaulted string as a variables file has it.
fn in_yaml(sealed: &str, name: Option<&str>) -> String {
    let mut out = name.map(|name| format!("{name}: ")).unwrap_or_default();
    out.push_str("!vault |\n");
    for line in sealed.lines() {
        out.push_str("          ");
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn choose(secrets: &Secrets, wanted: Option<&str>) -> Result<Key, Error> {
    match (secrets.for_encryption(wanted), wanted) {
        (Some((id, password)), _) => Ok(Key { id: id.to_owned(), password: password.clone() }),
        (None, Some(wanted)) => {
            let known: Vec<String> = secrets.ids().map(|id| format!("'{id}'")).collect();
            let known = known.join(", ");
            let message = "Did not find a match for --encrypt-vault-id=";
            Err(failed(format!("{message}{wanted} in the known vault-ids [{known}]")))
        }
        (None, None) => Err(wrong_options("A vault password is required to use Ansible's Vault")),
    }
}

fn open<'s>(secrets: &'s Secrets, file: &Path) -> Result<Opened<'s>, Error> {
    secrets.open(&read(file)?).map_err(|failure| failed(format!("{failure} for {}", file.display())))
}

fn real(file: &Path) -> PathBuf {
    if file == Path::new("-") { file.to_owned() } else { file.canonicalize().unwrap_or_else(|_| file.to_owned()) }
}

fn one_output(files: &[PathBuf], output: Option<&PathBuf>) -> Result<(), Error> {
    if output.is_some() && files.len() > 1 {
        return Err(wrong_options("At most one input file may be used with the --output option"));
    }
    Ok(())
}

fn files_or_stdin(files: &[PathBuf], hint: &str) -> Vec<PathBuf> {
    if files.is_empty() {
        say(hint, io::stdin().is_terminal());
        return vec![PathBuf::from("-")];
    }
    files.iter().map(|file| real(file)).collect()
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    let result = if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    result.map_err(|err| Error::new(ErrorKind::File, format!("Unable to read source file ({}): {err}", file.display())))
}

/// What the file held that is written over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Old {
    Plaintext,
    Ciphertext,
}

/// Writes a file that its owner alone may read; a plaintext in its place is overwritten before it is gone.
fn write(file: &Path, bytes: &[u8], old: Old) -> Result<(), Error> {
    if file == Path::new("-") {
        return pager::print(bytes, false);
    }
    let new = beside(file, bytes)?;
    if old == Old::Plaintext && file.is_file() {
        wipe(file).map_err(|err| unwritable(file, &err))?;
    }
    new.persist(file).map(drop).map_err(|err| unwritable(file, &err.error))
}

/// Writes a file again; its mode and owner stay.
fn replace(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |err: io::Error| unwritable(file, &err);
    let before = fs::metadata(file).map_err(failed)?;
    let new = beside(file, bytes)?;
    fs::set_permissions(new.path(), Permissions::from_mode(before.mode())).map_err(failed)?;
    std::os::unix::fs::chown(new.path(), Some(before.uid()), Some(before.gid())).map_err(failed)?;
    new.persist(file).map(drop).map_err(|err| unwritable(file, &err.error))
}

fn beside(file: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile, Error> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritable = |err: io::Error| failed(format!("Destination '{}' not writable: {err}", folder.display()));
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(unwritable)?;
    new.write_all(bytes).and_then(|()| new.flush()).map_err(unwritable)?;
    Ok(new)
}

/// Overwrites a file before it is removed, so that its blocks do not keep the text.
fn wipe(file: &Path) -> io::Result<()> {
    let mut left = fs::metadata(file)?.len();
    let mut opened = OpenOptions::new().write(true).open(file)?;
    while left > 0 {
        let noise: [u8; 4096] = rand::random();
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(noise.len());
        opened.write_all(noise.get(..part).unwrap_or_default())?;
        left -= part as u64;
    }
    opened.sync_all()?;
    fs::remove_file(file)
}

fn say(text: &str, wanted: bool) {
    if wanted {
        let _ = writeln!(io::stderr(), "{}", callback::plain(text));
    }
}

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Vault, message)
}

fn wrong_options(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message).with_exit_code(OPTIONS)
}

fn unwritable(file: &Path, err: &io::Error) -> Error {
    Error::new(ErrorKind::File, format!("{} cannot be written: {err}", file.display()))
}
