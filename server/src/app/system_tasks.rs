//! The seven tasks that the server brings itself.

use justiam_sdk::api::config::ConfigMap;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::tasks::{DEFAULT_TIMEZONE, TIMEOUT_SECONDS};
use justiam_sdk::api::values::{OverlapPolicy, ScheduleType, TaskType, Words as _};
use serde_json::Map;

use super::tasks::definition::schedule_of;
use super::{App, Result};
use crate::store::tasks::{self, Definition, TaskRow};

impl App {
    /// Adds the built-in tasks that are not there yet. Names of built-in tasks cannot be taken, so each is found by its name.
    pub async fn seed_system_tasks(&self) -> Result<()> {
        let mut tx = self.db.write().await?;
        for (task_type, cron_expr, description) in TaskType::BUILT_IN {
            if tasks::id_of(&mut tx, task_type.as_str()).await?.is_some() {
                continue;
            }
            let now = self.now();
            let definition = Definition {
                name: task_type.as_str().to_owned(),
                description: Some(description.to_owned()),
                task_type,
                schedule_type: ScheduleType::Cron,
                cron_expr: Some(cron_expr.to_owned()),
                timezone: DEFAULT_TIMEZONE.to_owned(),
                run_at: None,
                overlap_policy: OverlapPolicy::Skip,
                enabled: true,
                timeout_seconds: *TIMEOUT_SECONDS.end(),
                script: None,
                script_sha256: None,
                config: Map::new(),
                task_config: ConfigMap::new(),
            };
            let task = TaskRow {
                id: TaskId::from_uuid(self.new_id()),
                next_run_at: schedule_of(&definition).and_then(|schedule| schedule.first_after(now)),
                definition,
                is_system: true,
                revision: self.new_revision(),
                created_at: now,
                updated_at: now,
                last_run_at: None,
                last_status: None,
            };
            tasks::insert(&mut tx, &task).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
