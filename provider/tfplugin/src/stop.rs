//! The wish to stop.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Whether the user has asked Terraform to stop (Ctrl-C).
///
/// A long operation watches it and ends in good order: it returns what exists, so that nothing is lost.
///
/// ```
/// # async fn wait_until_ready() {}
/// # async fn example(stop: tfplugin::Stop, diagnostics: &mut tfplugin::Diagnostics) {
/// tokio::select! {
///     () = wait_until_ready() => {}
///     () = stop.requested() => diagnostics.error("Interrupted", "The job was created, but is not ready yet."),
/// }
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stop(CancellationToken);

impl Stop {
    /// Whether the stop has been requested.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until the stop is requested.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// Requests the stop. The framework does; tests of resources may.
    pub fn request(&self) {
        self.0.cancel();
    }

    /// A stop of its own that this one implies.
    pub(crate) fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}

/// Gives each call its stop, and stops all that are running.
///
/// Calls that come later are not affected: after a stop Terraform still closes what it has opened, and a provider
/// that runs under a debugger serves the next command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stops(Arc<Mutex<Stop>>);

impl Stops {
    /// The stop of a call that begins now.
    pub(crate) fn current(&self) -> Stop {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops the running calls.
    pub(crate) fn request(&self) {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).request();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_for_the_calls_that_are_running() {
        let stops = Stops::default();
        let running = stops.current();
        stops.request();
        assert!(running.is_requested() && !stops.current().is_requested());
    }

    #[test]
    fn a_child_stops_alone_or_with_its_parent() {
        let parent = Stop::default();
        let (first, second) = (parent.child(), parent.child());
        first.request();
        assert!(first.is_requested() && !second.is_requested() && !parent.is_requested());
        parent.request();
        assert!(second.is_requested());
    }
}
