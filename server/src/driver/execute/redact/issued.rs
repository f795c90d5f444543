//! Client secrets of applications. A script that rotates one gets it while it runs, so they are known by their form.

use justiam_sdk::api::applications::SECRET_PREFIX;

/// The prefix and one character more: less tells nothing.
const SHORTEST: usize = SECRET_PREFIX.len() + 1;

/// Finds client secrets, also the beginning of one, in a text that comes byte by byte.
#[derive(Default)]
pub(super) struct Issued {
    /// How many of the last bytes may belong to one, counted up to [`SHORTEST`].
    matched: usize,
}

impl Issued {
    /// Reads on. Where the last bytes belong to a client secret, tells how many at least: the earlier ones were told before.
    pub(super) fn read(&mut self, byte: u8) -> Option<u64> {
        let goes_on = match SECRET_PREFIX.as_bytes().get(self.matched) {
            Some(expected) => byte == *expected,
            // What comes behind the prefix is Base64 for URLs. How much does not matter: what was cut or put together goes too.
            None => byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_',
        };
        if goes_on {
            self.matched = (self.matched + 1).min(SHORTEST);
        } else {
            // The first letter of the prefix is in it only once, so no other beginning was missed.
            self.matched = usize::from(SECRET_PREFIX.as_bytes().first() == Some(&byte));
        }
        (self.matched == SHORTEST).then_some(SHORTEST as u64)
    }

    /// How many of the last bytes cannot be passed on before more has come.
    pub(super) fn held(&self) -> u64 {
        // Of one that was found, a byte is enough to keep the place open.
        if self.matched == SHORTEST { 1 } else { self.matched as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::redactor;
    use super::SECRET_PREFIX;

    #[test]
    fn client_secrets_go_without_being_known() {
        let redactor = redactor(&[]);
        let secret = format!("{SECRET_PREFIX}{}", "aZ0-_".repeat(9).split_at(43).0);
        for (text, expected) in [
            (secret.clone(), "****".to_owned()),
            (format!("\"{secret}\","), "\"****\",".to_owned()),
            (format!("<{secret}{secret}>"), "<****>".to_owned()),
            (format!("{SECRET_PREFIX}{secret} {secret}"), "**** ****".to_owned()),
            (format!("justiam_justiam_{secret}"), "justiam_justiam_****".to_owned()),
            // What is left of one that was cut.
            (secret[..20].to_owned(), "****".to_owned()),
            (format!("{SECRET_PREFIX}, {SECRET_PREFIX}"), format!("{SECRET_PREFIX}, {SECRET_PREFIX}")),
        ] {
            assert_eq!(redactor.whole(&text), expected);
        }
        assert_eq!(SECRET_PREFIX.matches(&SECRET_PREFIX[..1]).count(), 1);
    }
}
