//! Lists, by which users find what the server has and take it over: one module each.

pub(crate) mod scheduled_tasks;
pub(crate) mod schedules;

/// Objects on one page with their whole state: scripts can be long, so they come in small portions.
const WITH_STATE: usize = 100;
/// Objects on one page where their names are enough.
const NAMES: usize = 500;

/// How many objects to ask for at a time, where so many are still wanted.
fn page_size(wanted: usize, wants_state: bool) -> u32 {
    let most = if wants_state { WITH_STATE } else { NAMES };
    u32::try_from(wanted.clamp(1, most)).unwrap_or(u32::MAX)
}
