//! The log of a run: what its script prints, without secrets and paths of the server, its beginning and its end.
//!
//! Whoever reads what a script prints writes here, and somebody else stores what is new from time to time. Only what has become
//! certain is stored: not what may be the beginning of a secret, and not what may be the interpreter's own account of its end.

mod kept;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use justiam_sdk::api::ids::RunId;
use justiam_sdk::api::secrets::{Secret, SecretMap};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::redact::{Redaction, Redactor};
use crate::app::run_logs::{since, whole};
use crate::store::run_logs::{Addition, TAIL};
use kept::Kept;

/// How many looks for new text a doubt lasts: two seconds. An interpreter that fails is gone long before.
const PATIENCE: u32 = 4;

/// Values of this many bytes are not made ready on a thread that many runs share: it takes milliseconds.
const MUCH: usize = 4 << 10;

/// The log of one run.
#[derive(Default)]
pub struct Log(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    secrets: SecretMap,
    paths: Vec<Vec<u8>>,
    redactor: Option<Arc<Redactor>>,
    redaction: Option<Redaction>,
    /// How many bytes were printed.
    printed: u64,
    /// What is certain, and what came after it.
    settled: Kept,
    held: Kept,
    /// Where the interpreter's own words may begin.
    doubts: Vec<Doubt>,
    /// For how many looks the first doubt has stood, and up to where doubts were given up.
    looks: u32,
    trusted: u64,
    /// How much is stored.
    stored: u64,
}

#[derive(Clone, Copy)]
struct Doubt {
    /// In what was printed, and in the log once it has come so far.
    printed: u64,
    at: Option<u64>,
}

impl Log {
    /// Leaves out the values of secrets. Call it before anything is printed.
    pub(crate) fn hide(&self, secrets: SecretMap) {
        self.inner().secrets = secrets;
    }

    /// Leaves out the path of a run's folder. Call it before anything is printed.
    pub(super) fn hide_paths(&self, paths: Vec<Vec<u8>>) {
        self.inner().paths = paths;
    }

    /// Makes ready to leave out what must be left out, where that takes long. Otherwise it happens when something is printed.
    pub(super) async fn prepare(&self) {
        let (secrets, paths) = {
            let inner = self.inner();
            let bytes: usize = inner.secrets.values().map(Secret::expose).map(str::len).sum();
            if bytes < MUCH || inner.redactor.is_some() {
                return;
            }
            (inner.secrets.clone(), inner.paths.clone())
        };
        if let Ok(redactor) = spawn_blocking(move || Redactor::new(&secrets, &paths)).await {
            self.inner().redactor = Some(Arc::new(redactor));
        }
    }

    /// What takes secrets out of texts of this run.
    pub(crate) fn redactor(&self) -> Arc<Redactor> {
        self.inner().redactor()
    }

    /// Adds what was printed. `doubts` are the places in all that was printed where the interpreter's own words may begin.
    pub(super) fn print(&self, bytes: &[u8], doubts: impl Iterator<Item = u64>) {
        self.inner().print(bytes, doubts);
    }

    /// Nothing more comes. Leaves out what was printed from `end` on.
    pub(super) fn finish(&self, end: Option<u64>) {
        let mut inner = self.inner();
        if let Some(mut redaction) = inner.redaction.take() {
            // Whatever ends a process may end it within a write, also its own exit, while another goroutine prints.
            redaction.finish(true, &mut |part| inner.place(part.at, part.length, part.text));
        }
        let doubt = end.and_then(|end| inner.doubts.iter().copied().find(|doubt| doubt.printed == end));
        if let Some(at) = doubt.and_then(|doubt| doubt.at) {
            inner.held.truncate(at);
        }
        inner.doubts.clear();
        inner.settle();
    }

    /// What is certain of it so far.
    pub(super) fn text(&self) -> String {
        whole(self.inner().settled.pieces())
    }

    /// What is to be stored. To be asked twice a second, for what has been doubtful for long enough is certain.
    pub(crate) fn look(&self, run: RunId) -> Option<Addition> {
        let mut inner = self.inner();
        if !inner.doubts.is_empty() {
            inner.looks += 1;
            if inner.looks >= PATIENCE {
                inner.trusted = inner.printed;
                inner.doubts.clear();
                inner.settle();
            }
        }
        inner.unstored(run)
    }

    /// What is to be stored at the end.
    pub(crate) fn rest(&self, run: RunId) -> Option<Addition> {
        self.inner().unstored(run)
    }

    /// Shows what is certain and has not been shown yet.
    pub(crate) fn show(&self, to: &mut impl Write) -> io::Result<()> {
        let shown = self.inner().stored;
        let Some(new) = self.look(RunId::from_uuid(Uuid::nil())) else { return Ok(()) };
        to.write_all(since(shown, &new.pieces).as_bytes())?;
        self.stored(new.end);
        Ok(())
    }

