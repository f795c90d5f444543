//! An engine whose steps do what the test says: the real dispatcher, workers and use cases on a database, without HTTP.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::future::BoxFuture;
use jiff::SignedDuration;
use justiam_sdk::api::activities::ActivityStatus;
use justiam_sdk::api::executions::{Execution, ExecutionQuery, ExecutionStatus, ExecutionStep};
use justiam_sdk::api::ids::{ExecutionId, ScheduleId};
use justiam_sdk::api::pattern::PatternFields;
use justiam_sdk::api::schedules::{ExecutionMode, PatternType, StepType, TriggerType};
use justiam_server::app::App;
use justiam_server::app::caller::Caller;
use justiam_server::app::invariants::Reach;
use justiam_server::app::vault::Vault;
use justiam_server::clock::Clock as _;
use justiam_server::config::{History, Roles};
use justiam_server::driver::execute::step::{ExecuteStep, StepEnding, StepWork};
use justiam_server::driver::execute::{Execute, Work};
use justiam_server::driver::{Driver, Settings};
use justiam_server::lifecycle::Shutdown;
use justiam_server::store::runs::Ending;
use justiam_server::store::schedules::{self, ScheduleRow, StepRow};
use justiam_server::store::{Db, Tx};
use justiam_tests::backend::Backend;
use justiam_tests::clock::ManualClock;
use justiam_tests::server::START;
use justiam_tests::{soon, until};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Where steps arrive, and wait for what the test says.
pub(crate) struct Hands {
    arrivals: mpsc::UnboundedSender<Arrival>,
    /// Whether steps go on that are asked to stop.
    deaf: AtomicBool,
}

/// A step at work.
pub(crate) struct Arrival {
    pub(crate) name: String,
    end: oneshot::Sender<StepEnding>,
    stop: CancellationToken,
}

impl Arrival {
    pub(crate) fn succeed(self) {
        self.end_as(StepEnding::new(ActivityStatus::Complete));
    }

    pub(crate) fn fail(self, why: &str) {
        self.end_as(StepEnding::failed(why));
    }

    /// Ends the step, unless it was stopped before.
    pub(crate) fn end_as(self, ending: StepEnding) {
        let _ = self.end.send(ending);
    }

    /// Lets the step panic.
    pub(crate) fn panic(self) {
        drop(self.end);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Waits until somebody stops it.
    pub(crate) async fn stopped(&self) {
        soon("the step to be stopped", self.stop.cancelled()).await;
    }
}

impl ExecuteStep for Hands {
    fn execute<'a>(&'a self, work: StepWork<'a>) -> BoxFuture<'a, StepEnding> {
        Box::pin(async move {
            let (end, ended) = oneshot::channel();
            let (name, stop) = (work.job.name.clone(), work.stop.clone());
            self.arrivals.send(Arrival { name, end, stop }).unwrap();
            let stop = async {
                work.stop.cancelled().await;
                if self.deaf.load(Ordering::Relaxed) {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                ending = ended => ending.expect("this step is meant to panic"),
                () = stop => StepEnding::new(ActivityStatus::Cancelled),
            }
        })
    }
}

/// These stories have no tasks.
struct NoTasks;

impl Execute for NoTasks {
    fn execute<'a>(&'a self, _: Work<'a>) -> BoxFuture<'a, Ending> {
        panic!("there are no tasks")
    }
}

/// One server's engine.
pub(crate) struct Engine {
    pub(crate) app: Arc<App>,
    pub(crate) clock: ManualClock,
    db: Db,
    hands: Arc<Hands>,
    steps: Mutex<mpsc::UnboundedReceiver<Arrival>>,
    pub(crate) shutdown: Shutdown,
    running: JoinHandle<()>,
}

impl Engine {
    pub(crate) async fn start(backend: &Backend) -> Self {
        Self::start_with(backend, ManualClock::at(START), |_| {}).await
    }

