//! Lines of Markdown.

/// How long a line may be.
const WIDTH: usize = 140;

/// Text in lines of up to 140 characters; lines after the first begin with `indent`. What stands between backticks stays together where it
/// is short, and no line begins with what Markdown would take for a list, a heading or a quotation.
pub(super) fn wrap(text: &str, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        let fits = line.chars().count() + 1 + word.chars().count() <= WIDTH;
        if line.is_empty() {
            line = word;
        } else if fits || begins_a_block(&word) {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(std::mem::replace(&mut line, format!("{indent}{word}")));
        }
    }
    lines.push(line);
    lines.join("\n")
}

/// A description as Markdown: paragraphs and lists, each in lines of up to 140 characters.
pub(super) fn blocks(text: &str) -> String {
    let mut blocks: Vec<String> = Vec::new();
    for paragraph in text.trim().split("\n\n") {
        let mut lines: Vec<String> = Vec::new();
        for line in paragraph.lines() {
            match lines.last_mut() {
                // A line that goes on with what the one before it said.
                Some(last) if !line.starts_with("- ") => *last = format!("{last} {line}"),
                _ => lines.push(line.to_owned()),
            }
        }
        let indent = |line: &str| if line.starts_with("- ") { "  " } else { "" };
        let lines: Vec<String> = lines.iter().map(|line| wrap(line, indent(line))).collect();
        blocks.push(lines.join("\n"));
    }
    blocks.join("\n\n")
}

/// Words, where a short piece of code is one word however many blanks it has.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_code = false;
    for piece in text.split_whitespace() {
        match words.last_mut() {
            Some(last) if in_code && last.chars().count() < WIDTH / 2 => {
                last.push(' ');
                last.push_str(piece);
            }
            _ => words.push(piece.to_owned()),
        }
        in_code ^= piece.matches('`').count() % 2 == 1;
    }
    words
}

fn begins_a_block(word: &str) -> bool {
    let number = word.trim_end_matches(['.', ')']);
    let numbered = number.len() < word.len() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    numbered || matches!(word, "-" | "+" | "*" | "|") || word.starts_with(['#', '>'])
}

/// The part of a link that leads to a heading.
pub(super) fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_together_and_no_line_begins_a_list() {
        let long = format!("{} `a b c` end", "x".repeat(134));
        assert_eq!(wrap(&long, "  "), format!("{}\n  `a b c` end", "x".repeat(134)));
        let list = format!("{} - 1. # end", "x".repeat(138));
        assert_eq!(wrap(&list, ""), format!("{} - 1. #\nend", "x".repeat(138)));
        assert_eq!(wrap("one\n  two", "  "), "one two");
    }

    #[test]
    fn lists_stay_lists() {
        let text = "It is:\n\n- one\n  and more\n- two\n\nThe\nend.";
        assert_eq!(blocks(text), "It is:\n\n- one and more\n- two\n\nThe end.");
        let long = format!("- {} end", "x".repeat(138));
        assert_eq!(blocks(&long), format!("- {}\n  end", "x".repeat(138)));
    }

    #[test]
    fn a_heading_is_found_by_its_anchor() {
        assert_eq!(anchor("Nested Schema for `a.b_c`"), "nested-schema-for-ab_c");
    }
}
