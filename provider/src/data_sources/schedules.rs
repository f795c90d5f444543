//! `data "justiam_schedules"`.

use futures::TryStreamExt as _;
use justiam_sdk::api::schedules::{Schedule, ScheduleQuery};
use justiam_sdk::api::values::Words as _;
use tfplugin::{Attr, Attribute, Call, DataSource, Schema, async_trait, model};

use super::{LIMIT, ask, instant, no_attribute};
use crate::client::Api;
use crate::problem::Subject;

model! {
    /// What is asked for and found.
    #[derive(Debug)]
    pub struct Found {
        pub search: Attr<String>,
        pub schedules: Attr<Vec<Summary>>,
    }

    /// A schedule in short.
    #[derive(Debug)]
    pub struct Summary {
        pub id: Attr<String>,
        pub name: Attr<String>,
        pub description: Attr<String>,
        pub trigger_type: Attr<String>,
        pub pattern_type: Attr<String>,
        pub cron_expression: Attr<String>,
        pub timezone: Attr<String>,
        pub is_enabled: Attr<bool>,
        pub last_run_time: Attr<String>,
        pub next_run_time: Attr<String>,
        pub step_count: Attr<i64>,
    }
}

/// The data source.
pub(crate) struct Source;

const SUBJECT: Subject = Subject { type_name: Source::TYPE_NAME, noun: "schedules", attribute: no_attribute };

#[async_trait]
impl DataSource for Source {
    const TYPE_NAME: &'static str = "justiam_schedules";
    type Client = Api;
    type State = Found;

    fn schema(&self) -> Schema {
        Schema::new()
            .markdown("All schedules, or those that contain a text. `justiam_schedule` tells more about one.")
            .attributes([
                Attribute::string("search")
                    .optional()
                    .markdown("Only schedules whose name or description contains this text, in any letter case."),
                Attribute::nested_list("schedules", summary()).computed().markdown("The schedules, by name."),
            ])
    }

    async fn read(&self, wanted: Found, call: &mut Call<'_, Api>) -> Option<Found> {
        let mut query = ScheduleQuery::new();
        query.search = wanted.search.as_str().map(str::to_owned);
        query.sort_by = Some("name".to_owned());
        query.page_size = Some(*LIMIT.end());
        let all = async |client: &justiam_sdk::Client| client.schedules().list(query).try_collect::<Vec<_>>().await;
        let schedules = ask(call, &SUBJECT, "Could not list the schedules", all).await?;
        Some(Found { schedules: Attr::Known(schedules.into_iter().map(shown).collect()), ..wanted })
    }
}

fn summary() -> [Attribute; 11] {
    let text = |name: &str, about: &str| Attribute::string(name).computed().markdown(about);
    [
        text("id", "The schedule's id, a UUID."),
        text("name", "The schedule's name."),
        text("description", "Free text."),
        text("trigger_type", "What starts it: `Cron` or `Manual`."),
        text("pattern_type", "Which kind of pattern says when it fires: `SpecificTimes`, `Interval` or `Custom`."),
        text(
            "cron_expression",
            "The cron expression that fires exactly as the pattern does; null where there is none.",
        ),
        text("timezone", "The IANA time zone in which the pattern counts."),
        Attribute::bool("is_enabled").computed().markdown("Whether it fires by itself."),
        text("last_run_time", "When its newest execution was recorded; null where there is none."),
        text("next_run_time", "When it fires next by itself; null where it does not."),
        Attribute::number("step_count").computed().markdown("How many steps it has."),
    ]
}

fn shown(schedule: Schedule) -> Summary {
    Summary {
        id: Attr::known(schedule.id.to_string()),
        name: schedule.name.into(),
        description: schedule.description.into(),
        trigger_type: Attr::known(schedule.trigger_type.as_str()),
        pattern_type: Attr::known(schedule.pattern_type.as_str()),
        cron_expression: schedule.cron_expression.into(),
        timezone: schedule.timezone.into(),
        is_enabled: Attr::Known(schedule.is_enabled),
        last_run_time: instant(schedule.last_run_time),
        next_run_time: instant(schedule.next_run_time),
        step_count: Attr::Known(schedule.step_count),
    }
}
