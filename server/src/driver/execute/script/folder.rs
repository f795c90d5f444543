//! The folder of a run: the generated program, the script and the host packages, in the layout of a `GOPATH`.
//!
//! Every run has copies of its own: where the kernel cannot close the file system, a script could change shared ones. Where the
//! kernel has closed it, a run can have changed nothing but its `tmp`, and if that is empty the folder waits for another run:
//! most of what making and removing it costs is saved.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SetupError;

/// The program that the interpreter is told to run, relative to the folder.
const PROGRAM: &str = "main.go";

/// The same, as the interpreter sees it, which works in [`TEMPORARY`].
pub(super) const PROGRAM_FROM_TEMPORARY: &str = "../main.go";

/// The one place where a script may write, relative to the folder.
pub(super) const TEMPORARY: &str = "tmp";

/// The script, relative to the folder; the interpreter's messages start with this path.
pub(super) const SCRIPT: &str = "src/task/script.go";

/// The file in which a check asks for the script's `Run`, as messages without paths name it.
pub(super) const ENTRY_FILE: &str = "z_entry.go";

/// What the interpreter finds beside every script.
const SOURCES: [(&str, &str); 2] =
    [(PROGRAM, include_str!("shims/main.go")), ("src/justiam/socket/socket.go", include_str!("shims/socket.go"))];

/// What takes the place of [`PROGRAM`], and what it finds, where a script is looked at and not run.
const CHECK_SOURCES: [(&str, &str); 2] =
    [(PROGRAM, include_str!("shims/check_main.go")), ("src/justiam/check/check.go", include_str!("shims/check.go"))];

/// Folders to make, parents first.
const FOLDERS: [&str; 5] = [TEMPORARY, "src", "src/task", "src/justiam", "src/justiam/socket"];

/// The packages that scripts can import, and what these need.
const PACKAGES: [(&str, &str); 6] = [
    ("justiam/host", include_str!("shims/host.go")),
    ("secrets", include_str!("shims/secrets.go")),
    ("config", include_str!("shims/config.go")),
    ("idp", include_str!("shims/idp.go")),
    ("gworkspace", include_str!("shims/gworkspace.go")),
    ("fetch", include_str!("shims/fetch.go")),
];

const PREFIX: &str = "run-";

/// What begins the names of folders that wait for another run, and how many of them wait at the most.
const IDLE: &str = "idle-";
const MOST_IDLE: usize = 64;

/// What the interpreter is to do with a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Run it.
    Run,
    /// Parse and compile it, and run none of it.
    Check,
}

/// The parent of all run folders of one server.
#[derive(Debug)]
pub(super) struct Folders {
    path: PathBuf,
    next: AtomicU64,
    /// Folders that wait for another run.
    idle: Arc<Mutex<Vec<PathBuf>>>,
    /// Held for as long as this server uses the folder; the kernel lets go of it when the server dies.
    lock: File,
}

impl Drop for Folders {
    fn drop(&mut self) {
        for folder in self.idle().drain(..) {
            // What stays is removed at the next start.
            let _ = remove(&folder);
        }
        // Closing the file is not enough: a child that another thread is just starting holds a copy until it has begun.
        let _ = self.lock.unlock();
    }
}

impl Folders {
    /// Makes the parent folder and removes what a crashed server left in it.
    pub(super) fn open(path: &Path) -> Result<Self, SetupError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(SetupError::folder(path))?;
        // The interpreter names files by their real path, and messages are cleaned of exactly that path.
        let path = path.canonicalize().map_err(SetupError::folder(path))?;
        fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(SetupError::folder(&path))?;
        let lock = File::create(path.join("lock")).map_err(SetupError::folder(&path))?;
        lock.try_lock().map_err(SetupError::lock(&path))?;
        for entry in fs::read_dir(&path).map_err(SetupError::folder(&path))? {
            let entry = entry.map_err(SetupError::folder(&path))?;
            let name = entry.file_name();
            if [PREFIX, IDLE].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                remove(&entry.path()).map_err(SetupError::folder(&entry.path()))?;
            }
        }
        Ok(Self { path, next: AtomicU64::new(1), idle: Arc::default(), lock })
    }

    /// The parent's real path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder of one run.
    pub(super) fn lay_out(&self, source: &str, purpose: Purpose) -> io::Result<RunFolder> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(format!("{PREFIX}{number}"));
        let idle = if purpose == Purpose::Run { self.idle().pop() } else { None };
        let used_before = idle.is_some_and(|idle| fs::rename(idle, &path).is_ok());
        // From here on it goes with this value.
        let folder = RunFolder { path, purpose, spotless: false, idle: Arc::clone(&self.idle) };
        if !used_before {
            folder.make()?;
        }
        if purpose == Purpose::Check {
            for (name, text) in companions(source) {
                fs::write(folder.path.join("src/task").join(name), text)?;
            }
        }
        fs::write(folder.path.join(SCRIPT), source)?;
        Ok(folder)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two files of the script's own package, for a look at it.
