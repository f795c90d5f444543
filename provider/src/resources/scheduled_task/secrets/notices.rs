//! What a plan says about secrets that its changes alone would not tell.

use justiam_sdk::api::values::{TaskType, Words as _};
use tfplugin::Diagnostics;

use super::super::State;
use super::{Configured, Judge, Memory};

/// About the secrets of a task that exists.
pub(super) fn report(judge: &Judge<'_>, diagnostics: &mut Diagnostics) {
    match Configured::of(judge.config) {
        Configured::Map(attribute, values) => {
            report_drift(judge, attribute, &|key| values.contains_key(key), diagnostics);
        }
        Configured::Nothing => report_left(judge, diagnostics),
        Configured::Open => report_unknown_keys(judge, diagnostics),
        Configured::Both => {}
    }
}

/// Says why secrets are written that nobody has changed in the configuration.
fn report_drift(judge: &Judge<'_>, attribute: &str, configured: &dyn Fn(&str) -> bool, diagnostics: &mut Diagnostics) {
    let applied = &judge.memory.applied;
    let changed = applied
        .iter()
        .filter(|(key, revision)| configured(key) && judge.current.get(key.as_str()) != Some(&revision.as_str()));
    let changed = list(changed.map(|(key, _)| key.as_str()));
    // After an import, others' secrets are all that there is.
    let added = judge.current.keys().filter(|key| !applied.is_empty() && !applied.contains_key(**key));
    let added = list(added.copied().filter(|key| !configured(key)));
    let mut detail = Vec::new();
    if !changed.is_empty() {
        let values = if attribute == "secrets" {
            "They are written again with the values of `secrets`; with `ignore_changes = [secrets]`, these are the values that Terraform has \
             applied. To leave values that others rotate as they are, use `secrets_wo` with `ignore_changes = [secrets_wo]`."
        } else {
            "They are written again with the configured values. To leave values that others rotate as they are, write \
             `ignore_changes = [secrets_wo]`."
        };
        detail.push(format!("These have been changed or removed on the server: {changed}. {values}"));
    }
    if !added.is_empty() {
        detail.push(format!("These have been added on the server and are removed: {added}."));
    }
    if !detail.is_empty() {
        let summary = "Secrets differ from what Terraform last saw acknowledged";
        diagnostics.warning_at(attribute, summary, detail.join(" "));
    }
}

/// Says that secrets stay which the state shows as Terraform's own. It is said once: the state then has them no more.
fn report_left(judge: &Judge<'_>, diagnostics: &mut Diagnostics) {
    let Some(values) = judge.prior.secrets.as_known() else { return };
    let left = list(values.keys().map(String::as_str).filter(|key| judge.current.contains_key(key)));
    if !left.is_empty() {
        let detail = format!(
            "`secrets` is null or was taken out. Terraform leaves these as they are and looks after them no more: {left}. \
             To remove them, write `secrets = {{}}`."
        );
        diagnostics.warning_at("secrets", "Secrets stay on the server", detail);
    }
}

/// Says what a plan cannot show: Terraform knows nothing of a map as long as one of its keys is not known.
fn report_unknown_keys(judge: &Judge<'_>, diagnostics: &mut Diagnostics) {
    let attribute = if judge.config.secrets.is_unknown() { "secrets" } else { "secrets_wo" };
    let now = list(judge.current.keys().copied());
    if !now.is_empty() {
        let detail = format!(
            "Its keys are known only after apply, so this plan cannot show which of the secrets that the task has now are kept, written or \
             removed: {now}. The apply writes what differs and removes what is not in the map. Give the map keys that are known when \
             Terraform plans; values may be unknown."
        );
        diagnostics.warning_at(attribute, "Keys of secrets are not known yet", detail);
    }
}

/// About a task that is to be created without secrets: nothing can be left as it is there. A replacement has known the secrets of its
/// predecessor. An error, because Terraform shows no warnings of the second of the two plans that a replacement has.
pub(super) fn report_new(config: &State, memory: &Memory, diagnostics: &mut Diagnostics) {
    // What the server brings itself reads no secrets.
    if config.task_type.as_str().is_some_and(|word| word != TaskType::Script.as_str()) {
        return;
    }
    let known = list(memory.applied.keys().map(String::as_str));
    if known.is_empty() && !config.secrets_wo_version.is_known() {
        return;
    }
    let lost =
        if known.is_empty() { String::new() } else { format!(" These would be lost with the old task: {known}.") };
    let detail = format!(
        "Without `secrets` and `secrets_wo` the values of a task stay as they are; a new task has no values to leave as they are.{lost} Set \
         `secrets_wo`, or write `secrets_wo = {{}}` for a task without secrets."
    );
    diagnostics.error_at("secrets_wo", "A new task needs its secrets", detail);
}

fn list<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}
