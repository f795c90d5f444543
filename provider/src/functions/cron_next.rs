//! `cron_next(expr, timezone, after, count)`: when a cron expression fires.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use justiam_planner::calendar;
use justiam_sdk::api::preview::COUNT;
use justiam_sdk::api::zone;
use tfplugin::{Check, Function, FunctionError, Message, Parameter, Signature, Type};

use super::{expression, parsed};
use crate::checks;

/// The function.
pub(crate) struct CronNext;

impl Function for CronNext {
    const NAME: &'static str = "cron_next";
    type Arguments = (String, String, String, usize);
    type Output = Vec<String>;

    fn signature(&self) -> Signature {
        let timezone = Parameter::string("timezone")
            .check(Check::text(checks::timezone))
            .markdown("The IANA time zone in which the expression counts, such as `UTC` or `Europe/Zurich`.");
        let after = Parameter::string("after").check(Check::text(|text| instant(text).map(drop))).markdown(
            "The instant after which to begin, in RFC 3339 form, such as `2026-01-31T08:00:00Z`. One at this very instant is left out. \
             `plantimestamp()` is now.",
        );
        let counts = i64::from(*COUNT.start())..=i64::from(*COUNT.end());
        let count =
            Parameter::number("count").check(Check::int(counts)).markdown("How many instants to tell, from 1 to 1000.");
        Signature::new([expression(), timezone, after, count], Type::list(Type::String))
            .summary("Tells when a cron expression fires.")
            .markdown(
                "Tells the next instants at which a cron expression fires, as the server decides, daylight saving included, without a \
                 server. The result is a list of RFC 3339 texts in order, each with the offset that the time zone has then, so that \
                 `formatdate` shows the local time. There are fewer of them than `count` only where the calendar ends, in the year 5000.",
            )
    }

    fn call(&self, (expr, timezone, after, count): Self::Arguments) -> Result<Vec<String>, FunctionError> {
        let expr = parsed(&expr)?;
        let zone = zone::parse(&timezone).map_err(|error| FunctionError::argument(1, format!("{error}.")))?;
        let after = instant(&after).map_err(|refused| FunctionError::argument(2, refused.detail))?;
        let ticks = calendar::preview(&expr, &zone, after, count);
        Ok(ticks.into_iter().map(|tick| local(tick, &zone)).collect())
    }
}

fn instant(text: &str) -> Result<Timestamp, Message> {
    text.parse().map_err(|_| {
        let detail = format!(
            "`{text}` is not an RFC 3339 instant.\n\nhint: write date, `T`, time and zone, such as `2026-01-31T08:00:00Z`, or \
             `plantimestamp()` for now"
        );
        Message::new("Invalid instant", detail)
    })
}

/// The instant with the offset of the zone; in UTC where that has none, or one with seconds, which the form cannot say.
fn local(tick: Timestamp, zone: &TimeZone) -> String {
    let offset = zone.to_offset(tick);
    if offset.seconds() == 0 || offset.seconds() % 60 != 0 {
        return tick.to_string();
    }
    tick.display_with_offset(offset).to_string()
}
