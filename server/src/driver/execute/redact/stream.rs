//! Takes secrets out of a text that comes in pieces, cut anywhere, also in the middle of a secret or of a character.

use std::collections::VecDeque;
use std::sync::Arc;

use super::issued::Issued;
use super::search::State;
use super::{MARK, Redactor, SHORTEST};

/// Goes through one text. What may be the beginning of a secret is held back until more has come.
pub(crate) struct Redaction {
    redactor: Arc<Redactor>,
    state: State,
    issued: Issued,
    /// What has not been passed on, from `base` on; what lies in a span is not needed.
    buffer: Vec<u8>,
    base: u64,
    /// How far the text was read, and how far it was passed on.
    read: u64,
    done: u64,
    spans: VecDeque<Span>,
    /// The beginning of a character whose rest has not come.
    partial: Vec<u8>,
}

/// What is to be left out. Spans do not overlap.
struct Span {
    start: u64,
    end: u64,
    is_secret: bool,
}

/// A part of the clean text.
pub(crate) struct Part<'a> {
    /// Where it was in the text as it came, and how long. As long as `text` where it is as it was.
    pub(crate) at: u64,
    pub(crate) length: u64,
    pub(crate) text: &'a str,
}

impl Redaction {
    pub(crate) fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            state: State::default(),
            issued: Issued::default(),
            buffer: Vec::new(),
            base: 0,
            read: 0,
            done: 0,
            spans: VecDeque::new(),
            partial: Vec::new(),
        }
    }

    /// Reads on, and passes on what is certain.
    pub(crate) fn feed(&mut self, bytes: &[u8], out: &mut impl FnMut(Part<'_>)) {
        let redactor = Arc::clone(&self.redactor);
        let Some(search) = &redactor.search else {
            self.cover(self.done, self.read + bytes.len() as u64, !bytes.is_empty());
            self.read += bytes.len() as u64;
            return;
        };
        self.buffer.extend_from_slice(bytes);
        for byte in bytes {
            self.state = search.next(self.state, *byte);
            self.read += 1;
            if let Some(found) = search.found(self.state) {
                self.cover(self.read - u64::from(found.length), self.read, found.is_secret);
            }
            if let Some(length) = self.issued.read(*byte) {
                self.cover(self.read - length, self.read, true);
            }
        }
        // What begins before, and is not over, has a span already.
        let held = u64::from(search.depth(self.state)).max(self.issued.held());
        self.pass_on(self.read - held, out);
    }

    /// Passes on the rest. Where the text was `cut`, what may be the beginning of a secret is left out.
    pub(crate) fn finish(&mut self, cut: bool, out: &mut impl FnMut(Part<'_>)) {
        let redactor = Arc::clone(&self.redactor);
        if cut && let Some(search) = &redactor.search {
            let begun = search.begun(self.state);
            if begun as usize >= SHORTEST {
                self.cover(self.read - u64::from(begun), self.read, true);
            }
        }
        self.pass_on(self.read, out);
        self.end_character(out);
    }

    /// Leaves out a part, with all that it overlaps.
    fn cover(&mut self, start: u64, end: u64, is_secret: bool) {
        let mut span = Span { start, end, is_secret };
        while let Some(last) = self.spans.pop_back_if(|last| last.end > span.start) {
            span.start = span.start.min(last.start);
            span.end = span.end.max(last.end);
            span.is_secret |= last.is_secret;
        }
        if span.end > span.start {
            self.spans.push_back(span);
        }
    }

    fn pass_on(&mut self, safe: u64, out: &mut impl FnMut(Part<'_>)) {
        let buffer = std::mem::take(&mut self.buffer);
        let base = self.base;
        let bytes = |from: u64, to: u64| {
            let index = |at: u64| usize::try_from(at - base).unwrap_or(usize::MAX);
            &buffer[index(from)..index(to)]
        };
        while let Some(span) = self.spans.front() {
            let Span { start, end, is_secret } = *span;
            if start > safe || (start == safe && end > safe) {
                break;
            }
            if self.done < start {
                self.plain(self.done, bytes(self.done, start), out);
                self.done = start;
            }
            if end > safe {
                break;
            }
            self.end_character(out);
            if is_secret {
                out(Part { at: start, length: end - start, text: MARK });
            }
            self.done = end;
            self.spans.pop_front();
        }
        let open = self.spans.front().map_or(safe, |span| span.start.min(safe));
        if self.done < open {
            self.plain(self.done, bytes(self.done, open), out);
            self.done = open;
        }
        self.base = safe.max(base);
        self.buffer = buffer;
        let gone = usize::try_from(self.base - base).unwrap_or(usize::MAX).min(self.buffer.len());
        self.buffer.drain(..gone);
    }

    /// Passes on bytes as text: what is none becomes U+FFFD, and so does NUL, for which PostgreSQL has no place.
    fn plain(&mut self, at: u64, bytes: &[u8], out: &mut impl FnMut(Part<'_>)) {
        let mut at = at - self.partial.len() as u64;
        let joined;
        let mut bytes = bytes;
        if !self.partial.is_empty() {
            joined = [std::mem::take(&mut self.partial).as_slice(), bytes].concat();
            bytes = &joined;
        }
        loop {
            let (valid, wrong) = match std::str::from_utf8(bytes) {
                Ok(text) => (text, None),
                Err(error) => {
                    let (valid, rest) = bytes.split_at(error.valid_up_to());
                    (std::str::from_utf8(valid).unwrap_or_default(), Some((rest, error.error_len())))
                }
            };
            for text in valid.split_inclusive('\0') {
                let (text, nul) = text.strip_suffix('\0').map_or((text, false), |text| (text, true));
                if !text.is_empty() {
                    out(Part { at, length: text.len() as u64, text });
                    at += text.len() as u64;
                }
                if nul {
                    out(Part { at, length: 1, text: "\u{fffd}" });
                    at += 1;
                }
            }
            match wrong {
                None => return,
                Some((rest, None)) => {
                    self.partial = rest.to_vec();
                    return;
                }
                Some((rest, Some(length))) => {
                    out(Part { at, length: length as u64, text: "\u{fffd}" });
                    at += length as u64;
                    bytes = &rest[length..];
                }
            }
        }
    }

    /// A character ends here, whether it is whole or not.
    fn end_character(&mut self, out: &mut impl FnMut(Part<'_>)) {
        let length = std::mem::take(&mut self.partial).len() as u64;
        if length > 0 {
            out(Part { at: self.done - length, length, text: "\u{fffd}" });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{redactor, secrets};
    use super::*;

    fn clean(redactor: &Arc<Redactor>, pieces: &[&[u8]]) -> String {
        let (mut text, mut at) = (String::new(), 0);
        let mut redaction = Redaction::new(Arc::clone(redactor));
        let mut out = |part: Part<'_>| {
            assert!(part.at >= at, "parts come in order");
            at = part.at + part.length;
            text.push_str(part.text);
        };
        for piece in pieces {
            redaction.feed(piece, &mut out);
        }
        redaction.finish(false, &mut out);
        text
    }

    #[test]
    fn only_what_may_be_the_beginning_of_a_secret_is_held_back() {
        let mut redaction = Redaction::new(redactor(&["hunter22"]));
        let mut text = String::new();
        for (piece, so_far) in [
            ("it is hun", "it is "),
            ("t", "it is "),
            ("ed, hunter2", "it is hunted, "),
            ("2", "it is hunted, "),
            (".", "it is hunted, ****."),
        ] {
            redaction.feed(piece.as_bytes(), &mut |part| text.push_str(part.text));
            assert_eq!(text, so_far);
        }
    }

    #[test]
    fn what_is_no_text_becomes_replacement_characters() {
        let redactor = redactor(&["secret"]);
        let bytes: &[u8] = b"a\xff\xf0\x9f\x98secret\xe2\x82\0\xc3\xa4\xc3";
        let expected = "a\u{fffd}\u{fffd}****\u{fffd}\u{fffd}ä\u{fffd}";
        assert_eq!(clean(&redactor, &[bytes]), expected);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(clean(&redactor, &single), expected);
    }

    #[test]
    fn paths_go_without_a_mark() {
        let paths = [b"/s/run-1/".to_vec(), b"/s/run-1/src/task/".to_vec()];
        let redactor = Arc::new(Redactor::new(&secrets(&["token-1"]), &paths));
        let text = "/s/run-1/src/task/script.go:4:2 /s/run-1/x /s/run-12/y token-1";
        assert_eq!(redactor.whole(text), "script.go:4:2 x /s/run-12/y ****");
    }

    #[test]
    fn the_beginning_of_a_secret_goes_from_a_text_that_was_cut() {
        for (text, expected) in [("it is hunte", "it is ****"), ("it is hun", "it is hun"), ("hunter22", "****")] {
            let mut redaction = Redaction::new(redactor(&["hunter22"]));
            let mut clean = String::new();
            redaction.feed(text.as_bytes(), &mut |part| clean.push_str(part.text));
            redaction.finish(true, &mut |part| clean.push_str(part.text));
            assert_eq!(clean, expected);
        }
    }

    proptest! {
        /// Few letters, so that secrets overlap, repeat and begin often.
        #[test]
        fn a_text_is_the_same_wherever_it_is_cut(
            values in proptest::collection::vec("[ab\n]{4,9}|[a-c]{8,12}|[äb\u{1f600}]{2,4}", 0..5),
            words in proptest::collection::vec((any::<proptest::sample::Index>(), "[abäc]{0,3}|[\u{1f600}\0\n ]|(justiam_cs_){1,2}[ab]{0,3}|justiam_"), 0..12),
            noise in proptest::collection::vec(any::<u8>(), 0..4),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
        ) {
            let all: Vec<&str> = values.iter().map(String::as_str).collect();
            let redactor = redactor(&all);
            let mut text: Vec<u8> = Vec::new();
            for (which, word) in &words {
                if !all.is_empty() {
                    text.extend_from_slice(which.get(&all).as_bytes());
                }
                text.extend_from_slice(word.as_bytes());
            }
            text.extend_from_slice(&noise);
            let whole = clean(&redactor, &[&text]);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            prop_assert_eq!(&clean(&redactor, &pieces), &whole);
            let single: Vec<&[u8]> = text.chunks(1).collect();
            prop_assert_eq!(&clean(&redactor, &single), &whole);
            for value in all.iter().filter(|value| value.len() >= 4) {
                prop_assert!(!whole.contains(value), "{:?} is in {:?}", value, whole);
            }
            for letter in ["_a", "_b"] {
                prop_assert!(!whole.contains(&format!("justiam_cs{letter}")), "a client secret is in {:?}", whole);
            }
        }
    }
}
