//! The one thread that starts the processes of scripts.
//!
//! A process that asks to die with its parent dies with the *thread* that started it. Threads of a runtime's pool come
//! and go; this one stays until the last run is over.

use std::env;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use rustix::process::PidfdFlags;
use tokio::sync::oneshot;

use super::cleaner::Remains;
use super::folder::{Folders, PROGRAM_FROM_TEMPORARY, Purpose, TEMPORARY};
use super::order::{Order, Policy};
use super::process::{Process, Started};
use super::usage::Usage;

/// Why a script's process could not be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("could not lay out the script's folder")]
    Folder(#[source] io::Error),
    #[error("could not make the script's channels")]
    Channels(#[source] io::Error),
    #[error("could not write the helper's order")]
    Order(#[source] serde_json::Error),
    #[error("could not start the helper")]
    Helper(#[source] io::Error),
    #[error("the interpreter {} is not on PATH", .0.display())]
    NotOnPath(PathBuf),
    #[error("the spawner thread has ended")]
    Gone,
}

impl StartError {
    /// What the script's author reads; the cause is for the operator, in the log.
    pub(super) fn for_the_author(&self) -> String {
        match self {
            Self::NotOnPath(name) => format!(
                "the Go interpreter `{}` was not found; install yaegi on the server, or set JUSTIAM_YAEGI to its path",
                name.display()
            ),
            _ => format!("the server could not start the script: {self}; its log has the cause"),
        }
    }
}

/// What the thread needs for its work.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) yaegi: PathBuf,
    pub(super) helper: PathBuf,
    pub(super) folders: Arc<Folders>,
    pub(super) graveyard: Sender<Remains>,
    /// The rules on system calls that helpers get, compiled.
    pub(super) rules: Vec<u8>,
}

struct Request {
    source: Arc<str>,
    purpose: Purpose,
    policy: Policy,
    answer: oneshot::Sender<Result<Started, StartError>>,
}

/// The other end of the thread; the thread ends when it is dropped.
#[derive(Debug)]
pub(super) struct Spawner {
    requests: Sender<Request>,
}

impl Spawner {
    pub(super) fn start(worker: Worker) -> io::Result<Self> {
        let (requests, queue) = mpsc::channel();
        thread::Builder::new().name("script-spawner".into()).spawn(move || worker.work(&queue))?;
        Ok(Self { requests })
    }

    /// Starts a script. Dropping this future ends what may have been started already.
    pub(super) async fn start_script(
        &self,
        source: Arc<str>,
        purpose: Purpose,
        policy: Policy,
    ) -> Result<Started, StartError> {
        let (answer, started) = oneshot::channel();
        self.requests.send(Request { source, purpose, policy, answer }).map_err(|_| StartError::Gone)?;
        started.await.map_err(|_| StartError::Gone)?
    }
}

impl Worker {
    fn work(&self, queue: &Receiver<Request>) {
        while let Ok(request) = queue.recv() {
            if !request.answer.is_closed() {
                // Nobody may be waiting any more by now; what was started then ends by being dropped.
                let _ = request.answer.send(self.start(&request.source, request.purpose, request.policy));
            }
        }
    }

    fn start(&self, source: &str, purpose: Purpose, mut policy: Policy) -> Result<Started, StartError> {
        let yaegi = locate(&self.yaegi)?;
        let folder = self.folders.lay_out(source, purpose).map_err(StartError::Folder)?;
        let (ours, theirs) = UnixStream::pair().map_err(StartError::Channels)?;
        ours.set_nonblocking(true).map_err(StartError::Channels)?;
        // For Go, a non-blocking socket is one that its poller can wait for; with one processor a goroutine that blocks
        // in a read would hold up the others.
        theirs.set_nonblocking(true).map_err(StartError::Channels)?;
        // Before anything else is said there: the helper reads so much and no more. It has room in the socket.
        policy.rules = self.rules.len();
        (&ours).write_all(&self.rules).map_err(StartError::Channels)?;
        let (printed, print) = io::pipe().map_err(StartError::Channels)?;
        let print_too = print.try_clone().map_err(StartError::Channels)?;
        let mut command = Command::new(&self.helper);
        command.env_clear().current_dir(folder.path());
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(print).stderr(print_too);
        Order::give(&mut command, &policy, &yaegi, &["run", PROGRAM_FROM_TEMPORARY]).map_err(StartError::Order)?;
        let child = command.spawn().map_err(StartError::Helper)?;
        let path = folder.path().to_owned();
        let remains = Remains::new(child, folder).map_err(StartError::Helper)?;
        let pid = remains.pid();
        let usage = Usage::of(pid, path.join(TEMPORARY), &policy);
        let process = Process::new(remains, self.graveyard.clone());
        let ended = rustix::process::pidfd_open(pid, PidfdFlags::empty());
        let ended = ended.map_err(|error| StartError::Helper(error.into()))?;
        Ok(Started { process, policy, usage, ended, channel: ours, printed: printed.into(), folder: path })
    }
}

/// Looks a bare name up on `PATH`; a path stays as it is. The helper has no `PATH` of its own.
fn locate(program: &Path) -> Result<PathBuf, StartError> {
    if program.components().count() > 1 {
        return std::path::absolute(program).map_err(StartError::Helper);
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .ok_or_else(|| StartError::NotOnPath(program.to_owned()))
}
