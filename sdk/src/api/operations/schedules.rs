//! Schedules, their executions and activities.

use super::parts::ScheduleReplacement;
use super::{Answer, Operation};
use crate::api::activities::{Activity, ActivityQuery};
use crate::api::executions::{Execution, ExecutionQuery};
use crate::api::page::Items;
use crate::api::paths::routes;
use crate::api::permissions::Permission::{ConnectedSystemsView, SchedulesManage, SchedulesRun, SchedulesView};
use crate::api::preview::{NextExecutions, NextQuery};
use crate::api::schedules::{NewSchedule, Schedule, ScheduleQuery, ScheduleRun};

const SCHEDULES: &str = "Schedules";
const EXECUTIONS: &str = "Executions";

const NAME_TAKEN: (u16, &str) = (409, "another schedule has the name");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::post("createSchedule", routes::SCHEDULES, "creates a schedule with its steps")
        .of(SCHEDULES)
        .needs(&[SchedulesManage])
        .body::<NewSchedule>(
            r#"{"name": "month end", "triggerType": "Cron", "patternType": "SpecificTimes", "daysOfWeek": "1,2,3,4,5", "runTimes": "06:00,18:30", "timezone": "Europe/Zurich", "isEnabled": false, "steps": [{"stepIndex": 0, "stepType": "Executable", "executablePath": "/opt/report", "arguments": "--month 'last'", "timeoutSeconds": 600}]}"#,
        )
        .repeatable()
        .answers(&[Answer::created::<Schedule>(routes::SCHEDULE).etag()])
        .fails(&[NAME_TAKEN]),
    Operation::get("listSchedules", routes::SCHEDULES, "lists schedules, in the order of their creation")
        .of(SCHEDULES)
        .needs(&[SchedulesView])
        .loose_query::<ScheduleQuery>()
        .answers(&[Answer::json::<Items<Schedule>>(200)]),
    Operation::get("readSchedule", routes::SCHEDULE, "reads a schedule with its steps")
        .of(SCHEDULES)
        .needs(&[SchedulesView])
        .answers(&[Answer::json::<Schedule>(200).etag()]),
    Operation::put("replaceSchedule", routes::SCHEDULE, "replaces a schedule and its steps")
        .of(SCHEDULES)
        .needs(&[SchedulesManage])
        .body::<ScheduleReplacement>(r#"{"name": "quarter end", "triggerType": "Manual", "steps": []}"#)
        .repeatable()
        .if_match()
        .answers(&[Answer::json::<Schedule>(200).etag()])
        .fails(&[NAME_TAKEN]),
    Operation::delete("deleteSchedule", routes::SCHEDULE, "deletes it; executions go on and stay")
        .of(SCHEDULES)
        .needs(&[SchedulesManage])
        .if_match(),
    Operation::post("enableSchedule", routes::SCHEDULE_ENABLE, "lets it fire by itself")
        .of(SCHEDULES)
        .needs(&[SchedulesManage])
        .ignores_body()
        .if_match()
        .answers(&[Answer::json::<Schedule>(200).etag()]),
    Operation::post("disableSchedule", routes::SCHEDULE_DISABLE, "keeps it from firing by itself")
        .of(SCHEDULES)
        .needs(&[SchedulesManage])
        .ignores_body()
        .if_match()
        .answers(&[Answer::json::<Schedule>(200).etag()]),
    Operation::get("nextExecutions", routes::SCHEDULE_NEXT, "tells when it fires next")
        .of(SCHEDULES)
        .needs(&[SchedulesView])
        .loose_query::<NextQuery>()
        .answers(&[Answer::json::<NextExecutions>(200)]),
    Operation::post("runSchedule", routes::SCHEDULE_RUN, "runs it now, also when it is disabled")
        .of(EXECUTIONS)
        .needs(&[SchedulesRun])
        .ignores_body()
        .repeatable()
        .answers(&[Answer::json::<ScheduleRun>(202)])
        .fails(&[(400, "it has no steps")]),
    Operation::get("listExecutions", routes::EXECUTIONS, "lists executions, newest first")
        .of(EXECUTIONS)
        .needs(&[SchedulesView])
        .loose_query::<ExecutionQuery>()
        .answers(&[Answer::json::<Items<Execution>>(200)]),
    Operation::get("listActiveExecutions", routes::EXECUTIONS_ACTIVE, "lists those that have not ended, oldest first")
        .of(EXECUTIONS)
        .needs(&[SchedulesView])
        .answers(&[Answer::json::<Vec<Execution>>(200)]),
    Operation::get("readExecution", routes::EXECUTION, "reads an execution with its steps")
        .of(EXECUTIONS)
        .needs(&[SchedulesView])
        .answers(&[Answer::json::<Execution>(200)]),
    Operation::post("cancelExecution", routes::EXECUTION_CANCEL, "ends it at once and stops its steps")
        .of(EXECUTIONS)
        .needs(&[SchedulesRun])
        .ignores_body()
        .repeatable()
        .answers(&[Answer::json::<Execution>(200)])
        .fails(&[(400, "it has ended")]),
    Operation::get("listActivities", routes::ACTIVITIES, "lists activities, newest first")
        .of(EXECUTIONS)
        .needs_any(&[SchedulesView, ConnectedSystemsView])
        .loose_query::<ActivityQuery>()
        .answers(&[Answer::json::<Items<Activity>>(200)])
        .notes("Without `schedules.view`, only those of run profiles are seen."),
    Operation::get("readActivity", routes::ACTIVITY, "reads an activity")
        .of(EXECUTIONS)
        .needs_any(&[SchedulesView, ConnectedSystemsView])
        .answers(&[Answer::json::<Activity>(200)]),
];
