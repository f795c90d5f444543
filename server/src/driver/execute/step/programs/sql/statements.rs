//! Finds the statements of a script, so that each is executed by itself and an error can say which one it was.
//!
//! It knows what may hold a semicolon that ends nothing: texts, names, comments, and bodies of triggers and functions. What it takes for
//! one statement must be one for the database too: PostgreSQL itself refuses several, and for SQLite, which would execute them all, a
//! statement ends here exactly where it ends there.

use std::iter::Peekable;
use std::str::CharIndices;

/// How a database reads texts and names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    Sqlite,
}

/// How many words at the beginning of a statement tell what it is.
const WORDS: usize = 5;

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    pub(super) text: &'a str,
    /// Which one it is, from 1.
    number: usize,
    /// The line of the script on which it begins, from 1.
    line: usize,
    /// Its first words in capitals.
    words: Vec<String>,
    /// A character outside of texts, names and comments that has no place in a script.
    odd: Option<char>,
}

impl Statement<'_> {
    /// Whether it begins or ends a transaction.
    pub(super) fn is_transaction(&self) -> bool {
        let mut words = self.words.iter().map(String::as_str);
        match (words.next(), words.next()) {
            (Some("BEGIN" | "COMMIT" | "END" | "ABORT"), _) | (Some("START" | "PREPARE"), Some("TRANSACTION")) => true,
            // Back to a point that the script has set is fine.
            (Some("ROLLBACK"), Some("WORK" | "TRANSACTION")) => words.next() != Some("TO"),
            (Some("ROLLBACK"), second) => second != Some("TO"),
            _ => false,
        }
    }

    /// What it does to files other than the one of its database, if it does.
    pub(super) fn other_file(&self) -> Option<&str> {
        self.words.first().map(String::as_str).filter(|word| matches!(*word, "ATTACH" | "DETACH" | "VACUUM"))
    }

    /// A character of it that has no place in a script.
    pub(super) fn odd(&self) -> Option<char> {
        self.odd
    }

    /// Where something is, so many characters from its beginning, or its beginning itself.
    pub(super) fn place(&self, characters: usize) -> String {
        let before = self.text.chars().take(characters).filter(|one| *one == '\n').count();
        format!("statement {} (line {})", self.number, self.line + before)
    }
}

/// All statements of a script; what is empty or only a comment is none.
pub(super) fn split(script: &str, dialect: Dialect) -> Vec<Statement<'_>> {
    let mut reader = Reader { script, dialect, rest: script.char_indices().peekable(), line: 1 };
    let mut statements = Vec::new();
    while let Some(statement) = reader.statement(statements.len() + 1) {
        statements.push(statement);
    }
    statements
}

/// What a statement is in the middle of.
#[derive(Default)]
struct Inner {
    /// How many brackets are open.
    brackets: usize,
    /// How many bodies of functions are open.
    bodies: usize,
    /// The last token was a semicolon.
    after_semicolon: bool,
    /// The body of a trigger is over.
    over: bool,
}

