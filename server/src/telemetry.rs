//! Logs: one line an event on stderr. Their export is in [`logs`], traces are in [`traces`].

mod export;
pub mod logs;
pub mod process;
pub mod traces;

use logs::Logs;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// The machine's clock in UTC.
struct Utc;

impl FormatTime for Utc {
    #[expect(
        clippy::disallowed_methods,
        reason = "a log line tells the machine's time, also in a test with another clock"
    )]
    fn format_time(&self, w: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        write!(w, "{:.3}", jiff::Timestamp::now())
    }
}

/// Starts the log of this process on stderr. `filter` is a level, or directives such as `info,justiam_server=debug`.
pub fn start(filter: &str, format: LogFormat) -> Result<(), String> {
    start_exporting(filter, format, None)
}

/// The same, and exports the log where there is somebody to export to.
pub fn start_exporting(filter: &str, format: LogFormat, exported: Option<&Logs>) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("`{filter}` is not a log filter: {error}"))?;
    let log = tracing_subscriber::fmt::layer().with_timer(Utc).with_writer(std::io::stderr);
    let log = match format {
        LogFormat::Text => log.with_ansi(false).boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    let exported = exported.map(|logs| logs.bridge().with_filter(filter_fn(|event| Logs::takes(event.target()))));
    let started = tracing_subscriber::registry().with(filter).with(log).with(exported).try_init();
    started.map_err(|error| error.to_string())
}
