//! The host channel: one JSON object per line and direction, over the socket that the script's process inherited.
//!
//! The script's side is untrusted. A line has a bounded length, few calls are answered at a time, and whatever is not
//! understood ends the run: the packages that we give to scripts never send it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;

use super::host::Host;

/// The most that a run may return.
pub(super) const MAX_OUTPUT: u64 = justiam_sdk::api::runs::MAX_OUTPUT as u64;

/// The longest line that is taken from a script.
const MAX_LINE: usize = 1 << 20;

/// Calls that are answered at a time; further ones wait in the socket.
const MAX_CALLS: usize = 16;

/// What the script's process says about its end; the bytes of an output follow its line as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params")]
pub(super) enum Report {
    /// `Run` returned a string of so many bytes; they follow unless they are too many.
    #[serde(rename = "run.returned")]
    Returned { bytes: u64 },
    /// `Run` returned an error.
    #[serde(rename = "run.failed")]
    Failed(Text),
    /// `Run` panicked.
    #[serde(rename = "run.panicked")]
    Panicked {
        #[serde(flatten)]
        value: Text,
        /// The Go type of the value.
        r#type: String,
    },
    /// `Run` neither returned nor panicked.
    #[serde(rename = "run.exited")]
    Exited {},
    /// The helper could not become the interpreter.
    #[serde(rename = "helper.failed")]
    Unstartable { step: String, error: String },
}

/// A text of which the script's side sends the first part only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Text {
    pub(super) text: String,
    /// The length of the whole text.
    pub(super) bytes: u64,
}

/// What came out of a channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The process reported its end; the bytes are the output, if there is one to take.
    Report(Report, Vec<u8>),
    /// It closed its side without a report.
    Closed,
    /// It sent something that is not understood.
    Nonsense(&'static str),
}

#[derive(Deserialize)]
struct Call {
    id: u64,
    method: String,
    #[serde(default)]
    params: Value,
}

#[derive(Serialize)]
struct Reply {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Answers calls until the process reports its end or closes its side.
pub(super) async fn serve(stream: UnixStream, host: &Host) -> Said {
    let (read, mut write) = stream.into_split();
    let mut incoming = Incoming { stream: read, buffer: Vec::new(), searched: 0 };
    // Calls in flight end with this set, when the run does.
    let mut calls = Calls(Vec::new());
    loop {
        tokio::select! {
            biased;
            reply = calls.next() => {
                // A script that no longer reads may still report its end.
                let _ = write.write_all(&line_of(&reply)).await;
            }
            line = incoming.line(), if calls.0.len() < MAX_CALLS => {
                let line = match line {
                    Ok(Some(line)) => line,
                    Ok(None) => return Said::Closed,
                    Err(TooLong) => return Said::Nonsense("a line of more than 1 MiB"),
                };
                if let Ok(report) = serde_json::from_slice::<Report>(&line) {
                    return incoming.rest_of(report).await;
                }
                let Ok(call) = serde_json::from_slice::<Call>(&line) else {
                    return Said::Nonsense("a line that is no call");
                };
                calls.0.push(Box::pin(answer(host, call)));
            }
        }
    }
}

async fn answer(host: &Host, call: Call) -> Reply {
    let (result, error) = match host.answer(&call.method, call.params).await {
        Ok(result) => (Some(result), None),
        // The script's side takes an empty text for no error.
        Err(error) if error.is_empty() => (None, Some("failed".into())),
        Err(error) => (None, Some(error)),
    };
    Reply { id: call.id, result, error }
}

fn line_of(reply: &Reply) -> Vec<u8> {
    let mut line = serde_json::to_vec(reply).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Calls in flight. They are polled together, on the run's own task: most are answered at once, and handing them to
/// other threads would cost more than answering them.
struct Calls<'a>(Vec<Pin<Box<dyn Future<Output = Reply> + Send + 'a>>>);

impl Calls<'_> {
    /// The next reply; never resolves while there are no calls.
    async fn next(&mut self) -> Reply {
        poll_fn(|context| {
            let ready = self.0.iter_mut().enumerate().find_map(|(i, call)| match call.as_mut().poll(context) {
                Poll::Ready(reply) => Some((i, reply)),
                Poll::Pending => None,
            });
            match ready {
                Some((i, reply)) => {
                    drop(self.0.swap_remove(i));
                    Poll::Ready(reply)
                }
                None => Poll::Pending,
            }
        })
        .await
    }
}

struct TooLong;

/// What the script sends, cut into lines; dropping a read half way loses nothing.
struct Incoming {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
    /// So much of the buffer is known to have no end of line.
    searched: usize,
}

impl Incoming {
    /// The next line, without its end; `None` when there are no more.
    async fn line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(self.searched + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.searched > MAX_LINE {
                return Err(TooLong);
            }
            if !self.more().await {
                return Ok(None);
            }
        }
    }

    /// Reads the output that follows a report, if one does.
    async fn rest_of(&mut self, report: Report) -> Said {
        let Report::Returned { bytes } = report else { return Said::Report(report, Vec::new()) };
        let wanted = if bytes > MAX_OUTPUT { 0 } else { usize::try_from(bytes).unwrap_or(0) };
        while self.buffer.len() < wanted {
            if !self.more().await {
                return Said::Closed;
            }
        }
        self.buffer.truncate(wanted);
        Said::Report(report, std::mem::take(&mut self.buffer))
    }

    /// Reads some more; false at the end. An error is an end too: the process is gone.
    async fn more(&mut self) -> bool {
        self.buffer.reserve(8 << 10);
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..))
    }
}