struct Reader<'a> {
    script: &'a str,
    dialect: Dialect,
    rest: Peekable<CharIndices<'a>>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<(usize, char)> {
        let next = self.rest.next();
        self.line += usize::from(matches!(next, Some((_, '\n'))));
        next
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, one)| *one)
    }

    /// Where the next character begins.
    fn at(&mut self) -> usize {
        self.rest.peek().map_or(self.script.len(), |(at, _)| *at)
    }

    fn statement(&mut self, number: usize) -> Option<Statement<'a>> {
        let mut begin: Option<(usize, usize)> = None;
        let (mut words, mut odd) = (Vec::new(), None);
        let mut inner = Inner::default();
        loop {
            let line = self.line;
            let Some((at, one)) = self.next() else {
                let (from, line) = begin?;
                return Some(Statement { text: &self.script[from..], number, line, words, odd });
            };
            let next = self.peek();
            match one {
                ';' if begin.is_none() => continue,
                ';' if self.is_end(&words, &mut inner) => {
                    let (from, line) = begin?;
                    return Some(Statement { text: &self.script[from..at], number, line, words, odd });
                }
                ';' => continue,
                '-' if next == Some('-') => {
                    self.skip_line();
                    continue;
                }
                '/' if next == Some('*') => {
                    self.skip_comment();
                    continue;
                }
                one if is_blank(one) => continue,
                '\'' => self.skip_quoted('\'', false),
                '"' => self.skip_quoted('"', false),
                '`' if self.dialect == Dialect::Sqlite => self.skip_quoted('`', false),
                '[' if self.dialect == Dialect::Sqlite => while self.next().is_some_and(|(_, one)| one != ']') {},
                // Parameters have no value here, and some of them may hold quotes and semicolons.
                '?' | '$' | '@' | ':' | '#' | '\u{feff}' if self.dialect == Dialect::Sqlite => {
                    odd.get_or_insert(one);
                }
                '$' => self.skip_dollars(at),
                '(' => inner.brackets += 1,
                ')' => inner.brackets = inner.brackets.saturating_sub(1),
                one if is_part(one) => {
                    let word = self.word(at);
                    if word == "E" && self.dialect == Dialect::Postgres && self.peek() == Some('\'') {
                        self.next();
                        self.skip_quoted('\'', true);
                    }
                    if words.len() < WORDS {
                        words.push(word.clone());
                    }
                    match word.as_str() {
                        "BEGIN" if inner.brackets == 0 && has_body(&words) => inner.bodies += 1,
                        "CASE" if inner.bodies > 0 => inner.bodies += 1,
                        "END" => {
                            inner.bodies = inner.bodies.saturating_sub(1);
                            inner.over |= inner.after_semicolon;
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
            inner.after_semicolon = false;
            begin.get_or_insert((at, line));
        }
    }

    /// Whether a semicolon here ends the statement.
    fn is_end(&self, words: &[String], inner: &mut Inner) -> bool {
        match self.dialect {
            Dialect::Postgres => inner.brackets == 0 && inner.bodies == 0,
            // Each statement in a trigger ends with a semicolon, no such one begins with END, and nothing comes between END and the
            // semicolon after it. So this is where SQLite sees the end, or it refuses the whole.
            Dialect::Sqlite => {
                inner.after_semicolon = true;
                inner.over || !is_trigger(words)
            }
        }
    }

    /// The word that begins at this place, in capitals.
    fn word(&mut self, from: usize) -> String {
        while self.peek().is_some_and(|one| is_part(one) || one == '$') {
            self.next();
        }
        let to = self.at();
        self.script[from..to].to_ascii_uppercase()
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|(_, one)| one != '\n') {}
    }

    /// To the end of a comment, of which the first character has been read. In PostgreSQL a comment may hold comments.
    fn skip_comment(&mut self) {
        self.next();
        let mut depth = 1;
        while depth > 0 {
            match (self.next(), self.peek()) {
                (Some((_, '*')), Some('/')) => {
                    self.next();
                    depth -= 1;
                }
                (Some((_, '/')), Some('*')) if self.dialect == Dialect::Postgres => {
                    self.next();
                    depth += 1;
                }
                (Some(_), _) => {}
                (None, _) => return,
            }
        }
    }

    /// To the end of a text or name, of which the first quote has been read. Two quotes stand for one; of those that a text holds, the
    /// second begins what goes on as the first did.
    fn skip_quoted(&mut self, quote: char, escapes: bool) {
        while let Some((_, one)) = self.next() {
            if one == '\\' && escapes {
                self.next();
            } else if one == quote {
                if self.peek() != Some(quote) {
                    return;
                }
                self.next();
            }
        }
    }

    /// To the end of a text between two like `$$` or `$tag$`, of which the first dollar has been read; nothing where it is a parameter.
    fn skip_dollars(&mut self, from: usize) {
        let rest = &self.script[from + 1..];
        let Some(length) = rest.find('$') else { return };
        let tag = &rest[..length];
        if tag.starts_with(|one: char| one.is_ascii_digit()) || !tag.chars().all(is_part) {
            return;
        }
        let mark = &self.script[from..=from + 1 + length];
        let begin = from + mark.len();
        let end = self.script[begin..].find(mark).map_or(self.script.len(), |at| begin + at + mark.len());
        while self.at() < end {
            self.next();
        }
    }
}

/// Whether a statement of PostgreSQL with these first words may have a body of statements.
fn has_body(words: &[String]) -> bool {
    let mut words = words.iter().map(String::as_str);
    if words.next() != Some("CREATE") {
        return false;
    }
    let mut words = words.skip_while(|word| matches!(*word, "OR" | "REPLACE"));
    matches!(words.next(), Some("FUNCTION" | "PROCEDURE"))
}

/// Whether a statement of SQLite with these first words makes a trigger.
fn is_trigger(words: &[String]) -> bool {
    let mut words = words.iter().map(String::as_str);
    let (first, second) = (words.next(), words.next());
    let third = if matches!(second, Some("TEMP" | "TEMPORARY")) { words.next() } else { second };
    (first, third) == (Some("CREATE"), Some("TRIGGER"))
}

/// Whether a character may be part of a word; for the databases every one beyond ASCII may.
fn is_part(one: char) -> bool {
    one.is_ascii_alphanumeric() || one == '_' || !one.is_ascii()
}

/// Whether a character is white space to the databases.
fn is_blank(one: char) -> bool {
    one.is_ascii_whitespace() || one == '\x0b'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str, dialect: Dialect) -> Vec<&str> {
        split(script, dialect).into_iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn statements_end_at_semicolons_that_are_not_part_of_something() {
        use Dialect::{Postgres, Sqlite};
        for (dialect, script, expected) in [
            (Postgres, " ;; \n-- only ; this\n/* or ; this */ ", &[][..]),
            (Sqlite, "SELECT 1;SELECT 2", &["SELECT 1", "SELECT 2"]),
            (
                Sqlite,
                "SELECT ';', 'it''s;', \"a;b\", `c;d`, [e;f]; SELECT 2;",
                &["SELECT ';', 'it''s;', \"a;b\", `c;d`, [e;f]", "SELECT 2"],
            ),
            (Sqlite, "SELECT '\\'; SELECT 2", &["SELECT '\\'", "SELECT 2"]),
            (Postgres, "SELECT '\\'; SELECT E'\\';'; SELECT 3", &["SELECT '\\'", "SELECT E'\\';'", "SELECT 3"]),
            (
                Postgres,
                "SELECT a[1]; DO $$ x; $1 y; $$; DO $t$ ;$$; $t$; SELECT $1; SELECT a$b$c",
                &["SELECT a[1]", "DO $$ x; $1 y; $$", "DO $t$ ;$$; $t$", "SELECT $1", "SELECT a$b$c"],
            ),
            (Postgres, "/* a /* b; */ c; */ SELECT 1 -- x;\n;SELECT 2", &["SELECT 1 -- x;\n", "SELECT 2"]),
            (Sqlite, "/* a /* b; */ SELECT 1; SELECT 2", &["SELECT 1", "SELECT 2"]),
            (
                Postgres,
                "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3",
                &["CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"],
            ),
        ] {
            assert_eq!(texts(script, dialect), expected, "{script}");
        }
    }

    #[test]
    fn bodies_belong_to_their_statement() {
        let trigger = "create temp trigger t after insert on a begin select case when 1 then 2 end; delete from b; end";
        assert_eq!(texts(&format!("{trigger}; SELECT 1"), Dialect::Sqlite), [trigger, "SELECT 1"]);
        let function =
            "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END";
        assert_eq!(texts(&format!("{function}; SELECT 1"), Dialect::Postgres), [function, "SELECT 1"]);
        // A trigger ends where SQLite sees its end, whatever is called `begin`.
        let trigger = "CREATE TRIGGER begin AFTER INSERT ON t BEGIN SELECT 1; END";
        for rest in ["ROLLBACK", "ATTACH 'x' AS y", "END"] {
            assert_eq!(
                texts(&format!("{trigger} ; {rest}; SELECT 1; END"), Dialect::Sqlite)[..2],
                [&format!("{trigger} "), rest]
            );
        }
        let trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT (1);/* ; */ \nEnd";
        assert_eq!(texts(&format!("{trigger}; SELECT ("), Dialect::Sqlite), [trigger, "SELECT ("]);
        assert_eq!(texts("SELECT (; COMMIT", Dialect::Sqlite), ["SELECT (", "COMMIT"]);
        assert_eq!(texts("CREATE TABLE begin (a); COMMIT", Dialect::Sqlite).len(), 2);
        // A column may be called so.
        assert_eq!(texts("CREATE TABLE t (\"begin\" int); SELECT 1", Dialect::Postgres).len(), 2);
    }

    #[test]
    fn what_could_hide_a_semicolon_from_one_of_the_two_is_seen() {
        let odd = |text| split(text, Dialect::Sqlite)[0].odd();
        for (text, expected) in [
            ("SELECT $a('); ROLLBACK; SELECT $a(')", Some('$')),
            ("SELECT ?", Some('?')),
            ("SELECT :a", Some(':')),
            ("SELECT @a", Some('@')),
            ("SELECT #1", Some('#')),
            ("CREATE TRIGGER t AFTER INSERT ON t BEGIN SELECT 1;\u{feff}END; ROLLBACK; END;", Some('\u{feff}')),
            ("SELECT a$b, größe, '?$:@#', \"?\", [$], `#` -- ?\n /* $ */", None),
        ] {
            assert_eq!(odd(text), expected, "{text}");
        }
    }

    #[test]
    fn transactions_are_seen_and_points_within_one_are_not_taken_for_them() {
        let is = |text| split(text, Dialect::Postgres)[0].is_transaction();
        for text in [
            "begin",
            "BEGIN WORK",
            "start transaction",
            "commit",
            "End",
            "abort",
            "ROLLBACK",
            "rollback work",
            "/* x */ COMMIT AND CHAIN",
            "PREPARE TRANSACTION 'x'",
            "COMMIT PREPARED 'x'",
        ] {
            assert!(is(text), "{text}");
        }
        for text in [
            "ROLLBACK TO a",
            "rollback work to savepoint a",
            "SAVEPOINT a",
            "RELEASE a",
            "PREPARE p AS SELECT 1",
            "SELECT 'commit'",
            "INSERT INTO t VALUES (1)",
        ] {
            assert!(!is(text), "{text}");
        }
    }

    #[test]
    fn a_place_is_a_number_and_a_line_of_the_script() {
        let script = "SELECT 1;\n\n-- comment\n  SELECT\n  'ü\n',\n  x;\nSELECT 3";
        let statements = split(script, Dialect::Postgres);
        assert_eq!(statements[1].place(0), "statement 2 (line 4)");
        let at = statements[1].text.chars().position(|one| one == 'x').unwrap();
        assert_eq!(statements[1].place(at), "statement 2 (line 7)");
        assert_eq!(statements[2].place(0), "statement 3 (line 8)");
    }
}
