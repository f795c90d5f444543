//! The secret that a server makes for itself and keeps in its data folder, and those that it had before.
//!
//! A file is written aside and renamed, and the folder follows it to the disk: a crash leaves the old file or the new one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use justiam_sdk::api::secrets::Secret;
use ring::rand::{SecureRandom, SystemRandom};

use super::{DataDir, DataDirError, io_error};

const CURRENT: &str = "jwt-secret";
/// The secrets that the server had before, one a line, while there is something that was sealed under them.
pub(super) const OLD: &str = "jwt-secret.old";

/// The right to seal anew what is in a data folder.
#[derive(Debug)]
pub struct RotationLock(File);

impl Drop for RotationLock {
    fn drop(&mut self) {
        // As with the folder's own lock.
        let _ = self.0.unlock();
    }
}

impl DataDir {
    /// The server's secret that is in the folder; `None` where none was made.
    pub fn secret(&self) -> Result<Option<Secret>, DataDirError> {
        Ok(self.read(CURRENT)?.map(|secret| secret.trim_end().into()))
    }

    /// Makes the first secret of a server. There must be none, and nothing that was sealed under another.
    pub fn make_secret(&self) -> Result<Secret, DataDirError> {
        let secret = new_secret()?;
        self.write(CURRENT, &secret)?;
        Ok(secret)
    }

    /// The secrets that the server had before.
    pub fn old_secrets(&self) -> Result<Vec<Secret>, DataDirError> {
        let text = self.read(OLD)?.unwrap_or_default();
        Ok(text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(Secret::from).collect())
    }

    /// Puts a new secret in the place of the one in the folder, which is kept with the old ones. No server may use the folder
    /// meanwhile: it would go on with the secret that it knows.
    pub fn replace_secret(&self) -> Result<(), DataDirError> {
        let secret = self.secret()?.ok_or_else(|| DataDirError::NoSecret(self.path.clone()))?;
        // Whoever was stopped between the two files has left the same secret in both.
        if self.old_secrets()?.iter().any(|old| *old != secret) {
            return Err(DataDirError::Unfinished(self.path.clone()));
        }
        self.write(OLD, &secret)?;
        self.write(CURRENT, &new_secret()?)
    }

    /// Forgets the secrets that the server had before. Nothing must be sealed under them any more.
    pub fn forget_old_secrets(&self) -> Result<(), DataDirError> {
        let path = self.path.join(OLD);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&path)(error)),
            _ => Ok(()),
        }
    }

    /// Keeps others from sealing anew what is in this folder while the value lives.
    pub fn lock_rotation(&self) -> Result<RotationLock, DataDirError> {
        let path = self.path.join("rotation-lock");
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(io_error(&path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => DataDirError::Rotating(self.path.clone()),
            TryLockError::Error(source) => DataDirError::Io { path, source },
        })?;
        Ok(RotationLock(lock))
    }

    fn read(&self, name: &str) -> Result<Option<String>, DataDirError> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DataDirError::Io { path, source }),
        }
    }

    fn write(&self, name: &str, secret: &Secret) -> Result<(), DataDirError> {
        let path = self.path.join(name);
        let aside = self.path.join(format!("{name}.new"));
        let write = || {
            let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&aside)?;
            writeln!(file, "{}", secret.expose())?;
            file.sync_all()?;
            fs::rename(&aside, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(io_error(&path))
    }
}

/// A secret that nobody knows.
pub(crate) fn new_secret() -> Result<Secret, DataDirError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| DataDirError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, DataDir) {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::open(folder.path()).unwrap();
        (folder, dir)
    }

    #[test]
    fn a_new_secret_follows_and_the_old_one_stays_until_it_is_forgotten() {
        let (_folder, dir) = folder();
        assert!(matches!(dir.replace_secret(), Err(DataDirError::NoSecret(_))));
        assert_eq!(dir.secret().unwrap(), None);
        let first = dir.make_secret().unwrap();
        assert_eq!((dir.secret().unwrap(), dir.old_secrets().unwrap()), (Some(first.clone()), vec![]));
        dir.replace_secret().unwrap();
        let second = dir.secret().unwrap().unwrap();
        assert_ne!(second, first);
        assert_eq!(dir.old_secrets().unwrap(), [first]);
        let error = dir.replace_secret().unwrap_err().to_string();
        assert!(error.contains("finish with `justiam-server secrets rotate`"), "{error}");
        assert_eq!(dir.secret().unwrap(), Some(second.clone()));
        dir.forget_old_secrets().unwrap();
        dir.forget_old_secrets().unwrap();
        dir.replace_secret().unwrap();
        assert_eq!(dir.old_secrets().unwrap(), [second]);
    }

    #[test]
    fn whoever_was_stopped_between_the_two_files_can_begin_anew() {
        let (_folder, dir) = folder();
        let first = dir.make_secret().unwrap();
        dir.write(OLD, &first).unwrap();
        fs::write(dir.path.join("jwt-secret.new"), "hal").unwrap();
        assert_eq!(dir.secret().unwrap().as_ref(), Some(&first));
        dir.replace_secret().unwrap();
        assert_ne!(dir.secret().unwrap().as_ref(), Some(&first));
        assert_eq!(dir.old_secrets().unwrap(), [first]);
    }

    #[test]
    fn one_command_at_a_time_seals_anew() {
        let (_folder, dir) = folder();
        let lock = dir.lock_rotation().unwrap();
        assert!(matches!(dir.lock_rotation(), Err(DataDirError::Rotating(_))));
        drop(lock);
        dir.lock_rotation().unwrap();
    }
}
