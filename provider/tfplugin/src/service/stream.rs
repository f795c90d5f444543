//! Answers that come piece by piece.

use futures::stream::unfold;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::codegen::BoxStream;

use crate::stop::Stop;

/// How many pieces wait for a slow reader.
const WAITING: usize = 16;

/// A streamed answer: what `work` sends, and at the end what it returns.
///
/// The work goes on in a task of its own, with the speed of the reader. When the reader goes away, `stop` is
/// requested: what has been begun can still be ended in good order.
pub(super) fn events<E, W>(stop: Stop, work: impl FnOnce(Sender<E>) -> W) -> BoxStream<E>
where
    E: Send + 'static,
    W: Future<Output = Option<E>> + Send + 'static,
{
    let (sender, receiver) = channel(WAITING);
    let running = Running { receiver, work: Some(tokio::spawn(work(sender))), _reader: Reader(stop) };
    Box::pin(unfold(running, |mut running| async move { running.next().await.map(|event| (event, running)) }))
}

struct Running<E> {
    receiver: Receiver<E>,
    /// None once it has ended.
    work: Option<JoinHandle<Option<E>>>,
    _reader: Reader,
}

impl<E> Running<E> {
    async fn next(&mut self) -> Option<Result<E, Status>> {
        if let Some(event) = self.receiver.recv().await {
            return Some(Ok(event));
        }
        match self.work.take()?.await {
            Ok(last) => last.map(Ok),
            // Panics of the author's code never come this far.
            Err(error) => Some(Err(Status::internal(error.to_string()))),
        }
    }
}

/// Requests the stop when nobody reads any more.
struct Reader(Stop);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.request();
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn the_last_event_comes_after_all_others() {
        let work = |sender: Sender<usize>| async move {
            for number in 0..100 {
                sender.send(number).await.unwrap();
            }
            Some(100)
        };
        let events: Vec<_> = events(Stop::default(), work).map(Result::unwrap).collect().await;
        assert_eq!(events, (0..=100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn work_without_a_reader_is_stopped_and_may_end_in_good_order() {
        let stop = Stop::default();
        let (done, ended) = tokio::sync::oneshot::channel();
        let seen = stop.clone();
        let work = |sender: Sender<usize>| async move {
            seen.requested().await;
            done.send(sender.send(1).await.is_err()).unwrap();
            None
        };
        drop(events(stop, work));
        assert!(ended.await.unwrap());
    }
}
