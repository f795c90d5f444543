//! `list "justiam_scheduled_task"`.

use justiam_sdk::api::tasks::TaskQuery;
use justiam_sdk::api::values::TaskType;
use tfplugin::{Attr, Attribute, AttributePath, Call, Found, List, Resource as _, Schema, async_trait, model};

use super::page_size;
use crate::checks::word;
use crate::client::Api;
use crate::data_sources::ask;
use crate::problem::Subject;
use crate::resources::scheduled_task::{ScheduledTask, State, listed};

model! {
    /// What narrows the list down.
    #[derive(Debug)]
    pub struct Filter {
        pub search: Attr<String>,
        pub task_type: Attr<String>,
        pub enabled: Attr<bool>,
    }
}

/// The list.
pub(crate) struct ScheduledTasks;

const SUBJECT: Subject = Subject { type_name: ScheduledTask::TYPE_NAME, noun: "tasks", attribute };

#[async_trait]
impl List for ScheduledTasks {
    type Resource = ScheduledTask;
    type Config = Filter;

    fn schema(&self) -> Schema {
        Schema::new()
            .markdown("The tasks of a server, in the order of their creation. Those that the server brings itself cannot be managed and are left out.")
            .attributes([
                Attribute::string("search")
                    .optional()
                    .markdown("Only tasks whose name contains this text, in any letter case."),
                Attribute::string("task_type")
                    .optional()
                    .check(word::<TaskType>("task type"))
                    .markdown("Only tasks of this type, such as `script`."),
                Attribute::bool("enabled")
                    .optional()
                    .markdown("Only tasks that are enabled, or only those that are not."),
            ])
    }

    async fn list(&self, filter: Filter, found: &mut Found<State>, call: &mut Call<'_, Api>) {
        let mut query = TaskQuery::new();
        query.search = filter.search.as_str().map(str::to_owned);
        query.task_type = filter.task_type.as_str().map(Into::into);
        query.enabled = filter.enabled.as_known().copied();
        // One more page would be needed where built-in tasks take the places of others.
        let wanted = found.wanted().saturating_add(TaskType::BUILT_IN.len());
        query.limit = Some(page_size(wanted, found.wants_state()));
        query.include = found.wants_state().then(|| "script,config,task_config,secrets".to_owned());
        for number in 1.. {
            query.page = Some(number);
            let page =
                ask(call, &SUBJECT, "Could not list the tasks", async |client| client.tasks().page(&query).await);
            let Some(page) = page.await else { return };
            let last = page.data.is_empty() || u64::from(page.page) * u64::from(page.limit) >= page.total;
            for task in page.data.iter().filter(|task| !task.is_system) {
                let state = if found.wants_state() {
                    listed(task)
                } else {
                    State { id: Attr::known(task.id.to_string()), ..State::default() }
                };
                if !found.push(task.name.clone(), state).await {
                    return;
                }
            }
            if last {
                return;
            }
        }
    }
}

/// The attributes have the names of the fields.
fn attribute(field: &str) -> Option<AttributePath> {
    ["search", "task_type", "enabled"].contains(&field).then(|| AttributePath::of(field))
}
