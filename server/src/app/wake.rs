//! Wake-ups between use cases and loops, in this process and among the servers of one database. A wake-up makes a loop look
//! sooner and carries nothing; a lost one costs a pause.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Something that may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// A task may be due earlier than the dispatchers think.
    Dispatch,
    /// A run may be ready to start.
    Work,
    /// Somebody asked to cancel a run or a step.
    Cancel,
    /// A step of a schedule may be ready to start.
    Step,
}

impl Wake {
    const ALL: [Self; 4] = [Self::Dispatch, Self::Work, Self::Cancel, Self::Step];

    /// The word for it among servers.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Dispatch => "dispatch",
            Self::Work => "work",
            Self::Cancel => "cancel",
            Self::Step => "step",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wake| wake.word() == word)
    }
}

/// The loops of this process that wait for wake-ups, and what the other servers have not been told yet.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    loops: [Notify; 4],
    untold: [AtomicBool; 4],
    tell: Notify,
}

impl Wakes {
    /// Wakes the loops of this process, and soon those of the other servers.
    pub(crate) fn all(&self, wake: Wake) {
        self.here(wake);
        self.untold[wake as usize].store(true, Ordering::Release);
        self.tell.notify_one();
    }

    /// Wakes the loop of this process.
    pub(crate) fn here(&self, wake: Wake) {
        self.loops[wake as usize].notify_one();
    }

    /// Wakes the loop of this process that another server means; an unknown word, which a newer version may use, wakes all, and so
    /// does the news that words may have been missed.
    pub(crate) fn heard(&self, word: Option<&str>) {
        match word.and_then(Wake::of_word) {
            Some(wake) => self.here(wake),
            None => Wake::ALL.into_iter().for_each(|wake| self.here(wake)),
        }
    }

    /// Waits for a wake-up. One that came after the last wait began is not missed.
    pub(crate) fn wait(&self, wake: Wake) -> Notified<'_> {
        self.loops[wake as usize].notified()
    }

    /// Waits until there is something that the other servers should be told.
    pub(crate) async fn until_untold(&self) {
        loop {
            let told = self.tell.notified();
            if self.untold.iter().any(|untold| untold.load(Ordering::Acquire)) {
                return;
            }
            told.await;
        }
    }

    /// Takes what the other servers should be told.
    pub(crate) fn take_untold(&self) -> Vec<Wake> {
        let untold = |wake: &Wake| self.untold[*wake as usize].swap(false, Ordering::AcqRel);
        Wake::ALL.into_iter().filter(untold).collect()
    }
}
