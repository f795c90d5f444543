//! A CSV file becomes users and groups: imports and synchronisations of a connected system, one after the other.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use jiff::SignedDuration;
use justiam_sdk::api::activities::ActivityStatus;
use justiam_sdk::api::connected_systems::{ConnectedSystem, CsvSettings, Direction, RunProfile, RunType};
use justiam_sdk::api::executions::InitiatorType;
use justiam_sdk::api::ids::ActivityId;
use tokio_util::sync::CancellationToken;

use super::footprint::{cpu_seconds, memory_mb, peak_memory_mb};
use super::ground::{Error, Ground, Result};
use super::report::{Phase, Report};
use crate::allowed_folders::AllowedFolders;
use crate::app::connector::execute_run_profile;
use crate::store::executions::Initiator;
use crate::store::{active_steps, activities, connected_systems, run_profiles};

/// Into how many groups the users are divided; each is in two.
const GROUPS: u32 = 50;
/// Whoever executes the run profiles.
const WORKER: &str = "bench";

pub(super) async fn measure(ground: &Ground, rows: u32) -> Result<Report> {
    let app = &ground.app;
    let folder = tempfile::tempdir().map_err(|error| Error::Setup(format!("no folder could be made: {error}")))?;
    let path = folder.path().join("people.csv");
    write(&path, rows).map_err(|source| Error::Io { path: path.clone(), source })?;
    let apart = folder.path().with_extension("apart");
    let folders = AllowedFolders::new(&[folder.path().to_owned()], &apart).map_err(Error::Setup)?;
    let system = add_system(ground, &path).await?;
    let (cpu, begun) = (cpu_seconds(), app.clock.monotonic());
    let mut phases = Vec::new();
    for (what, run_type) in [
        ("full import", RunType::FullImport),
        ("full synchronisation, all users are new", RunType::FullSynchronisation),
        ("full import, nothing is new", RunType::FullImport),
        ("full synchronisation, nothing is new", RunType::FullSynchronisation),
    ] {
        let begun = app.clock.monotonic();
        let (id, attempt, profile) = begin(ground, system, what, run_type).await?;
        let stop = CancellationToken::new();
        let ending = execute_run_profile(app, &app.db, &folders, id, attempt, profile, &stop).await;
        let mut tx = app.db.write().await?;
        active_steps::take_ended(&mut tx, WORKER, id, attempt).await?;
        tx.commit().await?;
        if ending.status != ActivityStatus::Complete {
            return Err(Error::Unfinished(ending.error.or(ending.message).unwrap_or_default()));
        }
        phases.push(Phase { what: what.to_owned(), seconds: (app.clock.monotonic() - begun).as_secs_f64() });
    }
    Ok(Report {
        workload: format!("{rows} rows of a CSV file"),
        database: ground.database.into(),
        workers: 1,
        count: rows.into(),
        seconds: (app.clock.monotonic() - begun).as_secs_f64(),
        phases,
        cpu_seconds: cpu_seconds() - cpu,
        memory_mb: memory_mb(),
        peak_memory_mb: Some(peak_memory_mb()),
        ..Report::default()
    })
}

fn write(path: &Path, rows: u32) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "id,email,first,last,active,groups,department")?;
    for row in 0..rows {
        let (group, next) = (row % GROUPS, (row + 1) % GROUPS);
        writeln!(
            file,
            "{row:08},person{row:08}@example.com,First {row},\"Last, {row}\",true,Group {group};Group {next},Department {group}"
        )?;
    }
    file.flush()
}

async fn add_system(ground: &Ground, path: &Path) -> Result<i64> {
    let mut csv = CsvSettings::new(path.display().to_string(), "id", "email");
    csv.first_name_column = Some("first".into());
    csv.last_name_column = Some("last".into());
    csv.active_column = Some("active".into());
    csv.groups_column = Some("groups".into());
    csv.attribute_columns = [("department".to_owned(), "department".to_owned())].into();
    let system = ConnectedSystem::new(0, "People".into(), Direction::Inbound, csv, ground.app.now());
    let mut tx = ground.app.db.write().await?;
    let id = connected_systems::insert(&mut tx, &system).await?;
    tx.commit().await?;
    id.ok_or_else(|| Error::Setup("the connected system could not be made".into()))
}

/// Makes a run profile and an activity, and starts it as a worker does.
async fn begin(ground: &Ground, system: i64, name: &str, run_type: RunType) -> Result<(ActivityId, i32, i64)> {
    let app = &ground.app;
    let now = app.now();
    let missing = || Error::Setup("the activity could not be made".into());
    let mut tx = app.db.write().await?;
    let profile = RunProfile::new(0, name.to_owned(), system, run_type);
    let profile = run_profiles::insert(&mut tx, &profile, now).await?.ok_or_else(missing)?;
    let id = ActivityId::from_uuid(app.new_id());
    let initiator = Initiator { kind: InitiatorType::System, id: None, name: None };
    activities::insert_run_profile(&mut tx, id, system, profile, &initiator, now).await?;
    let until = now + SignedDuration::from_hours(24);
    let (claimed, _) = active_steps::claim(&mut tx, WORKER, until, now, 1).await?;
    tx.commit().await?;
    let attempt = claimed.first().ok_or_else(missing)?.attempt;
    Ok((id, attempt, profile))
}
