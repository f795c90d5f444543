//! Shows what the command line and the environment tell a server.

use std::borrow::Cow;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory as _, Subcommand};
use url::Url;

use super::{Cli, Done, Serve, say};

/// Secrets that have no flag, and the flags that count in their place.
const SECRETS: [(&str, &[&str]); 3] = [
    ("JWT_SECRET", &["jwt_secret_file", "jwt_secret_command"]),
    ("JWT_SECRET_OLD", &[]),
    ("DATABASE_URL", &["database_url_file"]),
];

/// Flags in whose values a secret may be, although it should not.
const NOT_SHOWN: [&str; 1] = ["jwt_secret_command"];

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print every setting of `serve` with these flags and this environment: its value, and where that comes from
    Show(Box<Serve>),
}

/// Prints every setting. `matches` are those of the whole command line.
pub(super) fn show(matches: &ArgMatches) -> Done {
    let Some(matches) = ["config", "show"].iter().try_fold(matches, |matches, name| matches.subcommand_matches(name))
    else {
        return Err("the command line cannot be read again".into());
    };
    let mut lines: Vec<[String; 3]> = Vec::new();
    let command = Cli::command();
    let serve = command.get_subcommands().find(|command| command.get_name() == "serve");
    for arg in serve.into_iter().flat_map(clap::Command::get_arguments) {
        // Those that print help have no value.
        if let (Some(long), true) = (arg.get_long(), arg.get_action().takes_values()) {
            let (value, source) = of_flag(arg, matches);
            lines.push([format!("--{long}"), value, source]);
        }
    }
    for (variable, flags) in SECRETS {
        let is_set = std::env::var_os(variable).is_some_and(|value| !value.is_empty());
        let by_flag = flags.iter().any(|flag| matches.value_source(flag).is_some());
        let source = match (is_set, by_flag) {
            (true, true) => "environment; a flag in its place counts",
            (true, false) => "environment",
            (false, _) => "",
        };
        let value = if is_set { "set" } else { "not set" };
        lines.push([variable, value, source].map(str::to_owned));
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let (names, values) = (width(0), width(1).min(40));
    let text: Vec<_> =
        lines.iter().map(|[name, value, source]| format!("{name:names$}  {value:values$}  {source}")).collect();
    say(&text.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n"))
}

/// The value of a flag, and where it comes from.
fn of_flag(arg: &Arg, matches: &ArgMatches) -> (String, String) {
    let id = arg.get_id().as_str();
    let variable = arg.get_env().map(|name| name.to_string_lossy());
    let source = match matches.value_source(id) {
        Some(ValueSource::CommandLine) => "flag".to_owned(),
        Some(ValueSource::EnvVariable) => format!("environment ({})", variable.unwrap_or_default()),
        Some(_) => "default".to_owned(),
        None => String::new(),
    };
    let values = matches.get_raw(id).into_iter().flatten();
    let values: Vec<_> = values.map(|value| without_secret(&value.to_string_lossy()).into_owned()).collect();
    let value = match values.join(",") {
        empty if empty.is_empty() => "not set".to_owned(),
        _ if NOT_SHOWN.contains(&id) => "set".to_owned(),
        value => value,
    };
    (value, source)
}

/// An address may hold a password, or a token in its query.
fn without_secret(value: &str) -> Cow<'_, str> {
    let Ok(mut url) = Url::parse(value) else { return value.into() };
    if url.username().is_empty() && url.password().is_none() && url.query().is_none() {
        return value.into();
    }
    // Only addresses without a host refuse, and these have nobody who logs in.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    format!("{url} (and more that is not shown)").into()
}
