//! Writes figures as text.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, EncodeMetric as _, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::app::App;
use crate::app::metrics::Metrics;
use crate::app::metrics::counts::{Counters, Counts, Label, Outcome};
use crate::app::metrics::histogram::Histogram;
use crate::telemetry::process::Process;

/// What can become of a tick of a task.
const OF_TICKS: [Outcome; 7] = [
    Outcome::Run,
    Outcome::Queued,
    Outcome::Replaced,
    Outcome::Skipped,
    Outcome::QueueFull,
    Outcome::Folded,
    Outcome::Repeated,
];
/// What can become of a trigger.
const OF_TRIGGERS: [Outcome; 5] =
    [Outcome::Run, Outcome::Queued, Outcome::Replaced, Outcome::Skipped, Outcome::QueueFull];
/// What can become of a tick of a schedule.
const OF_SCHEDULES: [Outcome; 5] =
    [Outcome::Run, Outcome::Skipped, Outcome::NoSteps, Outcome::Folded, Outcome::Repeated];
/// How scripts can be isolated: the first word of what the server says about it.
const ISOLATION: [&str; 3] = ["sandbox", "partial", "unknown"];

/// What one scrape is made of.
struct Scrape {
    app: Arc<App>,
    /// What the database says, where it does.
    stored: Option<Arc<Metrics>>,
    process: Option<Process>,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

/// All figures as OpenMetrics.
pub(super) fn write(app: &Arc<App>, stored: Option<Arc<Metrics>>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { app: Arc::clone(app), stored, process: Process::look() }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut to = Writer(encoder);
        to.stored(self.stored.as_deref())?;
        to.engine(self.app.counts())?;
        let loops = self.app.counts().loops(self.app.clock.monotonic());
        let loops = loops.into_iter().map(|(of, age)| ([("loop", of.word())], age.as_secs_f64()));
        to.gauges("justiam_loop_age_seconds", "How long ago a loop of the engine came round", loops)?;
        to.requests(self.app.counts())?;
        let isolation = self.app.isolation().and_then(|isolation| isolation.split(':').next());
        let levels = ISOLATION.map(|level| ([("level", level)], i64::from(isolation == Some(level))));
        to.gauges("justiam_script_isolation", "How scripts are isolated here: 1 at the level that holds", levels)?;
        let version = [([("version", env!("CARGO_PKG_VERSION"))], 1_i64)];
        to.gauges("justiam_build_info", "Which version this is", version)?;
        self.process.iter().try_for_each(|process| to.process(process))
    }
}

/// Puts figures into the text, one family after the other.
struct Writer<'e>(DescriptorEncoder<'e>);

