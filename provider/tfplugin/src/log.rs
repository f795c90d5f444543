//! Log lines in the form that Terraform passes on at their own level: JSON, one object a line, on stderr.

mod fields;

use std::io::Write as _;

use serde_json::{Map, Value as Json};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry, Scope};
use tracing_subscriber::util::SubscriberInitExt as _;

use fields::Fields;

/// Sends everything that is logged with `tracing` to Terraform, unless the process logs elsewhere already.
pub(crate) fn install(level: LevelFilter) {
    if level == LevelFilter::OFF {
        return;
    }
    // The transport's own chatter about each frame would bury everything else.
    let transport = ["h2", "hyper", "hyper_util", "rustls", "tokio_util", "tonic", "tower"];
    let quiet = level.min(LevelFilter::WARN);
    let filter = Targets::new().with_default(level).with_targets(transport.map(|target| (target, quiet)));
    // An author's own subscriber goes first.
    let _ = Registry::default().with(HcLog.with_filter(filter)).try_init();
}

/// The level that Terraform's user asks for; without one nobody would see the lines.
pub(crate) fn level(variable: impl Fn(&str) -> Option<String>) -> LevelFilter {
    let set = |name: &str| variable(name).filter(|level| !level.is_empty());
    match set("TF_LOG_PROVIDER").or_else(|| set("TF_LOG")).unwrap_or_default().to_ascii_uppercase().as_str() {
        "TRACE" | "JSON" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "WARN" => LevelFilter::WARN,
        "ERROR" => LevelFilter::ERROR,
        _ => LevelFilter::OFF,
    }
}

/// Writes events as `hclog` does: `@level`, `@message`, `@module`, `@timestamp`, and all fields as keys.
struct HcLog;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for HcLog {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = around(event, &context);
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message").unwrap_or_else(|| Json::from(""));
        line.extend(fields.0);
        line.insert("@level".to_owned(), name(*event.metadata().level()).into());
        line.insert("@message".to_owned(), message);
        line.insert("@module".to_owned(), event.metadata().target().into());
        line.insert("@timestamp".to_owned(), timestamp().into());
        let mut text = Json::Object(line).to_string();
        text.push('\n');
        // In one piece, so that lines of several threads do not mix. Nothing can be done about a closed stderr.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// The fields of the spans that the event is in. Of those with one name the innermost counts: what is nearer to the
/// event says more about it.
fn around<S: Subscriber + for<'a> LookupSpan<'a>>(event: &Event<'_>, context: &Context<'_, S>) -> Map<String, Json> {
    let mut all = Map::new();
    for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
        if let Some(Fields(fields)) = span.extensions().get() {
            all.extend(fields.clone());
        }
    }
    all
}

fn name(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

fn timestamp() -> String {
    let mut text = String::new();
    // Fails only if the text cannot grow.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keeps what is around the last event.
    struct Seen(Arc<Mutex<Map<String, Json>>>);

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
        fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
            *self.0.lock().unwrap() = around(event, &context);
        }
    }

    #[test]
    fn the_innermost_of_fields_with_one_name_counts() {
        let seen = Arc::new(Mutex::new(Map::new()));
        let subscriber = Registry::default().with(HcLog).with(Seen(seen.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let _outer = tracing::info_span!("outer", page = 1, call = "list").entered();
            let _inner = tracing::info_span!("inner", page = 2).entered();
            tracing::info!("looked");
        });
        assert_eq!(Json::Object(seen.lock().unwrap().clone()), serde_json::json!({"page": 2, "call": "list"}));
    }

    #[test]
    fn pitfall_17_the_level_is_the_users() {
        let of = |provider: &str, all: &str| {
            level(|name| Some(if name == "TF_LOG_PROVIDER" { provider } else { all }.to_owned()))
        };
        assert_eq!(of("", ""), LevelFilter::OFF);
        assert_eq!(of("", "debug"), LevelFilter::DEBUG);
        assert_eq!(of("Warn", "trace"), LevelFilter::WARN);
        assert_eq!(of("json", ""), LevelFilter::TRACE);
        assert_eq!(of("off", "trace"), LevelFilter::OFF);
        assert_eq!(level(|_| None), LevelFilter::OFF);
    }
}
