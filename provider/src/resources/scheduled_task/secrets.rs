//! What becomes of each secret.
//!
//! A plan decides it for each key and says it in `secret_revisions`: a key that will be written is unknown there, one that will be
//! removed is absent, all others keep their revision. Nothing of this needs the server. [`Change`] is what an apply does about it.

mod change;
mod fingerprint;
mod memory;
mod notices;

use std::collections::BTreeMap;

use tfplugin::{Attr, Plan, Sensitive};

use super::State;
use crate::client::Api;

pub(super) use change::Change;
pub(super) use memory::Memory;

/// Values by key, as a configuration and a state have them.
pub(super) type Values = BTreeMap<String, Attr<Sensitive<String>>>;
/// Revisions by key, as a plan and a state have them.
type Revisions = BTreeMap<String, Attr<String>>;

/// What the configuration says about secrets.
enum Configured<'a> {
    /// Neither attribute is set: secrets are others' business.
    Nothing,
    /// Known only after apply.
    Open,
    /// The task has these secrets and no others. The attribute's name comes first.
    Map(&'static str, &'a Values),
    /// Both attributes are set. Checks of the configuration do not see it where one was unknown.
    Both,
}

impl<'a> Configured<'a> {
    fn of(config: &'a State) -> Self {
        match (&config.secrets, &config.secrets_wo) {
            (Attr::Null, Attr::Null) => Self::Nothing,
            (Attr::Known(_), Attr::Known(_)) => Self::Both,
            (Attr::Unknown, _) | (_, Attr::Unknown) => Self::Open,
            (Attr::Known(values), Attr::Null) => Self::Map("secrets", values),
            (Attr::Null, Attr::Known(values)) => Self::Map("secrets_wo", values),
        }
    }
}

/// The configuration as the plan has seen it. `ignore_changes` puts the state's values into the configuration of a plan, and an apply
/// gets the one that was written; so it is what was planned that counts, and the configuration alone has write-only values.
pub(super) fn as_planned(planned: &State, config: State) -> State {
    let secrets = planned.secrets.clone();
    let secrets_wo = if secrets.is_null() { config.secrets_wo } else { Attr::Null };
    State { secrets, secrets_wo, secrets_wo_version: planned.secrets_wo_version.clone(), ..config }
}

/// The name of the attribute that the configuration sets, for messages.
pub(super) fn attribute(config: &State) -> &'static str {
    if config.secrets_wo.is_null() { "secrets" } else { "secrets_wo" }
}

/// What is to be done about one secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The server has this value.
    Keep,
    /// It is written.
    Write,
    /// Only the server can tell whether it has this value.
    Ask,
    /// It is known only after apply.
    Open,
}

/// Decides about the secrets of a task that exists.
struct Judge<'a> {
    prior: &'a State,
    config: &'a State,
    memory: &'a Memory,
    /// The revisions that the server had when Terraform last looked.
    current: BTreeMap<&'a str, &'a str>,
}

impl<'a> Judge<'a> {
    fn new(prior: &'a State, config: &'a State, memory: &'a Memory) -> Self {
        let current = match &prior.secret_revisions {
            Attr::Known(revisions) => {
                revisions.iter().filter_map(|(key, revision)| Some((key.as_str(), revision.as_str()?))).collect()
            }
            // A state from before there was this attribute, and no refresh since.
            _ => memory.applied.iter().map(|(key, revision)| (key.as_str(), revision.as_str())).collect(),
        };
        Self { prior, config, memory, current }
    }

    fn fate(&self, key: &str, value: &Attr<Sensitive<String>>) -> Fate {
        let Some(value) = value.as_known() else { return Fate::Open };
        match (self.current.get(key), self.memory.applied.get(key)) {
            (None, _) => Fate::Write,
            (Some(_), None) => Fate::Ask,
            (Some(current), Some(applied)) if current != applied => Fate::Write,
            _ => self.by_value(key, value.expose()),
        }
    }

    /// For a secret that is as it was last applied, whatever that was.
    fn by_value(&self, key: &str, value: &str) -> Fate {
        let same = |same| if same { Fate::Keep } else { Fate::Write };
        let (before, now) = (&self.prior.secrets_wo_version, &self.config.secrets_wo_version);
        let versioned = !self.config.secrets_wo.is_null() && !now.is_null();
        if versioned && now.is_unknown() {
            return Fate::Open;
        }
        if versioned && before.is_known() && before != now {
            return Fate::Write;
        }
        let in_state = self.prior.secrets.as_known().and_then(|values| values.get(key)?.as_known());
        if let Some(applied) = in_state {
            return same(applied.expose() == value);
        }
        if versioned && before == now {
            return Fate::Keep;
        }
        let fingerprints = self.memory.fingerprints.as_ref();
        fingerprints.and_then(|known| known.matches(key, value)).map_or(Fate::Ask, same)
    }

    /// What the plan says.
    async fn revisions(&self) -> Attr<Revisions> {
        let kept = |key: &str| self.current.get(key).map_or(Attr::Unknown, |revision| Attr::known(*revision));
        match Configured::of(self.config) {
            Configured::Open | Configured::Both => Attr::Unknown,
            Configured::Nothing => self.prior.secret_revisions.clone(),
            Configured::Map(_, values) => {
                let mut revisions = Revisions::new();
                for (key, value) in values {
                    let keep = self.fate(key, value) == Fate::Keep;
                    revisions.insert(key.clone(), if keep { kept(key) } else { Attr::Unknown });
                    // A fingerprint takes its time, and there may be many.
                    tokio::task::yield_now().await;
                }
                Attr::Known(revisions)
            }
        }
    }
}

/// Fills in `secret_revisions`.
pub(super) async fn plan(plan: &mut Plan<'_, State, Api>) {
    let configured = Configured::of(&plan.config);
    let memory = Memory::recall(plan.private);
    plan.planned.secret_revisions = match (&plan.prior, configured) {
        (_, Configured::Both) => {
            let detail = "Only one of `secrets` and `secrets_wo` may be set, and both are. With `ignore_changes = [secrets]` those of the \
                          state count as set: take `secrets` out of `ignore_changes` to move to `secrets_wo`.";
            plan.diagnostics.error_at("secrets_wo", "Conflicting attributes", detail);
            return;
        }
        (Some(prior), _) => {
            let judge = Judge::new(prior, &plan.config, &memory);
            // Of what is about to be destroyed, nothing is repaired.
            if prior.task_type == plan.planned.task_type {
                notices::report(&judge, plan.diagnostics);
            }
            judge.revisions().await
        }
        (None, Configured::Map(_, values)) => {
            Attr::Known(values.keys().map(|key| (key.clone(), Attr::Unknown)).collect())
        }
        (None, Configured::Nothing) => {
            notices::report_new(&plan.config, &memory, plan.diagnostics);
            Attr::Known(Revisions::new())
        }
        (None, Configured::Open) => Attr::Unknown,
    };
}
