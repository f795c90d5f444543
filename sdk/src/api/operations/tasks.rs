//! Tasks, what belongs to them, and their runs.

use std::collections::BTreeMap;

use super::parts::{AnyTask, LOG, TaskReplacement};
use super::{Answer, Operation};
use crate::api::config::ConfigEntries;
use crate::api::page::Page;
use crate::api::paths::routes;
use crate::api::permissions::Permission::{SecretsWrite, TasksManage, TasksRun, TasksView};
use crate::api::preview::{NextQuery, NextRuns, Validation};
use crate::api::runs::{Run, RunQuery};
use crate::api::schema::{ConfigBody, SecretsBody};
use crate::api::secrets::{SecretKeys, SecretsPatch};
use crate::api::tasks::{NewTask, Task, TaskPatch, TaskQuery};

const TASKS: &str = "Tasks";
const SECRETS: &str = "Secrets and config entries";
const RUNS: &str = "Runs";

const NAME_TAKEN: (u16, &str) = (409, "another task has the name");
const BUILT_IN: (u16, &str) = (403, "the task is a built-in one, or the name is that of one");
const OLD_NAME: &str = "A name that existing clients may use.";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::post("createTask", routes::TASKS, "creates a task, with config entries and secrets")
        .of(TASKS)
        .needs(&[TasksManage])
        .also_needs("secrets", SecretsWrite)
        .body::<NewTask>(
            r#"{"name": "nightly report", "task_type": "script", "schedule_type": "cron", "cron_expr": "30 2 * * *", "timezone": "Europe/Zurich", "overlap_policy": "skip", "script": "package task\n\nfunc Run() (string, error) { return \"done\", nil }\n", "task_config": {"recipients": "a@example.com"}, "secrets": {"API_KEY": "an example"}}"#,
        )
        .repeatable()
        .answers(&[Answer::created::<Task>(routes::TASK).etag()])
        .fails(&[NAME_TAKEN, BUILT_IN]),
    Operation::get("listTasks", routes::TASKS, "lists tasks, in the order of their creation")
        .of(TASKS)
        .needs(&[TasksView])
        .query::<TaskQuery>()
        .answers(&[Answer::json::<Page<Task>>(200)]),
    Operation::get("readTask", routes::TASK, "reads a task")
        .of(TASKS)
        .needs(&[TasksView])
        .answers(&[Answer::json::<Task>(200).etag()]),
    Operation::put("replaceTask", routes::TASK, "replaces the definition; secrets and config entries stay")
        .of(TASKS)
        .needs(&[TasksManage])
        .body::<TaskReplacement>(
            r#"{"name": "weekly report", "task_type": "script", "schedule_type": "once", "script": "package task\n\nfunc Run() (string, error) { return \"\", nil }\n"}"#,
        )
        .repeatable()
        .if_match()
        .answers(&[Answer::json::<Task>(200).etag()])
        .fails(&[NAME_TAKEN, BUILT_IN]),
    Operation::patch("changeTask", routes::TASK, "changes what the body names; `null` returns a field to its default")
        .of(TASKS)
        .needs(&[TasksManage])
        .also_needs("secrets", SecretsWrite)
        .body::<TaskPatch>(r#"{"enabled": false, "description": null, "secrets": {"set": {"API_KEY": "another"}, "remove": ["OLD"]}}"#)
        .repeatable()
        .if_match()
        .answers(&[Answer::json::<Task>(200).etag()])
        .fails(&[NAME_TAKEN, BUILT_IN]),
    Operation::delete("deleteTask", routes::TASK, "deletes a task and ends its runs")
        .of(TASKS)
        .needs(&[TasksManage])
        .if_match()
        .fails(&[BUILT_IN]),
    Operation::post("validateTask", routes::TASKS_VALIDATE, "checks the body of a create and stores nothing")
        .of(TASKS)
        .needs(&[TasksView])
        .body::<AnyTask>(r#"{"name": "wrong", "task_type": "script", "schedule_type": "cron", "cron_expr": "61 * * * *"}"#)
        .answers(&[Answer::json::<Validation>(200)])
        .notes("What is wrong with the task is the answer and no error. No other permission is asked for, also where the body has `secrets`."),
    Operation::get("nextRuns", routes::TASK_NEXT, "tells when the task fires next")
        .of(TASKS)
        .needs(&[TasksView])
        .query::<NextQuery>()
        .answers(&[Answer::json::<NextRuns>(200)]),
    Operation::get("readSecretKeys", routes::TASK_SECRETS, "lists keys and their revisions, never a value")
        .of(SECRETS)
        .needs(&[TasksView])
        .answers(&[Answer::json::<SecretKeys>(200)]),
    Operation::put("replaceSecrets", routes::TASK_SECRETS, "replaces all secrets")
        .of(SECRETS)
        .needs(&[SecretsWrite])
        .body::<SecretsBody>(r#"{"API_KEY": "an example", "PASSWORD": "another"}"#)
        .if_match()
        .answers(&[Answer::json::<SecretKeys>(200)])
        .fails(&[BUILT_IN]),
    Operation::patch("changeSecrets", routes::TASK_SECRETS, "writes and removes some secrets")
        .of(SECRETS)
        .needs(&[SecretsWrite])
        .body::<SecretsPatch>(r#"{"set": {"API_KEY": "an example"}, "remove": ["OLD"]}"#)
        .if_match()
        .answers(&[Answer::json::<SecretKeys>(200)])
        .fails(&[BUILT_IN]),
    Operation::post("compareSecrets", routes::TASK_SECRETS_COMPARE, "tells which of these values the secrets have")
        .of(SECRETS)
        .needs(&[SecretsWrite])
        .body::<SecretsBody>(r#"{"API_KEY": "an example"}"#)
        .answers(&[Answer::json::<BTreeMap<String, bool>>(200)])
        .notes("A key that is not there is `false`. 30 such requests with 1,000 keys in all a minute for one caller and task."),
    Operation::get("readConfig", routes::TASK_CONFIG, "reads the config entries")
        .of(SECRETS)
        .needs(&[TasksView])
        .answers(&[Answer::json::<ConfigEntries>(200)]),
    Operation::put("replaceConfig", routes::TASK_CONFIG, "replaces all config entries")
        .of(SECRETS)
        .needs(&[TasksManage])
        .body::<ConfigBody>(r#"{"recipients": "a@example.com,b@example.com"}"#)
        .if_match()
        .answers(&[Answer::json::<ConfigEntries>(200)])
        .fails(&[BUILT_IN]),
    Operation::post("runTask", routes::TASK_RUN, "runs the task now")
        .of(RUNS)
        .needs(&[TasksRun])
        .ignores_body()
        .repeatable()
        .answers(&[Answer::json::<Run>(202)]),
    Operation::post("triggerTask", routes::TASK_TRIGGER, "runs the task now")
        .of(RUNS)
        .needs(&[TasksRun])
        .ignores_body()
        .repeatable()
        .answers(&[Answer::json::<Run>(202)])
        .notes(OLD_NAME),
    Operation::get("listTaskRuns", routes::TASK_RUNS, "lists the history of one task, newest first")
        .of(RUNS)
        .needs(&[TasksView])
        .query::<RunQuery>()
        .answers(&[Answer::json::<Page<Run>>(200)]),
    Operation::get("listTaskHistory", routes::TASK_HISTORY, "lists the history of one task, newest first")
        .of(RUNS)
        .needs(&[TasksView])
        .query::<RunQuery>()
        .answers(&[Answer::json::<Page<Run>>(200)])
        .notes(OLD_NAME),
    Operation::get("listRuns", routes::RUNS, "lists the history of all tasks, newest first")
        .of(RUNS)
        .needs(&[TasksView])
        .query::<RunQuery>()
        .answers(&[Answer::json::<Page<Run>>(200)]),
    Operation::get("listHistory", routes::TASKS_HISTORY, "lists the history of all tasks, newest first")
        .of(RUNS)
        .needs(&[TasksView])
        .query::<RunQuery>()
        .answers(&[Answer::json::<Page<Run>>(200)])
        .notes(OLD_NAME),
    Operation::get("readRun", routes::RUN, "reads a run")
        .of(RUNS)
        .needs(&[TasksView])
        .answers(&[Answer::json::<Run>(200)]),
    Operation::get("readRunLog", routes::RUN_LOG, "tells what the run's script prints")
        .of(RUNS)
        .needs(&[TasksView])
        .answers(&[Answer::new(200, LOG)])
        .fails(&[(400, "`Last-Event-ID` is no whole number")])
        .notes("With `Accept: text/event-stream` the answer is a stream of server-sent events, from the beginning of the log, or from `Last-Event-ID`, until the run has ended."),
    Operation::post("cancelRun", routes::RUN_CANCEL, "cancels a queued or running run")
        .of(RUNS)
        .needs(&[TasksRun])
        .ignores_body()
        .repeatable()
        .answers(&[Answer::json::<Run>(202)])
        .fails(&[(409, "the run has ended")]),
];
