//! The connection strings of SQL steps: what they may look like, and what is shown of them.

use url::Url;

use super::schedules::MAX_PATH;
use super::secrets::Secret;

/// What stands in the place of what is hidden.
const HIDDEN: &str = "***";

/// The parameters of an address whose values are no secrets. All others are hidden: a value that nobody needs to see is better than
/// a password that everybody sees.
const HARMLESS: [&str; 16] = [
    "application_name",
    "cache",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "immutable",
    "mode",
    "port",
    "sslcert",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "user",
    "vfs",
];

/// What a server shows of the address of a database, or what is wrong with it. Neither tells a secret: where it could not be said for
/// sure what the password is, the address is refused.
pub fn shown(connection: &Secret) -> Result<String, String> {
    let text = connection.expose();
    let length = text.chars().count();
    if length > MAX_PATH {
        return Err(format!("has {length} characters; {MAX_PATH} are allowed"));
    }
    if text.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return Err("must not contain blanks or control characters; a blank is written as `%20`".to_owned());
    }
    if text.contains('#') {
        return Err("must not contain `#`; in a password it is written as `%23`".to_owned());
    }
    let (address, parameters) = text.split_once('?').map_or((text, None), |(address, rest)| (address, Some(rest)));
    let address = if let Some(path) = address.strip_prefix("sqlite:") {
        if path.trim_start_matches('/').is_empty() {
            return Err("must name the database's file, as in `sqlite:/srv/data/reports.db`".to_owned());
        }
        if path.contains('@') {
            return Err("must not contain `@`: an SQLite database has no password".to_owned());
        }
        address.to_owned()
    } else if let Some((scheme, rest)) = address.split_once("://").filter(|(scheme, _)| is_postgres(scheme)) {
        let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
        let after = path.into_iter().chain(parameters);
        if after.into_iter().any(|part| part.contains('@')) {
            return Err("has an `@` behind the host; in a user's name or a password `/` is written as `%2F`, `?` as \
                        `%3F` and `@` as `%40`"
                .to_owned());
        }
        if Url::parse(text).is_err() {
            return Err("cannot be read; it looks like `postgres://user:password@host:5432/database`".to_owned());
        }
        let path = path.map(|path| format!("/{path}")).unwrap_or_default();
        format!("{scheme}://{}{path}", without_password(authority))
    } else {
        return Err("must begin with `postgres://`, `postgresql://` or `sqlite:`".to_owned());
    };
    Ok(match parameters {
        Some(parameters) => {
            let parameters: Vec<String> = parameters.split('&').map(without_value).collect();
            format!("{address}?{}", parameters.join("&"))
        }
        None => address,
    })
}

/// Whether a text has a place where something was hidden.
pub fn is_redacted(connection: &Secret) -> bool {
    let text = connection.expose();
    [":***@", "=***", "?***", "&***"].iter().any(|hidden| text.contains(hidden))
}

fn is_postgres(scheme: &str) -> bool {
    matches!(scheme, "postgres" | "postgresql")
}

/// User, host and port.
fn without_password(authority: &str) -> String {
    let Some((user, host)) = authority.rsplit_once('@') else { return authority.to_owned() };
    match user.split_once(':') {
        Some((user, _)) => format!("{user}:{HIDDEN}@{host}"),
        None => authority.to_owned(),
    }
}

/// One parameter. A name without a value may be a part of anything.
fn without_value(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if HARMLESS.contains(&name) => parameter.to_owned(),
        Some((name, _)) if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte)) => {
            format!("{name}={HIDDEN}")
        }
        _ if parameter.is_empty() => String::new(),
        _ => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn show(text: &str) -> Result<String, String> {
        shown(&text.into())
    }

    #[test]
    fn user_host_and_database_stay_and_the_password_goes() {
        for (text, expected) in [
            ("postgres://u:pw@db.example.com:5432/x", "postgres://u:***@db.example.com:5432/x"),
            ("postgresql://u:@h/x?sslmode=require", "postgresql://u:***@h/x?sslmode=require"),
            ("postgres://u:a:b%40c@h", "postgres://u:***@h"),
            ("postgres://u:a@b@h/x", "postgres://u:***@h/x"),
            ("postgres://u@h/x", "postgres://u@h/x"),
            ("postgres://h/x?user=u&password=pw&sslmode=disable", "postgres://h/x?user=u&password=***&sslmode=disable"),
            ("postgres://h/x?PassWord=pw&sslpassword=pw&pwd", "postgres://h/x?PassWord=***&sslpassword=***&***"),
            ("postgres://h/x?p%61ssword=pw", "postgres://h/x?***"),
            ("postgres://h/x?options=-csearch_path%3Da", "postgres://h/x?options=***"),
            ("postgres:///x?host=/run/postgresql", "postgres:///x?host=/run/postgresql"),
            ("sqlite:/srv/a.db", "sqlite:/srv/a.db"),
            ("sqlite:///srv/a.db?mode=ro&key=pw", "sqlite:///srv/a.db?mode=ro&key=***"),
        ] {
            assert_eq!(show(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused_and_not_repeated() {
        for wrong in [
            "",
            "canary",
            "Server=h;Password=canary",
            "mysql://u:canary@h/x",
            "POSTGRES://u:canary@h/x",
            "postgres:u:canary@h",
            "postgres://u:canary/1@h/x",
            "postgres://u:1/canary@h/x",
            "postgres://u:1?canary@h/x",
            "postgres://u:1#canary@h/x",
            "postgres://u:canary#1@h/x",
            "postgres://u:canary 1@h/x",
            "postgres://u:can\tary@h/x",
            "postgres://u:canary@h:port/x",
            "postgres://u:canary@[::1/x",
            "sqlite:",
            "sqlite://",
            "sqlite://u:canary@h/x",
        ] {
            let error = show(wrong).unwrap_err();
            assert!(!error.contains("canary"), "{wrong}: {error}");
        }
        assert!(show(&format!("sqlite:/{}", "x".repeat(MAX_PATH - 8))).is_ok());
        assert!(show(&format!("sqlite:/{}", "x".repeat(MAX_PATH - 7))).is_err());
    }

    #[test]
    fn what_was_hidden_is_seen() {
        for text in
            ["postgres://u:pw@h/x", "postgres://h/x?password=pw", "postgres://h/x?pw", "postgres://h/x?user=a&pw"]
        {
            assert!(!is_redacted(&text.into()), "{text}");
            assert!(is_redacted(&show(text).unwrap().into()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_password_is_never_shown(
            before in "[a-z]{0,3}[:/?#@&=%. ]{0,2}",
            after in "[:/?#@&=%. ]{0,2}[0-9]{0,3}",
            user in "[a-z]{0,4}",
            rest in prop::sample::select(vec!["", "/x", "/x?sslmode=require", "?user=a", ":5432/x?a=b&c"]),
        ) {
            let text = format!("postgres://{user}:{before}CANARY{after}@host{rest}");
            let told = match show(&text) { Ok(shown) => shown, Err(error) => error };
            prop_assert!(!told.contains("CANARY"), "{} is told as {}", text, told);
        }
    }
}
