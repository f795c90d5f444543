//! Stays with a script's process from its start to its end: answers its calls, reads what it prints, ends it.

use std::future::{Future, pending};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::timeout;

use super::super::log::Log;
use super::channel::{self, Said};
use super::folder;
use super::host::Host;
use super::order::Policy;
use super::printed::{Drained, Printed};
use super::process::{Exit, Process, Started, Watch};
use super::sandbox::Achieved;
use super::usage::Excess;

/// How long to wait for what must come at once: the end of a killed process, the last bytes of its pipes. A process
/// that escaped from its group can hold a pipe open for ever, so nothing is waited for without a limit.
const AT_ONCE: Duration = Duration::from_millis(500);

/// Everything that is known when a run is over.
pub(super) struct Attended {
    pub(super) cause: Cause,
    pub(super) exit: Exit,
    pub(super) printed: Printed,
    /// What the helper achieved; nothing when it did not get so far.
    pub(super) isolated: Option<Achieved>,
    /// What the process was allowed.
    pub(super) policy: Policy,
}

/// What ended a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The caller.
    Stopped,
    /// The script, by what came over its channel.
    Said(Said),
    /// The script, by printing too much.
    Flood,
    /// The script, by using too much.
    Exceeded(Excess),
    /// The process went without a report.
    Silence,
}

/// Stays with the process until it is gone. Its folder goes soon afterwards.
pub(super) async fn attend(
    started: Started,
    host: Host,
    log: Arc<Log>,
    stop: impl Future<Output = ()>,
    grace: Duration,
) -> Attended {
    let Started { process, policy, usage, ended, channel, printed: pipe, folder } = started;
    log.hide_paths(folder::paths(&folder));
    // Meanwhile the interpreter starts.
    log.prepare().await;
    let mut printed = Printed::new(log);
    let mut isolated = None;
    let (cause, exit) = match connect(ended, channel) {
        Ok((watch, channel)) => {
            let talk = pin!(channel::serve(channel, &host, &mut isolated));
            let drain = pin!(printed.drain(pipe));
            let mut streams = Streams { talk, said: None, drain, drained: None };
            let cause = watch_over(&mut streams, &watch, pin!(usage.exceeded()), pin!(stop)).await;
            if cause == Cause::Stopped {
                process.signal(Signal::TERM);
                let _ = timeout(grace, streams.until(watch.ended())).await;
            }
            let exit = finish(&process, &mut streams, &watch).await;
            (cause, exit)
        }
        Err(error) => {
            tracing::error!(%error, "could not watch the process of a script");
            (Cause::Silence, Exit::Unknown)
        }
    };
    // A process that does not die although it was killed is left to the cleaner.
    let _ = timeout(4 * AT_ONCE, process.bury(isolated.is_some_and(Achieved::is_whole))).await;
    Attended { cause, exit, printed, isolated, policy }
}

fn connect(ended: OwnedFd, channel: UnixStream) -> std::io::Result<(Watch, tokio::net::UnixStream)> {
    Ok((Watch::new(ended)?, tokio::net::UnixStream::from_std(channel)?))
}

/// Waits until something ends the run.
async fn watch_over<T, D>(
    streams: &mut Streams<'_, T, D>,
    watch: &Watch,
    mut exceeded: Pin<&mut impl Future<Output = Excess>>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Cause
where
    T: Future<Output = Said>,
    D: Future<Output = Drained>,
{
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return Cause::Stopped,
            () = streams.next() => {}
            excess = &mut exceeded => return Cause::Exceeded(excess),
            () = watch.ended() => {
                // What the process sent before its end may still be in the socket.
                let _ = timeout(AT_ONCE, streams.hear_out()).await;
                return streams.cause().unwrap_or(Cause::Silence);
            }
        }
        if let Some(cause) = streams.cause() {
            return cause;
        }
    }
}

/// Kills what is left and takes in the last of what it printed.
async fn finish<T, D>(process: &Process, streams: &mut Streams<'_, T, D>, watch: &Watch) -> Exit
where
    T: Future<Output = Said>,
    D: Future<Output = Drained>,
{
    process.signal(Signal::KILL);
    let _ = timeout(AT_ONCE, streams.until(watch.ended())).await;
    let exit = process.exit();
    // Again, because the first may have come before the helper had made its group.
    process.signal(Signal::KILL);
    let _ = timeout(AT_ONCE, streams.drain_out()).await;
    exit
}

/// The two things that go on beside everything else, and what came of them.
struct Streams<'a, T, D> {
    talk: Pin<&'a mut T>,
    said: Option<Said>,
    drain: Pin<&'a mut D>,
    drained: Option<Drained>,
}

impl<T: Future<Output = Said>, D: Future<Output = Drained>> Streams<'_, T, D> {
    /// Goes on with both until one of them is over; never resolves when both are.
    async fn next(&mut self) {
        tokio::select! {
            biased;
            said = &mut self.talk, if self.said.is_none() => self.said = Some(said),
            drained = &mut self.drain, if self.drained.is_none() => self.drained = Some(drained),
            else => pending().await,
        }
    }

    /// Goes on with both until something else is over.
    async fn until(&mut self, over: impl Future<Output = ()>) {
        let mut over = pin!(over);
        loop {
            tokio::select! {
                biased;
                () = &mut over => return,
                () = self.next() => {}
            }
        }
    }

    /// Goes on until the channel is at its end.
    async fn hear_out(&mut self) {
        while self.said.is_none() {
            self.next().await;
        }
    }

    /// Goes on until there is nothing more to read.
    async fn drain_out(&mut self) {
        while self.drained.is_none() {
            self.next().await;
        }
    }

    /// Why the run is over, as far as the streams can tell. A closed channel is no reason: the process may go on.
    fn cause(&mut self) -> Option<Cause> {
        match self.said.take() {
            Some(Said::Closed) => self.said = Some(Said::Closed),
            Some(said) => {
                let cause = Cause::Said(said);
                self.said = Some(Said::Closed);
                return Some(cause);
            }
            None => {}
        }
        (self.drained == Some(Drained::Flood)).then_some(Cause::Flood)
    }
}
