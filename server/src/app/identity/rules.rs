//! What texts about people and programs must be like.

use justiam_sdk::api::users::{
    Attributes, MAX_ATTRIBUTE, MAX_ATTRIBUTE_KEY, MAX_ATTRIBUTES, MAX_ATTRIBUTES_BYTES, MAX_EMAIL,
};

use super::super::FieldErrors;
use super::super::error::shown;

/// What is wrong with a name that must be there: one line of at most `max` characters that is not blank.
pub(in crate::app) fn line_defect(text: &str, max: usize) -> Option<String> {
    if text.trim().is_empty() { Some("must not be blank".into()) } else { maybe_line_defect(text, max) }
}

/// What is wrong with a name that may be empty.
pub(in crate::app) fn maybe_line_defect(text: &str, max: usize) -> Option<String> {
    let length = text.chars().count();
    if length > max {
        Some(format!("has {length} characters; {max} are allowed"))
    } else if text.chars().any(char::is_control) {
        Some("must not contain control characters".into())
    } else {
        None
    }
}

/// What is wrong with an e-mail address. Only sending to it can tell more.
pub(in crate::app) fn email_defect(text: &str) -> Option<String> {
    if let Some(defect) = line_defect(text, MAX_EMAIL) {
        return Some(defect);
    }
    let parts = text.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if parts.is_none() || text.chars().any(char::is_whitespace) {
        return Some(format!("must be an e-mail address, not `{}`", shown(text)));
    }
    None
}

/// Checks the attributes that a field called `field` holds. Values are never repeated.
pub(in crate::app) fn check_attributes(attributes: &Attributes, field: &str, errors: &mut FieldErrors) {
    if attributes.len() > MAX_ATTRIBUTES {
        errors.add(field, format!("has {} keys; {MAX_ATTRIBUTES} are allowed", attributes.len()));
    }
    for (key, value) in attributes {
        let path = || format!("{field}.{}", shown(key));
        if let Some(defect) = line_defect(key, MAX_ATTRIBUTE_KEY) {
            errors.add(path(), format!("has a key that {defect}"));
        }
        let length = value.chars().count();
        if length > MAX_ATTRIBUTE {
            errors.add(path(), format!("has {length} characters; {MAX_ATTRIBUTE} are allowed"));
        }
    }
    // Lists have up to 1000 users on a page, so the single limits alone would let one grow without bounds.
    let bytes = serde_json::to_string(attributes).map_or(0, |text| text.len());
    if bytes > MAX_ATTRIBUTES_BYTES {
        errors.add(field, format!("has {bytes} bytes as JSON; {MAX_ATTRIBUTES_BYTES} are allowed"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_parts_and_no_blanks() {
        for good in ["a@b", "ÄÖ.x+y@example.com", "\"@\"@example.com", &format!("{}@x", "a".repeat(252))] {
            assert_eq!(email_defect(good), None, "{good}");
        }
        for (wrong, defect) in [
            ("", "must not be blank"),
            (" \u{a0}", "must not be blank"),
            ("carol", "must be an e-mail address, not `carol`"),
            ("@x", "must be an e-mail address, not `@x`"),
            ("a@", "must be an e-mail address, not `a@`"),
            ("a b@x", "must be an e-mail address, not `a b@x`"),
            ("a\n@x", "must not contain control characters"),
            (&format!("{}@x", "ä".repeat(253)), "has 255 characters; 254 are allowed"),
        ] {
            assert_eq!(email_defect(wrong).as_deref(), Some(defect), "{wrong}");
        }
    }

    #[test]
    fn attributes_have_limits_and_their_values_are_not_repeated() {
        let check = |attributes: &[(&str, String)]| {
            let mut errors = FieldErrors::default();
            let map = attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
            check_attributes(&map, "attributes", &mut errors);
            errors.into_map()
        };
        assert!(check(&[("team", "ö".repeat(4096)), (&"k".repeat(100), "line\none".into())]).is_empty());
        let errors =
            check(&[("team", "secret ".repeat(1000)), (" ", String::new()), (&"k".repeat(101), String::new())]);
        assert_eq!(errors["attributes.team"], ["has 7000 characters; 4096 are allowed"]);
        assert_eq!(errors["attributes. "], ["has a key that must not be blank"]);
        assert_eq!(errors.len(), 3);
        let many: Vec<_> = (0..101).map(|number| number.to_string()).collect();
        let many: Vec<_> = many.iter().map(|key| (key.as_str(), String::new())).collect();
        assert_eq!(check(&many)["attributes"], ["has 101 keys; 100 are allowed"]);
        // Names, quotes and escapes count: {"1":"…","2":"…","3":"…","4":"\n…"}.
        let most = |last: usize| {
            let full = "x".repeat(4096);
            check(&[("1", full.clone()), ("2", full.clone()), ("3", full), ("4", format!("\n{}", "x".repeat(last)))])
        };
        assert!(most(4065).is_empty());
        assert_eq!(most(4066)["attributes"], ["has 16385 bytes as JSON; 16384 are allowed"]);
    }
}