    /// One more engine on a database, or one after another.
    pub(crate) async fn start_with(backend: &Backend, clock: ManualClock, change: impl FnOnce(&mut Settings)) -> Self {
        let db = backend.store().await;
        let vault = Vault::new(&"what the servers of a test share".into()).unwrap();
        let app = Arc::new(App::new(db.clone(), Arc::new(clock.clone()), vault));
        let (arrivals, steps) = mpsc::unbounded_channel();
        let hands = Arc::new(Hands { arrivals, deaf: AtomicBool::new(false) });
        let mut settings = Settings { slots: 4, step_slots: 64, roles: Roles::ALL, history: History { days: 90 } };
        change(&mut settings);
        let steps_of: Arc<dyn ExecuteStep> = Arc::<Hands>::clone(&hands);
        let driver = Arc::new(Driver::new(Arc::clone(&app), Arc::new(NoTasks), steps_of, settings));
        let shutdown = Shutdown::new();
        let stages = shutdown.clone();
        let running = tokio::spawn(async move { driver.run(&stages.soft, &stages.hard).await });
        Self { app, clock, db, hands, steps: Mutex::new(steps), shutdown, running }
    }

    /// Ends gently, once nothing is at work any more, and looks for what must not be.
    pub(crate) async fn stop(self) {
        self.shutdown.soft.cancel();
        soon("the engine to end", self.running).await.unwrap();
        let checked = self.app.invariants(Reach::Whole).await.unwrap();
        let violated: Vec<_> =
            checked.into_iter().filter(|checked| checked.violations > 0 && !checked.needs_servers).collect();
        assert!(violated.is_empty(), "{violated:#?}");
        self.db.close().await;
    }

    /// Ends at once, as a power cut would.
    pub(crate) fn kill(self) {
        self.running.abort();
    }

    /// From now on, steps go on that are asked to stop.
    pub(crate) fn be_deaf(&self) {
        self.hands.deaf.store(true, Ordering::Relaxed);
    }

    pub(crate) async fn write<T>(&self, work: impl AsyncFnOnce(&mut Tx) -> T) -> T {
        let mut tx = self.db.write().await.unwrap();
        let done = work(&mut tx).await;
        tx.commit().await.unwrap();
        done
    }

    /// Stores a schedule with these steps: their names and indexes.
    pub(crate) async fn schedule(&self, steps: &[(&str, i64)]) -> ScheduleId {
        self.schedule_with(steps, |_, _| {}).await
    }

    pub(crate) async fn schedule_with(
        &self,
        steps: &[(&str, i64)],
        change: impl FnOnce(&mut ScheduleRow, &mut Vec<StepRow>),
    ) -> ScheduleId {
        let id: ScheduleId = new_id();
        let mut row = schedule(id, self.clock.now());
        let mut steps: Vec<StepRow> = (0..).zip(steps).map(|(at, (name, index))| step(id, at, name, *index)).collect();
        change(&mut row, &mut steps);
        self.write(async |tx| {
            assert!(schedules::insert(tx, &row).await.unwrap());
            schedules::replace_steps(tx, id, &steps).await.unwrap();
        })
        .await;
        id
    }

    /// The same, and it fires at each full hour.
    pub(crate) async fn hourly(&self, steps: &[(&str, i64)]) -> ScheduleId {
        self.schedule_with(steps, |row, _| {
            row.trigger_type = TriggerType::Cron;
            row.pattern = PatternFields::new(PatternType::Custom);
            row.pattern.cron_expression = Some("0 * * * *".into());
            row.is_enabled = true;
            row.next_run_at = self.clock.now().checked_add(SignedDuration::from_hours(1)).ok();
        })
        .await
    }

    pub(crate) async fn run(&self, schedule: ScheduleId) -> ExecutionId {
        self.app.run_schedule(&admin(), schedule, None).await.unwrap().execution_id
    }

    /// The next step that begins.
    pub(crate) async fn step(&self) -> Arrival {
        soon("a step to begin", async { self.steps.lock().await.recv().await }).await.unwrap()
    }

