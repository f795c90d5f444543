//! Looks at scripts for people who wait for the answer: within a limit of time, and few at a time.
//!
//! A source is untrusted also where it is only looked at: that is done in a process of its own, isolated as a run is, which has
//! no secrets and is killed when it takes too long.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::script::{Host, Script, ScriptRunner};
use crate::app::syntax::{Checked, SyntaxCheck};

/// How long a check may take. It takes milliseconds; a source that takes longer must not keep others from being checked.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a check may wait for its turn.
const WAITING: Duration = Duration::from_secs(10);

/// How many checks may be at work at a time. They are requests of people who wait, and take memory from running tasks.
const AT_A_TIME: usize = 2;

/// Looks at scripts: whether they can be parsed, and whether they compile.
pub struct SyntaxChecker {
    scripts: ScriptRunner,
    turns: Semaphore,
}

impl SyntaxChecker {
    /// A checker that looks with the interpreter of `scripts`.
    pub fn new(scripts: ScriptRunner) -> Self {
        Self { scripts, turns: Semaphore::new(AT_A_TIME) }
    }

    /// A way to ask this checker for as long as there is one.
    pub fn on_call(this: &Arc<Self>) -> SyntaxCheck {
        let checker = Arc::downgrade(this);
        Box::new(move |source| {
            let checker = checker.upgrade();
            Box::pin(async move {
                match checker {
                    Some(checker) => checker.check(source).await,
                    None => Checked::Unknown("the server is ending".to_owned()),
                }
            })
        })
    }

    /// Parses and compiles a source, and runs none of it.
    pub async fn check(&self, source: String) -> Checked {
        let run_id = "check of a script".to_owned();
        let script = Script { run_id, source, host: Host::default(), timeout: PATIENCE };
        // The semaphore is never closed, so there always is a turn.
        let Ok(_turn) = timeout(WAITING, self.turns.acquire()).await else {
            return Checked::Unknown("too many other scripts are being checked; try again later".to_owned());
        };
        // The process of a check that is dropped is killed.
        let checked = timeout(PATIENCE, self.scripts.check(script)).await;
        checked.unwrap_or_else(|_| Checked::Unknown(format!("it took more than {} s", PATIENCE.as_secs())))
    }
}
