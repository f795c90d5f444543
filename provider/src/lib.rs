//! Terraform provider for JustIAM: scheduled tasks and schedules as code.
//!
//! The provider talks to a server through the SDK's client alone. What can be checked without a server is checked at plan time, by
//! the code that the server itself uses.

mod actions;
mod checks;
mod client;
mod config;
mod data_sources;
mod ephemeral;
mod functions;
mod lists;
mod problem;
mod resources;
mod waiting;

use tfplugin::{Catalog, Configure, Diagnostics, Provider, Schema, async_trait};

use client::Api;
use config::Config;

/// The provider.
pub struct JustIam;

#[async_trait]
impl Provider for JustIam {
    const ADDRESS: &'static str = "justiam/justiam";
    type Config = Config;
    type Client = Api;

    fn schema(&self) -> Schema {
        config::schema()
    }

    fn register(&self, catalog: &mut Catalog<Api>) {
        catalog.resource(resources::scheduled_task::ScheduledTask);
        catalog.resource(resources::connected_system::ConnectedSystem);
        catalog.resource(resources::run_profile::RunProfile);
        catalog.resource(resources::schedule::Schedule);
        catalog.resource(resources::task_run::TaskRun);
        catalog.ephemeral_resource(ephemeral::token::Token);
        catalog.action(actions::run_task::RunTask);
        catalog.action(actions::run_schedule::RunSchedule);
        catalog.data_source(data_sources::schedule::Source);
        catalog.data_source(data_sources::schedules::Source);
        catalog.data_source(data_sources::schedule_executions::Source);
        catalog.data_source(data_sources::connected_system::Source);
        catalog.data_source(data_sources::run_profile::Source);
        catalog.data_source(data_sources::scheduled_task::Source);
        catalog.data_source(data_sources::scheduled_tasks::Source);
        catalog.data_source(data_sources::task_runs::Source);
        catalog.list(lists::scheduled_tasks::ScheduledTasks);
        catalog.list(lists::schedules::Schedules);
        catalog.function(functions::cron_parse::CronParse);
        catalog.function(functions::cron_next::CronNext);
    }

    async fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        config::validate(config, diagnostics);
    }

    async fn configure(&self, config: Config, setup: Configure<'_>) -> Option<Api> {
        config::connect(config, setup)
    }
}
