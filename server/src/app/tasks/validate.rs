//! What would come of a create, without one.

use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::preview::{VALIDATION_COUNT, Validation, Warning};
use justiam_sdk::api::tasks::MAX_SCRIPT;
use justiam_sdk::api::values::WarningKind;

use super::definition::Draft;
use super::next::{first_ticks, warnings_of};
use super::{new_draft, refuse_system_name, refuse_taken_name};
use crate::app::caller::{Caller, Permission};
use crate::app::fields::Object;
use crate::app::syntax::{Checked, beside_header};
use crate::app::{App, Error, Result};

impl App {
    /// Tells what is wrong with a task that somebody may want to create, and when it would fire. Stores nothing.
    pub async fn validate_task(&self, caller: &Caller, body: Object) -> Result<Validation> {
        caller.require(Permission::TasksView)?;
        let id = TaskId::from_uuid(self.new_id());
        let mut draft = new_draft(body, id);
        self.check_name(&mut draft, id).await?;
        let schedule = draft.sound_schedule();
        let now = self.now();
        let next = schedule.map(|schedule| first_ticks(schedule, now, VALIDATION_COUNT)).unwrap_or_default();
        let mut warnings = schedule.map(|schedule| warnings_of(schedule, now)).unwrap_or_default();
        warnings.extend(self.check_script(&mut draft).await);
        let mut validation = Validation::new(draft.errors.into_map());
        validation.next = next;
        validation.warnings = warnings;
        Ok(validation)
    }

    /// A name that a create would refuse for somebody else's sake is wrong here.
    async fn check_name(&self, draft: &mut Draft, id: TaskId) -> Result<()> {
        if draft.errors.has("name") {
            return Ok(());
        }
        let name = &draft.definition.name;
        let mut tx = self.db.read().await?;
        let free = match refuse_system_name(name) {
            Ok(()) => refuse_taken_name(&mut tx, id, name).await,
            taken => taken,
        };
        match free {
            Err(Error::Forbidden(message) | Error::Conflict { message, .. }) => draft.errors.add("name", message),
            other => other?,
        }
        Ok(())
    }

    /// Has the script parsed and compiled. Returns a warning where that was not possible.
    async fn check_script(&self, draft: &mut Draft) -> Option<Warning> {
        let source = source(draft)?;
        match self.syntax(source).await {
            Checked::Sound => None,
            Checked::Wrong(found) => {
                for message in beside_header(found, draft.errors.has("script")) {
                    draft.errors.add("script", message);
                }
                None
            }
            Checked::Unknown(reason) => {
                let message = format!("the script was not checked: {reason}");
                Some(Warning::new(WarningKind::SyntaxNotChecked, message))
            }
        }
    }
}

/// The source to look at: that of a script task, and none that is too long to be looked at. A wrong header is no reason not to
/// look at the rest.
fn source(draft: &Draft) -> Option<String> {
    let definition = &draft.definition;
    let source = definition.script.as_ref().filter(|_| definition.task_type.is_script())?;
    (!source.is_empty() && source.len() <= MAX_SCRIPT).then(|| source.clone())
}
