//! Time-zone names, checked against the embedded IANA database.

use jiff::tz::TimeZone;

/// Why a text is not a time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an IANA time zone name such as `UTC` or `Europe/Zurich`; abbreviations and offsets are not accepted"
)]
pub struct NotAZone(String);

/// Reads an IANA time-zone name. Works the same on every machine: the database is part of the program.
pub fn parse(name: &str) -> Result<TimeZone, NotAZone> {
    let error = || NotAZone(name.chars().take(64).collect());
    let zone = jiff::tz::db().get(name).map_err(|_| error())?;
    // The database finds names in any letter case and knows `EST`-like files; one zone has one spelling here, and what is
    // not `Area/Place` (but for UTC) is an abbreviation.
    let canonical = zone.iana_name() == Some(name);
    if canonical && (name == "UTC" || name.contains('/')) { Ok(zone) } else { Err(error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_iana_names_are_zones() {
        for good in ["UTC", "Europe/Zurich", "America/Argentina/Buenos_Aires", "Etc/UTC"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for wrong in ["", "CET ", "EST", "+02:00", "utc", "europe/zurich", "Europe/Atlantis", "../etc/passwd", "Local"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
