//! Opens what is in the folders, so that nobody can put something else into its place between the check and the use.
//!
//! Programs of steps may write into these folders while the server, which is confined by nothing, reads there. So each path is
//! opened again from a folder that is held open, and the kernel follows no link that leads out of it.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, ResolveFlags};

use super::AllowedFolders;

/// Neither waits for the other end of a pipe, nor takes a terminal.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// A folder that is held open, and the name of a file in it, which may be missing.
#[derive(Debug)]
pub struct Place {
    folder: OwnedFd,
    name: OsString,
    /// The path, for texts.
    pub shown: String,
}

impl AllowedFolders {
    /// Opens a file to read it.
    pub fn open(&self, path: &str) -> Result<File, String> {
        let real = self.resolve(path)?;
        let unreadable = |error: io::Error| format!("`{path}` cannot be read: {error}");
        let file = self.open_real(&real, READ).map_err(unreadable)?;
        regular(file, path).map_err(unreadable)?
    }

    /// Opens the folder of a file that is to be written.
    pub fn place(&self, path: &str) -> Result<Place, String> {
        let real = self.resolve_new(path)?;
        let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else {
            return Err(format!("`{path}` is not the path of a file"));
        };
        // The path of an allowed folder itself: what is beside it is not allowed.
        let folder = self.inside(path, folder.to_owned())?;
        let unusable = |error| format!("the folder of `{path}` cannot be used: {error}");
        let folder = self.open_real(&folder, READ | OFlags::DIRECTORY).map_err(unusable)?;
        Ok(Place { folder, name: name.to_owned(), shown: path.to_owned() })
    }

    /// Opens a real path from its allowed folder on.
    fn open_real(&self, real: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let inside = self.0.iter().find_map(|folder| Some((folder, real.strip_prefix(folder).ok()?)));
        let Some((folder, rest)) = inside else { return Err(io::ErrorKind::PermissionDenied.into()) };
        // One allowed folder may lie in another, where somebody could put a link into its place.
        let root = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::openat2(rustix::fs::CWD, folder, root, Mode::empty(), ResolveFlags::NO_SYMLINKS)?;
        let rest = if rest.as_os_str().is_empty() { Path::new(".") } else { rest };
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        Ok(rustix::fs::openat2(&folder, rest, flags, Mode::empty(), beneath)?)
    }
}

impl Place {
    /// Opens the file to read it. `None` where there is none; a link in its place is not followed.
    pub fn open(&self) -> Result<Option<File>, String> {
        let unreadable = |error: io::Error| format!("`{}` cannot be read: {error}", self.shown);
        match rustix::fs::openat(&self.folder, &self.name, READ | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(file) => regular(file, &self.shown).map_err(unreadable)?.map(Some),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(unreadable(error.into())),
        }
    }

    /// Makes a file beside it that only the server's user may use.
    pub fn create_beside(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Moves a file from beside it into its place, in a way that survives a power cut.
    pub fn replace_by(&self, name: &str) -> io::Result<()> {
        rustix::fs::renameat_with(&self.folder, name, &self.folder, &self.name, RenameFlags::empty())?;
        Ok(rustix::fs::fsync(&self.folder)?)
    }

    /// Removes a file beside it, if it is there.
    pub fn remove_beside(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.folder, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The names of what is beside it and begins with a text.
    pub fn beside(&self, prefix: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.folder)? {
            let entry = entry?;
            names.extend(entry.file_name().to_str().ok().filter(|name| name.starts_with(prefix)).map(str::to_owned));
        }
        Ok(names)
    }
}

/// Anything but a file could hold up whoever reads it.
fn regular(file: OwnedFd, path: &str) -> io::Result<Result<File, String>> {
    let file = File::from(file);
    Ok(if file.metadata()?.is_file() { Ok(file) } else { Err(format!("`{path}` is not a file")) })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;

    fn world() -> (tempfile::TempDir, PathBuf, AllowedFolders) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(path.join("jobs/inner")).unwrap();
        std::fs::create_dir(path.join("secret")).unwrap();
        std::fs::write(path.join("jobs/inner/file"), "inside").unwrap();
        std::fs::write(path.join("secret/file"), "outside").unwrap();
        let allowed = AllowedFolders::new(&[path.join("jobs")], &path.join("secret")).unwrap();
        (folder, path, allowed)
    }

    #[test]
    fn what_takes_the_place_of_a_checked_path_does_not_lead_out() {
        let (_folder, path, allowed) = world();
        let file = path.join("jobs/inner/file");
        assert_eq!(io::read_to_string(allowed.open(file.to_str().unwrap()).unwrap()).unwrap(), "inside");
        // What somebody does after `resolve`: the path is checked already.
        let real = allowed.resolve(file.to_str().unwrap()).unwrap();
        std::fs::remove_file(&file).unwrap();
        symlink(path.join("secret/file"), &file).unwrap();
        assert_eq!(allowed.open_real(&real, READ).unwrap_err().raw_os_error(), Some(18));
        std::fs::rename(path.join("jobs/inner"), path.join("jobs/old")).unwrap();
        symlink("../secret", path.join("jobs/inner")).unwrap();
        assert_eq!(allowed.open_real(&real, READ).unwrap_err().raw_os_error(), Some(18));
        // An allowed folder itself.
        std::fs::rename(path.join("jobs"), path.join("moved")).unwrap();
        symlink(path.join("secret"), path.join("jobs")).unwrap();
        assert!(allowed.open_real(&path.join("jobs/file"), READ).is_err());
    }

    #[test]
    fn a_folder_that_is_held_stays_the_one_that_was_checked() {
        let (_folder, path, allowed) = world();
        let file = path.join("jobs/inner/file");
        let place = allowed.place(file.to_str().unwrap()).unwrap();
        std::fs::rename(path.join("jobs/inner"), path.join("jobs/old")).unwrap();
        symlink(path.join("secret"), path.join("jobs/inner")).unwrap();
        place.create_beside(".new").unwrap().write_all(b"new").unwrap();
        assert_eq!(place.beside(".n").unwrap(), [".new"]);
        place.replace_by(".new").unwrap();
        assert_eq!(std::fs::read_to_string(path.join("jobs/old/file")).unwrap(), "new");
        assert_eq!(std::fs::read_to_string(path.join("secret/file")).unwrap(), "outside");
        // A link in the file's place is replaced, not followed.
        std::fs::remove_file(path.join("jobs/old/file")).unwrap();
        symlink(path.join("secret/file"), path.join("jobs/old/file")).unwrap();
        assert!(place.open().is_err());
        assert!(allowed.place(path.join("jobs").to_str().unwrap()).is_err());
    }

    #[test]
    fn only_files_are_opened_and_a_pipe_is_not_waited_for() {
        let (_folder, path, allowed) = world();
        let pipe = path.join("jobs/pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for other in [&pipe, &path.join("jobs"), &path.join("jobs/inner")] {
            let shown = other.to_str().unwrap();
            assert_eq!(allowed.open(shown).unwrap_err(), format!("`{shown}` is not a file"));
        }
        assert!(allowed.place(pipe.to_str().unwrap()).unwrap().open().is_err());
        let new = allowed.place(path.join("jobs/new").to_str().unwrap()).unwrap();
        assert!(new.open().unwrap().is_none());
        let mut text = String::new();
        allowed.open(path.join("jobs/inner/file").to_str().unwrap()).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "inside");
    }
}
