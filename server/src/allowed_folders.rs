//! The folders of the machine that steps of schedules and connectors may use. The operator names them; without them there are none.

mod open;

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

pub use open::Place;
/// What every program of a step may read: the system's programs and libraries.
const READABLE: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// The real paths of these folders. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct AllowedFolders(Arc<[PathBuf]>);

impl AllowedFolders {
    /// Takes folders as an operator writes them. The data folder, which holds the server's database and secret, must be apart from all
    /// of them; it may be missing yet.
    pub fn new(folders: &[PathBuf], data_dir: &Path) -> Result<Self, String> {
        let data_dir = real(data_dir);
        let folders: Result<Vec<PathBuf>, String> = folders.iter().map(|folder| checked(folder, &data_dir)).collect();
        let folders = Self(folders?.into());
        folders.keep_out("--data-dir", &data_dir)?;
        Ok(folders)
    }

    /// Refuses a file or folder that programs of steps could read. Where there are no folders, no programs run.
    pub fn keep_out(&self, setting: &str, path: &Path) -> Result<(), String> {
        let path = real(path);
        let system = READABLE.iter().map(|folder| real(Path::new(folder)));
        let open = if self.0.is_empty() {
            None
        } else {
            self.0.iter().cloned().chain(system).find(|folder| path.starts_with(folder))
        };
        match open {
            Some(open) => Err(format!(
                "{setting}: `{}` lies in `{}`, which programs of steps may read; move it elsewhere",
                path.display(),
                open.display()
            )),
            None => Ok(()),
        }
    }

    /// Their real paths.
    pub fn paths(&self) -> &[PathBuf] {
        &self.0
    }

    /// The real path of something that exists in one of the folders, or of such a folder. Links are followed first, so that none leads out.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        self.absolute(path)?;
        self.inside(path, self.real(path, Path::new(path), "")?)
    }

    /// The same for a file that may be missing yet; then its folder must exist.
    pub fn resolve_new(&self, path: &str) -> Result<PathBuf, String> {
        self.absolute(path)?;
        let file = Path::new(path);
        // A link that leads nowhere yet could lead out.
        if fs::symlink_metadata(file).is_ok() {
            return self.resolve(path);
        }
        let (Some(parent), Some(name)) = (file.parent(), file.file_name()) else {
            return Err(format!("`{path}` is not the path of a file"));
        };
        self.inside(path, self.real(path, parent, "the folder of ")?.join(name))
    }

    /// The real path of something that exists. Of what lies outside nobody learns whether it exists: the error is the same for all of it.
    fn real(&self, path: &str, found: &Path, what: &str) -> Result<PathBuf, String> {
        let mut so_far = PathBuf::new();
        for component in found.components() {
            // Whether the way back works tells whether the folder exists.
            if component == Component::ParentDir && !self.holds(&so_far) {
                return Err(outside(path));
            }
            so_far.push(component);
        }
        found.canonicalize().map_err(|error| match found.ancestors().find(|ancestor| ancestor.canonicalize().is_ok()) {
            Some(ancestor) if self.holds(ancestor) => format!("{what}`{path}` cannot be used: {error}"),
            _ => outside(path),
        })
    }

    /// Whether something exists in one of the folders.
    fn holds(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|real| self.0.iter().any(|folder| real.starts_with(folder)))
    }

    /// Before the file is looked for: whoever may only write paths learns nothing about the rest of the machine.
    fn absolute(&self, path: &str) -> Result<(), String> {
        if self.0.is_empty() {
            return Err(format!(
                "`{path}` cannot be used: this server allows no folders; its operator can allow some with --step-folders \
                 (JUSTIAM_STEP_FOLDERS)"
            ));
        }
        if !Path::new(path).is_absolute() {
            return Err(format!("`{path}` must be an absolute path, one that begins with `/`"));
        }
        Ok(())
    }

    fn inside(&self, path: &str, real: PathBuf) -> Result<PathBuf, String> {
        if self.0.iter().any(|folder| real.starts_with(folder)) {
            return Ok(real);
        }
        Err(outside(path))
    }
}

fn outside(path: &str) -> String {
    format!(
        "`{path}` is not in a folder that this server allows; its operator can allow more with --step-folders \
         (JUSTIAM_STEP_FOLDERS)"
    )
}

/// The real path of a folder that an operator may allow.
fn checked(folder: &Path, data_dir: &Path) -> Result<PathBuf, String> {
    let shown = folder.display();
    if !folder.is_absolute() {
        return Err(format!("--step-folders: `{shown}` must be an absolute path, one that begins with `/`"));
    }
    let path = folder.canonicalize().map_err(|error| format!("--step-folders: `{shown}` cannot be used: {error}"))?;
    if !path.is_dir() {
        return Err(format!("--step-folders: `{shown}` is not a folder"));
    }
    if path == Path::new("/") {
        return Err("--step-folders: `/` would allow the whole machine; name the folders that steps need".to_owned());
    }
    if path.starts_with(data_dir) || data_dir.starts_with(&path) {
        return Err(format!(
            "--step-folders: `{shown}` and the server's data folder {} must not lie in each other; steps could read its \
             database",
            data_dir.display()
        ));
    }
    Ok(path)
}

