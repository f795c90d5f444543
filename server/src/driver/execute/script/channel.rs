//! The host channel: one JSON object per line and direction, over the socket that the script's process inherited.
//!
//! Bytes that are no JSON, such as the body of a request, follow their line as they are: `"tail": N` in a call or in a
//! reply says how many.
//!
//! The script's side is untrusted. A line and what follows it have bounded lengths, few calls are answered at a time, and
//! whatever is not understood ends the run: the packages that we give to scripts never send it.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod incoming;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use tokio::io::{self, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;

use super::host::{Answer, Host};
use super::sandbox::Achieved;
use crate::outbound::Room;
use incoming::{Incoming, Message};

/// The most that a run may return.
pub(super) const MAX_OUTPUT: u64 = justiam_sdk::api::runs::MAX_OUTPUT as u64;

/// Calls that are answered at a time; further ones wait in the socket.
const MAX_CALLS: usize = 16;

/// No further call is read while more bytes than these came with those that are being answered, so that there are at most twice as many.
const MANY_BYTES: usize = 8 << 20;

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
    /// So many bytes follow the line.
    #[serde(default)]
    tail: u64,
}

#[derive(Serialize)]
struct Reply {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What follows the line; in it, the length.
    #[serde(serialize_with = "length", skip_serializing_if = "Vec::is_empty")]
    tail: Vec<u8>,
    /// Given back when this has been sent.
    #[serde(skip)]
    _room: Option<Room>,
}

/// Answers calls until the process reports its end or closes its side. What the helper says first goes to `isolated`.
pub(super) async fn serve(stream: UnixStream, host: &Host, isolated: &mut Option<Achieved>) -> Said {
    let (read, mut write) = stream.into_split();
    let mut incoming = Incoming::new(read);
    // Calls in flight end with this set, when the run does.
    let mut calls = Calls(Vec::new());
    loop {
        tokio::select! {
            biased;
            reply = calls.next() => {
                // A script that no longer reads may still report its end.
                let _ = send(&mut write, &reply).await;
            }
            message = incoming.message(), if calls.have_room() => match message {
                Ok(Some(Message::Call(call, tail))) => calls.0.push((tail.len(), Box::pin(answer(host, call, tail)))),
                Ok(Some(Message::Report(report))) => return incoming.rest_of(report).await,
                Ok(Some(Message::Isolated(achieved))) => *isolated = Some(achieved),
                Ok(None) => return Said::Closed,
                Err(nonsense) => return Said::Nonsense(nonsense),
            },
        }
    }
}

async fn answer(host: &Host, call: Call, tail: Vec<u8>) -> Reply {
    let id = call.id;
    let failed = |error| Reply { id, result: None, error: Some(error), tail: Vec::new(), _room: None };
    match host.answer(&call.method, call.params, tail).await {
        Ok(Answer { result, tail, room }) => Reply { id, result: Some(result), error: None, tail, _room: room },
        // The script's side takes an empty text for no error.
        Err(error) if error.is_empty() => failed("failed".to_owned()),
        Err(error) => failed(error),
    }
}

async fn send(write: &mut OwnedWriteHalf, reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    write.write_all(&line).await?;
    write.write_all(&reply.tail).await
}

fn length<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(bytes.len() as u64)
}

/// Calls in flight. They are polled together, on the run's own task: most are answered at once, and handing them to
/// other threads would cost more than answering them. Beside each is how many bytes came with it.
struct Calls<'a>(Vec<(usize, Answering<'a>)>);

type Answering<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

impl Calls<'_> {
    /// Whether one more may be answered at the same time.
    fn have_room(&self) -> bool {
        self.0.len() < MAX_CALLS && self.0.iter().map(|(bytes, _)| bytes).sum::<usize>() <= MANY_BYTES
    }

    /// The next reply; never resolves while there are no calls.
    async fn next(&mut self) -> Reply {
        poll_fn(|context| {
            let ready = self.0.iter_mut().enumerate().find_map(|(i, (_, call))| match call.as_mut().poll(context) {
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
