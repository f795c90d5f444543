//! Somebody else was quicker.

use justiam_sdk::api::schedules::NewScheduleStep;
use justiam_sdk::api::tasks::TaskPatch;

use super::super::{SCRIPT, world};
use super::triggered;

const PASSWORD: &str = "canary-7c1d";

#[tokio::test]
async fn u29_a_change_that_was_overtaken_says_what_is_different_and_overwrites_nothing() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    let config = |description: &str| {
        triggered(
            "t",
            &format!(
                "schedule_type = \"cron\"\ncron_expr = \"@daily\"\ntask_config = {{ a = \"1\" }}\nsecrets = {{ K = \"{PASSWORD}\" }}\n\
                 description = \"{description}\""
            ),
        ) + &format!(
            "resource \"justiam_schedule\" \"s\" {{\n  name = \"s\"\n  description = \"{description}\"\n  steps = [\n    \
             {{ step_type = \"Executable\", executable_path = \"/bin/true\" }},\n    \
             {{ step_type = \"SqlScript\", sql_script_path = \"/srv/a.sql\", sql_connection_string = \"postgres://u:{PASSWORD}@h/d\" }},\n  \
             ]\n}}\n"
        )
    };
    workspace.config(&config("mine"));
    workspace.apply().await.ok();
    workspace.config(&config("newer"));
    workspace.run(&["plan", "-input=false", "-no-color", "-out=saved"]).await.ok();

    let task = server.client.tasks().find("t").await.unwrap().unwrap();
    let mut patch = TaskPatch::new();
    patch.description = Some(Some("theirs".into()));
    patch.timezone = Some("Asia/Tokyo".into());
    patch.cron_expr = Some(Some("0 0 * * *".into()));
    patch.task_config = Some([("b".into(), PASSWORD.into())].into());
    server.client.tasks().update(task.id, &patch).await.unwrap();
    server.client.secrets(task.id).replace(&[("L".to_owned(), PASSWORD.into())].into()).await.unwrap();
    let schedule = server.client.schedules().find("s").await.unwrap().unwrap();
    let stored = server.client.schedules().get(schedule.id).await.unwrap();
    let mut theirs = stored.to_new().unwrap();
    theirs.is_enabled = Some(true);
    theirs.steps[0].step_type = Some("PowerShell".into());
    theirs.steps[0].executable_path = None;
    theirs.steps[0].script_path = Some("/srv/theirs.ps1".into());
    let sql = NewScheduleStep::sql_script(format!("postgres://other:{PASSWORD}@h/d"), "/srv/a.sql");
    theirs.steps[1] = sql;
    theirs.steps[1].step_index = 1;
    server.client.schedules().replace(schedule.id, &theirs).await.unwrap();
    let (task, stored) =
        (server.client.tasks().get(task.id).await.unwrap(), server.client.schedules().get(schedule.id).await.unwrap());

    let said = workspace.run(&["apply", "-input=false", "-no-color", "saved"]).await.fails_with(&[
        "Could not change the task `t` with",
        "Could not change the schedule `s` with",
        "Somebody else has changed it since Terraform looked at it. Nothing was overwritten: plan and apply again.",
        "- description: \"mine\" → \"theirs\" - the secret `K` was removed - the secret `L` was added - task_config `a` was removed \
         - task_config `b` was added - timezone: \"UTC\" → \"Asia/Tokyo\" Request id:",
        "- is_enabled: false → true - steps[0].executable_path - steps[0].script_path: null → \"/srv/theirs.ps1\" \
         - steps[0].step_type: \"Executable\" → \"PowerShell\" - steps[1].sql_connection_string Request id:",
    ]);
    assert!(!said.text.contains(PASSWORD), "{}", said.text);
    assert_eq!(server.client.tasks().get(task.id).await.unwrap(), task);
    assert_eq!(server.client.schedules().get(schedule.id).await.unwrap(), stored);

    // The next plan has seen it, and the next apply brings the configuration back, all of it or nothing.
    workspace.apply().await.ok();
    workspace.plan_nothing().await;

    // What is gone altogether is said as well, and comes back with the next apply.
    workspace.config(&config("newest"));
    workspace.run(&["plan", "-input=false", "-no-color", "-out=saved"]).await.ok();
    server.client.tasks().delete(task.id).await.unwrap();
    server.client.schedules().delete(schedule.id).await.unwrap();
    let said = workspace.run(&["apply", "-input=false", "-no-color", "saved"]).await;
    let gone = "has been deleted since Terraform looked at it. Plan again: what is gone is created anew.";
    assert_eq!(said.flat().matches(gone).count(), 2, "{}", said.text);
    let said = workspace.apply().await.ok();
    assert!(said.text.contains("2 added, 0 changed, 0 destroyed"), "{}", said.text);
}
