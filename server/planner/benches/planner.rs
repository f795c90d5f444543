//! What the planner costs. Figures only; there is nothing to fail.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use justiam_planner::calendar::next_tick;
use justiam_planner::due::{Schedule, due};
use justiam_planner::pattern::cron_expression;
use justiam_planner::warnings::warnings;
use justiam_sdk::api::cron::CronExpr;
use justiam_sdk::api::pattern::{DaysOfWeek, Every, Pattern, TimeOfDay, Window};
use justiam_sdk::api::zone;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const EXPRESSIONS: [&str; 8] = [
    "* * * * *",
    "*/15 * * * *",
    "0 * * * *",
    "30 2 * * *",
    "0 9-17 * * 1-5",
    "0 0 1 * *",
    "0 0 L * *",
    "30 2 29 2 */7",
];
const ZONES: [&str; 4] = ["UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe"];
const TICKS: u32 = 20_000;
const ROUNDS: u32 = 200;
const TASKS: u32 = 100_000;

fn main() -> Result<()> {
    let now: Timestamp = "2026-06-15T12:34:56Z".parse()?;
    for name in ["UTC", "America/New_York"] {
        let zone = zone::parse(name)?;
        for text in EXPRESSIONS {
            let expr: CronExpr = text.parse()?;
            let mut at = now;
            let begin = Instant::now();
            for _ in 0..TICKS {
                at = next_tick(&expr, &zone, black_box(at)).unwrap_or(now);
            }
            println!("next tick, {text:<15} {name:<17} {:>9.0?}", begin.elapsed() / TICKS);
        }
    }
    for name in ["UTC", "America/New_York"] {
        for text in EXPRESSIONS {
            let schedule = Schedule::Cron { expr: Box::new(text.parse()?), zone: zone::parse(name)? };
            let first = schedule.first_after(now).ok_or("never fires")?;
            let late = first.checked_add(SignedDuration::from_hours(365 * 24))?;
            println!("a year late, {text:<15} {name:<17} {:>9.1?}", mean(|| due(&schedule, black_box(first), late)));
        }
    }
    for (name, pattern) in patterns()? {
        for zone in ["UTC", "America/New_York"] {
            let in_zone = zone::parse(zone)?;
            let schedule = Schedule::Pattern { pattern: Box::new(pattern.clone()), zone: in_zone.clone() };
            let mut at = now;
            let begin = Instant::now();
            for _ in 0..TICKS {
                at = next_tick(&pattern, &in_zone, black_box(at)).unwrap_or(now);
            }
            println!("next tick, {name:<15} {zone:<17} {:>9.0?}", begin.elapsed() / TICKS);
            let first = schedule.first_after(now).ok_or("never fires")?;
            let late = first.checked_add(SignedDuration::from_hours(365 * 24))?;
            println!("a year late, {name:<15} {zone:<17} {:>9.1?}", mean(|| due(&schedule, black_box(first), late)));
            println!(
                "expression, {name:<15} {zone:<17} {:>9.1?}",
                mean(|| cron_expression(black_box(&pattern), &in_zone))
            );
        }
    }
    let (expr, zone) = ("30 2 * * *".parse()?, zone::parse("America/New_York")?);
    println!("warnings for a year: {:.1?}", mean(|| warnings(&expr, &zone, black_box(now))));
    all_tasks(now)
}

fn patterns() -> Result<[(&'static str, Pattern); 3]> {
    let time = |text: &str| text.parse::<TimeOfDay>();
    let (days, all) = (DaysOfWeek::WORKING_DAYS, DaysOfWeek::ALL);
    let minute = Every::minutes(1).ok_or("no minute")?;
    let quarter = Every::minutes(15).ok_or("no quarter")?;
    let night = Window::new(time("22:00")?, time("04:00")?).ok_or("no night")?;
    Ok([
        ("at 06:00, 18:30", Pattern::SpecificTimes { days, times: "06:00,18:30".parse()? }),
        ("15 min, nights", Pattern::Interval { days, every: quarter, window: night }),
        ("every minute", Pattern::Interval { days: all, every: minute, window: Window::ALL_DAY }),
    ])
}

fn mean<T>(mut work: impl FnMut() -> T) -> Duration {
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        black_box(work());
    }
    begin.elapsed() / ROUNDS
}

/// What a start pays, and what a tick pays at which all of them are due.
fn all_tasks(now: Timestamp) -> Result<()> {
    let begin = Instant::now();
    let mut expressions: Vec<CronExpr> = Vec::new();
    for task in 0..TASKS {
        let minute = task % 60;
        let text = match task % 4 {
            0 => format!("{minute} * * * *"),
            1 => format!("{minute} {} * * *", task % 24),
            2 => format!("{minute} {} * * {}", task % 24, task % 7),
            _ => format!("*/{} * * * *", minute % 30 + 1),
        };
        expressions.push(text.parse()?);
    }
    println!("{TASKS} expressions read: {:.1?}", begin.elapsed());
    let begin = Instant::now();
    let mut schedules = Vec::new();
    for (task, expr) in expressions.into_iter().enumerate() {
        let zone = zone::parse(ZONES[task / 4 % ZONES.len()])?;
        schedules.push(Schedule::Cron { expr: Box::new(expr), zone });
    }
    println!("{TASKS} zones read: {:.1?}", begin.elapsed());
    let begin = Instant::now();
    let firsts: Vec<Timestamp> = schedules.iter().filter_map(|schedule| schedule.first_after(now)).collect();
    println!("{} first times: {:.1?}", firsts.len(), begin.elapsed());
    let begin = Instant::now();
    for (schedule, first) in schedules.iter().zip(&firsts) {
        black_box(due(schedule, *first, *first));
    }
    println!("{TASKS} tasks that are due: {:.1?}", begin.elapsed());
    Ok(())
}
