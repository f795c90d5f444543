//! A Unix socket that is there as long as somebody listens.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, fchmod};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

/// Its owner and its group may connect.
const MODE: u32 = 0o660;
/// How many may wait to be accepted.
const BACKLOG: u32 = 1024;
/// How long it may take to find out whether somebody listens.
const PATIENCE: Duration = Duration::from_secs(2);

/// A Unix socket that a server listens on. Its file goes with it.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of its file.
    file: (u64, u64),
}

impl Socket {
    /// Listens at a path, also where a server that is gone has left its socket.
    pub(super) async fn bind(path: &Path) -> io::Result<Self> {
        if path.as_os_str().is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "`unix:` is followed by the path of a socket"));
        }
        make_room(path).await?;
        let socket = UnixSocket::new_stream()?;
        // The file gets this mode when it is made, so that there is no moment at which others may connect.
        fchmod(&socket, Mode::from_raw_mode(MODE))?;
        socket.bind(path)?;
        let file = identity(path)?;
        // The umask may have taken the group's rights.
        fs::set_permissions(path, Permissions::from_mode(MODE))?;
        Ok(Self { listener: socket.listen(BACKLOG)?, path: path.to_owned(), file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Not that of somebody who has taken the path since.
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Removes a socket on which nobody listens, and nothing else.
async fn make_room(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(file) if !file.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something else than a socket"));
        }
        Ok(_) => {}
    }
    match tokio::time::timeout(PATIENCE, UnixStream::connect(path)).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another program listens there")),
    }
}
