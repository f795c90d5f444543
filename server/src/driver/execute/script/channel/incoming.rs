//! What the script's side sends, cut into messages.

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{Call, MAX_OUTPUT, Report, Said};
use crate::driver::execute::script::sandbox::Achieved;

/// The longest line that is taken from a script.
const MAX_LINE: usize = 1 << 20;

/// The most bytes that may follow a call.
const MAX_TAIL: u64 = 8 << 20;

/// A whole message.
pub(super) enum Message {
    /// What the helper achieved, before there was a script.
    Isolated(Achieved),
    /// A call, and the bytes that followed it.
    Call(Call, Vec<u8>),
    /// The end of the run; its output is still to be read, with [`Incoming::rest_of`].
    Report(Report),
}

/// The reading half of a channel. A read may be dropped half way: nothing is lost, and the next one goes on.
pub(super) struct Incoming<R> {
    stream: R,
    buffer: Vec<u8>,
    /// So much of the buffer is known to have no end of line.
    searched: usize,
    /// A call whose bytes are not all there yet.
    begun: Option<Call>,
    /// Whether a line has come.
    spoken: bool,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::new(), searched: 0, begun: None, spoken: false }
    }

    /// The next message; `None` when there are no more. The error says what was sent instead.
    pub(super) async fn message(&mut self) -> Result<Option<Message>, &'static str> {
        if self.begun.is_none() {
            let Some(line) = self.line().await? else { return Ok(None) };
            // The helper speaks before there is a script, so no script can say this in its place.
            if !std::mem::replace(&mut self.spoken, true)
                && let Some(achieved) = Achieved::read(&line)
            {
                return Ok(Some(Message::Isolated(achieved)));
            }
            if let Ok(report) = serde_json::from_slice(&line) {
                return Ok(Some(Message::Report(report)));
            }
            let call: Call = serde_json::from_slice(&line).map_err(|_| "a line that is no call")?;
            if call.tail > MAX_TAIL {
                return Err("a call with more than 8 MiB behind it");
            }
            self.begun = Some(call);
        }
        let wanted = self.begun.as_ref().and_then(|call| usize::try_from(call.tail).ok()).unwrap_or(0);
        if !self.fill(wanted).await {
            return Ok(None);
        }
        Ok(self.begun.take().map(|call| Message::Call(call, self.split(wanted))))
    }

    /// Reads the output that follows a report, if one does.
    pub(super) async fn rest_of(&mut self, report: Report) -> Said {
        let Report::Returned { bytes } = report else { return Said::Report(report, Vec::new()) };
        let wanted = if bytes > MAX_OUTPUT { 0 } else { usize::try_from(bytes).unwrap_or(0) };
        if !self.fill(wanted).await {
            return Said::Closed;
        }
        Said::Report(report, self.split(wanted))
    }

    /// The next line, without its end; `None` when there are no more.
    async fn line(&mut self) -> Result<Option<Vec<u8>>, &'static str> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let mut line = self.split(self.searched + end + 1);
                line.pop();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.searched > MAX_LINE {
                return Err("a line of more than 1 MiB");
            }
            if !self.more().await {
                return Ok(None);
            }
        }
    }

    /// Reads until the buffer has so many bytes; false when the end comes before.
    async fn fill(&mut self, wanted: usize) -> bool {
        while self.buffer.len() < wanted {
            if !self.more().await {
                return false;
            }
        }
        true
    }

    /// Takes the first bytes of the buffer out.
    fn split(&mut self, at: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(at);
        std::mem::replace(&mut self.buffer, rest)
    }

    /// Reads some more; false at the end. An error is an end too: the process is gone.
    async fn more(&mut self) -> bool {
        self.buffer.reserve(8 << 10);
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::{Incoming, Message};
    use crate::driver::execute::script::channel::{Report, Said};

    #[tokio::test]
    async fn bytes_behind_a_call_are_not_taken_for_lines() {
        let text = b"{\"id\":1,\"method\":\"a\",\"tail\":4}\n\n{}\n{\"id\":2,\"method\":\"b\"}\n\
            {\"method\":\"run.returned\",\"params\":{\"bytes\":3},\"tail\":3}\na\nb";
        let mut incoming = Incoming::new(&text[..]);
        let Ok(Some(Message::Call(call, tail))) = incoming.message().await else { panic!("no call") };
        assert_eq!((call.id, tail.as_slice()), (1, &b"\n{}\n"[..]));
        let Ok(Some(Message::Call(call, tail))) = incoming.message().await else { panic!("no call") };
        assert_eq!((call.id, tail.as_slice()), (2, &b""[..]));
        let Ok(Some(Message::Report(report))) = incoming.message().await else { panic!("no report") };
        assert_eq!(incoming.rest_of(report).await, Said::Report(Report::Returned { bytes: 3 }, b"a\nb".to_vec()));
        assert!(matches!(incoming.message().await, Ok(None)));
    }

    #[tokio::test]
    async fn a_read_that_is_dropped_half_way_loses_nothing() {
        let (mut theirs, ours) = duplex(64);
        let mut incoming = Incoming::new(ours);
        for piece in ["{\"id\":1,\"meth", "od\":\"a\",\"tail\":6}\nabc", "de"] {
            theirs.write_all(piece.as_bytes()).await.unwrap();
            tokio::select! {
                biased;
                _ = incoming.message() => panic!("the message is not whole"),
                () = tokio::task::yield_now() => {}
            }
        }
        theirs.write_all(b"f").await.unwrap();
        let Ok(Some(Message::Call(call, tail))) = incoming.message().await else { panic!("no call") };
        assert_eq!((call.method.as_str(), tail.as_slice()), ("a", &b"abcdef"[..]));
    }

    #[tokio::test]
    async fn what_is_too_long_is_refused_before_it_is_read() {
        let refused = async |text: &[u8]| Incoming::new(text).message().await.err();
        let most = 8 << 20;
        let call = |tail: u64| format!("{{\"id\":1,\"method\":\"a\",\"tail\":{tail}}}\n").into_bytes();
        assert_eq!(refused(&call(most + 1)).await, Some("a call with more than 8 MiB behind it"));
        assert_eq!(refused(&call(u64::MAX)).await, Some("a call with more than 8 MiB behind it"));
        // The bytes do not come: the process is gone.
        assert_eq!(refused(&call(most)).await, None);
        assert_eq!(
            refused(
                br#"{"id":1,"method":"a","tail":-1}
"#
            )
            .await,
            Some("a line that is no call")
        );
    }
}
