//! What must hold of anything that a script's process sends.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};
use tokio::io::{AsyncRead, ReadBuf};

use super::incoming::{Incoming, Message};
use super::{MAX_OUTPUT, Report, Said, answer};
use crate::driver::execute::script::host::{Host, fetch};

/// What was understood, as a text that can be compared.
type Understood = Vec<String>;

/// Bytes in pieces whose lengths follow from the first byte.
pub(crate) fn sent(input: &[u8]) {
    let Some((first, bytes)) = input.split_first() else { return };
    let whole = understood(Pieces { bytes, size: usize::MAX, waits: false, waited: false }, true);
    let size = usize::from(first & 31) + 1;
    let pieces = understood(Pieces { bytes, size, waits: true, waited: false }, false);
    assert_eq!(pieces, whole, "it makes no difference in which pieces bytes arrive");
}

/// Reads all messages, and answers each call where `answers` says so.
fn understood(stream: Pieces<'_>, answers: bool) -> Understood {
    let secrets = [("API_KEY".to_owned(), "canary-77aa".into())];
    let config = [("ids".to_owned(), r#"["a", 1]"#.to_owned())];
    let host = Host::new(secrets.into(), config.into());
    let most = stream.bytes.len();
    let mut incoming = Incoming::new(stream);
    let mut all = Understood::new();
    loop {
        // Half a message is given up and asked for again, as when an answer is ready meanwhile.
        let message = loop {
            if let Poll::Ready(message) = poll(pin!(incoming.message())) {
                break message;
            }
        };
        match message {
            Ok(Some(Message::Isolated(achieved))) => {
                assert!(all.is_empty(), "the helper alone speaks first");
                all.push(format!("{achieved:?}"));
            }
            Ok(Some(Message::Call(call, tail))) => {
                assert!(tail.len() as u64 == call.tail && tail.len() <= most, "what follows a call is whole");
                all.push(format!("{} {} {} {tail:?}", call.id, call.method, call.params));
                if answers {
                    if call.method == "fetch.do" {
                        let request = fetch::request(call.params.clone(), tail.clone());
                        assert!(request.err().is_none_or(|why| !why.is_empty()), "a refusal says why");
                    }
                    replied(&host, call, tail);
                }
            }
            Ok(Some(Message::Report(report))) => {
                let mut rest = pin!(incoming.rest_of(report));
                let said = loop {
                    if let Poll::Ready(said) = poll(rest.as_mut()) {
                        break said;
                    }
                };
                if let Said::Report(Report::Returned { bytes }, output) = &said {
                    let taken = if *bytes > MAX_OUTPUT { 0 } else { *bytes };
                    assert_eq!(output.len() as u64, taken, "an output is whole, or too long and left out");
                }
                all.push(format!("{said:?}"));
                return all;
            }
            Ok(None) => return all,
            Err(nonsense) => {
                all.push(nonsense.to_owned());
                return all;
            }
        }
    }
}

/// What a call is answered with is one line of JSON, and either an answer or a reason.
fn replied(host: &Host, call: super::Call, tail: Vec<u8>) {
    let id = call.id;
    let mut answering = pin!(answer(host, call, tail));
    let Poll::Ready(reply) = poll(answering.as_mut()) else { panic!("nothing here has to be waited for") };
    let line = serde_json::to_vec(&reply).expect("a reply is JSON");
    assert!(!line.contains(&b'\n'), "a reply is one line");
    let line: Value = serde_json::from_slice(&line).expect("a reply is JSON");
    assert_eq!(line["id"], json!(id));
    assert!(line.get("result").is_some() != line.get("error").is_some(), "{line}");
    assert!(line.get("error").is_none_or(|error| error.as_str().is_some_and(|text| !text.is_empty())), "{line}");
}

fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A stream that gives so many bytes at a time, and before each piece nothing yet where it `waits`.
struct Pieces<'a> {
    bytes: &'a [u8],
    size: usize,
    waits: bool,
    waited: bool,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.waited = self.waits && !self.waited;
        if self.waited {
            return Poll::Pending;
        }
        let (piece, rest) = self.bytes.split_at(self.bytes.len().min(self.size).min(buffer.remaining()));
        buffer.put_slice(piece);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}
