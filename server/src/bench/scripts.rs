//! Real scripts in the real sandbox: what a run costs beside its interpreter, how many go through, what a call to the server costs, and
//! whether busy scripts hold up the ticks of others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::ids::{RunId, TaskId, UserId};
use justiam_sdk::api::users::{Attributes, INTERNAL};
use justiam_sdk::api::values::{OverlapPolicy, RunStatus, Trigger};

use super::footprint::{cpu_seconds, memory_mb};
use super::ground::{Engine, Error, Fire, Ground, Result};
use super::report::{Lag, Report};
use crate::app::caller::Caller;
use crate::app::runs::Firing;
use crate::config::{Config, Roles};
use crate::driver::execute::Executor;
use crate::driver::execute::script::ScriptRunner;
use crate::store::bench;
use crate::store::identity::users::{self, NewUser};
use crate::telemetry::traces::Telemetry;
use crate::{ServeError, outbound_of, script_settings};

/// The smallest script.
const HELLO: &str = "package task\n\nfunc Run() (string, error) {\n\treturn \"hello\", nil\n}\n";
/// The same without a server.
const BARE: &str =
    "package main\n\nfunc run() (string, error) {\n\treturn \"hello\", nil\n}\n\nfunc main() {\n\tprintln(run())\n}\n";
/// Computes until it is time.
const COMPUTE: &str = r#"package task

import "time"

func Run() (string, error) {
	end := time.Now().Add(BUSY_FOR)
	n := 0
	for time.Now().Before(end) {
		for i := 0; i < 1000; i++ {
			n += i
		}
	}
	return "busy", nil
}
"#;
/// Creates and lists users until it is time, with as many calls at once as are answered.
const CHANGE_USERS: &str = r#"package task

import (
	"fmt"
	"idp"
	"math/rand"
	"sync"
	"time"
)

func Run() (string, error) {
	end := time.Now().Add(BUSY_FOR)
	source := rand.New(rand.NewSource(time.Now().UnixNano()))
	prefix := source.Int63()
	var all sync.WaitGroup
	for g := 0; g < 16; g++ {
		all.Add(1)
		go func(g int) {
			defer all.Done()
			for n := 0; time.Now().Before(end); n++ {
				idp.CreateUser(fmt.Sprintf("u%d-%d-%d@example.com", prefix, g, n), "", "", "")
				if n%50 == 49 {
					idp.ListUsers()
				}
			}
		}(g)
	}
	all.Wait()
	return "busy", nil
}
"#;
/// Among how many tasks runs are spread.
const TASKS: usize = 20;
/// How many users there are to be found.
const USERS: usize = 1000;
/// How many runs a measurement of single runs leaves out at its beginning.
const WARM_UP: u32 = 5;
/// How long a crowd is given to get going before the first tick.
const LEAD: SignedDuration = SignedDuration::from_secs(3);

/// Scripts without a pause, and other tasks.
pub(super) struct Crowd {
    pub(super) scripts: u32,
    pub(super) per_second: u32,
    pub(super) seconds: u32,
    /// Whether the scripts call the server instead of computing.
    pub(super) calls: bool,
}

/// A folder for what scripts need; removed at the end.
struct Workshop(PathBuf);

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Workshop {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("justiam-bench-scripts-{}", super::ground::unique()));
        fs::create_dir(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        Ok(Self(path))
    }

    /// Starts the engine with scripts in the isolation of a server with the default settings.
    fn start(&self, ground: &Ground, roles: Roles, workers: u32) -> Result<Engine> {
        let mut config = Config::new(&self.0);
        config.yaegi = yaegi();
        let setup = |error: ServeError| Error::Setup(error.to_string());
        let scripts = ScriptRunner::new(script_settings(&config, self.0.join("runs")))?;
        let telemetry = Telemetry::new(None).map_err(Error::Setup)?;
        let outbound = outbound_of(&config, &telemetry, &ground.app.clock).map_err(setup)?;
        Ok(ground.start_with(Arc::new(Executor::new(scripts, outbound, telemetry)), roles, workers))
    }
}

fn yaegi() -> PathBuf {
    std::env::var_os("JUSTIAM_YAEGI").map_or_else(|| "yaegi".into(), PathBuf::from)
}

