//! Every call of the protocol with its whole answer, from a client that plays Terraform's part.

#![expect(clippy::unnecessary_wraps, reason = "what is part of a message is made as it stands there")]

/// The answer to a call, which as a call must not fail.
macro_rules! answer {
    ($world:expr, $rpc:ident, $request:expr) => {
        $world.session.provider().$rpc($request).await.unwrap().into_inner()
    };
}

/// What each of these calls has found wrong: in a request as it is, or with one part that is another.
macro_rules! problems {
    ($world:expr; $($rpc:ident($request:expr) $(with $field:ident = $value:expr)?,)+) => {
        vec![$((stringify!($rpc), {
            let request = $request;
            $(let request = {
                let mut request = request;
                request.$field = $value;
                request
            };)?
            answer!($world, $rpc, request).diagnostics
        })),+]
    };
}

mod problems;
mod requests;
mod world;

mod action;
mod data_source;
mod deferral;
mod end;
mod ephemeral;
mod function;
mod identity;
mod list;
mod origin;
mod panics;
mod refused;
mod resource;
mod robust;
mod secrets;
mod stop;
mod strangers;
mod whole;

use tfplugin_client::wire::tfplugin6::invoke_action::event::Type;
use tfplugin_client::wire::tfplugin6::{Diagnostic, invoke_action};

use world::{THING, World, full};

/// All that comes, up to the end.
async fn all<T>(mut stream: tonic::Streaming<T>) -> Vec<T> {
    let mut events = Vec::new();
    while let Some(event) = stream.message().await.unwrap() {
        events.push(event);
    }
    events
}

/// The progress of an action, and with what it has ended: once, and at the end.
fn ended(events: Vec<invoke_action::Event>) -> (Vec<String>, Vec<Diagnostic>) {
    let mut events = events.into_iter().map(|event| event.r#type.unwrap());
    let Some(Type::Completed(completed)) = events.next_back() else { panic!("the last event is not the end") };
    let message = |event| match event {
        Type::Progress(progress) => progress.message,
        Type::Completed(_) => panic!("an end before the end"),
    };
    (events.map(message).collect(), completed.diagnostics)
}
