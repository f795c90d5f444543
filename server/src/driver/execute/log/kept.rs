//! A long text of which the beginning and the end are kept.

use std::collections::VecDeque;

use crate::store::run_logs::{HEAD, Piece, TAIL};

/// How long a piece gets: what is left out is left out in whole pieces.
const PIECE: usize = 8 << 10;

/// The first 64 KiB, the last 64 KiB, and at most a piece more of each.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pieces: VecDeque<Piece>,
    start: u64,
    end: u64,
}

impl Kept {
    /// Where the text ends, with what was left out.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// What is kept.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter()
    }

    /// Adds to the end.
    pub(super) fn push(&mut self, mut text: &str) {
        while !text.is_empty() {
            let last = self.pieces.back_mut().filter(|last| last.end() == self.end && last.text.len() < PIECE);
            let room = PIECE - last.as_ref().map_or(0, |last| last.text.len());
            let mut length = text.floor_char_boundary(room);
            if length == 0 {
                // A piece may be longer by a part of a character.
                length = text.ceil_char_boundary(room);
            }
            let (now, later) = text.split_at(length);
            match last {
                Some(last) => last.text.push_str(now),
                None => self.pieces.push_back(Piece { at: self.end, text: now.to_owned() }),
            }
            self.end += now.len() as u64;
            text = later;
        }
        self.leave_out();
    }

    /// Adds a piece of a text of which something before it may be missing.
    fn add(&mut self, piece: &Piece) {
        self.end = self.end.max(piece.at);
        self.push(&piece.text);
    }

    fn leave_out(&mut self) {
        let head = self.pieces.iter().take_while(|piece| piece.at < self.start + HEAD).count();
        while self.pieces.get(head).is_some_and(|piece| piece.end() + TAIL <= self.end) {
            self.pieces.remove(head);
        }
    }

    /// Takes away what comes from `end` on.
    pub(super) fn truncate(&mut self, end: u64) {
        self.pieces.retain(|piece| piece.at < end);
        if let Some(last) = self.pieces.back_mut().filter(|last| last.end() > end) {
            let length = usize::try_from(end - last.at).unwrap_or(usize::MAX);
            last.text.truncate(last.text.floor_char_boundary(length));
        }
        self.end = self.end.min(end);
    }

    /// Moves what comes before `until` to the end of another text.
    pub(super) fn hand_over(&mut self, until: u64, to: &mut Self) {
        while let Some(mut piece) = self.pieces.pop_front_if(|piece| piece.at < until) {
            if piece.end() > until {
                let length = piece.text.floor_char_boundary(usize::try_from(until - piece.at).unwrap_or(usize::MAX));
                let rest = piece.text.split_off(length);
                self.pieces.push_front(Piece { at: piece.at + length as u64, text: rest });
                to.add(&piece);
                break;
            }
            to.add(&piece);
        }
        self.start = self.pieces.front().map_or(self.end, |first| first.at);
    }

    /// What is kept from `from` on.
    pub(super) fn since(&self, from: u64) -> Vec<Piece> {
        let later = self.pieces.iter().skip_while(|piece| piece.end() <= from);
        later.map(|piece| piece.from(from)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::run_logs::whole;

    const KIB_64: usize = 64 << 10;

    fn kept(pieces: &[&str]) -> Kept {
        let mut kept = Kept::default();
        for piece in pieces {
            kept.push(piece);
        }
        kept
    }

    fn text(kept: &Kept) -> String {
        whole(kept.pieces())
    }

    #[test]
    fn little_is_kept_whole() {
        assert_eq!(text(&kept(&["one ", "two"])), "one two");
        assert_eq!(text(&kept(&[])), "");
        let long: String = ('a'..='ÿ').cycle().take(KIB_64).collect();
        let long = &long[..long.floor_char_boundary(2 * KIB_64)];
        assert!(text(&kept(&[long])) == long);
        let letters: Vec<String> = long.chars().map(String::from).collect();
        assert!(text(&kept(&letters.iter().map(String::as_str).collect::<Vec<_>>())) == long);
    }

    #[test]
    fn beginning_and_end_are_kept_of_much() {
        let long: String = ('a'..='ÿ').cycle().take(20 * KIB_64).collect();
        let letters: Vec<String> = long.chars().map(String::from).collect();
        for kept in [kept(&[&long]), kept(&letters.iter().map(String::as_str).collect::<Vec<_>>())] {
            let text = text(&kept);
            let (head, rest) = text.split_once("\n… ").unwrap();
            let (missing, tail) = rest.split_once(" bytes left out …\n").unwrap();
            assert!(long.starts_with(head) && long.ends_with(tail));
            for part in [head, tail] {
                assert!((KIB_64 - 4..KIB_64 + PIECE + 4).contains(&part.len()), "{}", part.len());
            }
            assert_eq!(head.len() + missing.parse::<usize>().unwrap() + tail.len(), long.len());
        }
    }

    #[test]
    fn a_text_is_cut_and_handed_over_anywhere() {
        let long: String = ('a'..='z').cycle().take(3 * PIECE).collect();
        for at in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 4 * PIECE] {
            let expected = &long[..at.min(long.len())];
            let mut cut = kept(&[&long]);
            cut.truncate(at as u64);
            assert!(text(&cut) == expected && cut.end() == expected.len() as u64, "{at}");
            let (mut from, mut to) = (kept(&[&long]), Kept::default());
            from.hand_over(at as u64, &mut to);
            let left: String = from.pieces().map(|piece| piece.text.as_str()).collect();
            assert!(text(&to) == expected && left == long[expected.len()..], "{at}");
            from.hand_over(u64::MAX, &mut to);
            assert!(text(&to) == long && from.pieces().next().is_none(), "{at}");
        }
    }

    #[test]
    fn what_is_new_begins_where_it_was_left() {
        let kept = kept(&["äbc", "def"]);
        let since = |from| kept.since(from).into_iter().map(|piece| (piece.at, piece.text)).collect::<Vec<_>>();
        assert_eq!(since(0), [(0, "äbcdef".to_owned())]);
        assert_eq!(since(3), [(3, "cdef".to_owned())]);
        assert_eq!(since(1), [(2, "bcdef".to_owned())]);
        assert_eq!(since(7), []);
    }
}
