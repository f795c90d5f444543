//! Takes the secrets of a run's own task out of what the run says.

use aho_corasick::{AhoCorasick, MatchKind};
use justiam_sdk::api::secrets::{Secret, SecretMap};

/// Shorter values are words like `on`: taking them out would garble texts and protect nothing.
const SHORTEST: usize = 4;
/// Stands for a secret. Not longer than the shortest one, so that no text grows beyond a limit that it keeps.
const MARK: &str = "****";

/// Knows the secrets of one task.
pub(crate) struct Redactor<'a> {
    secrets: Vec<&'a str>,
    // `None` where there is nothing to look for.
    automaton: Option<AhoCorasick>,
}

impl<'a> Redactor<'a> {
    pub(crate) fn new(secrets: &'a SecretMap) -> Self {
        let secrets: Vec<&str> = secrets.values().map(Secret::expose).filter(|value| value.len() >= SHORTEST).collect();
        // The longest match at each place: a secret that is a part of another must not cut that one into pieces that stay.
        // Building fails only for more patterns than a task may have secrets.
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&secrets).ok();
        let automaton = automaton.filter(|_| !secrets.is_empty());
        Self { secrets, automaton }
    }

    /// Takes out all secrets.
    pub(crate) fn whole(&self, text: String) -> String {
        match &self.automaton {
            Some(automaton) if automaton.is_match(&text) => {
                automaton.replace_all(&text, &vec![MARK; self.secrets.len()])
            }
            _ => text,
        }
    }

    /// Takes out all secrets of a text that has been shortened: also what is left of one that was cut.
    pub(crate) fn shortened(&self, text: String) -> String {
        let text = self.whole(text);
        let pieces: Vec<String> = text.split('\n').map(|line| self.without_cut(line)).collect();
        pieces.join("\n")
    }

    /// A line whose end, or the end before the mark of a cut, is not the beginning of a secret.
    fn without_cut(&self, line: &str) -> String {
        let (kept, rest) = line.rsplit_once(" … (").map_or((line, ""), |(kept, _)| (kept, &line[kept.len()..]));
        let cut = self.secrets.iter().filter_map(|secret| {
            let ends = secret.char_indices().map(|(at, _)| at).skip(1).take_while(|at| *at <= kept.len());
            ends.filter(|at| *at >= SHORTEST && kept.ends_with(&secret[..*at])).last()
        });
        match cut.max() {
            Some(length) => format!("{}{MARK}{rest}", &kept[..kept.len() - length]),
            None => line.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(values: &[&str]) -> SecretMap {
        values.iter().enumerate().map(|(i, value)| (format!("K{i}"), (*value).into())).collect()
    }

    #[test]
    fn the_longest_secret_goes_and_no_text_grows() {
        let secrets = secrets(&["abcd", "xxabcdxx", "on", "****"]);
        let redactor = Redactor::new(&secrets);
        assert_eq!(redactor.whole("-abcd-xxabcdxx-on-abc".into()), "-****-****-on-abc");
        let long = "abcd".repeat(1000);
        assert_eq!(redactor.whole(long.clone()).len(), long.len());
        assert_eq!(Redactor::new(&SecretMap::new()).shortened("as it is\n".into()), "as it is\n");
    }

    #[test]
    fn what_is_left_of_a_secret_that_was_cut_goes_too() {
        let secrets = secrets(&["0123456789SECRETTAIL", "üüüü-end"]);
        let redactor = Redactor::new(&secrets);
        assert_eq!(
            redactor.shortened("xx0123456789SECRET … (4,100 bytes in all)".into()),
            "xx**** … (4,100 bytes in all)"
        );
        assert_eq!(
            redactor.shortened("panic: 01234\n    near script.go:1:2".into()),
            "panic: ****\n    near script.go:1:2"
        );
        assert_eq!(redactor.shortened("x üüüü".into()), "x ****");
        assert_eq!(redactor.shortened("it is 012".into()), "it is 012");
    }
}