impl Writer<'_> {
    fn stored(&mut self, stored: Option<&Metrics>) -> fmt::Result {
        let up = i64::from(stored.is_some());
        self.gauge("justiam_database_up", "Whether the database has answered this scrape", up)?;
        let Some(stored) = stored else { return Ok(()) };
        let (runs, steps, executions) = (stored.active, stored.steps, stored.executions);
        let of = |status| [("status", status)];
        let active = [(of("queued"), runs.queued), (of("running"), runs.running)];
        self.gauges("justiam_runs", "Runs that have not ended", active)?;
        self.gauge("justiam_runs_ready", "Queued runs whose turn has come: they wait for a worker", runs.ready)?;
        let active = [(of("queued"), steps.queued), (of("processing"), steps.processing)];
        self.gauges("justiam_steps", "Steps of schedules whose turn has come", active)?;
        let active = [(of("queued"), executions.queued), (of("in_progress"), executions.in_progress)];
        self.gauges("justiam_executions", "Executions of schedules that have not ended", active)?;
        let help = "How long the most overdue enabled task or schedule has waited";
        self.gauge("justiam_due_lag_seconds", help, stored.due_lag.as_secs_f64())?;
        let violations = stored
            .invariants
            .iter()
            .map(|checked| ([("invariant", checked.name)], i64::try_from(checked.violations).unwrap_or(i64::MAX)));
        self.gauges("justiam_invariant_violations", "What is not as it must be", violations)
    }

    fn engine(&mut self, counts: &Counts) -> fmt::Result {
        self.outcomes("justiam_ticks", "Ticks of tasks by what became of them", &counts.ticks, &OF_TICKS)?;
        let help = "Runs of tasks that somebody asked for, by what became of them";
        self.outcomes("justiam_triggers", help, &counts.triggers, &OF_TRIGGERS)?;
        let help = "Ticks of schedules by what became of them";
        self.outcomes("justiam_schedule_ticks", help, &counts.schedule_ticks, &OF_SCHEDULES)?;
        let help = "From the nominal time of a tick to the start of its run";
        self.histogram("justiam_start_lag_seconds", help, &counts.start_lag)?;
        let help = "From the moment that the turn of a run has come to its start";
        self.histogram("justiam_claim_seconds", help, &counts.claims)?;
        let status = |(status, histogram)| ([("status", status)], histogram);
        self.histograms("justiam_run_seconds", "Runs from start to end", counts.runs.read().map(status))?;
        self.histograms("justiam_step_seconds", "Steps from start to end", counts.steps.read().map(status))?;
        let help = "Executions of schedules from start to end";
        self.histograms("justiam_execution_seconds", help, counts.executions.read().map(status))?;
        let rescues = counts.rescues.read().map(|(work, count)| ([("kind", work.word())], count));
        self.counters("justiam_lease_rescues", "What a server left behind and this one has ended", rescues)?;
        let errors = counts.database_errors.read().map(|(kind, count)| ([("kind", kind.word())], count));
        self.counters("justiam_database_errors", "Failures of the database that reached a request or a loop", errors)
    }

    fn requests(&mut self, counts: &Counts) -> fmt::Result {
        let answers: Vec<_> = counts
            .requests()
            .into_iter()
            .map(|((route, method, status), histogram)| (method, route, status.to_string(), histogram))
            .collect();
        let answers = answers.iter().map(|(method, route, status, histogram)| {
            let labels = [("method", *method), ("route", &**route), ("status", status.as_str())];
            (labels, &**histogram)
        });
        self.histograms("justiam_http_request_seconds", "Requests until their answers begin", answers)?;
        let at_work = counts.requests_at_work.read();
        self.gauge("justiam_http_requests_at_work", "Requests whose answers have not begun", at_work)?;
        let connections = counts.connections.read();
        self.gauge("justiam_http_connections", "Connections of clients", connections)
    }

    fn process(&mut self, process: &Process) -> fmt::Result {
        let bytes = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.gauge("process_start_time_seconds", "When the process began, in seconds since 1970", process.started_at)?;
        let mut cpu = self.0.encode_descriptor("process_cpu_seconds", "Processor time", None, MetricType::Counter)?;
        cpu.encode_counter::<NoLabelSet, _, f64>(&process.cpu_seconds, None)?;
        self.gauge("process_resident_memory_bytes", "Memory that is in use", bytes(process.resident_bytes))?;
        self.gauge("process_virtual_memory_bytes", "Addresses that are mapped", bytes(process.virtual_bytes))?;
        self.gauge("process_threads", "Threads", bytes(process.threads))?;
        self.gauge("process_open_fds", "Open files and sockets", bytes(process.open_fds))?;
        let Some(max) = process.max_fds else { return Ok(()) };
        self.gauge("process_max_fds", "How many files and sockets may be open", bytes(max))
    }

    fn outcomes(&mut self, name: &str, help: &str, counted: &Counters<Outcome>, possible: &[Outcome]) -> fmt::Result {
        let possible = counted.read().filter(|(outcome, _)| possible.contains(outcome));
        self.counters(name, help, possible.map(|(outcome, count)| ([("outcome", outcome.word())], count)))
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl EncodeGaugeValue) -> fmt::Result {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    fn gauges<L: EncodeLabelSet, N: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, N)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        values.into_iter().try_for_each(|(labels, value)| ConstGauge::new(value).encode(family.encode_family(&labels)?))
    }

    fn counters<L: EncodeLabelSet, N: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, N)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        values.into_iter().try_for_each(|(labels, value)| {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&value, None)
        })
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) -> fmt::Result {
        let (sum, count, buckets) = histogram.read();
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        family.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn histograms<'h, L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, &'h Histogram)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        values.into_iter().try_for_each(|(labels, histogram)| {
            let (sum, count, buckets) = histogram.read();
            family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
        })
    }
}

/// The older form: the names of counters end with `_total` also where their type stands, and there is no end mark.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let suffix = if kind == "counter" { "_total" } else { "" };
            if let Some((_, help)) = help.take() {
                let _ = writeln!(plain, "# HELP {name}{suffix} {help}");
            }
            let _ = writeln!(plain, "# TYPE {name}{suffix} {kind}");
        } else if line != "# EOF" {
            plain.push_str(line);
            plain.push('\n');
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_form_names_counters_by_their_samples() {
        let new =
            "# HELP a What a is.\n# TYPE a counter\na_total{x=\"1\"} 5\n# HELP b b\n# TYPE b gauge\nb 1.5\n# EOF\n";
        let old = "# HELP a_total What a is.\n# TYPE a_total counter\na_total{x=\"1\"} 5\n# HELP b b\n# TYPE b gauge\nb 1.5\n";
        assert_eq!(plain(new), old);
    }
}
