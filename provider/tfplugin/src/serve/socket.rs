//! The socket: in a directory that nobody else may enter, and gone when the process ends.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// The shortest limit of a socket's path on the systems that matter (macOS: 104 bytes with the final zero).
const MAX_PATH: usize = 103;

/// A listening socket, and the directory that goes with it.
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    place: Place,
}

/// A directory that is removed in the end.
struct Place {
    directory: PathBuf,
    socket: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed stays behind, empty; nobody could be told by now.
        let _ = fs::remove_file(&self.socket);
        let _ = fs::remove_dir(&self.directory);
    }
}

impl Socket {
    /// Listens in a new directory below `parent`, or below the directory for temporary files.
    pub(super) fn bind(parent: Option<&Path>) -> io::Result<Self> {
        let place = Place::make(&parent.map_or_else(std::env::temp_dir, Path::to_path_buf))?;
        Ok(Self { listener: UnixListener::bind(&place.socket)?, place })
    }

    pub(super) fn path(&self) -> &Path {
        &self.place.socket
    }
}

impl Place {
    fn make(parent: &Path) -> io::Result<Self> {
        // A path can only get too long through its parent; the system's own short one then does as well.
        let fits = parent.as_os_str().len() + "/tfplugin-4194304-99/s".len() <= MAX_PATH;
        let parent = if fits { parent } else { Path::new("/tmp") };
        let parent = fs::canonicalize(parent)?;
        let process = std::process::id();
        for attempt in 0..100 {
            let directory = parent.join(format!("tfplugin-{process}-{attempt}"));
            // Fails if somebody has made it already; then it is not ours.
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => return Ok(Self { socket: directory.join("s"), directory }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "no free name for the socket's directory"))
    }
}
