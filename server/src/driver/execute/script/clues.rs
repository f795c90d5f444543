//! Finds, in what a script's process prints, the lines by which the interpreter tells what went wrong.
//!
//! The lines share one pipe with what the script prints, so a script can write such lines itself; they are believed
//! only when the process ended as the interpreter does, and then fool nobody but the script's author.

/// As much of a line, and of a crash's text, as is looked at.
const LONGEST: usize = 4 << 10;

/// As many places as a message can show.
const MOST_PLACES: usize = 8;

/// What stands before line and column where the interpreter names the script.
const SCRIPT: &str = "/src/task/script.go:";

/// How the lines begin with which the interpreter takes its leave.
const LAST_WORDS: [&[u8]; 3] = [b"run: ", b"panic: ", b"fatal error: "];

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Clues {
    line: Vec<u8>,
    /// Where the line started, and how far the text was read.
    line_at: u64,
    read: u64,
    places: Vec<String>,
    last_was_place: bool,
    /// The last line that named no place.
    last_other: Vec<u8>,
    refusal: Option<Refusal>,
    crash: Option<Crash>,
}

/// The interpreter did not accept the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What it said.
    pub(super) text: String,
    /// Where in the printed text.
    pub(super) at: u64,
}

/// The whole process broke down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crash {
    /// `panic: …` or `fatal error: …`.
    pub(super) text: String,
    /// Places in the script, innermost first.
    pub(super) places: Vec<String>,
    /// Whether it was in the goroutine that compiles and initialises, not in one of the script.
    pub(super) in_main: bool,
    /// Where in the printed text.
    pub(super) at: u64,
    stage: Stage,
}

/// How much of a crash's text was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Text,
    AfterText,
    Stacks,
}

impl Clues {
    /// Reads on; the text may be cut anywhere.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.keep(&bytes[..end]);
            self.read += end as u64 + 1;
            self.end_line();
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
        self.read += bytes.len() as u64;
    }

    /// Places of the last panic, innermost first: the interpreter writes a line for every call that it leaves.
    ///
    /// The function is always right, the statement often only near: the interpreter finds it by comparing code, and
    /// takes the first one that looks alike.
    pub(super) fn places(&self) -> &[String] {
        &self.places
    }

    /// Whether the last thing printed, before the places if there are any, was this text; a log may stamp the line.
    pub(super) fn ends_with(&self, text: &str) -> bool {
        let last = text.trim_end_matches('\n').rsplit('\n').next().unwrap_or_default();
        self.last_other.ends_with(last.as_bytes())
    }

    /// The interpreter's refusal of the script, if there was one.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// The crash of the process, if there was one.
    pub(super) fn crash(&self) -> Option<&Crash> {
        self.crash.as_ref()
    }

    /// Where in the printed text the interpreter's last words begin, if these are they: also those of which the line has only
    /// begun.
    pub(super) fn doubts(&self) -> impl Iterator<Item = u64> {
        let begun = |words: &[u8]| words.starts_with(&self.line) || self.line.starts_with(words);
        let line = (!self.line.is_empty() && LAST_WORDS.into_iter().any(begun)).then_some(self.line_at);
        let refusal = self.refusal.as_ref().map(|refusal| refusal.at);
        let crash = self.crash.as_ref().map(|crash| crash.at);
        [refusal, crash, line].into_iter().flatten()
    }

    fn keep(&mut self, part: &[u8]) {
        let room = LONGEST.saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.look_at(&line);
        self.line = line;
        self.line.clear();
        self.line_at = self.read;
    }

    fn look_at(&mut self, line: &[u8]) {
        if let Some(place) = place(line) {
            if !self.last_was_place {
                self.places.clear();
            }
            if self.places.len() < MOST_PLACES {
                self.places.push(place);
            }
            self.last_was_place = true;
            return;
        }
        self.last_was_place = false;
        self.last_other.clear();
        self.last_other.extend_from_slice(line);
        if self.crash.as_ref().is_some_and(|crash| crash.stage == Stage::Stacks) {
            return;
        }
        if let Some(text) = line.strip_prefix(b"run: ") {
            self.refusal = Some(Refusal { text: String::from_utf8_lossy(text).into_owned(), at: self.line_at });
        } else if line.starts_with(b"panic: ") {
            self.begin_crash(line, self.places.clone());
        } else if let Some(text) = line.strip_prefix(b"runtime/cgo: ") {
            // Without a thread the runtime aborts, and says so in its own way.
            self.begin_crash(&[b"fatal error: ", text].concat(), Vec::new());
        } else if line.starts_with(b"fatal error: ") {
            self.begin_crash(line, Vec::new());
        } else if let Some(crash) = &mut self.crash {
            crash.go_on(line);
        }
    }

    fn begin_crash(&mut self, line: &[u8], places: Vec<String>) {
        let text = String::from_utf8_lossy(line).into_owned();
        let mut crash = Crash { text, places, in_main: false, at: self.line_at, stage: Stage::Text };
        if let Some(text) = crash.text.strip_suffix(" [recovered]") {
            crash.text.truncate(text.len());
            crash.stage = Stage::AfterText;
        }
        self.crash = Some(crash);
    }
}

