//! Looks at a script without running any of it: with the parser that the interpreter uses, then with the interpreter's own
//! compiler.

use std::future::pending;
use std::sync::Arc;

use super::folder::Purpose;
use super::{End, Script, ScriptRunner, verdict};
use crate::app::syntax::Checked;

impl ScriptRunner {
    /// Parses and compiles a script. All mistakes that the parser finds are told, and of those of the compiler the first. Of a
    /// script of another package than `task`, only the parser's are: [`check_header`](super::check_header) finds that one.
    ///
    /// Takes as long as the interpreter does; dropping the returned future ends it.
    pub async fn check(&self, script: Script) -> Checked {
        let source: Arc<str> = script.source.as_str().into();
        match self.attend(script, Arc::clone(&source), Purpose::Check, Arc::default(), pending()).await {
            Ok(attended) => {
                let end = verdict::judge(&attended, &source, self.workshop.folders.path());
                found(end, verdict::is_objection(&attended))
            }
            Err(end) => found(end, false),
        }
    }
}

/// What an end means. `objection`: its message is the interpreter's opinion of the script.
fn found(end: End, objection: bool) -> Checked {
    match end {
        End::Success { output } => match serde_json::from_str::<Vec<String>>(&output) {
            Ok(found) if found.is_empty() => Checked::Sound,
            Ok(found) => Checked::Wrong(found.iter().map(|message| one_line(message)).collect()),
            Err(_) => Checked::Unknown("the parser gave no answer that can be read".to_owned()),
        },
        End::Error { message } if objection => Checked::Wrong(vec![without_name(&message).to_owned()]),
        End::Error { message } => Checked::Unknown(message),
        End::Stopped => Checked::Unknown("it was stopped".to_owned()),
    }
}

/// Messages of the parser quote the source, which may hold line breaks.
fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// `script.go:4:9: undefined: max` without the name, which whoever asks knows better.
fn without_name(message: &str) -> &str {
    let Some(rest) = message.strip_prefix("script.go:") else { return message };
    rest.strip_prefix(' ').unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_cannot_be_read_is_no_verdict() {
        let found = |output: &str| found(End::Success { output: output.to_owned() }, false);
        assert_eq!(found("[]"), Checked::Sound);
        assert_eq!(found(r#"["1:2: found `a\nb`"]"#), Checked::Wrong(vec!["1:2: found `a b`".to_owned()]));
        for output in ["", "null", "{}", "[1]", "1:2: x"] {
            assert!(matches!(found(output), Checked::Unknown(_)), "{output}");
        }
    }

    #[test]
    fn only_what_the_interpreter_says_of_the_script_is_a_mistake() {
        let end = |message: &str| End::error(message);
        let wrong = |message: &str| Checked::Wrong(vec![message.to_owned()]);
        assert_eq!(found(end("script.go:4:9: undefined: max"), true), wrong("4:9: undefined: max"));
        assert_eq!(found(end("script.go: there is no Run"), true), wrong("there is no Run"));
        assert_eq!(found(end("the interpreter failed"), true), wrong("the interpreter failed"));
        assert_eq!(found(end("no yaegi"), false), Checked::Unknown("no yaegi".to_owned()));
        assert!(matches!(found(End::Stopped, false), Checked::Unknown(_)));
    }
}
