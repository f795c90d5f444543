//! What an apply does about secrets: what it sends, what it asks for, and what it remembers.

use std::collections::{BTreeMap, BTreeSet};

use justiam_sdk::api::secrets::{Secret, SecretMap, SecretsPatch};
use tfplugin::Attr;

use super::super::State;
use super::super::convert::Refused;
use super::fingerprint::Fingerprints;
use super::{Configured, Fate, Judge, Memory, Revisions};

/// The secrets of one apply. It touches the keys that the plan has named, with the values that the configuration has now: a
/// write-only value need not be the one that the plan has seen.
#[derive(Default)]
pub(in super::super) struct Change {
    /// Values to write.
    write: SecretMap,
    /// Values that the server may have already.
    ask: SecretMap,
    /// Keys to remove.
    remove: Vec<String>,
    /// All keys that the plan leaves to the task; `true` for those that it has named.
    planned: BTreeMap<String, bool>,
    /// The revisions before the change.
    before: BTreeMap<String, String>,
}

impl Change {
    /// What the plan of a task that exists asks for, or of one that does not.
    pub(in super::super) async fn of(
        prior: Option<&State>,
        planned: &State,
        config: &State,
        memory: &Memory,
    ) -> Result<Self, Refused> {
        let judge = prior.map(|prior| Judge::new(prior, config, memory));
        let plan = match (&planned.secret_revisions, &judge) {
            (Attr::Known(plan), _) => plan.clone(),
            // The keys were not known when Terraform planned.
            (_, Some(judge)) => judge.revisions().await.unwrap_or(Revisions::new()),
            (_, None) => match Configured::of(config) {
                Configured::Map(_, values) => values.keys().map(|key| (key.clone(), Attr::Unknown)).collect(),
                _ => Revisions::new(),
            },
        };
        let mut change = Self {
            planned: plan.iter().map(|(key, revision)| (key.clone(), !revision.is_known())).collect(),
            ..Self::default()
        };
        if let Some(judge) = &judge {
            change.before =
                judge.current.iter().map(|(key, revision)| ((*key).to_owned(), (*revision).to_owned())).collect();
            change.remove = change.before.keys().filter(|key| !plan.contains_key(*key)).cloned().collect();
        }
        // A plan that leaves secrets alone may have had another view of the configuration: `ignore_changes` takes attributes out
        // of it, and out of the plan alone.
        if change.remove.is_empty() && !change.planned.values().any(|named| *named) {
            return Ok(change);
        }
        let (attribute, values) = match Configured::of(config) {
            Configured::Map(attribute, values) => (attribute, values),
            Configured::Nothing if !change.planned.values().any(|named| *named) => return Ok(change),
            Configured::Nothing => {
                return Err(("secrets_wo", "The plan writes secrets, and now there are none.".into()));
            }
            Configured::Open | Configured::Both => {
                return Err(("secrets_wo", "Only one of `secrets` and `secrets_wo` may be set, and both are.".into()));
            }
        };
        check_keys(attribute, &plan, &values.keys().collect())?;
        for (key, value) in values.iter().filter(|(key, _)| change.planned[*key]) {
            let Some(known) = value.as_known() else {
                return Err((attribute, format!("The secret `{key}` is null. Leave it out, or give it a value.")));
            };
            let secret = Secret::new(known.expose().clone());
            match judge.as_ref().map_or(Fate::Write, |judge| judge.fate(key, value)) {
                // The plan did not know the value, and it is the one that the server has.
                Fate::Keep => {}
                Fate::Ask => drop(change.ask.insert(key.clone(), secret)),
                Fate::Write | Fate::Open => drop(change.write.insert(key.clone(), secret)),
            }
            tokio::task::yield_now().await;
        }
        Ok(change)
    }

    /// What only the server can tell: whether it has these values.
    pub(in super::super) fn questions(&self) -> Option<&SecretMap> {
        (!self.ask.is_empty()).then_some(&self.ask)
    }

    /// What the server has is not written. Of what it does not speak, it has another value.
    pub(in super::super) fn answer(&mut self, equal: &BTreeMap<String, bool>) {
        let others = std::mem::take(&mut self.ask).into_iter().filter(|(key, _)| equal.get(key) != Some(&true));
        self.write.extend(others);
    }

    /// The values of a new task.
    pub(in super::super) fn initial(&self) -> Option<SecretMap> {
        (!self.write.is_empty()).then(|| self.write.clone())
    }

    /// What is sent for a task that exists; `None` where the server has all that it should have.
    pub(in super::super) fn patch(&self) -> Option<SecretsPatch> {
        let mut patch = SecretsPatch::new();
        patch.set.clone_from(&self.write);
        patch.remove.clone_from(&self.remove);
        (!patch.is_empty()).then_some(patch)
    }

    /// The revisions of a task to which nothing was sent.
    pub(in super::super) fn unchanged(&self) -> BTreeMap<String, String> {
        self.before.clone()
    }

