//! Looks at the syntax of scripts with the parser that the interpreter itself uses.
//!
//! It is a script of our own that parses, run as any other: in a process of its own, isolated, and killed when it takes too
//! long. The source that it looks at is untrusted; the script gets it as a config entry.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use justiam_sdk::api::secrets::SecretMap;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::script::{End, Host, Script, ScriptRunner};
use crate::app::syntax::{Syntax, SyntaxCheck};

/// The script that parses.
const PARSER: &str = include_str!("syntax.go");

/// How long a check may take, waiting for its turn included. Parsing itself takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many checks may be at work at a time. They are requests of people who wait, and take memory from running tasks.
const AT_A_TIME: usize = 2;

/// Looks at the syntax of scripts.
pub struct SyntaxChecker {
    scripts: ScriptRunner,
    turns: Semaphore,
}

impl SyntaxChecker {
    /// A checker that runs its parser with `scripts`.
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
                    None => Syntax::Unknown("the server is ending".to_owned()),
                }
            })
        })
    }

    /// Parses a source.
    pub async fn check(&self, source: String) -> Syntax {
        let host = Host::new(SecretMap::new(), [("source".to_owned(), source)].into());
        let script = Script { run_id: "syntax check".to_owned(), source: PARSER.to_owned(), host };
        let run = async {
            // The semaphore is never closed, so there always is a turn.
            let _turn = self.turns.acquire().await;
            self.scripts.run(script, pending()).await.end
        };
        // The process of a run that is dropped is killed.
        match timeout(PATIENCE, run).await {
            Ok(End::Success { output }) => verdict(&output),
            Ok(End::Error { message }) => Syntax::Unknown(message),
            Ok(End::Stopped) | Err(_) => Syntax::Unknown(format!("it took more than {} s", PATIENCE.as_secs())),
        }
    }
}

fn verdict(output: &str) -> Syntax {
    match serde_json::from_str::<Vec<String>>(output) {
        Ok(found) if found.is_empty() => Syntax::Right,
        Ok(found) => Syntax::Wrong(found.iter().map(|message| one_line(message)).collect()),
        Err(_) => Syntax::Unknown("the parser gave no answer that can be read".to_owned()),
    }
}

/// Messages quote the source, which may hold line breaks.
fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_cannot_be_read_is_no_verdict() {
        assert_eq!(verdict("[]"), Syntax::Right);
        assert_eq!(verdict(r#"["1:2: found `a\nb`"]"#), Syntax::Wrong(vec!["1:2: found `a b`".to_owned()]));
        for output in ["", "null", "{}", "[1]", "1:2: x"] {
            assert!(matches!(verdict(output), Syntax::Unknown(_)), "{output}");
        }
    }
}