/// From a trigger to the end of its run, one after the other, in turns with the bare interpreter.
pub(super) async fn latency(ground: &Ground, runs: u32, workers: u32) -> Result<Report> {
    let workshop = Workshop::new()?;
    let bare = workshop.0.join("bare.go");
    fs::write(&bare, BARE).map_err(|source| Error::Io { path: bare.clone(), source })?;
    let task = ground.create_scripts(1, HELLO).await?[0];
    let engine = workshop.start(ground, Roles { api: false, dispatch: false, work: true }, workers)?;
    let (mut ours, mut bares) = (Vec::new(), Vec::new());
    let (cpu, begun) = (cpu_seconds(), ground.app.clock.monotonic());
    for round in 0..runs + WARM_UP {
        let alone = interpret(ground, &bare)?;
        let whole = triggered(ground, task).await?;
        if round >= WARM_UP {
            bares.push(alone);
            ours.push(whole);
        }
    }
    let took = (ground.app.clock.monotonic() - begun).as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    engine.stop().await;
    let rows = bench::ended(&ground.app.db).await?;
    let count = u64::from(runs + WARM_UP);
    Ok(Report {
        workload: "hello-world scripts, one after the other".into(),
        database: ground.database.into(),
        workers,
        count: runs.into(),
        seconds: took,
        trigger_to_end: Lag::of(ours),
        bare: Lag::of(bares),
        cpu_seconds: cpu,
        memory_mb: memory_mb(),
        rows,
        lost: count.saturating_sub(rows),
        ..Report::default()
    })
}

/// Microseconds from the start of the bare interpreter to its end.
fn interpret(ground: &Ground, program: &Path) -> Result<i64> {
    let begun = ground.app.clock.monotonic();
    let status = Command::new(yaegi())
        .arg("run")
        .arg(program)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|source| Error::Io { path: yaegi(), source })?;
    if !status.success() {
        return Err(Error::Unfinished(format!("the bare interpreter ended with {status}")));
    }
    Ok(micros(ground.app.clock.monotonic() - begun))
}

/// Microseconds from a trigger to the moment at which its run can be seen to have ended.
async fn triggered(ground: &Ground, task: TaskId) -> Result<i64> {
    let (app, caller) = (&ground.app, operator());
    let begun = app.clock.monotonic();
    let run = app.run_task(&caller, task, None).await?.id;
    wait(ground, run, SignedDuration::from_millis(1)).await?;
    Ok(micros(app.clock.monotonic() - begun))
}

/// Waits for the end of a run, and fails where it is a bad one.
async fn wait(ground: &Ground, run: RunId, look_every: SignedDuration) -> Result<String> {
    let (app, caller) = (&ground.app, operator());
    let begun = app.clock.monotonic();
    loop {
        let run = app.run(&caller, run).await?;
        if run.status == RunStatus::Success {
            return Ok(run.output.unwrap_or_default());
        }
        let late = app.clock.monotonic() - begun > SignedDuration::from_mins(2);
        if run.status.is_terminal() || late {
            return Err(Error::Unfinished(run.error.unwrap_or_else(|| format!("the run is {}", run.status))));
        }
        app.clock.sleep_until(app.now() + look_every).await;
    }
}

/// Runs that wait, each of them a script: how many end in a second.
pub(super) async fn burn_down(ground: &Ground, runs: u32, workers: u32) -> Result<Report> {
    let (app, workshop) = (&ground.app, Workshop::new()?);
    let tasks = ground.create_scripts(TASKS, HELLO).await?;
    let first = app.now();
    let firings = (0..runs).zip(tasks.iter().cycle()).map(|(tick, task)| Firing {
        scheduled_for: first + SignedDuration::from_micros(tick.into()),
        ..firing(*task, Trigger::Cron, first)
    });
    let firings = firings.collect();
    let mut tx = app.db.write().await?;
    app.fire(&mut tx, firings).await?;
    tx.commit().await?;
    bench::analyze(&app.db).await?;
    let (cpu, begun) = (cpu_seconds(), app.clock.monotonic());
    let engine = workshop.start(ground, Roles { api: false, dispatch: false, work: true }, workers)?;
    engine.idle(ground, SignedDuration::from_mins(10)).await?;
    let took = (app.clock.monotonic() - begun).as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    engine.stop().await;
    let rows = bench::ended(&app.db).await?;
    Ok(Report {
        workload: "burn-down of hello-world scripts".into(),
        database: ground.database.into(),
        workers,
        count: runs.into(),
        seconds: took,
        runs_per_second: Some(f64::from(runs) / took),
        cpu_seconds: cpu,
        cpu_seconds_per_1000_runs: Some(cpu * 1000.0 / f64::from(runs)),
        memory_mb: memory_mb(),
        rows,
        lost: u64::from(runs).saturating_sub(rows),
        ..Report::default()
    })
}

