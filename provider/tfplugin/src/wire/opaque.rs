//! `Debug` of the messages that can carry secrets: sizes, never content.
//!
//! Any library on the way may log a message. What is listed here must match the list in `proto/opaque.txt`;
//! otherwise this does not compile.

use std::fmt::{Debug, Formatter, Result};

use super::plugin::StdioData;
use super::tfplugin6::{
    DynamicValue, RawState, apply_resource_change as apply, close_ephemeral_resource as close,
    import_resource_state as import, move_resource_state as moved, open_ephemeral_resource as open,
    plan_resource_change as plan, read_resource as read, read_state_bytes, renew_ephemeral_resource as renew,
    write_state_bytes,
};

macro_rules! opaque {
    ($($message:ty { $($shown:ident)* $(; $($hidden:ident)*)? })+) => {$(
        impl Debug for $message {
            fn fmt(&self, f: &mut Formatter<'_>) -> Result {
                f.debug_struct(stringify!($message))
                    $( .field(stringify!($shown), &self.$shown) )*
                    $( $( .field(concat!(stringify!($hidden), "_bytes"), &self.$hidden.len()) )* )?
                    .finish_non_exhaustive()
            }
        }
    )+};
}

opaque! {
    DynamicValue { ; msgpack json }
    RawState { ; json }
    read::Request { type_name ; private }
    read::Response { diagnostics ; private }
    plan::Request { type_name ; prior_private }
    plan::Response { diagnostics ; planned_private }
    apply::Request { type_name ; planned_private }
    apply::Response { diagnostics ; private }
    import::ImportedResource { type_name ; private }
    moved::Request { source_type_name target_type_name ; source_private }
    moved::Response { diagnostics ; target_private }
    open::Response { diagnostics }
    renew::Request { type_name }
    renew::Response { diagnostics }
    close::Request { type_name }
    read_state_bytes::ResponseChunk { diagnostics ; bytes }
    write_state_bytes::RequestChunk { ; bytes }
    StdioData { channel ; data }
}
