//! Takes the secrets of a run's own task out of what the run says.

mod forms;
mod issued;
mod search;
mod stream;

use std::sync::Arc;

use justiam_sdk::api::secrets::SecretMap;

use search::Search;
pub(super) use stream::Redaction;

/// Shorter values are words like `on`: taking them out would garble texts and protect nothing.
const SHORTEST: usize = 4;
/// Stands for a secret. Not longer than the shortest one, so that no text grows beyond a limit that it keeps.
const MARK: &str = "****";

/// Knows the secrets of one task in all forms that are looked for, and what else is to be left out.
pub(crate) struct Redactor {
    // `None` where it could not be made. Then nothing is let through.
    search: Option<Search>,
}

impl Redactor {
    /// Looks for these secrets, and for paths that are left out.
    pub(crate) fn new(secrets: &SecretMap, paths: &[Vec<u8>]) -> Self {
        let secrets = forms::all(secrets);
        let search = Search::new(&secrets, paths);
        if search.is_none() {
            tracing::error!(
                patterns = secrets.len(),
                "the secrets of a task cannot be looked for; its texts are left out"
            );
        }
        Self { search }
    }

    /// Takes out all secrets.
    pub(crate) fn whole(self: &Arc<Self>, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut redaction = Redaction::new(Arc::clone(self));
        redaction.feed(text.as_bytes(), &mut |piece| clean.push_str(piece.text));
        redaction.finish(false, &mut |piece| clean.push_str(piece.text));
        clean
    }

    /// Takes out all secrets of a text that has been shortened: also what is left of one that was cut.
    pub(crate) fn shortened(self: &Arc<Self>, text: &str) -> String {
        let text = self.whole(text);
        let pieces: Vec<String> = text.split('\n').map(|line| self.without_cut(line)).collect();
        pieces.join("\n")
    }

    /// A line whose end, or the end before the mark of a cut, is not the beginning of a secret.
    fn without_cut(&self, line: &str) -> String {
        let (kept, rest) = line.rsplit_once(" … (").map_or((line, ""), |(kept, _)| (kept, &line[kept.len()..]));
        let begun = self.search.as_ref().map_or(0, |search| search.begun(search.read(kept.as_bytes())) as usize);
        match kept.len().checked_sub(begun).filter(|at| begun >= SHORTEST && kept.is_char_boundary(*at)) {
            Some(at) => format!("{}{MARK}{rest}", &kept[..at]),
            None => line.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn secrets(values: &[&str]) -> SecretMap {
        values.iter().enumerate().map(|(i, value)| (format!("K{i}"), (*value).into())).collect()
    }

    pub(super) fn redactor(values: &[&str]) -> Arc<Redactor> {
        Arc::new(Redactor::new(&secrets(values), &[]))
    }

    #[test]
    fn the_longest_secret_goes_and_no_text_grows() {
        let of_four = redactor(&["abcd", "xxabcdxx", "on", "****"]);
        assert_eq!(of_four.whole("-abcd-xxabcdxx-on-abc"), "-****-****-on-abc");
        let long = "abcd".repeat(1000);
        assert_eq!(of_four.whole(&long).len(), long.len());
        assert_eq!(redactor(&[]).shortened("as it is\n"), "as it is\n");
    }

    #[test]
    fn of_secrets_that_overlap_nothing_is_left() {
        let overlapping = redactor(&["abcdef", "efghij", "cdefgh-"]);
        assert_eq!(overlapping.whole("<abcdefghij>"), "<****>");
        assert_eq!(overlapping.whole("abcdefgh-"), "****");
        assert_eq!(overlapping.whole("abcdef efghij"), "**** ****");
        assert_eq!(redactor(&["abab"]).whole(&format!("x{}y", "ab".repeat(100_000))), "x****y");
    }

    #[test]
    fn what_is_left_of_a_secret_that_was_cut_goes_too() {
        let redactor = redactor(&["0123456789SECRETTAIL", "üüüü-end"]);
        assert_eq!(redactor.shortened("xx0123456789SECRET … (4,100 bytes in all)"), "xx**** … (4,100 bytes in all)");
        assert_eq!(redactor.shortened("panic: 01234\n    near script.go:1:2"), "panic: ****\n    near script.go:1:2");
        assert_eq!(redactor.shortened("x üüüü"), "x ****");
        assert_eq!(redactor.shortened("it is 012"), "it is 012");
        // A whole text may end like this.
        assert_eq!(redactor.whole("it is 01234"), "it is 01234");
    }

    #[test]
    fn what_cannot_be_looked_at_is_left_out() {
        let blind = Arc::new(Redactor { search: None });
        assert_eq!(blind.whole("anything"), MARK);
        assert_eq!(blind.whole(""), "");
    }
}
