//! A stream that gives up on a client that dawdles.
//!
//! hyper has one time limit for the head of a request, which also runs while nothing is asked. Here a client that has begun to ask has
//! less time than one that rests, and one that does not read its answer is not waited for, either.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::task::AtomicWaker;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::config::Limits;

/// How many requests of a connection have begun, and how many of their answers have ended.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicU32,
    ended: AtomicU32,
    /// Who waits for the end of the request at work, because the client's time runs from then on.
    waiting: AtomicWaker,
}

/// A request at work, until its answer has ended.
pub(super) struct AtWork(Arc<Activity>);

impl Activity {
    pub(super) fn begin(self: &Arc<Self>) -> AtWork {
        self.begun.fetch_add(1, Ordering::Relaxed);
        AtWork(Arc::clone(self))
    }

    /// Whether a request is at work, and how many have ended.
    fn look(&self) -> (bool, u32) {
        let ended = self.ended.load(Ordering::Relaxed);
        (self.begun.load(Ordering::Relaxed) != ended, ended)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
        self.0.waiting.wake();
    }
}

/// The body of an answer: as long as it lasts, the request is at work.
pub(super) struct Answer {
    pub(super) body: Body,
    pub(super) _at_work: AtWork,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// Nothing, because a request is at work.
    Nothing,
    /// The beginning of a request.
    Request,
    /// The rest of its head.
    Head,
}

/// The stream of a connection.
pub(super) struct Patient<S> {
    stream: S,
    activity: Arc<Activity>,
    idle: Duration,
    head: Duration,
    write: Duration,
    awaited: Awaited,
    /// How many requests had ended when it was decided what is awaited.
    ended: u32,
    until: Pin<Box<Sleep>>,
    /// Set while the client does not take what is sent.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    /// The head of the first request is awaited from now on.
    pub(super) fn new(stream: S, limits: &Limits, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            activity,
            idle: limits.idle_patience,
            head: limits.head_patience,
            write: limits.write_patience,
            awaited: Awaited::Head,
            ended: 0,
            until: Box::pin(sleep(limits.head_patience)),
            stuck: None,
        }
    }

    /// Whether a request is at work. Whatever was awaited before it is so no more.
    fn is_at_work(&mut self) -> bool {
        let (at_work, ended) = self.activity.look();
        if at_work || ended != self.ended {
            self.awaited = Awaited::Nothing;
            self.ended = ended;
        }
        at_work
    }

    /// Something has come.
    fn heard(&mut self) {
        if !self.is_at_work() && self.awaited != Awaited::Head {
            self.wait_for(Awaited::Head, self.head);
        }
    }

    fn wait_for(&mut self, awaited: Awaited, patience: Duration) {
        self.awaited = awaited;
        self.until.as_mut().reset(Instant::now() + patience);
    }

    /// Nothing comes.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_at_work() {
            self.activity.waiting.register(cx.waker());
            // It may have ended just before.
            if self.is_at_work() {
                return Poll::Pending;
            }
        }
        if self.awaited == Awaited::Nothing {
            self.wait_for(Awaited::Request, self.idle);
        }
        ready!(self.until.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client has not asked in time")))
    }

    /// What has become of something that was to be sent.
    fn poll_sent<T>(&mut self, cx: &mut Context<'_>, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.stuck = None;
            if self.awaited == Awaited::Request {
                // The end of an answer may be under way for longer than the answer was at work.
                self.wait_for(Awaited::Request, self.idle);
            }
            return sent;
        }
        let write = self.write;
        ready!(self.stuck.get_or_insert_with(|| Box::pin(sleep(write))).as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match Pin::new(&mut this.stream).poll_read(cx, into) {
            Poll::Ready(read) => {
                this.heard();
                Poll::Ready(read)
            }
            Poll::Pending => this.poll_silence(cx),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.poll_sent(cx, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.poll_sent(cx, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_flush(cx);
        self.poll_sent(cx, sent)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.poll_sent(cx, sent)
    }
}
