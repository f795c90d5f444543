//! The server's side of a step's process: gives the order, listens, takes in what is printed, and tells the supervisor when it is over.

use std::future::{Future, pending};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Pair;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::super::super::script::sandbox::Achieved;
use super::order::{Ended, Order, SUPERVISOR, Word};
use super::output::Tail;

/// How much longer than the grace a supervisor may take to end everything. Processes that were killed end at once, unless the kernel
/// waits for a broken disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait for what must come at once: the last of what was printed by processes that are gone.
const AT_ONCE: Duration = Duration::from_millis(500);

/// The most that a process and its supervisor may say. Their words are few, and each has a limit.
const MAX_WORDS: u64 = 1 << 20;

/// How much is read at a time.
const BUFFER: usize = 64 << 10;

/// Everything that is known when a step is over.
pub(super) struct Attended {
    pub(super) heard: Heard,
    /// The end of what was printed.
    pub(super) output: Option<String>,
    /// The caller stopped it; it may have ended by itself before.
    pub(super) stopped: bool,
}

/// What the supervisor and the process have said.
#[derive(Default)]
pub(super) struct Heard {
    /// What the process has put on.
    pub(super) isolated: Option<Achieved>,
    /// At which step it could not become the program, and why.
    pub(super) unstartable: Option<(String, String)>,
    /// What the statements of an SQL script did, or why they did not.
    pub(super) sql: Option<Result<String, String>>,
    /// How the process ended.
    pub(super) ended: Option<Ended>,
}

/// Starts a supervisor and stays with it until it is gone, and all below it. Where this future is dropped, the server's end of the socket
/// closes, which the supervisor takes for the order to stop.
pub(super) async fn attend(
    helper: &Path,
    order: &Order,
    grace: Duration,
    stop: impl Future<Output = ()>,
) -> io::Result<Attended> {
    let order = order.bytes()?;
    let (mut supervisor, socket, printed) = start(helper, grace)?;
    let (words, mut orders) = socket.into_split();
    let (over, given_up) = (CancellationToken::new(), CancellationToken::new());
    let listen = async {
        let mut heard = Heard::default();
        tokio::select! {
            () = heard.listen(words) => {}
            () = given_up.cancelled() => {}
        }
        over.cancel();
        heard
    };
    let command = async {
        let stopped = tokio::select! {
            biased;
            () = over.cancelled() => false,
            () = stop => true,
            // A process that is gone does not read it; then the words end as well.
            () = async { let _ = orders.write_all(&order).await; pending().await } => false,
        };
        // That no further order can come is the order to stop.
        drop(orders);
        if timeout(grace + PATIENCE, over.cancelled()).await.is_err() {
            given_up.cancel();
        }
        stopped
    };
    let take_in = async {
        let mut tail = Tail::default();
        tokio::select! {
            () = drain(printed, &mut tail) => {}
            () = async { over.cancelled().await; sleep(AT_ONCE).await } => {}
        }
        tail.text()
    };
    let (heard, stopped, output) = tokio::join!(listen, command, take_in);
    bury(&mut supervisor).await;
    Ok(Attended { heard, output, stopped })
}

/// The supervisor, the server's end of the socket, and what is printed.
fn start(helper: &Path, grace: Duration) -> io::Result<(Child, UnixStream, Receiver)> {
    let (ours, theirs) = Pair::pair()?;
    ours.set_nonblocking(true)?;
    let (printed, print) = io::pipe()?;
    let print_too = print.try_clone()?;
    let supervisor = Command::new(helper)
        .args([SUPERVISOR, &grace.as_millis().to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(print)
        .stderr(print_too)
        .spawn()?;
    Ok((supervisor, UnixStream::from_std(ours)?, Receiver::from_owned_fd(printed.into())?))
}

impl Heard {
    /// Listens until nobody can say anything any more. No program can: it does not have the socket.
    async fn listen(&mut self, words: OwnedReadHalf) {
        let mut lines = BufReader::new(words.take(MAX_WORDS)).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            match serde_json::from_str(&line) {
                Ok(Word::Isolated(achieved)) => self.isolated = Some(achieved),
                Ok(Word::Unstartable { step, error }) => self.unstartable = Some((step, error)),
                Ok(Word::Done(done)) => self.sql = Some(Ok(done)),
                Ok(Word::Failed(why)) => self.sql = Some(Err(why)),
                Ok(Word::Ended(ended)) => self.ended = Some(ended),
                Err(error) => tracing::error!(%error, "a step's process said what the server does not understand"),
            }
        }
    }
}

/// Takes in what is printed until nobody can print any more.
async fn drain(mut printed: Receiver, tail: &mut Tail) {
    let mut buffer = Vec::with_capacity(BUFFER);
    while let Ok(1..) = printed.read_buf(&mut buffer).await {
        tail.print(&buffer);
        buffer.clear();
    }
}

/// Takes leave of the supervisor, which has nothing more to do.
async fn bury(supervisor: &mut Child) {
    if timeout(AT_ONCE, supervisor.wait()).await.is_ok() {
        return;
    }
    tracing::warn!("the supervisor of a step does not end; it is killed, and its program with it");
    if let Err(error) = supervisor.kill().await {
        tracing::warn!(%error, "could not kill the supervisor of a step");
    }
}
