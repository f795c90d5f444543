//! A run as the root of a trace, and the process of its script as the first span in it.

use justiam_sdk::api::values::{RunStatus, Trigger};
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::Span;

use crate::store::active_runs::Claimed;
use crate::store::runs::Ending;
use crate::telemetry::traces::Telemetry;

/// The span of a run, from its claim to its end.
pub(super) struct RunSpan(Span);

impl RunSpan {
    pub(super) fn begin(telemetry: &Telemetry, run: &Claimed) -> Self {
        let attributes = vec![
            KeyValue::new("task.id", run.task_id.to_string()),
            KeyValue::new("run.id", run.id.to_string()),
            KeyValue::new("run.attempt", i64::from(run.attempt)),
        ];
        Self(telemetry.begin("run", SpanKind::Internal, None, attributes))
    }

    /// What the lines of the log belong to meanwhile.
    pub(super) fn context(&self) -> Context {
        Context::new().with_remote_span_context(self.0.span_context().clone())
    }

    /// Whether anybody will see it.
    pub(super) fn is_kept(&self) -> bool {
        self.0.is_recording()
    }

    pub(super) fn describe(&mut self, task: &str, trigger: Option<&Trigger>) {
        if self.is_kept() {
            self.0.set_attribute(KeyValue::new("task.name", task.to_owned()));
            self.0.set_attributes(trigger.map(|trigger| KeyValue::new("run.trigger", trigger.to_string())));
        }
    }

    /// The span of the interpreter's process.
    pub(super) fn script(&self, telemetry: &Telemetry) -> Span {
        telemetry.begin("script", SpanKind::Internal, Some(self.0.span_context()), Vec::new())
    }

    /// Ends it. The texts of the ending stay out: they can be long, and are in the run.
    pub(super) fn end(mut self, ending: &Ending) {
        self.0.set_attribute(KeyValue::new("run.status", ending.status.to_string()));
        if ending.status == RunStatus::Error {
            self.0.set_status(Status::error(""));
        }
        self.0.end();
    }
}
