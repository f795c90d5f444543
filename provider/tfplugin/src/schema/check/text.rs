//! Checks of texts.

use std::ops::RangeInclusive;

use regex_lite::Regex;
use serde::de::IgnoredAny;

use super::{Check, Message};

impl Check {
    /// The text is one of these.
    pub fn one_of<S: Into<String>>(allowed: impl IntoIterator<Item = S>) -> Self {
        let allowed: Vec<String> = allowed.into_iter().map(Into::into).collect();
        let mistake = allowed.is_empty().then(|| "no value is allowed".to_owned());
        let one_of = Self::text(move |text| {
            if allowed.iter().any(|allowed| allowed == text) {
                return Ok(());
            }
            let list = quoted(&allowed);
            Err(Message::new("Value not allowed", format!("The value must be one of {list}.")))
        });
        one_of.with_mistakes(mistake)
    }

    /// The text is none of these.
    pub fn none_of<S: Into<String>>(forbidden: impl IntoIterator<Item = S>) -> Self {
        let forbidden: Vec<String> = forbidden.into_iter().map(Into::into).collect();
        Self::text(move |text| {
            if forbidden.iter().all(|forbidden| forbidden != text) {
                return Ok(());
            }
            let list = quoted(&forbidden);
            Err(Message::new("Value not allowed", format!("The value must not be one of {list}.")))
        })
    }

    /// The text has so many characters.
    pub fn length(range: RangeInclusive<usize>) -> Self {
        Self::measured(range, "characters", |text| text.chars().count())
    }

    /// The text has so many bytes in UTF-8, in which many APIs count.
    pub fn bytes(range: RangeInclusive<usize>) -> Self {
        Self::measured(range, "bytes", str::len)
    }

    fn measured(range: RangeInclusive<usize>, unit: &'static str, measure: fn(&str) -> usize) -> Self {
        let (least, most) = (*range.start(), *range.end());
        let mistake = range.is_empty().then(|| format!("no text has {least} to {most} {unit}"));
        let measured = Self::text(move |text| {
            let length = measure(text);
            if range.contains(&length) {
                return Ok(());
            }
            let detail = format!("The value must have {least} to {most} {unit}, and has {length}.");
            Err(Message::new("Invalid length", detail))
        });
        measured.with_mistakes(mistake)
    }

    /// The text has a part that matches a regular expression; `^` and `$` in the pattern make it the whole text.
    /// `message` is for a text that has none.
    ///
    /// The syntax is that of the crate `regex-lite`: no classes of Unicode such as `\p{L}`, no look-around, and `\d`,
    /// `\w` and `(?i)` are about ASCII. The time is proportional to the length of the text, whatever the text.
    pub fn regex(pattern: &str, message: Message) -> Self {
        match Regex::new(pattern) {
            Ok(regex) => Self::text(move |text| if regex.is_match(text) { Ok(()) } else { Err(message.clone()) }),
            Err(error) => {
                let mistake = format!("the pattern {pattern:?} is no regular expression: {error}");
                Self::new(|_| Ok(())).with_mistakes([mistake])
            }
        }
    }

    /// The text is JSON.
    pub fn json() -> Self {
        Self::text(json)
    }

    /// The text is a JSON object.
    pub fn json_object() -> Self {
        Self::text(|text| {
            json(text)?;
            if text.trim_start().starts_with('{') {
                return Ok(());
            }
            Err(Message::new("Invalid JSON", "The value must be a JSON object: names and values within `{` and `}`."))
        })
    }
}

/// The error says where the text stops to be JSON, and repeats nothing of it.
fn json(text: &str) -> Result<(), Message> {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(IgnoredAny) => Ok(()),
        Err(error) => Err(Message::new("Invalid JSON", format!("The value must be JSON text: {error}."))),
    }
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}
