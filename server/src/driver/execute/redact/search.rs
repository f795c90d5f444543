//! Finds many patterns in one pass over a text: the automaton of Aho and Corasick.
//!
//! Those of libraries know at each state all patterns that end there. With patterns that end in one another, memory and work
//! grow with the square of their number, and whoever writes a task's secrets chooses them. Here only the longest one is known,
//! so that both grow with the length of the patterns and with nothing else.

use std::collections::VecDeque;
use std::ops::Range;

/// Knows all patterns: secrets, and what is left out without a mark.
pub(super) struct Search {
    /// The tree of all beginnings of patterns, level by level. The children of a node stand together, in the order of their bytes.
    nodes: Vec<Node>,
    /// Where a byte leads that goes on with nothing: most bytes begin no pattern.
    starts: Vec<State>,
}

/// The longest end of what was read that is the beginning of a pattern, as the place of its node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State(usize);

/// What ends at a place in a text: the longest pattern.
pub(super) struct Found {
    pub(super) length: u32,
    pub(super) is_secret: bool,
}

struct Node {
    first_child: u32,
    children: u16,
    byte: u8,
    /// Whether it is the beginning of a secret.
    begins_secret: bool,
    /// The longest proper end of this beginning that is one as well.
    fallback: u32,
    depth: u32,
    /// The length of the longest pattern that ends here; 0 where none does.
    found: u32,
    found_is_secret: bool,
}

impl Search {
    /// `None` where there are too many patterns for it.
    pub(super) fn new(secrets: &[Vec<u8>], paths: &[Vec<u8>]) -> Option<Self> {
        let secrets = secrets.iter().map(|secret| (secret.as_slice(), true));
        let mut patterns: Vec<_> = secrets.chain(paths.iter().map(|path| (path.as_slice(), false))).collect();
        // What is a secret and a path counts as a secret.
        patterns.sort_unstable_by_key(|(bytes, is_secret)| (*bytes, !is_secret));
        patterns.dedup_by_key(|(bytes, _)| *bytes);
        let root = Node {
            first_child: 0,
            children: 0,
            byte: 0,
            begins_secret: false,
            fallback: 0,
            depth: 0,
            found: 0,
            found_is_secret: false,
        };
        let mut search = Self { nodes: vec![root], starts: vec![State::default(); 256] };
        // For each node whose children are still to be made, the patterns that begin with it.
        let mut open = VecDeque::new();
        open.push_back(0..patterns.len());
        let mut at = 0;
        while let Some(below) = open.pop_front() {
            search.add_children(at, &patterns, below, &mut open)?;
            at += 1;
        }
        Some(search)
    }

    /// Makes the children of a node. Those of all nodes before it are there.
    fn add_children(
        &mut self,
        at: usize,
        patterns: &[(&[u8], bool)],
        mut below: Range<usize>,
        open: &mut VecDeque<Range<usize>>,
    ) -> Option<()> {
        let depth = self.nodes[at].depth;
        let index = depth as usize;
        let fallback = State(self.nodes[at].fallback as usize);
        self.nodes[at].first_child = u32::try_from(self.nodes.len()).ok()?;
        while let Some((bytes, is_secret)) = patterns[below.clone()].first() {
            let Some(byte) = bytes.get(index).copied() else {
                // The pattern that ends at the node itself.
                below.start += 1;
                continue;
            };
            let same = patterns[below.clone()].partition_point(|(bytes, _)| bytes.get(index) <= Some(&byte));
            let begun = below.start..below.start + same;
            let fallback = self.next(fallback, byte);
            let shorter = &self.nodes[fallback.0];
            let (found, found_is_secret) = if bytes.len() == index + 1 {
                (depth + 1, *is_secret)
            } else {
                (shorter.found, shorter.found_is_secret)
            };
            if at == 0 {
                self.starts[usize::from(byte)] = State(self.nodes.len());
            }
            self.nodes.push(Node {
                first_child: 0,
                children: 0,
                byte,
                begins_secret: patterns[begun.clone()].iter().any(|(_, is_secret)| *is_secret),
                fallback: u32::try_from(fallback.0).ok()?,
                depth: depth + 1,
                found,
                found_is_secret,
            });
            self.nodes[at].children += 1;
            below.start = begun.end;
            open.push_back(begun);
        }
        Some(())
    }