/// One script that looks up users, one call after the other.
pub(super) async fn calls(ground: &Ground, calls: u32, workers: u32) -> Result<Report> {
    let (app, workshop) = (&ground.app, Workshop::new()?);
    let now = app.now();
    let mut tx = app.db.write().await?;
    for n in 0..USERS {
        users::put(&mut tx, &user(ground, n), now).await?;
    }
    tx.commit().await?;
    // The script measures itself: how long its interpreter takes to start is another figure.
    let source = format!(
        r#"package task

import (
	"fmt"
	"idp"
	"time"
)

func Run() (string, error) {{
	begun := time.Now()
	for i := 0; i < {calls}; i++ {{
		user, err := idp.GetUserByEmail(fmt.Sprintf("user%d@example.com", i%{USERS}))
		if err != nil {{
			return "", err
		}}
		if user == nil {{
			return "", fmt.Errorf("user %d is missing", i)
		}}
	}}
	return fmt.Sprint(time.Since(begun).Microseconds()), nil
}}
"#
    );
    let task = ground.create_scripts(1, &source).await?[0];
    let (cpu, begun) = (cpu_seconds(), app.clock.monotonic());
    let engine = workshop.start(ground, Roles { api: false, dispatch: false, work: true }, workers)?;
    let run = app.run_task(&operator(), task, None).await?.id;
    // Seldom, so that looking takes nothing from the calls.
    let output = wait(ground, run, SignedDuration::from_millis(200)).await?;
    let took = (app.clock.monotonic() - begun).as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    engine.stop().await;
    let micros: f64 = output.parse().map_err(|_| Error::Unfinished(format!("the script returned `{output}`")))?;
    let rows = bench::ended(&app.db).await?;
    Ok(Report {
        workload: format!("a script with {calls} calls of idp.GetUserByEmail"),
        database: ground.database.into(),
        workers,
        count: calls.into(),
        seconds: took,
        calls_per_second: Some(f64::from(calls) * 1_000_000.0 / micros),
        cpu_seconds: cpu,
        memory_mb: memory_mb(),
        rows,
        lost: 1_u64.saturating_sub(rows),
        ..Report::default()
    })
}

/// Scripts that compute, or create and list users, without a pause, while ticks of other tasks fall due: how late these are.
pub(super) async fn crowd(ground: &Ground, crowd: Crowd, workers: u32) -> Result<Report> {
    let Crowd { scripts, per_second, seconds, calls } = crowd;
    let (app, workshop) = (&ground.app, Workshop::new()?);
    let busy_for = LEAD + SignedDuration::from_secs(i64::from(seconds)) + LEAD;
    let work = if calls { CHANGE_USERS } else { COMPUTE };
    let source = work.replace("BUSY_FOR", &format!("{} * time.Millisecond", busy_for.as_millis()));
    let busy = ground.create_scripts(scripts as usize, &source).await?;
    let engine = workshop.start(ground, Roles::ALL, workers)?;
    let begun = app.now();
    let mut tx = app.db.write().await?;
    let firings = busy.iter().map(|task| firing(*task, Trigger::Manual, begun)).collect();
    app.fire(&mut tx, firings).await?;
    tx.commit().await?;
    app.wakes.here(crate::app::wake::Wake::Work);
    let count = per_second * seconds;
    let first = app.now() + LEAD;
    let gap = SignedDuration::from_secs(1) / i32::try_from(per_second).unwrap_or(i32::MAX);
    let fires: Vec<_> = (0..count).map(|n| Fire::At(first + gap * i32::try_from(n).unwrap_or(i32::MAX))).collect();
    ground.create_tasks(&fires).await?;
    ground.not_after(first)?;
    let cpu = cpu_seconds();
    app.wakes.here(crate::app::wake::Wake::Dispatch);
    // Not by looking for the end: that would take its part of the processors.
    app.clock.sleep_until(first + SignedDuration::from_secs(i64::from(seconds)) + LEAD + LEAD).await;
    engine.idle(ground, SignedDuration::from_mins(2)).await?;
    let took = begun.duration_until(app.now()).as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    engine.stop().await;
    let rows = bench::ended(&app.db).await?;
    let all = u64::from(count + scripts);
    Ok(Report {
        workload: format!(
            "{scripts} {} scripts, and {per_second} other tasks due in each second",
            if calls { "calling" } else { "computing" }
        ),
        database: ground.database.into(),
        workers,
        count: count.into(),
        seconds: took,
        lag: Lag::of(bench::lags_since(&app.db, first).await?),
        cpu_seconds: cpu,
        memory_mb: memory_mb(),
        rows,
        lost: all.saturating_sub(rows),
        ..Report::default()
    })
}

fn firing(task_id: TaskId, trigger: Trigger, scheduled_for: Timestamp) -> Firing {
    Firing {
        task_id,
        task_name: "bench".to_owned(),
        overlap_policy: OverlapPolicy::Allow,
        trigger,
        scheduled_for,
        missed_ticks: 0,
        triggered_by: None,
    }
}

fn user(ground: &Ground, n: usize) -> NewUser {
    NewUser {
        id: UserId::from_uuid(ground.app.new_id()),
        email: format!("user{n}@example.com"),
        first_name: "User".into(),
        last_name: n.to_string(),
        is_active: true,
        auth_source: INTERNAL.to_owned(),
        attributes: Attributes::new(),
        last_login_at: None,
        created_at: None,
    }
}

/// Who asks.
fn operator() -> Caller {
    Caller {
        principal: "bench".into(),
        name: "bench".into(),
        permissions: Vec::new(),
        is_admin: true,
        expires_at: None,
        token: None,
        request_id: None,
    }
}

fn micros(time: SignedDuration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
