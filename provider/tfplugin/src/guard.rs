//! Keeps a panic in one call from ending the process, in which other objects are being worked on.
//!
//! A caught panic becomes a diagnostic. Any other panic (a background task of the author's) is printed in the form
//! that makes Terraform show its crash report.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::pin::pin;
use std::task::Poll;

use futures::FutureExt as _;
use futures::future::poll_fn;

use crate::diagnostics::Diagnostics;

thread_local! {
    /// Whether this thread is within a guarded call right now.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Where the last guarded panic of this thread happened; only the hook knows.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that was caught.
#[derive(Debug)]
struct Panicked {
    message: String,
    location: Option<String>,
}

impl Panicked {
    fn report(&self, diagnostics: &mut Diagnostics) {
        let place = self.location.as_deref().unwrap_or("an unknown place");
        diagnostics.error(
            "The provider panicked",
            format!("{} (at {place}). This is a mistake in the provider; please report it.", self.message),
        );
    }
}

/// Runs a call of the author's code, or a part of one after which the rest goes on. A panic becomes a diagnostic, and
/// there is no result.
pub(crate) async fn guarded<T>(
    diagnostics: &mut Diagnostics,
    work: impl AsyncFnOnce(&mut Diagnostics) -> T,
) -> Option<T> {
    let result = guard(work(diagnostics)).await;
    result.map_err(|panicked| panicked.report(diagnostics)).ok()
}

async fn guard<T>(call: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut call = pin!(AssertUnwindSafe(call).catch_unwind());
    // The call may move between threads, so the mark is set for each poll and not for the whole call.
    let result = poll_fn(|context| {
        let within_another = GUARDED.replace(true);
        let poll = call.as_mut().poll(context);
        GUARDED.set(within_another);
        match poll {
            Poll::Ready(Err(panic)) => Poll::Ready(Err((panic, LOCATION.take()))),
            Poll::Ready(Ok(value)) => Poll::Ready(Ok(value)),
            Poll::Pending => Poll::Pending,
        }
    });
    result.await.map_err(|(panic, location)| Panicked { message: message(&*panic), location })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

/// Installs the hook that tells the two kinds of panic apart.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|panic| {
        if GUARDED.get() {
            LOCATION.set(panic.location().map(ToString::to_string));
            tracing::error!(panic = %message(panic.payload()), location = %place(panic), "panic in a call");
        } else {
            // Nothing can be done about a closed stderr.
            let _ = writeln!(std::io::stderr(), "panic: {}\n\n{}", message(panic.payload()), place(panic));
        }
    }));
}

fn place(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map_or_else(|| "unknown place".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pitfall_16_a_panic_in_a_call_is_a_diagnostic() {
        let calls = std::sync::Mutex::new(0);
        let call = async {
            *calls.lock().unwrap() += 1;
            tokio::task::yield_now().await;
            panic!("number {}", 7);
        };
        let panicked = guard::<()>(call).await.unwrap_err();
        let mut diagnostics = Diagnostics::new();
        panicked.report(&mut diagnostics);
        let problem = diagnostics.iter().next().unwrap();
        assert_eq!(problem.summary, "The provider panicked");
        assert!(problem.detail.starts_with("number 7 (at "), "{}", problem.detail);
        assert!(!GUARDED.get());
        assert_eq!(guard(async { 5 }).await.unwrap(), 5);
    }

    #[tokio::test]
    async fn after_a_guarded_part_the_rest_goes_on_and_is_guarded_too() {
        let mut diagnostics = Diagnostics::new();
        let call = async |diagnostics: &mut Diagnostics| {
            let part = guarded(diagnostics, async |diagnostics| {
                diagnostics.warning("Careful", "It is about to panic.");
                tokio::task::yield_now().await;
                panic!("in a part");
            });
            assert_eq!(part.await, None::<()>);
            assert!(GUARDED.get());
            panic!("in the rest");
        };
        assert_eq!(guarded(&mut diagnostics, call).await, None::<()>);
        assert!(!GUARDED.get());
        let starts = ["It is about to panic.", "in a part (at ", "in the rest (at "];
        assert!(diagnostics.iter().zip(starts).all(|(problem, start)| problem.detail.starts_with(start)));
        assert_eq!(diagnostics.iter().count(), 3);
    }
}