    /// What is known of the secrets once the server has acknowledged them with these revisions.
    pub(in super::super) async fn remembered(
        &self,
        prior: Option<&State>,
        config: &State,
        memory: Memory,
        revisions: &BTreeMap<String, String>,
    ) -> Memory {
        let applied = self.planned.iter().filter_map(|(key, named)| {
            let known = if *named { revisions } else { &memory.applied };
            Some((key.clone(), known.get(key)?.clone()))
        });
        let applied = applied.collect();
        let fingerprints = match Configured::of(config) {
            // With a version, nothing about values is kept.
            Configured::Map("secrets_wo", _) if !config.secrets_wo_version.is_null() => None,
            Configured::Map("secrets_wo", values) => {
                let mut fingerprints = match memory.fingerprints {
                    Some(known) => Some(known),
                    None => Fingerprints::new(),
                };
                if let Some(known) = &mut fingerprints {
                    known.retain(|key| self.planned.contains_key(key));
                    for (key, named) in &self.planned {
                        // What the plan did not name is what it was, also where it has just left the state.
                        let stated = prior.and_then(|prior| prior.secrets.as_known());
                        let value = if *named { Some(values) } else { stated.filter(|_| !known.has(key)) };
                        if let Some(value) = value.and_then(|values| values.get(key)?.as_known()) {
                            known.remember(key, value.expose());
                            tokio::task::yield_now().await;
                        }
                    }
                }
                fingerprints
            }
            Configured::Nothing => memory.fingerprints,
            _ => None,
        };
        Memory { applied, fingerprints }
    }
}

/// The plan has shown which keys come and go; others would be a change that nobody has seen.
fn check_keys(attribute: &'static str, plan: &Revisions, now: &BTreeSet<&String>) -> Result<(), Refused> {
    let list = |keys: Vec<&String>| keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let come = list(now.iter().copied().filter(|key| !plan.contains_key(*key)).collect());
    let gone = list(plan.keys().filter(|key| !now.contains(key)).collect());
    if come.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let what = |what, keys: String| if keys.is_empty() { String::new() } else { format!(" {what}: {keys}.") };
    let (come, gone) = (what("New", come), what("Missing", gone));
    Err((
        attribute,
        format!(
            "The keys are not those of the plan.{come}{gone} Values may differ between plan and apply, keys may not: plan again."
        ),
    ))
}

#[cfg(test)]
mod tests {
    use tfplugin::Sensitive;

    use super::*;

    fn values(values: &[(&str, &str)]) -> Attr<super::super::Values> {
        let values =
            values.iter().map(|(key, value)| ((*key).to_owned(), Attr::Known(Sensitive::from((*value).to_owned()))));
        Attr::Known(values.collect())
    }

    /// A task whose secrets `A` and `B` were applied at revision 1.
    fn prior() -> (State, Memory) {
        let applied: BTreeMap<_, _> = ["A", "B"].map(|key| (key.to_owned(), "1".to_owned())).into();
        let mut fingerprints = Fingerprints::new().unwrap();
        fingerprints.remember("A", "a");
        fingerprints.remember("B", "b");
        let secret_revisions = super::super::super::convert::revisions(&applied);
        (State { secret_revisions, ..State::default() }, Memory { applied, fingerprints: Some(fingerprints) })
    }

    fn planned(revisions: &[(&str, Attr<String>)]) -> State {
        let revisions = revisions.iter().map(|(key, revision)| ((*key).to_owned(), revision.clone()));
        State { secret_revisions: Attr::Known(revisions.collect()), ..State::default() }
    }

    #[tokio::test]
    async fn what_the_plan_has_named_is_written_with_the_value_of_the_apply_and_nothing_else_is() {
        let (prior, memory) = prior();
        let planned = planned(&[("A", "1".into()), ("B", Attr::Unknown)]);
        // Both values are new; the plan has seen that of `B` alone.
        let config = State { secrets_wo: values(&[("A", "new"), ("B", "newer")]), ..State::default() };
        let change = Change::of(Some(&prior), &planned, &config, &memory).await.unwrap();
        let patch = change.patch().unwrap();
        assert_eq!((patch.set.len(), patch.set["B"].expose(), patch.remove.len()), (1, "newer", 0));
        let revisions = ["A", "B"].map(|key| (key.to_owned(), "2".to_owned())).into();
        let after = change.remembered(Some(&prior), &config, memory, &revisions).await;
        assert_eq!((after.applied["A"].as_str(), after.applied["B"].as_str()), ("1", "2"));
        let fingerprints = after.fingerprints.unwrap();
        assert_eq!((fingerprints.matches("A", "a"), fingerprints.matches("B", "newer")), (Some(true), Some(true)));
        assert_eq!(fingerprints.matches("A", "new"), Some(false));
    }

    #[tokio::test]
    async fn keys_that_the_plan_has_not_shown_are_refused() {
        let (prior, memory) = prior();
        let planned = planned(&[("A", "1".into()), ("B", Attr::Unknown)]);
        for (values, expected) in [
            (values(&[("A", "a"), ("B", "x"), ("C", "x")]), "New: `C`."),
            (values(&[("B", "x")]), "Missing: `A`."),
            (Attr::Null, "now there are none"),
        ] {
            let config = State { secrets_wo: values, ..State::default() };
            let Err((attribute, problem)) = Change::of(Some(&prior), &planned, &config, &memory).await else {
                panic!()
            };
            assert_eq!(attribute, "secrets_wo");
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