///
/// The interpreter reads the files of a package in the order of their names. It compiles all of them; then it initialises the
/// variables, those that depend on no other one first and otherwise in the order of the files; then come the `init` functions. So
/// what the first file initialises runs before anything of the script does, and after all of it has compiled. The last file makes
/// the interpreter look at the type of `Run`, after it has looked at the script itself.
fn companions(source: &str) -> [(&'static str, String); 2] {
    let file = |name: &str, call: &str| {
        format!("package task\n\nimport {name} \"justiam/check\"\n\nvar {name}_done = {name}.{call}\n")
    };
    // A name that the script cannot have taken: it must not hide the import, nor make the call wait for a variable.
    let free = |kind: &str| {
        let mut name = format!("check_{kind}");
        while source.contains(&name) {
            name.push('_');
        }
        name
    };
    [("a_compiled.go", file(&free("compiled"), "Done()")), (ENTRY_FILE, file(&free("entry"), "Entry(Run)"))]
}

/// The folder of one run. When this is dropped, it is removed, or waits for another run.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    purpose: Purpose,
    /// Whether the kernel let the run change nothing but what is in [`TEMPORARY`].
    pub(super) spotless: bool,
    idle: Arc<Mutex<Vec<PathBuf>>>,
}

impl RunFolder {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Fills it with all but the script.
    fn make(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.mode(0o700).create(&self.path)?;
        for inner in FOLDERS {
            builder.create(self.path.join(inner))?;
        }
        for (name, text) in SOURCES {
            fs::write(self.path.join(name), text)?;
        }
        if self.purpose == Purpose::Check {
            builder.create(self.path.join("src/justiam/check"))?;
            for (name, text) in CHECK_SOURCES {
                fs::write(self.path.join(name), text)?;
            }
        }
        for (name, text) in PACKAGES {
            let package = self.path.join("src").join(name);
            builder.create(&package)?;
            let file = Path::new(name).with_extension("go");
            fs::write(package.join(file.file_name().unwrap_or_default()), text)?;
        }
        Ok(())
    }

    /// Has the folder wait for another run; false where it cannot.
    fn retire(&self) -> io::Result<bool> {
        let untouched = self.spotless && fs::read_dir(self.path.join(TEMPORARY))?.next().is_none();
        if !untouched || self.purpose != Purpose::Run {
            return Ok(false);
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= MOST_IDLE {
            return Ok(false);
        }
        // The script of a task is nobody else's business.
        File::create(self.path.join(SCRIPT))?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().replacen(PREFIX, IDLE, 1);
        let waiting = self.path.with_file_name(name);
        fs::rename(&self.path, &waiting)?;
        idle.push(waiting);
        Ok(true)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.retire().unwrap_or(false) {
            return;
        }
        if let Err(error) = remove(&self.path) {
            tracing::warn!(folder = %self.path.display(), %error, "could not remove the folder of a run");
        }
    }
}

/// Removes a tree, also one in which a script took permissions away, or nested folders deeper than paths can be long.
pub(in crate::driver::execute) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => dismantle(path),
        Ok(()) => Ok(()),
    }
}

/// Moves what is in inner folders up to the top before these are removed, so that nothing is ever deep: neither a path, nor
/// this function, nor the number of open folders.
fn dismantle(top: &Path) -> io::Result<()> {
    open_up(top)?;
    let mut moved = 0_u64;
    loop {
        let inner = fs::read_dir(top)?.collect::<io::Result<Vec<_>>>()?;
        if inner.is_empty() {
            return fs::remove_dir(top);
        }
        for entry in inner {
            let path = entry.path();
            // Symbolic links are not followed: this type is the link's own.
            if !entry.file_type()?.is_dir() {
                fs::remove_file(&path)?;
                continue;
            }
            open_up(&path)?;
            for deeper in fs::read_dir(&path)? {
                let deeper = deeper?;
                if deeper.file_type()?.is_dir() {
                    // A folder without permissions cannot be moved.
                    open_up(&deeper.path())?;
                    let target = loop {
                        moved += 1;
                        let target = top.join(format!("moved-{moved}"));
                        if fs::symlink_metadata(&target).is_err() {
                            break target;
                        }
                    };
                    fs::rename(deeper.path(), target)?;
                } else {
                    fs::remove_file(deeper.path())?;
                }
            }
            fs::remove_dir(&path)?;
        }
    }
}

