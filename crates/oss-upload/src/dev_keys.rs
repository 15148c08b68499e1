//! The keys of a run of `dev`: drawn here, so that nobody else knows them.
//!
//! What seals receipts and signs webhooks is kept in the data folder, so that a back end which was started with it
//! works in the next run too. What signs uploads is drawn for each run: only the function and the local OSS, which
//! are one process, have to agree on it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::{fmt, fs, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::failure::Failure;
use oss_emulator::oss;
use oss_upload_signer::app;
use oss_upload_signer::callback::webhook::WebhookKey;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::secret::Secret;

pub(super) const RECEIPT_KEYS: &str = "UPLOAD_RECEIPT_KEYS";
pub(super) const WEBHOOK_SECRET: &str = "UPLOAD_WEBHOOK_SECRET";

/// Where they are kept. No bucket's folder begins with a dot.
const FILE: &str = ".dev-keys";

const HEADER: &str =
    "# Drawn by 'oss-upload dev' for this folder. Delete the file to have new keys.\n";

/// The fewest characters of a receipt key, so that a file which was cut short is not taken.
const RECEIPT_KEY_LENGTH: usize = 64;

/// A key of the function's role, or of a user, which signs uploads in one run only. Shows nothing of it.
pub(super) struct UploadKey {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: String,
}

impl UploadKey {
    /// Draws a key whose id begins with this, as `STS.` for a temporary one.
    pub(super) fn draw(beginning: &str) -> Result<Self, Failure> {
        let id = format!("{beginning}{}", draw()?);
        Ok(Self { id, secret: draw()? + &draw()?, token: draw()? + &draw()? })
    }

    /// Gives the key as the local OSS knows it where it has no token.
    pub(super) fn long_lived(&self) -> oss::AccessKey {
        oss::AccessKey::new(&self.id, &self.secret)
    }
}

impl fmt::Debug for UploadKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UploadKey(…)")
    }
}

/// A variable and its value.
pub(super) type Pair = (&'static str, String);

/// Sets the keys that are not set to those of the data folder, and gives them.
pub(super) fn fill(environment: &mut Environment, folder: &Path) -> Result<Vec<Pair>, Failure> {
    let mut keys = open(folder)?;
    keys.retain(|(name, _)| environment.get(name).is_none());
    for (name, value) in &keys {
        environment.set(name, value.as_str());
    }
    Ok(keys)
}

/// Reads the keys of the data folder, and draws those that it does not have.
fn open(folder: &Path) -> Result<Vec<Pair>, Failure> {
    let trouble = |error: io::Error| {
        let path = folder.join(FILE);
        Failure::new(format!("{}: {error}; choose another folder with --data-dir", path.display()))
    };
    let text = match fs::read_to_string(folder.join(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(trouble(error)),
    };
    let receipt_key = value(&text, RECEIPT_KEYS).filter(|key| key.len() >= RECEIPT_KEY_LENGTH);
    let secret = value(&text, WEBHOOK_SECRET);
    let secret = secret.filter(|secret| WebhookKey::parse(&Secret::new(secret)).is_some());
    let is_whole = receipt_key.is_some() && secret.is_some();
    let receipt_key = receipt_key.map_or_else(draw_receipt_key, Ok)?;
    let secret = secret.map_or_else(draw_webhook_secret, Ok)?;
    let keys = vec![(RECEIPT_KEYS, receipt_key), (WEBHOOK_SECRET, secret)];
    if is_whole {
        // Somebody may have opened it to others, or copied it.
        close_to_others(&folder.join(FILE)).map_err(trouble)?;
    } else {
        keep(folder, &keys).map_err(trouble)?;
    }
    Ok(keys)
}

fn value(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines();
    lines
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .map(|value| value.trim().to_owned())
}

/// Writes the file beside its place and moves it there, so that it is never seen half written.
fn keep(folder: &Path, keys: &[Pair]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let beside = folder.join(format!("{FILE}.{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    let lines = keys.iter().map(|(name, value)| format!("{name}={value}\n"));
    let text: String = std::iter::once(HEADER.to_owned()).chain(lines).collect();
    let written =
        file.write_all(text.as_bytes()).and_then(|()| fs::rename(&beside, folder.join(FILE)));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(unix)]
fn close_to_others(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> io::Result<()> {
    Ok(())
}

fn draw_receipt_key() -> Result<String, Failure> {
    Ok(draw()? + &draw()?)
}

fn draw_webhook_secret() -> Result<String, Failure> {
    let bytes = [draw_bytes()?, draw_bytes()?].concat();
    Ok(format!("whsec_{}", STANDARD.encode(bytes)))
}

/// Draws 32 hex digits.
fn draw() -> Result<String, Failure> {
    draw_bytes().map(hex::encode)
}

fn draw_bytes() -> Result<[u8; 16], Failure> {
    app::system_random()()
        .map_err(|error| Failure::new(format!("no randomness for a key: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn mode(folder: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(folder.join(FILE)).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_folder_keeps_its_keys_and_no_two_folders_have_the_same() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let data = one.path().join("data");
        let first = open(&data).unwrap();
        assert_eq!(open(&data).unwrap(), first);
        let second = open(other.path()).unwrap();
        for (left, right) in first.iter().zip(&second) {
            assert_eq!(left.0, right.0);
            assert_ne!(left.1, right.1);
        }
        fs::remove_file(data.join(FILE)).unwrap();
        assert_ne!(open(&data).unwrap(), first);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_may_read_them() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).unwrap();
        assert_eq!(mode(folder.path()), 0o600);
        let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(folder.path().join(FILE), open_to_all).unwrap();
        open(folder.path()).unwrap();
        assert_eq!(mode(folder.path()), 0o600);
    }

    #[test]
    fn a_damaged_file_is_mended_and_what_is_good_in_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        let cut = &text[..text.len() - 20];
        fs::write(folder.path().join(FILE), cut).unwrap();
        let second = open(folder.path()).unwrap();
        assert_eq!(second[0], first[0]);
        assert_ne!(second[1], first[1]);
        assert_eq!(open(folder.path()).unwrap(), second);
    }

    #[test]
    fn what_is_set_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut environment = Environment::default();
        environment.set(RECEIPT_KEYS, "of the operator");
        let keys = fill(&mut environment, folder.path()).unwrap();
        let [(name, secret)] = &keys[..] else { panic!("{keys:?}") };
        assert_eq!(*name, WEBHOOK_SECRET);
        assert_eq!(environment.get(RECEIPT_KEYS), Some("of the operator"));
        assert_eq!(environment.get(WEBHOOK_SECRET), Some(secret.as_str()));
    }

    #[test]
    fn an_upload_key_is_another_each_time_and_does_not_show() {
        let (one, other) = (UploadKey::draw("STS.").unwrap(), UploadKey::draw("STS.").unwrap());
        assert_ne!(one.id, other.id);
        assert_ne!(one.secret, other.secret);
        assert_ne!(one.token, other.token);
        assert_eq!(format!("{one:?}"), "UploadKey(…)");
    }
}
