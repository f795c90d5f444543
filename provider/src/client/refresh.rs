//! Refreshes tasks: a few one by one, many from a list.
//!
//! Each configured provider has its own, so a list never outlives the command that it was asked for.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _};
use justiam_sdk::Error;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::page::Page;
use justiam_sdk::api::tasks::{Task, TaskQuery};
use ring::digest::{SHA256, digest};
use tokio::time::{sleep, timeout};

use super::Api;
use super::list::{Entry, FRESH, List, PAGE, Step};

/// Everything that a state is compared with. Scripts are told apart by their hashes: they would be most of the list.
const INCLUDE: &str = "script_sha256,config,task_config,secrets";

/// How many pages are under way at a time: a page is some hundred kilobytes of memory before its tasks are taken out.
const PAGES_AT_A_TIME: usize = 2;

/// How long a page may take. All readers wait for it, and single reads get on also where lists do not.
const PATIENCE: Duration = Duration::from_secs(20);

/// The list, and who asks for it.
#[derive(Default)]
pub(super) struct Refresh {
    list: Mutex<List>,
    /// Held by the one reader that fetches pages; the others wait for it. Should it be given up, the next one goes on.
    flight: tokio::sync::Mutex<()>,
}

impl Refresh {
    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Api {
    /// A task with everything but the values of its secrets, for a refresh. `script` is the text that is known already, if any.
    ///
    /// The answer may be that of a list which is up to a minute old. Only the server's answer to a request for this one task is an
    /// error, "not found" included.
    pub(crate) async fn task(&self, id: TaskId, script: Option<&str>) -> Result<Task, Error> {
        if let Some(entry) = self.listed(id).await
            && let Ok(mut task) = serde_json::from_str::<Task>(entry.text.get())
            && says_everything(&task)
            && is_hash_of(task.script_sha256.as_deref(), script)
        {
            task.script = script.map(str::to_owned);
            return Ok(task);
        }
        self.call(async |client| client.tasks().get(id).await).await
    }

    /// What a list tells about this task counts no more. To be said before each request that changes or deletes it: from then on
    /// nobody knows what the server has.
    pub(crate) fn wrote(&self, id: TaskId) {
        self.refresh.list().wrote(id);
    }

    /// What a list says about the task, if it is time for a list and the task is in it.
    async fn listed(&self, id: TaskId) -> Option<Entry> {
        let mut flight = None;
        loop {
            let step = self.refresh.list().step(id, Instant::now());
            match step {
                Step::Found(entry) => return Some(entry),
                Step::Single => return None,
                // Somebody else may have fetched it meanwhile: look again.
                Step::Fetch(_) if flight.is_none() => flight = Some(self.refresh.flight.lock().await),
                Step::Fetch(pages) => {
                    let asked = Instant::now();
                    let mut answers = stream::iter(pages)
                        .map(|number| async move { (number, self.page(number).await) })
                        .buffer_unordered(PAGES_AT_A_TIME);
                    while let Some((number, answer)) = answers.next().await {
                        match answer {
                            Some(page) => self.refresh.list().add(number, page, asked),
                            None => self.refresh.list().give_up(),
                        }
                        if self.refresh.list().is_given_up() {
                            break;
                        }
                    }
                    tokio::spawn(forget_later(Arc::downgrade(&self.refresh)));
                }
            }
        }
    }

    /// A page of the list. Why there is none does not matter here: single reads find out as well, and say so.
    async fn page(&self, number: u32) -> Option<Page<Entry>> {
        let mut query = TaskQuery::new();
        query.page = Some(number);
        query.limit = Some(PAGE);
        query.include = Some(INCLUDE.to_owned());
        match timeout(PATIENCE, self.call(async |client| client.tasks().page_of(&query).await)).await {
            Ok(Ok(page)) => return Some(page),
            Ok(Err(error)) => tracing::debug!(%error, "tasks cannot be listed and are read one by one"),
            Err(_) => tracing::debug!("a list of tasks takes too long; they are read one by one"),
        }
        None
    }
}

/// Frees what nobody has read, such as the tasks of others, also where nobody reads any more.
async fn forget_later(refresh: Weak<Refresh>) {
    sleep(FRESH + Duration::from_secs(1)).await;
    if let Some(refresh) = refresh.upgrade() {
        refresh.list().forget_old(Instant::now());
    }
}

/// Whether the server has added all that was asked for. One that does not know a part leaves it out.
fn says_everything(task: &Task) -> bool {
    task.config.is_some() && task.task_config.is_some() && task.secret_revisions.is_some()
}

fn is_hash_of(hash: Option<&str>, script: Option<&str>) -> bool {
    match (hash, script) {
        (None, None) => true,
        (Some(hash), Some(script)) => {
            let mut text = String::with_capacity(64);
            for byte in digest(&SHA256, script.as_bytes()).as_ref() {
                // Writing into a string does not fail.
                let _ = write!(text, "{byte:02x}");
            }
            text.eq_ignore_ascii_case(hash)
        }
        _ => false,
    }
}
