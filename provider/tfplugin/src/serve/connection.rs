//! Open connections, and how many there are.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::transport::server::Connected;

/// Counts the open connections: Terraform may be killed, and then its connection closes and nothing else happens.
#[derive(Clone)]
pub(super) struct Connections(Arc<watch::Sender<usize>>);

impl Default for Connections {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Connections {
    /// A counted connection over `stream`.
    pub(super) fn open(&self, stream: impl Stream) -> Connection {
        self.0.send_modify(|open| *open += 1);
        Connection { stream: Box::pin(stream), _counted: Counted(self.clone()) }
    }

    /// Waits until the process has lost its purpose: nobody has come for as long as `first`, or the last
    /// connection has closed and no other has come for as long as `again`.
    pub(super) async fn orphaned(&self, first: Duration, again: Duration) {
        let mut open = self.0.subscribe();
        let mut patience = first;
        // The sender lives in `self`, so waiting never fails: an error is the time that is up.
        while timeout(patience, open.wait_for(|open| *open > 0)).await.is_ok() {
            if open.wait_for(|open| *open == 0).await.is_err() {
                return;
            }
            patience = again;
        }
    }
}

/// Bytes in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + 'static> Stream for T {}

/// An open connection.
pub(super) struct Connection {
    stream: Pin<Box<dyn Stream>>,
    _counted: Counted,
}

/// Counts down when the connection is gone.
struct Counted(Connections);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.send_modify(|open| *open -= 1);
    }
}

/// There is nothing to know about the other side: whoever comes this far is Terraform.
impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const FIRST: Duration = Duration::from_mins(1);
    const AGAIN: Duration = Duration::from_secs(3);
    const LONG: Duration = Duration::from_hours(1);

    /// In whole seconds: timers may be a millisecond late.
    fn seconds(since: Instant) -> u64 {
        since.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn pitfall_07_it_has_no_purpose_when_the_last_connection_has_closed_and_no_other_comes() {
        let connections = Connections::default();
        let open = || connections.open(tokio::io::empty());
        let (one, two) = (open(), open());
        let mut orphaned = Box::pin(connections.orphaned(FIRST, AGAIN));
        drop(one);
        assert!(timeout(LONG, &mut orphaned).await.is_err(), "one is still open");
        drop(two);
        assert!(timeout(AGAIN / 2, &mut orphaned).await.is_err(), "another may come");
        let three = open();
        assert!(timeout(LONG, &mut orphaned).await.is_err(), "another has come");
        drop(three);
        let closed = Instant::now();
        orphaned.await;
        assert_eq!(seconds(closed), AGAIN.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn it_has_no_purpose_when_nobody_comes() {
        let started = Instant::now();
        Connections::default().orphaned(FIRST, AGAIN).await;
        assert_eq!(seconds(started), FIRST.as_secs());
    }
}
