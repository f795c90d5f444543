//! The wish to stop.

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
}
