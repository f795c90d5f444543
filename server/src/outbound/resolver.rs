//! Finds the addresses of names. Whatever it finds is checked here, and exactly this is then connected to.
//!
//! The system looks names up on a thread that nobody can stop, and that may hang for as long as its name servers do. So few
//! look-ups are on their way at a time, for each run and in all, and each counts until the system has given it up.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::destinations::{Denied, Destinations};

/// Look-ups of all runs; the threads that do them are those that do everything else that blocks.
const IN_ALL: usize = 64;

tokio::task_local! {
    /// The look-ups of the run whose request this is.
    static OF_RUN: Arc<Semaphore>;
}

/// Why a name has no address to connect to.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    #[error(transparent)]
    Denied(Denied),
    #[error("the name {name} could not be resolved: {source}")]
    Unknown { name: String, source: io::Error },
}

/// Asks the system, or whom a test puts in its place.
type Find = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

pub(super) struct Resolver {
    destinations: Arc<Destinations>,
    in_all: Arc<Semaphore>,
    find: Arc<Find>,
}

/// Does something whose look-ups count as those of one run. The client that is shared by all does not tell whose they are.
pub(super) async fn of_run<T>(look_ups: &Arc<Semaphore>, work: impl Future<Output = T>) -> T {
    OF_RUN.scope(Arc::clone(look_ups), work).await
}

impl Resolver {
    pub(super) fn new(destinations: Arc<Destinations>) -> Self {
        // The port comes from the URL.
        Self::with(destinations, Arc::new(|name| Ok((name, 0).to_socket_addrs()?.collect())))
    }

    fn with(destinations: Arc<Destinations>, find: Arc<Find>) -> Self {
        Self { destinations, in_all: Arc::new(Semaphore::new(IN_ALL)), find }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { destinations, in_all, find } = self;
        let (destinations, in_all, find) = (Arc::clone(destinations), Arc::clone(in_all), Arc::clone(find));
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let own = match OF_RUN.try_with(Arc::clone) {
                Ok(own) => Some(own.acquire_owned().await?),
                Err(_) => None,
            };
            let place = in_all.acquire_owned().await?;
            let wanted = name.clone();
            let finding = tokio::task::spawn_blocking(move || {
                let found = find(&wanted);
                drop((own, place));
                found
            });
            let unknown = |source| ResolveError::Unknown { name: name.clone(), source };
            let found = finding.await?.map_err(unknown)?;
            let mut denied = None;
            let mut allowed = Vec::with_capacity(found.len());
            for address in found {
                match destinations.check_address(address.ip(), Some(&name)) {
                    Ok(()) => allowed.push(address),
                    Err(why) => denied = Some(why),
                }
            }
            match denied {
                Some(denied) if allowed.is_empty() => Err(ResolveError::Denied(denied).into()),
                None if allowed.is_empty() => Err(unknown(io::Error::other("it has no address")).into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc as blocking;
    use std::time::Duration;

    use futures::future::join_all;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;

    /// A system that says when it looks for a name, and answers for those that hang only when it is told to.
    struct System {
        resolver: Arc<Resolver>,
        begun: mpsc::UnboundedReceiver<()>,
        answer: blocking::Sender<()>,
        at_a_time: Arc<AtomicUsize>,
    }

    fn system() -> System {
        let ((begins, begun), (answer, answers)) = (mpsc::unbounded_channel(), blocking::channel());
        let (answers, most) = (Mutex::new(answers), Arc::new(AtomicUsize::new(0)));
        let (now, at_a_time) = (AtomicUsize::new(0), Arc::clone(&most));
        let find = move |name: &str| {
            if name == "hangs.example" {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let _ = begins.send(());
                let _ = answers.lock().unwrap().recv();
                now.fetch_sub(1, Ordering::SeqCst);
            }
            Ok(vec![SocketAddr::from(([192, 0, 2, 1], 0))])
        };
        let resolver = Arc::new(Resolver::with(Arc::default(), Arc::new(find)));
        System { resolver, begun, answer, at_a_time }
    }

    #[tokio::test]
    async fn names_that_hang_hold_up_no_other_run_also_when_nobody_waits_for_them_any_more() {
        let System { resolver, mut begun, answer, at_a_time } = system();
        let look_up = |run: &Arc<Semaphore>, name: &str| {
            let (resolver, run, name) = (Arc::clone(&resolver), Arc::clone(run), name.parse::<Name>().unwrap());
            async move { of_run(&run, async { resolver.resolve(name).await.is_ok() }).await }
        };
        let (hostile, other) = (Arc::new(Semaphore::new(4)), Arc::new(Semaphore::new(4)));
        for _ in 0..3 {
            let hanging = join_all((0..100).map(|_| look_up(&hostile, "hangs.example")));
            let others = async {
                loop {
                    assert!(look_up(&other, "other.example").await);
                    if begun.len() >= 4 {
                        return;
                    }
                }
            };
            tokio::select! {
                _ = hanging => panic!("nobody has answered"),
                ended = timeout(Duration::from_secs(20), others) => ended.unwrap(),
            }
        }
        // What was given up still hangs, and has begun four times, not twelve hundred times.
        assert_eq!((begun.len(), hostile.available_permits()), (4, 0));
        for _ in 0..4 {
            answer.send(()).unwrap();
            begun.recv().await.unwrap();
        }
        assert!(look_up(&hostile, "other.example").await);
        assert_eq!(at_a_time.load(Ordering::SeqCst), 4);
    }
}