/// The real path of a folder that may be missing yet: as much of it as exists, and the rest as it is written.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in path.ancestors() {
        if let (Ok(found), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            return if rest.as_os_str().is_empty() { found } else { found.join(rest) };
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder with `jobs/inner/file`, `data` and `elsewhere/file`.
    fn world() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        for inner in ["jobs/inner", "data", "elsewhere"] {
            fs::create_dir_all(path.join(inner)).unwrap();
        }
        fs::write(path.join("jobs/inner/file"), "").unwrap();
        fs::write(path.join("elsewhere/file"), "").unwrap();
        (folder, path)
    }

    fn text(path: &Path) -> &str {
        path.to_str().unwrap()
    }

    #[test]
    fn what_is_inside_is_found_and_nothing_leads_out() {
        let (_folder, path) = world();
        let allowed = AllowedFolders::new(&[path.join("jobs/../jobs")], &path.join("data")).unwrap();
        let file = path.join("jobs/inner/file");
        assert_eq!(allowed.resolve(text(&path.join("jobs/inner/../inner/file"))).unwrap(), file);
        assert_eq!(allowed.resolve(text(&path.join("jobs"))).unwrap(), path.join("jobs"));
        symlink(&file, path.join("elsewhere/in")).unwrap();
        assert_eq!(allowed.resolve(text(&path.join("elsewhere/in"))).unwrap(), file);
        symlink(path.join("elsewhere/file"), path.join("jobs/out")).unwrap();
        symlink(path.join("elsewhere/new"), path.join("jobs/dangling")).unwrap();
        for outside in [
            "jobs/out",
            "jobs/../elsewhere/file",
            "elsewhere",
            "elsewhere/none",
            "elsewhere/none/none",
            "elsewhere/../jobs/inner/file",
            "none/../jobs/inner/file",
        ] {
            let outside = path.join(outside);
            let expected = format!(
                "`{}` is not in a folder that this server allows; its operator can allow more with --step-folders \
                 (JUSTIAM_STEP_FOLDERS)",
                outside.display()
            );
            assert_eq!(allowed.resolve(text(&outside)), Err(expected.clone()));
            assert_eq!(allowed.resolve_new(text(&outside)), Err(expected));
        }
        assert!(allowed.resolve_new(text(&path.join("jobs/dangling"))).unwrap_err().ends_with("(os error 2)"));
        assert!(allowed.resolve(text(&path.join("jobs/missing"))).unwrap_err().contains("No such file"));
        assert_eq!(
            allowed.resolve("jobs/inner/file").unwrap_err(),
            "`jobs/inner/file` must be an absolute path, one that begins with `/`"
        );
        let new = path.join("jobs/inner/new");
        assert_eq!(allowed.resolve_new(text(&new)).unwrap(), new);
        assert_eq!(allowed.resolve_new(text(&file)).unwrap(), file);
        assert!(allowed.resolve_new(text(&path.join("elsewhere/new"))).unwrap_err().contains("--step-folders"));
        assert!(allowed.resolve_new(text(&path.join("jobs/none/new"))).unwrap_err().contains("No such file"));
    }

    #[test]
    fn without_folders_nothing_is_allowed_and_the_text_says_how_to_allow() {
        let none = AllowedFolders::default();
        let expected = "`/etc/passwd` cannot be used: this server allows no folders; its operator can allow some with \
                        --step-folders (JUSTIAM_STEP_FOLDERS)";
        assert_eq!(none.resolve("/etc/passwd"), Err(expected.to_owned()));
        assert_eq!(none.resolve_new("/etc/passwd"), Err(expected.to_owned()));
    }

    #[test]
    fn folders_that_would_open_the_server_are_refused() {
        let (_folder, path) = world();
        symlink(path.join("data"), path.join("jobs/link")).unwrap();
        for (folder, why) in [
            (PathBuf::from("jobs"), "must be an absolute path"),
            (path.join("missing"), "No such file"),
            (path.join("elsewhere/file"), "is not a folder"),
            ("/".into(), "the whole machine"),
            (path.clone(), "must not lie in each other"),
            (path.join("data"), "must not lie in each other"),
            (path.join("jobs/link"), "must not lie in each other"),
        ] {
            let error = AllowedFolders::new(std::slice::from_ref(&folder), &path.join("data")).unwrap_err();
            assert!(error.starts_with("--step-folders: ") && error.contains(why), "{error}");
        }
        // What the system's programs lie beside can be read as well.
        let error = AllowedFolders::new(&[path.join("jobs")], Path::new("/usr/share/data")).unwrap_err();
        assert!(error.starts_with("--data-dir: `/usr/share/data` lies in `/usr`"), "{error}");
        assert!(AllowedFolders::new(&[], Path::new("/usr/share/data")).is_ok());
        let allowed = AllowedFolders::new(&[path.join("jobs")], &path.join("data")).unwrap();
        assert!(allowed.keep_out("--jwt-secret-file", &path.join("jobs/inner/file")).is_err());
        assert!(allowed.keep_out("--jwt-secret-file", &path.join("elsewhere/file")).is_ok());
        // A data folder that the server is about to make.
        assert!(AllowedFolders::new(&[path.join("jobs")], &path.join("jobs/new/data")).is_err());
        assert_eq!(AllowedFolders::new(&[path.join("jobs")], &path.join("new")).unwrap().paths(), [path.join("jobs")]);
    }
}
