//! What run profiles do: objects move between the file of a connected system, its connector space, and users and groups.
//!
//! All work is done in pages, each in a transaction of its own. Each makes sure first that the activity is still at work here and
//! that nobody has changed the connected system. What is done stays done when the work is stopped, and doing it again is harmless.

mod export;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod import;
mod inbound;
mod memberships;
mod outbound;
mod person;
mod rows;
mod strict;

use std::sync::Arc;

use jiff::Timestamp;
use justiam_sdk::api::activities::{ActivityStatus, ObjectError};
use justiam_sdk::api::audit::AuditEntry;
use justiam_sdk::api::connected_systems::{ConnectedSystem, Direction, RunProfile, RunType};
use justiam_sdk::api::ids::ActivityId;
use tokio_util::sync::CancellationToken;

use super::App;
use super::audit::Event;
use crate::allowed_folders::AllowedFolders;
use crate::store::activities::{Objects, StepEnding};
use crate::store::{self, Db, Tx, activities, connected_systems, run_profiles};

/// How many errors of single objects an activity keeps.
pub const MAX_ERRORS: usize = 100;
/// The count of objects with errors.
const ERRORS: &str = "errors";
/// How often a page is tried: somebody may take an e-mail address or a name between the look and the write.
const TRIES: u32 = 3;

/// Why the work ended early.
#[derive(Debug)]
enum Halt {
    /// Somebody wanted it to stop, or the activity is not at work here any more.
    Stopped,
    /// It cannot go on, for this reason.
    Failed(String),
    /// The database failed.
    Store(store::Error),
}

impl From<store::Error> for Halt {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

type Done<T> = Result<T, Halt>;

/// The work of one activity.
struct Work<'a> {
    app: &'a App,
    db: &'a Db,
    folders: &'a AllowedFolders,
    activity: ActivityId,
    attempt: i32,
    stop: &'a CancellationToken,
    system: ConnectedSystem,
    profile: RunProfile,
    /// When the definition of the connected system was last changed.
    changed: Timestamp,
    objects: Objects,
    /// What was left out on purpose.
    remark: Option<String>,
}

/// What became of the objects of one page.
#[derive(Debug, Default)]
struct Tally {
    counts: Vec<(&'static str, i64)>,
    errors: Vec<ObjectError>,
}

impl Tally {
    /// Counts objects. What did not happen is not told.
    fn add(&mut self, word: &'static str, count: usize) {
        if count == 0 {
            return;
        }
        self.counts.push((word, i64::try_from(count).unwrap_or(i64::MAX)));
    }

    fn one(&mut self, word: &'static str) {
        self.add(word, 1);
    }

    fn wrong(&mut self, object: &str, message: impl Into<String>) {
        self.errors.push(ObjectError::new(object, message));
    }
}

/// Does what a run profile says, for an activity that is at work in this attempt.
pub async fn execute_run_profile(
    app: &Arc<App>,
    db: &Db,
    folders: &AllowedFolders,
    activity: ActivityId,
    attempt: i32,
    run_profile: i64,
    stop: &CancellationToken,
) -> StepEnding {
    match begin(db, run_profile).await {
        Ok(Some((system, profile))) => {
            let changed = system.last_updated.unwrap_or(system.created);
            let (objects, remark) = (Objects::default(), None);
            let mut work =
                Work { app, db, folders, activity, attempt, stop, system, profile, changed, objects, remark };
            let done = work.run().await;
            work.ending(done)
        }
        Ok(None) => StepEnding::failed(format!("the run profile {run_profile} does not exist any more")),
        Err(error) => unusable(&error),
    }
}

async fn begin(db: &Db, run_profile: i64) -> store::Result<Option<(ConnectedSystem, RunProfile)>> {
    let mut tx = db.read().await?;
    let Some(named) = run_profiles::named(&mut tx, &[run_profile]).await?.pop() else { return Ok(None) };
    let system = connected_systems::get(&mut tx, named.profile.connected_system_id).await?;
    Ok(system.map(|system| (system, named.profile)))
}

fn unusable(error: &store::Error) -> StepEnding {
    tracing::error!(error = error as &dyn std::error::Error, "run profile failed");
    StepEnding::failed("the server could not use its database")
}

impl Work<'_> {
    async fn run(&mut self) -> Done<()> {
        let is_inbound = self.system.direction == Direction::Inbound;
        match &self.profile.run_type {
            RunType::FullImport => import::run(self, false).await,
            RunType::DeltaImport => import::run(self, true).await,
            RunType::FullSynchronisation if is_inbound => inbound::run(self, false).await,
            RunType::DeltaSynchronisation if is_inbound => inbound::run(self, true).await,
            RunType::FullSynchronisation | RunType::DeltaSynchronisation => outbound::run(self).await,
            RunType::Export if is_inbound => Err(Halt::Failed(format!(
                "nothing is exported to `{}`, because its direction is Inbound; only Outbound connected systems are written",
                self.system.name
            ))),
            RunType::Export => export::run(self).await,
            RunType::Other(word) => {
                Err(Halt::Failed(format!("this version of the server does not carry out `{word}`")))
            }
            other => Err(Halt::Failed(format!("this version of the server does not carry out `{other}`"))),
        }
    }