    /// Reads on.
    pub(super) fn next(&self, mut state: State, byte: u8) -> State {
        while state != State::default() {
            let node = &self.nodes[state.0];
            let first = node.first_child as usize;
            let children = &self.nodes[first..first + usize::from(node.children)];
            if let Ok(child) = children.binary_search_by_key(&byte, |child| child.byte) {
                return State(first + child);
            }
            state = State(node.fallback as usize);
        }
        self.starts[usize::from(byte)]
    }

    /// Reads a text from its beginning.
    pub(super) fn read(&self, text: &[u8]) -> State {
        text.iter().fold(State::default(), |state, byte| self.next(state, *byte))
    }

    /// What ends here.
    pub(super) fn found(&self, state: State) -> Option<Found> {
        let node = &self.nodes[state.0];
        (node.found > 0).then_some(Found { length: node.found, is_secret: node.found_is_secret })
    }

    /// How many of the last bytes may be the beginning of a pattern.
    pub(super) fn depth(&self, state: State) -> u32 {
        self.nodes[state.0].depth
    }

    /// How many of the last bytes may be the beginning of a secret.
    pub(super) fn begun(&self, state: State) -> u32 {
        let mut node = &self.nodes[state.0];
        while !node.begins_secret && node.depth > 0 {
            node = &self.nodes[node.fallback as usize];
        }
        node.depth
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::super::tests::redactor;
    use super::*;

    /// Secrets that end in one another, and begin with one another.
    fn nested() -> Vec<String> {
        (4..1004).map(|length| "a".repeat(length)).collect()
    }

    #[test]
    fn secrets_that_end_in_one_another_cost_no_more_than_others() {
        let values = nested();
        let text = "a".repeat(1 << 20);
        let start = Instant::now();
        let redactor = redactor(&values.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(redactor.whole(&text), "****");
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }

    #[test]
    fn memory_grows_with_the_length_of_the_patterns() {
        let mut secrets: Vec<Vec<u8>> = nested().into_iter().map(String::into_bytes).collect();
        let long = "a".repeat(64 << 10);
        secrets.extend(["b", "c", "d"].map(|begin| format!("{begin}{long}").into_bytes()));
        let search = Search::new(&secrets, &[]).unwrap();
        assert_eq!(search.nodes.len(), 1 + 1003 + 3 * ((64 << 10) + 1));
        assert!(size_of::<Node>() <= 24);
    }

    proptest! {
        /// Against looking for each pattern at each place.
        #[test]
        fn what_ends_and_what_has_begun_is_known_at_each_place(
            secrets in proptest::collection::vec("[ab]{1,6}", 0..6),
            paths in proptest::collection::vec("[abc]{1,6}", 0..3),
            text in "[abc]{0,30}",
        ) {
            let bytes = |texts: &[String]| texts.iter().map(|text| text.clone().into_bytes()).collect::<Vec<_>>();
            let search = Search::new(&bytes(&secrets), &bytes(&paths)).unwrap();
            let all = || secrets.iter().chain(&paths);
            let longest = |test: &dyn Fn(&str) -> bool, read: &str| {
                (0..=read.len()).map(|at| &read[at..]).find(|end| test(end)).map_or(0, str::len)
            };
            for end in 0..=text.len() {
                let read = &text[..end];
                let state = search.read(read.as_bytes());
                let found = all().filter(|pattern| read.ends_with(pattern.as_str())).max_by_key(|pattern| pattern.len());
                let expected = found.map(|pattern| (pattern.len(), secrets.contains(pattern)));
                prop_assert_eq!(search.found(state).map(|found| (found.length as usize, found.is_secret)), expected);
                let begun = longest(&|end| secrets.iter().any(|secret| secret.starts_with(end)), read);
                prop_assert_eq!(search.begun(state) as usize, begun);
                let depth = longest(&|end| all().any(|pattern| pattern.starts_with(end)), read);
                prop_assert_eq!(search.depth(state) as usize, depth);
            }
        }
    }
}
