//! `list "justiam_schedule"`.

use justiam_sdk::api::schedules::ScheduleQuery;
use tfplugin::{Attr, Attribute, AttributePath, Call, Found, List, Resource as _, Schema, async_trait, model};

use super::page_size;
use crate::client::Api;
use crate::data_sources::ask;
use crate::problem::Subject;
use crate::resources::schedule::{Schedule, State, listed};

model! {
    /// What narrows the list down.
    #[derive(Debug)]
    pub struct Filter {
        pub search: Attr<String>,
    }
}

/// The list.
pub(crate) struct Schedules;

const SUBJECT: Subject = Subject { type_name: Schedule::TYPE_NAME, noun: "schedules", attribute };

#[async_trait]
impl List for Schedules {
    type Resource = Schedule;
    type Config = Filter;

    fn schema(&self) -> Schema {
        Schema::new().markdown("The schedules of a server, in the order of their creation.").attribute(
            Attribute::string("search")
                .optional()
                .markdown("Only schedules whose name or description contains this text, in any letter case."),
        )
    }

    async fn list(&self, filter: Filter, found: &mut Found<State>, call: &mut Call<'_, Api>) {
        let mut query = ScheduleQuery::new();
        query.search = filter.search.as_str().map(str::to_owned);
        query.page_size = Some(page_size(found.wanted(), found.wants_state()).into());
        query.include = found.wants_state().then(|| "steps".to_owned());
        for number in 1.. {
            query.page = Some(number);
            let summary = "Could not list the schedules";
            let page = ask(call, &SUBJECT, summary, async |client| client.schedules().page(&query).await);
            let Some(page) = page.await else { return };
            for schedule in &page.items {
                let state = if found.wants_state() {
                    match listed(schedule) {
                        Ok(state) => state,
                        Err(problem) => {
                            let name = &schedule.name;
                            let detail =
                                format!("The server's answer about `{name}` does not fit the contract: {problem}.");
                            return call.diagnostics.error(summary, detail);
                        }
                    }
                } else {
                    State { id: Attr::known(schedule.id.to_string()), ..State::default() }
                };
                if !found.push(schedule.name.clone(), state).await {
                    return;
                }
            }
            if page.items.is_empty() || !page.has_next_page {
                return;
            }
        }
    }
}

/// The attribute has the name of the field.
fn attribute(field: &str) -> Option<AttributePath> {
    (field == "search").then(|| AttributePath::of(field))
}
