//! What becomes of a new run while others of its task are active.

use justiam_sdk::api::values::OverlapPolicy;

/// How many runs of one task may wait under `queue`, unless an operator says otherwise.
pub const DEFAULT_MAX_QUEUED: u64 = 1000;

/// What to do with a new run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Let it start.
    Start,
    /// Let it wait for its turn.
    Wait,
    /// Record it as cancelled, because a run is active.
    Skip,
    /// Record it as cancelled, because too many are waiting.
    QueueFull,
    /// Cancel what is active and waiting, then let it start.
    Replace,
}

/// Decides for one new run of a task of which `active` runs have not ended (`waiting` of them not even begun, of which
/// `max_queued` are allowed).
pub fn decide(policy: &OverlapPolicy, active: u64, waiting: u64, max_queued: u64) -> Decision {
    if active == 0 {
        return Decision::Start;
    }
    match policy {
        OverlapPolicy::Skip => Decision::Skip,
        OverlapPolicy::Queue if waiting < max_queued => Decision::Wait,
        OverlapPolicy::Queue => Decision::QueueFull,
        OverlapPolicy::Replace => Decision::Replace,
        // `allow`, the documented default. A word of a newer version cannot get here: input is checked.
        OverlapPolicy::Allow | OverlapPolicy::Other(_) | _ => Decision::Start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        use OverlapPolicy::{Allow, Queue, Replace, Skip};
        for (policy, active, waiting, expected) in [
            (Allow, 0, 0, Decision::Start),
            (Allow, 5, 2, Decision::Start),
            (Skip, 0, 0, Decision::Start),
            (Skip, 1, 0, Decision::Skip),
            (Queue, 0, 0, Decision::Start),
            (Queue, 1, 0, Decision::Wait),
            (Queue, 1000, 999, Decision::Wait),
            (Queue, 1001, 1000, Decision::QueueFull),
            (Replace, 0, 0, Decision::Start),
            (Replace, 1, 0, Decision::Replace),
        ] {
            assert_eq!(decide(&policy, active, waiting, DEFAULT_MAX_QUEUED), expected, "{policy} {active} {waiting}");
        }
    }
}
