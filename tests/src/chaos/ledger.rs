//! What the database says afterwards, held against what the planner says must have happened.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use justiam_planner::calendar;
use justiam_sdk::api::cron::CronExpr;
use justiam_sdk::api::zone;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, FromRow};

use super::load::Expected;
use super::report::Report;

/// What must never be found in the database: in words, and a query that counts it.
const NEVER: [(&str, &str); 9] = [
    (
        "active runs without a history",
        "SELECT count(*) FROM active_runs a WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = a.id)",
    ),
    (
        "runs that are both active and ended",
        "SELECT count(*) FROM active_runs a JOIN runs r ON r.id = a.id WHERE r.status IS NOT NULL",
    ),
    (
        "runs that are neither active nor ended",
        "SELECT count(*) FROM runs r WHERE r.status IS NULL AND NOT EXISTS (SELECT 1 FROM active_runs a WHERE a.id = r.id)",
    ),
    (
        "ticks with two runs",
        "SELECT count(*) FROM (SELECT 1 FROM runs WHERE trigger <> 'manual' GROUP BY task_id, scheduled_for \
         HAVING count(*) > 1) doubled",
    ),
    (
        "ended runs without a time of their end",
        "SELECT count(*) FROM runs WHERE status IS NOT NULL AND finished_at IS NULL",
    ),
    ("runs that ended before they began", "SELECT count(*) FROM runs WHERE finished_at < started_at"),
    (
        "runs that succeeded without having begun",
        "SELECT count(*) FROM runs WHERE status = 'success' AND started_at IS NULL",
    ),
    (
        "tasks that allow no overlap, with two runs at work or ready",
        "SELECT count(*) FROM (SELECT 1 FROM active_runs a JOIN tasks t ON t.id = a.task_id \
         WHERE t.overlap_policy <> 'allow' AND (a.status = 'running' OR a.ready) GROUP BY a.task_id HAVING count(*) > 1) two",
    ),
    (
        "enabled cron tasks without a next time",
        "SELECT count(*) FROM tasks WHERE enabled AND schedule_type = 'cron' AND next_run_at IS NULL",
    ),
];

#[derive(FromRow)]
struct Row {
    task_id: String,
    scheduled_for: i64,
    missed_ticks: i64,
    status: Option<String>,
    error: Option<String>,
    queued_at: i64,
}

/// All runs, and what was found that must not be.
pub(super) struct Ledger {
    rows: Vec<Row>,
    found: Vec<(&'static str, i64)>,
}

impl Ledger {
    /// Whether everything that was due at `until` is recorded and has ended.
    pub(super) async fn is_settled(url: &str, until: Timestamp) -> bool {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM tasks WHERE enabled AND next_run_at <= $1) AND NOT EXISTS \
                   (SELECT 1 FROM active_runs a JOIN runs r ON r.id = a.id WHERE r.scheduled_for <= $1)";
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(sql).bind(until.as_microsecond()).fetch_one(&mut connection).await.unwrap()
    }

    pub(super) async fn read(url: &str) -> Self {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let sql = "SELECT task_id, scheduled_for, missed_ticks, status, error, queued_at FROM runs \
                   WHERE trigger <> 'manual' ORDER BY task_id, scheduled_for";
        let rows = sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap();
        let mut found = Vec::new();
        for (words, sql) in NEVER {
            found.push((words, sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()));
        }
        Self { rows, found }
    }

    /// Holds all ticks up to `until` against the rows.
    pub(super) fn audit(&self, load: &[Expected], until: Timestamp) -> Report {
        let mut report = Report { tasks: load.len(), ..Report::default() };
        let mut of_tasks: HashMap<&str, Vec<&Row>> = HashMap::new();
        for row in &self.rows {
            of_tasks.entry(&row.task_id).or_default().push(row);
        }
        for task in load {
            let rows = of_tasks.remove(task.id.to_string().as_str()).unwrap_or_default();
            if let Err(broken) = account(task, &rows, until, &mut report) {
                report.broken.push(format!("task `{}`: {broken}", task.name));
            }
        }
        for (words, count) in &self.found {
            if *count > 0 {
                report.broken.push(format!("{words}: {count}"));
            }
        }
        let mut lags = Vec::new();
        let mut errors = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.scheduled_for <= until.as_microsecond()) {
            let status = row.status.clone().unwrap_or_else(|| "active".to_owned());
            *report.statuses.entry(status).or_default() += 1;
            lags.push(row.queued_at - row.scheduled_for);
            if let Some(error) = &row.error {
                *errors.entry(error.clone()).or_default() += 1;
            }
        }
        lags.sort_unstable();
        report.errors = errors;
        report.recorded_after = [lags.len() / 2, lags.len() * 99 / 100, lags.len().saturating_sub(1)]
            .map(|place| SignedDuration::from_micros(lags.get(place).copied().unwrap_or_default()));
        report
    }
}

/// Walks through the ticks of a task along its rows. An error says where the two part.
fn account(task: &Expected, rows: &[&Row], until: Timestamp, report: &mut Report) -> Result<(), String> {
    let Some((expr, zone)) = &task.cron else {
        let found: Vec<i64> = rows.iter().map(|row| row.scheduled_for).collect();
        report.ticks += 1;
        return if found == [task.first.as_microsecond()] { Ok(()) } else { Err(format!("fired once at {found:?}")) };
    };
    let (expr, zone): (CronExpr, _) = (expr.parse().unwrap(), zone::parse(zone).unwrap());
    let mut ticks = std::iter::once(task.first).chain(calendar::ticks(&expr, &zone, task.first));
    for row in rows {
        let folded = usize::try_from(row.missed_ticks).map_err(|_| format!("{} missed ticks", row.missed_ticks))?;
        let tick = ticks.nth(folded).ok_or("fires for ever, but its ticks have an end")?;
        if tick.as_microsecond() != row.scheduled_for {
            let found = Timestamp::from_microsecond(row.scheduled_for).unwrap();
            return Err(format!("expected the tick {tick} after {folded} missed ones, found {found}"));
        }
        report.ticks += folded + 1;
        report.folded += folded;
    }
    match ticks.next() {
        Some(next) if next <= until => Err(format!("the tick {next} is not accounted for")),
        _ => Ok(()),
    }
}
