//! What private state remembers of a task's secrets: what the server has acknowledged, and no value.

use std::collections::BTreeMap;

use tfplugin::{Diagnostics, Private};

use super::fingerprint::Fingerprints;

/// The names in private state.
const REVISIONS: &str = "secret_revisions";
const FINGERPRINTS: &str = "secret_fingerprints";

/// What was last applied.
#[derive(Clone, PartialEq, Default)]
pub(in super::super) struct Memory {
    /// The revision that the server gave each secret that Terraform wrote, or found to be equal.
    pub(super) applied: BTreeMap<String, String>,
    /// Of those whose values are in no state.
    pub(super) fingerprints: Option<Fingerprints>,
}

impl Memory {
    /// What private state holds; nothing for a task that is new or was just imported.
    pub(in super::super) fn recall(private: &Private) -> Self {
        let fingerprints = private.get(FINGERPRINTS).filter(Fingerprints::are_comparable);
        Self { applied: private.get(REVISIONS).unwrap_or_default(), fingerprints }
    }

    /// Puts it into private state.
    pub(in super::super) fn store(&self, private: &mut Private, diagnostics: &mut Diagnostics) {
        let stored = private.set(REVISIONS, &self.applied).and_then(|()| {
            if let Some(fingerprints) = &self.fingerprints {
                return private.set(FINGERPRINTS, fingerprints);
            }
            private.remove(FINGERPRINTS);
            Ok(())
        });
        if let Err(error) = stored {
            diagnostics.warning("Could not remember the revisions of secrets", error.to_string());
        }
    }
}