    /// Notes that the log is stored up to here.
    pub(super) fn stored(&self, end: u64) {
        self.inner().stored = end;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn redactor(&mut self) -> Arc<Redactor> {
        let redactor = self.redactor.get_or_insert_with(|| Arc::new(Redactor::new(&self.secrets, &self.paths)));
        Arc::clone(redactor)
    }

    fn print(&mut self, bytes: &[u8], doubts: impl Iterator<Item = u64>) {
        self.printed += bytes.len() as u64;
        let mut doubts: Vec<Doubt> = doubts
            .filter(|printed| *printed >= self.trusted)
            .map(|printed| Doubt {
                printed,
                at: self.doubts.iter().find(|doubt| doubt.printed == printed).and_then(|doubt| doubt.at),
            })
            .collect();
        doubts.sort_unstable_by_key(|doubt| doubt.printed);
        if doubts.first().map(|doubt| doubt.printed) != self.doubts.first().map(|doubt| doubt.printed) {
            self.looks = 0;
        }
        self.doubts = doubts;
        let mut redaction = match self.redaction.take() {
            Some(redaction) => redaction,
            None => Redaction::new(self.redactor()),
        };
        redaction.feed(bytes, &mut |part| self.place(part.at, part.length, part.text));
        self.redaction = Some(redaction);
        self.settle();
    }

    /// Adds clean text that stands for `length` bytes at `printed`, and finds where doubts are in it.
    fn place(&mut self, printed: u64, length: u64, text: &str) {
        let end = self.held.end();
        for doubt in self.doubts.iter_mut().filter(|doubt| doubt.at.is_none() && doubt.printed < printed + length) {
            let into = doubt.printed.saturating_sub(printed);
            let same = length == text.len() as u64;
            doubt.at = Some(end + if same || into == 0 { into } else { text.len() as u64 });
        }
        self.held.push(text);
    }

    /// What comes before the first doubt is certain.
    fn settle(&mut self) {
        let certain = self.doubts.first().map_or(Some(u64::MAX), |doubt| doubt.at).unwrap_or(u64::MAX);
        self.held.hand_over(certain, &mut self.settled);
    }

    fn unstored(&self, run: RunId) -> Option<Addition> {
        let pieces = self.settled.since(self.stored);
        let end = self.settled.end();
        (!pieces.is_empty()).then(|| Addition { run, pieces, tail_from: end.saturating_sub(TAIL), end })
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    fn id() -> RunId {
        "019b0000-0000-7000-8000-000000000001".parse().unwrap()
    }

    fn new_text(log: &Log) -> String {
        let Some(addition) = log.look(id()) else { return String::new() };
        log.stored(addition.end);
        addition.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn what_is_new_is_told_once() {
        let log = Log::default();
        log.hide([("K".to_owned(), "hunter2".into())].into());
        assert_eq!(new_text(&log), "");
        log.print(b"one hun", iter::empty());
        assert_eq!(new_text(&log), "one ");
        log.print(b"ter2 two", iter::empty());
        assert_eq!((new_text(&log), new_text(&log)), ("**** two".into(), String::new()));
        log.print(b" hunter", iter::empty());
        log.finish(None);
        assert_eq!((new_text(&log), log.text()), (" ****".into(), "one **** two ****".into()));
    }

    #[test]
    fn what_may_be_the_interpreters_own_words_waits() {
        let log = Log::default();
        log.print(b"before\npan", iter::once(7));
        assert_eq!(new_text(&log), "before\n");
        log.print(b"ic: x\nmore", iter::once(7));
        assert_eq!(new_text(&log), "");
        log.finish(Some(7));
        assert_eq!((new_text(&log), log.text()), (String::new(), "before\n".into()));
    }

    #[test]
    fn a_doubt_that_moves_on_lets_through_what_was_before() {
        let log = Log::default();
        log.print(b"run: a\n", iter::once(0));
        assert_eq!(new_text(&log), "");
        log.print(b"b\nrun: c\n", iter::once(9));
        assert_eq!(new_text(&log), "run: a\nb\n");
        log.print(b"panic: d\n", [9, 16].into_iter());
        log.finish(Some(16));
        assert_eq!(new_text(&log), "run: c\n");
    }

    #[test]
    fn a_doubt_does_not_last() {
        let log = Log::default();
        log.print(b"run: a\n", iter::once(0));
        assert_eq!([(); 3].map(|()| new_text(&log)).concat(), "");
        assert_eq!(new_text(&log), "run: a\n");
        log.print(b"b\n", iter::once(0));
        assert_eq!(new_text(&log), "b\n");
        log.finish(Some(0));
        assert_eq!(log.text(), "run: a\nb\n");
    }

    #[tokio::test]
    async fn long_secrets_are_ready_before_anything_is_printed() {
        for (length, ready) in [(0, false), (MUCH - 1, false), (MUCH, true)] {
            let log = Log::default();
            log.hide([("K".to_owned(), "x".repeat(length).into())].into());
            log.prepare().await;
            assert_eq!(log.inner().redactor.is_some(), ready, "{length}");
        }
    }

    #[test]
    fn the_end_of_a_log_is_no_part_of_a_secret() {
        let log = Log::default();
        log.hide([("K".to_owned(), "hunter2-and-more".into())].into());
        log.print(b"it is hunter2-and", iter::empty());
        log.finish(None);
        assert_eq!(log.text(), "it is ****");
    }

    #[test]
    fn little_is_kept_however_much_is_printed_behind_a_doubt() {
        let log = Log::default();
        log.print(b"start\npanic: x\n", iter::once(6));
        for _ in 0..800 {
            log.print(&[b'x'; 8 << 10], iter::once(6));
        }
        assert_eq!(new_text(&log), "start\n");
        log.finish(None);
        let text = log.text();
        assert!(text.starts_with("start\npanic: x\nxxx") && text.contains(" bytes left out …\n"), "{}", text.len());
        assert!(text.len() < 300 << 10, "{}", text.len());
    }
}