    /// The next steps that begin, in the order of their names.
    pub(crate) async fn steps(&self, count: usize) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        for _ in 0..count {
            arrivals.push(self.step().await);
        }
        arrivals.sort_by(|one, other| one.name.cmp(&other.name));
        arrivals
    }

    /// Fails when a step has begun that was not expected.
    pub(crate) async fn assert_nobody(&self) {
        assert!(self.steps.lock().await.try_recv().is_err(), "a step has begun");
    }

    pub(crate) async fn execution(&self, id: ExecutionId) -> Execution {
        self.app.execution(&admin(), id).await.unwrap()
    }

    pub(crate) async fn cancel(&self, id: ExecutionId) -> Execution {
        self.app.cancel_execution(&admin(), id, None).await.unwrap()
    }

    /// Waits until an execution has a status and none of its steps can change any more.
    pub(crate) async fn settled(&self, id: ExecutionId, status: ExecutionStatus) -> Execution {
        until(&format!("an execution to be {status}"), async || {
            let execution = self.execution(id).await;
            execution.status == status && steps(&execution).iter().all(|step| step.status.is_terminal())
        })
        .await;
        self.execution(id).await
    }

    /// All executions of a schedule, oldest first.
    pub(crate) async fn history(&self, schedule: ScheduleId) -> Vec<Execution> {
        let mut query = ExecutionQuery::of(schedule);
        query.sort_descending = Some(false);
        self.app.list_executions(&admin(), &query).await.unwrap().items
    }

    /// Waits until a schedule has so many executions, and returns them, oldest first.
    pub(crate) async fn executions(&self, schedule: ScheduleId, count: usize) -> Vec<Execution> {
        until(&format!("{count} executions"), async || self.history(schedule).await.len() >= count).await;
        let history = self.history(schedule).await;
        assert_eq!(history.len(), count, "{history:#?}");
        history
    }
}

pub(crate) fn steps(execution: &Execution) -> &[ExecutionStep] {
    execution.steps.as_deref().unwrap()
}

/// The names of an execution's steps, and how they stand.
pub(crate) fn standing(execution: &Execution) -> Vec<String> {
    steps(execution).iter().map(|step| format!("{} {}", step.name, step.status)).collect()
}

pub(crate) fn admin() -> Caller {
    Caller {
        principal: "account:019b0000-0000-7000-8000-000000000001".into(),
        name: "the admin".into(),
        permissions: Vec::new(),
        is_admin: true,
        expires_at: None,
        token: None,
        request_id: None,
    }
}

/// An id that was never used before.
fn new_id<T: FromStr<Err: std::fmt::Debug>>() -> T {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    format!("019b0000-0000-7000-8000-{number:012x}").parse().unwrap()
}

fn schedule(id: ScheduleId, now: jiff::Timestamp) -> ScheduleRow {
    ScheduleRow {
        id,
        name: format!("S {id}"),
        description: None,
        trigger_type: TriggerType::Manual,
        pattern: PatternFields::new(PatternType::SpecificTimes),
        timezone: "UTC".into(),
        is_enabled: false,
        last_run_at: None,
        next_run_at: None,
        revision: "r1".into(),
        created_at: now,
        updated_at: None,
        step_count: 0,
    }
}

fn step(schedule_id: ScheduleId, position: i64, name: &str, step_index: i64) -> StepRow {
    StepRow {
        id: new_id(),
        schedule_id,
        position,
        step_index,
        name: Some(name.to_owned()),
        execution_mode: ExecutionMode::Sequential,
        step_type: StepType::Executable,
        continue_on_failure: false,
        timeout_seconds: None,
        connected_system_id: None,
        run_profile_id: None,
        script_path: None,
        arguments: None,
        executable_path: Some("/nowhere".into()),
        working_directory: None,
        sql_connection: None,
        sql_script_path: None,
    }
}
