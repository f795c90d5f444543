//! Checks of values that several resources have.

use std::fmt::Display;
use std::str::FromStr;

use justiam_sdk::api::cron::CronExpr;
use justiam_sdk::api::values::Words;
use justiam_sdk::api::zone;
use tfplugin::{Check, Message, Value};

/// The text is one of the words of an enum.
pub(crate) fn word<W: Words>(what: &'static str) -> Check {
    Check::text(move |text| {
        if W::from(text).is_known() {
            return Ok(());
        }
        let detail = format!("`{text}` is no {what}; it {}.", W::expected());
        let close = W::KNOWN.iter().find(|known| known.eq_ignore_ascii_case(text.trim()));
        let hint = close.map_or_else(String::new, |known| format!("\n\nhint: write `{known}`"));
        Err(Message::new(format!("Invalid {what}"), detail + &hint))
    })
}

/// The text is an id.
pub(crate) fn id<Id: FromStr<Err: Display>>() -> Check {
    Check::text(|text| text.parse::<Id>().map(drop).map_err(|error| Message::new("Invalid id", format!("{error}."))))
}

/// The text is a cron expression.
pub(crate) fn cron(text: &str) -> Result<(), Message> {
    text.parse::<CronExpr>().map(drop).map_err(|error| {
        let hint = "\n\nhint: the fields are minute, hour, day of month, month, day of week; `0 3 * * *` is every day at 03:00";
        Message::new("Invalid cron expression", format!("{error}.{hint}"))
    })
}

/// Whether two cron expressions fire at the same times, however they are written.
pub(crate) fn same_cron(prior: &Value, new: &Value) -> bool {
    let parse = |value: &Value| value.as_str().and_then(|text| text.parse::<CronExpr>().ok());
    parse(prior).is_some_and(|prior| parse(new).is_some_and(|new| prior.means(&new)))
}

/// The text is the name of a time zone.
pub(crate) fn timezone(text: &str) -> Result<(), Message> {
    zone::parse(text).map(drop).map_err(|error| Message::new("Invalid time zone", format!("{error}.")))
}

/// The text is one line of up to `longest` characters and not blank: a name, or what else `what` says.
pub(crate) fn line(what: &'static str, longest: usize) -> Check {
    Check::text(move |text| {
        let length = text.chars().count();
        let refuse = |detail: String| Err(Message::new(format!("Invalid {what}"), detail));
        if text.trim().is_empty() {
            refuse(format!("The {what} must not be blank."))
        } else if length > longest {
            refuse(format!("The {what} has {length} characters; {longest} are allowed."))
        } else if text.chars().any(char::is_control) {
            refuse(format!("The {what} must not contain control characters such as line breaks."))
        } else {
            Ok(())
        }
    })
}

/// The text is a path of up to `longest` characters that begins at the root of the server's files.
pub(crate) fn absolute_path(longest: usize) -> Check {
    Check::text(move |text| {
        let length = text.chars().count();
        let refuse = |detail: String| Err(Message::new("Invalid path", detail));
        if !text.starts_with('/') {
            refuse("It is a path on the server and must be absolute.\n\nhint: begin with `/`, as in `/srv/…`".into())
        } else if length > longest {
            refuse(format!("The path has {length} characters; {longest} are allowed."))
        } else if text.chars().any(char::is_control) {
            refuse("The path must not contain control characters such as line breaks.".into())
        } else {
            Ok(())
        }
    })
}