    /// The file of the run profile, or that of the connected system.
    fn file_path(&self) -> &str {
        self.profile.file_path.as_deref().unwrap_or(&self.system.csv.file_path)
    }

    /// Why the file could not be read: a stop breaks it off.
    fn broken(&self, error: String) -> Halt {
        if self.stop.is_cancelled() { Halt::Stopped } else { Halt::Failed(error) }
    }

    fn delimiter(&self) -> u8 {
        self.system.csv.delimiter.bytes().next().unwrap_or(b',')
    }

    /// Begins the transaction of a page with so many objects, if the work may go on.
    async fn page(&self, objects: usize) -> Done<Tx> {
        if self.stop.is_cancelled() {
            return Err(Halt::Stopped);
        }
        let mut tx = self.db.write().await?;
        let processed = self.objects.processed + i64::try_from(objects).unwrap_or_default();
        let to_process = self.objects.to_process;
        if !activities::progress(&mut tx, self.activity, self.attempt, processed, to_process).await? {
            return Err(Halt::Stopped);
        }
        match connected_systems::hold(&mut tx, self.system.id).await? {
            Some(changed) if changed == self.changed => Ok(tx),
            Some(_) => Err(Halt::Failed(format!("`{}` was changed while this was at work", self.system.name))),
            None => Err(Halt::Failed(format!("`{}` was deleted while this was at work", self.system.name))),
        }
    }

    /// Commits a page, and then counts what became of its objects.
    async fn commit(&mut self, tx: Tx, objects: usize, tally: Tally) -> Done<()> {
        tx.commit().await?;
        self.objects.processed += i64::try_from(objects).unwrap_or_default();
        self.count(tally);
        Ok(())
    }

    fn count(&mut self, tally: Tally) {
        let counts = &mut self.objects.counts;
        for (word, count) in tally.counts {
            *counts.entry(word.to_owned()).or_default() += count;
        }
        if !tally.errors.is_empty() {
            *counts.entry(ERRORS.to_owned()).or_default() += i64::try_from(tally.errors.len()).unwrap_or_default();
        }
        let room = MAX_ERRORS.saturating_sub(self.objects.errors.len());
        self.objects.errors.extend(tally.errors.into_iter().take(room));
    }

    /// An entry of the audit log for something that this run profile does.
    fn entry(&self, event: Event) -> AuditEntry {
        let actor = format!("run profile {} - {}", self.system.name, self.profile.name);
        let mut entry = self.app.entry(actor, event.with("activity_id", self.activity.to_string()));
        entry.principal = Some(format!("run_profile:{}", self.profile.id));
        entry
    }

    fn ending(self, done: Done<()>) -> StepEnding {
        let ending = match done {
            Ok(()) => {
                let errors = self.objects.counts.get(ERRORS).copied().unwrap_or_default();
                let mut ending = match (errors, &self.remark) {
                    (0, None) => StepEnding::new(ActivityStatus::Complete),
                    (0, Some(_)) => StepEnding::new(ActivityStatus::CompleteWithWarning),
                    _ => StepEnding::new(ActivityStatus::CompleteWithError),
                };
                if errors > 0 {
                    let shown = self.objects.errors.len();
                    let first = if usize::try_from(errors) == Ok(shown) {
                        String::new()
                    } else {
                        format!(", of which the first {shown} are told")
                    };
                    ending.error = Some(format!("objects with errors: {errors}{first}"));
                }
                ending
            }
            Err(Halt::Stopped) => StepEnding::new(ActivityStatus::Cancelled),
            Err(Halt::Failed(error)) => StepEnding::failed(error),
            Err(Halt::Store(error)) => unusable(&error),
        };
        let counts: Vec<String> = self
            .objects
            .counts
            .iter()
            .filter(|(word, _)| *word != ERRORS)
            .map(|(word, count)| format!("{count} {word}"))
            .collect();
        let counts = if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") };
        let message = match self.remark {
            Some(remark) => format!("{counts}; {remark}"),
            None => counts,
        };
        StepEnding { message: Some(message), objects: self.objects, ..ending }
    }
}

/// Whether a page may succeed when it is tried again: somebody was quicker.
fn passes(halt: &Halt) -> bool {
    matches!(halt, Halt::Store(store::Error::Conflict(_) | store::Error::Unavailable(_)))
}

/// Does something with a file, where it holds up nobody.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Done<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Halt::Failed(format!("the work on the file broke off: {error}")))
}