fn open_up(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// What is left out of the log of a run: the way to its script and to its other files.
pub(super) fn paths(folder: &Path) -> Vec<Vec<u8>> {
    let inner = SCRIPT.strip_suffix("script.go").unwrap_or(SCRIPT);
    let folder = folder.as_os_str().as_bytes();
    vec![[folder, b"/"].concat(), [folder, b"/", inner.as_bytes()].concat()]
}

/// A text without the paths of run folders: `…/run-7/src/task/script.go:1:2` becomes `script.go:1:2`.
pub(super) fn without_paths(text: &[u8], folders: &Path) -> Vec<u8> {
    let start = [folders.as_os_str().as_bytes(), b"/", PREFIX.as_bytes()].concat();
    let inner = SCRIPT.strip_suffix("script.go").unwrap_or(SCRIPT).as_bytes();
    let mut clean = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(start.len()).position(|window| window == start) {
        let after = &rest[at + start.len()..];
        let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 && after.get(digits) == Some(&b'/') {
            clean.extend_from_slice(&rest[..at]);
            rest = &after[digits + 1..];
            rest = rest.strip_prefix(inner).unwrap_or(rest);
        } else {
            clean.extend_from_slice(&rest[..at + start.len()]);
            rest = after;
        }
    }
    clean.extend_from_slice(rest);
    clean
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    use super::{Folders, Purpose, RunFolder, companions, without_paths};
    use crate::driver::execute::script::SetupError;

    #[test]
    fn paths_of_runs_are_taken_out() {
        let clean = |text: &str| String::from_utf8(without_paths(text.as_bytes(), Path::new("/var/s"))).unwrap();
        assert_eq!(clean("a /var/s/run-12/src/task/script.go:1:2: b"), "a script.go:1:2: b");
        assert_eq!(clean("/var/s/run-1/x /var/s/run-22/main.go"), "x main.go");
        assert_eq!(clean("/var/s/run-1 /var/s/run-/x /var/s/lock"), "/var/s/run-1 /var/s/run-/x /var/s/lock");
    }

    #[test]
    fn what_a_crash_left_is_removed_and_the_folder_is_private() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        fs::create_dir_all(path.join("run-3/src/locked")).unwrap();
        fs::write(path.join("run-3/src/locked/file"), "x").unwrap();
        fs::set_permissions(path.join("run-3/src/locked"), Permissions::from_mode(0o000)).unwrap();
        fs::write(path.join("other"), "x").unwrap();
        let folders = Folders::open(&path).unwrap();
        assert!(!path.join("run-3").exists());
        assert!(path.join("other").exists());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let run = folders.lay_out("package task", Purpose::Run).unwrap();
        assert_eq!(fs::read_to_string(run.path().join("src/task/script.go")).unwrap(), "package task");
        assert_eq!(fs::metadata(run.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let kept = run.path().to_owned();
        drop(run);
        assert!(!kept.exists());
    }

    #[test]
    fn the_files_beside_a_checked_script_use_names_that_it_does_not_have() {
        let [(first, text), (last, _)] = companions("package task; var check_compiled, check_compiled_ = 1, 2");
        assert!(first < "script.go" && last > "script.go");
        assert!(text.contains("import check_compiled__ \"justiam/check\""), "{text}");
    }

    #[test]
    fn folders_nested_deeper_than_any_path_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run-1");
        fs::create_dir(&path).unwrap();
        // From the inside out: a tree is moved into a folder, as a script would go down into it.
        for level in 0..3000 {
            let (inner, outer) = (path.join("in"), path.join("out"));
            fs::create_dir(&outer).unwrap();
            fs::write(outer.join("file"), "x").unwrap();
            if level > 0 {
                fs::rename(&inner, outer.join("moved-1")).unwrap();
            }
            fs::rename(&outer, &inner).unwrap();
        }
        fs::write(path.join("moved-2"), "x").unwrap();
        Folders::open(parent.path()).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_in_which_nothing_was_left_is_used_again() {
        let parent = tempfile::tempdir().unwrap();
        let folders = Folders::open(parent.path()).unwrap();
        let inode = |run: &RunFolder| fs::metadata(run.path()).unwrap().ino();
        let mut first = folders.lay_out("package task // first", Purpose::Run).unwrap();
        let used = inode(&first);
        first.spotless = true;
        drop(first);
        let idle = parent.path().join("idle-1");
        assert_eq!(fs::read_to_string(idle.join("src/task/script.go")).unwrap(), "");
        let mut second = folders.lay_out("package task // second", Purpose::Run).unwrap();
        assert_eq!((inode(&second), second.path().ends_with("run-2")), (used, true));
        assert_eq!(fs::read_to_string(second.path().join("src/task/script.go")).unwrap(), "package task // second");
        // A file of one run is nothing for another.
        fs::write(second.path().join("tmp/file"), "x").unwrap();
        second.spotless = true;
        drop(second);
        // Nor is what a run may have changed.
        drop(folders.lay_out("package task", Purpose::Run).unwrap());
        let mut check = folders.lay_out("package task", Purpose::Check).unwrap();
        check.spotless = true;
        drop(check);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1, "more than the lock is left");
        let mut last = folders.lay_out("package task", Purpose::Run).unwrap();
        last.spotless = true;
        drop(last);
        drop(folders);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1, "more than the lock is left");
    }

    #[test]
    fn a_folder_belongs_to_one_server_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let first = Folders::open(parent.path()).unwrap();
        assert!(matches!(Folders::open(parent.path()), Err(SetupError::InUse { .. })));
        drop(first);
        assert!(Folders::open(parent.path()).is_ok());
    }
}
