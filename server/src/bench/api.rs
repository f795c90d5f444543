//! The API: a server in a process of its own, and users who ask it on a connection each.

pub(super) mod crowd;
pub(super) mod report;
pub(super) mod server;
pub(super) mod user;

use std::cell::RefCell;
use std::time::Duration;

use http::{Method, StatusCode};
use justiam_sdk::api::paths;
use justiam_sdk::api::tasks::TaskPatch;
use tokio::time::sleep;

use super::ground::{Ground, Result};
use crate::store::bench;
use crowd::{Crowd, Pace, id_in, task};
use report::{ApiReport, Requests};
use server::Home;
use user::{Ask, Tally, User};

/// What the provider asks for with each task, and how many tasks it wants on a page.
pub(super) const PROVIDERS: &str = "limit=500&include=script_sha256,config,task_config,secrets";
const PROVIDERS_PAGE: u64 = 500;
/// How many tasks a page has where nobody says otherwise.
const USUAL_PAGE: u64 = 20;
/// Time for a server to come to rest.
const SETTLE: Duration = Duration::from_secs(3);

/// How the API is measured.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// How many tasks there are.
    pub tasks: u32,
    /// On how many connections.
    pub connections: u32,
    /// How long each part takes.
    pub seconds: u32,
    /// How many pages are asked for in a second.
    pub rate: u32,
}

/// Measures a server with many tasks: reads, writes, and pages of its list.
pub async fn measure(ground: &Ground, load: Load, workers: u32) -> Result<ApiReport> {
    let mut home = Home::new(ground, workers, load.connections)?;
    let server = home.start().await?;
    let mut crowd = Crowd::connect(&server, load.connections).await?;
    let mut phases = Vec::new();
    let mut all = Tally::default();
    let (ids, mut created, seconds) = fill(&mut crowd, load.tasks).await;
    phases.push(Requests::of("tasks are created, without a pause", &mut created, seconds));
    all.add(created);
    drop(crowd);
    server.stop().await?;
    bench::analyze(&ground.app.db).await?;

    // Another one, whose memory has seen nothing yet.
    let server = home.start().await?;
    sleep(SETTLE).await;
    let footprint = server.footprint();
    let rest_mb = footprint.memory_mb();
    let mut crowd = Crowd::connect(&server, load.connections).await?;
    let lasts = Duration::from_secs(load.seconds.into());
    let paced = Pace::Every(Duration::from_secs(load.connections.into()) / load.rate, lasts);
    let total = ids.len() as u64;

    let (mut tally, seconds) = crowd.work(paced, async |user, turn| look_at_pages(user, turn, total).await).await;
    phases.push(Requests::of(format!("pages, {} in a second", load.rate), &mut tally, seconds));
    all.add(tally);
    let (mut tally, seconds) = crowd.work(Pace::For(lasts), async |user, turn| read(user, turn, &ids).await).await;
    phases.push(Requests::of("reads, without a pause", &mut tally, seconds));
    all.add(tally);
    let (mut tally, seconds) = crowd.work(Pace::For(lasts), async |user, turn| edit(user, turn).await).await;
    phases.push(Requests::of("writes, without a pause", &mut tally, seconds));
    all.add(tally);
    let (mut tally, seconds) = crowd
        .work(Pace::For(lasts), async |user, _| drop(user.ask(Ask::get("first page of 20", paths::tasks())).await))
        .await;
    phases.push(Requests::of("first pages, without a pause", &mut tally, seconds));
    all.add(tally);

    let (peak_mb, cpu_seconds) = (footprint.peak_memory_mb(), footprint.cpu_seconds());
    drop(crowd);
    server.stop().await?;
    Ok(ApiReport {
        database: ground.database.into(),
        tasks: total,
        connections: load.connections,
        phases,
        rest_mb,
        peak_mb,
        cpu_seconds,
        errors: all.errors,
        first_error: all.first_error,
    })
}

/// Creates so many tasks through the API, and returns their ids.
pub(super) async fn fill(crowd: &mut Crowd, tasks: u32) -> (Vec<String>, Tally, f64) {
    let ids = RefCell::new(Vec::with_capacity(tasks as usize));
    let each = u64::from(tasks).div_ceil(crowd.len());
    let create = async |user: &mut User, turn| {
        let new = task(format!("bench {} {turn}", user.number));
        let made = user.ask(Ask::send("create a task", Method::POST, paths::tasks(), &new)).await;
        ids.borrow_mut().extend(made.and_then(|made| id_in(&made)));
    };
    let (tally, seconds) = crowd.work(Pace::Times(each), create).await;
    (ids.into_inner(), tally, seconds)
}

async fn read(user: &mut User, turn: u64, ids: &[String]) {
    // A prime number of steps further each time: all over the table.
    let at = (user.number as u64 * 7919 + turn * 104_729) % (ids.len().max(1) as u64);
    let Some(id) = ids.get(usize::try_from(at).unwrap_or_default()) else { return };
    user.ask(Ask::get("read a task", path(id))).await;
}

async fn edit(user: &mut User, turn: u64) {
    let new = task(format!("bench edit {} {turn}", user.number));
    let Some(made) = user.ask(Ask::send("create a task", Method::POST, paths::tasks(), &new)).await else { return };
    let Some(id) = id_in(&made) else { return };
    let mut patch = TaskPatch::default();
    patch.description = Some(Some(format!("edited in turn {turn}")));
    user.ask(Ask::send("change a task", Method::PATCH, path(&id), &patch)).await;
    user.ask(Ask::bare("delete a task", Method::DELETE, path(&id), StatusCode::NO_CONTENT)).await;
}

async fn look_at_pages(user: &mut User, turn: u64, total: u64) {
    let last = |size| total.div_ceil(size).max(1);
    let (what, page, query) = match (turn + user.number as u64) % 6 {
        0 => ("provider's page of 500: first", 1, PROVIDERS),
        1 => ("provider's page of 500: middle", last(PROVIDERS_PAGE) / 2 + 1, PROVIDERS),
        2 => ("provider's page of 500: last", last(PROVIDERS_PAGE), PROVIDERS),
        3 => ("page of 20: first", 1, ""),
        4 => ("page of 20: middle", last(USUAL_PAGE) / 2 + 1, ""),
        _ => ("page of 20: last", last(USUAL_PAGE), ""),
    };
    user.ask(Ask::get(what, format!("{}?page={page}&{query}", paths::tasks()))).await;
}

pub(super) fn path(id: &str) -> String {
    format!("{}/{id}", paths::tasks())
}
