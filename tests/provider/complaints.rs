//! What users of other schedulers' providers complain about, and does not happen here. `docs/dev/complaints.md` lists all of it.

mod cosmetic;

/// A task that runs when it is triggered, with more attributes.
fn triggered(address: &str, more: &str) -> String {
    format!(
        "resource \"justiam_scheduled_task\" \"{address}\" {{\n  name = \"{address}\"\n  task_type = \"script\"\n  \
         script = file(\"task.go\")\n{more}\n}}\n"
    )
}