impl Crash {
    fn go_on(&mut self, line: &[u8]) {
        if line.starts_with(b"goroutine ") {
            self.in_main = line.starts_with(b"goroutine 1 [");
            self.stage = Stage::Stacks;
        } else if self.stage == Stage::Text {
            if line.is_empty() || line.starts_with(b"\tpanic: ") || self.text.len() > LONGEST {
                self.stage = Stage::AfterText;
            } else {
                self.text.push('\n');
                self.text.push_str(&String::from_utf8_lossy(line));
                if let Some(text) = self.text.strip_suffix(" [recovered]") {
                    self.text.truncate(text.len());
                    self.stage = Stage::AfterText;
                }
            }
        }
    }
}

/// `script.go:LINE:COLUMN` of a line `…/script.go:LINE:COLUMN: panic`; the script may have printed something before it.
fn place(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line.strip_suffix(b": panic")?).ok()?;
    let (_, numbers) = line.rsplit_once(SCRIPT)?;
    let (row, column) = numbers.split_once(':')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (number(row) && number(column)).then(|| format!("script.go:{numbers}"))
}

#[cfg(test)]
mod tests {
    use super::Clues;

    fn clues(text: &str) -> Clues {
        let mut whole = Clues::default();
        whole.read(text.as_bytes());
        let mut pieces = Clues::default();
        for byte in text.as_bytes() {
            pieces.read(&[*byte]);
        }
        assert_eq!(
            (whole.places(), whole.refusal(), whole.crash()),
            (pieces.places(), pieces.refusal(), pieces.crash())
        );
        whole
    }

    #[test]
    fn places_are_those_of_the_last_panic() {
        let found = clues(
            "x/src/task/script.go:1:2: panic\nhello\nend/src/task/script.go:4:9: panic\n/r/src/task/script.go:11:2: panic\n",
        );
        assert_eq!(found.places(), ["script.go:4:9", "script.go:11:2"]);
        assert!(
            clues("/src/task/script.go:x:2: panic\n/src/config/config.go:1:1: panic\nscript.go:1:1: panic\n")
                .places()
                .is_empty()
        );
    }

    #[test]
    fn a_crash_has_text_places_and_goroutine() {
        let found = clues(
            "hi\n/r/src/task/script.go:6:14: panic\npanic: in [recovered]\n\tpanic: in\n\ngoroutine 6 [running]:\npanic({0x1})\n",
        );
        let crash = found.crash().unwrap();
        assert_eq!((crash.text.as_str(), crash.in_main, crash.at), ("panic: in", false, 37));
        assert_eq!(crash.places, ["script.go:6:14"]);
        let found =
            clues("panic: two\nlines [recovered]\n\tpanic: two\nlines\n\ngoroutine 1 [running]:\npanic: later\n");
        let crash = found.crash().unwrap();
        assert_eq!((crash.text.as_str(), crash.in_main), ("panic: two\nlines", true));
        let found = clues(
            "runtime: x\nfatal error: stack overflow\n\nruntime stack:\nruntime.throw()\n\ngoroutine 5 [running]:\n",
        );
        assert_eq!(found.crash().unwrap().text, "fatal error: stack overflow");
    }

    #[test]
    fn a_refusal_is_the_interpreters_last_word() {
        let found = clues("run: main.go:5:2: import \"task\" error: x\n");
        assert_eq!(found.refusal().unwrap().text, "main.go:5:2: import \"task\" error: x");
        assert!(clues("no run: x\n").refusal().is_none());
    }

    #[test]
    fn last_words_are_doubtful_from_their_first_letter() {
        let doubts = |text: &str| clues(text).doubts().collect::<Vec<_>>();
        assert_eq!(doubts("hi\npan"), [3]);
        assert_eq!(doubts("hi\npanic: x"), [3]);
        assert_eq!(doubts("hi\npants"), Vec::<u64>::new());
        assert_eq!(doubts("hi\n"), Vec::<u64>::new());
        assert_eq!(doubts("run: a\nfatal error: b\nrun: c\nf"), [22, 7, 29]);
    }

    #[test]
    fn a_line_without_end_stays_small() {
        let mut clues = Clues::default();
        for _ in 0..1000 {
            clues.read(&[b'x'; 1000]);
        }
        assert!(clues.line.capacity() < 10_000);
    }
}
