//! Connected systems and their run profiles.

use super::{Answer, Operation};
use crate::api::connected_systems::{
    ConnectedSystem, ConnectedSystemQuery, NewConnectedSystem, NewRunProfile, RunProfile, RunProfileRun,
};
use crate::api::page::Items;
use crate::api::paths::routes;
use crate::api::permissions::Permission::{ConnectedSystemsManage, ConnectedSystemsView, SchedulesRun};

const SYSTEMS: &str = "Connected systems";

const NAME_TAKEN: (u16, &str) = (409, "another one has the name");
const IN_USE: (u16, &str) = (409, "steps of schedules use it");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::post("createConnectedSystem", routes::CONNECTED_SYSTEMS, "creates a connected system")
        .of(SYSTEMS)
        .needs(&[ConnectedSystemsManage])
        .body::<NewConnectedSystem>(
            r#"{"name": "payroll", "direction": "Inbound", "csv": {"filePath": "/srv/payroll.csv", "idColumn": "number", "emailColumn": "mail", "attributeColumns": {"dept": "department"}}}"#,
        )
        .repeatable()
        .answers(&[Answer::created::<ConnectedSystem>(routes::CONNECTED_SYSTEM)])
        .fails(&[NAME_TAKEN]),
    Operation::get("listConnectedSystems", routes::CONNECTED_SYSTEMS, "lists connected systems by name")
        .of(SYSTEMS)
        .needs(&[ConnectedSystemsView])
        .loose_query::<ConnectedSystemQuery>()
        .answers(&[Answer::json::<Items<ConnectedSystem>>(200)]),
    Operation::get("readConnectedSystem", routes::CONNECTED_SYSTEM, "reads a connected system")
        .of(SYSTEMS)
        .needs(&[ConnectedSystemsView])
        .answers(&[Answer::json::<ConnectedSystem>(200)]),
    Operation::put("replaceConnectedSystem", routes::CONNECTED_SYSTEM, "replaces its definition; another direction empties the connector space")
        .of(SYSTEMS)
        .needs(&[ConnectedSystemsManage])
        .body::<NewConnectedSystem>(
            r#"{"name": "staff", "csv": {"filePath": "/srv/new.csv", "delimiter": ";", "idColumn": "number", "emailColumn": "mail"}}"#,
        )
        .answers(&[Answer::json::<ConnectedSystem>(200)])
        .fails(&[(409, "another one has the name, or a run profile is at work")]),
    Operation::delete("deleteConnectedSystem", routes::CONNECTED_SYSTEM, "deletes it with its run profiles and objects")
        .of(SYSTEMS)
        .needs(&[ConnectedSystemsManage])
        .fails(&[IN_USE]),
    Operation::post("createRunProfile", routes::RUN_PROFILES, "creates a run profile")
        .of(SYSTEMS)
        .needs(&[ConnectedSystemsManage])
        .body::<NewRunProfile>(r#"{"name": "full import", "runType": "FullImport", "pageSize": 500}"#)
        .repeatable()
        .answers(&[Answer::created::<RunProfile>(routes::RUN_PROFILE)])
        .fails(&[NAME_TAKEN]),
    Operation::get("listRunProfiles", routes::RUN_PROFILES, "lists all its run profiles, in the order of their ids")
        .of(SYSTEMS)
        .needs(&[ConnectedSystemsView])
        .answers(&[Answer::json::<Vec<RunProfile>>(200)]),
    Operation::get("readRunProfile", routes::RUN_PROFILE, "reads a run profile")
        .of(SYSTEMS)
        .needs(&[ConnectedSystemsView])
        .answers(&[Answer::json::<RunProfile>(200)]),
    Operation::put("replaceRunProfile", routes::RUN_PROFILE, "replaces a run profile")
        .of(SYSTEMS)
        .needs(&[ConnectedSystemsManage])
        .body::<NewRunProfile>(r#"{"name": "import", "runType": "DeltaImport", "filePath": "/srv/other.csv"}"#)
        .answers(&[Answer::json::<RunProfile>(200)])
        .fails(&[NAME_TAKEN]),
    Operation::delete("deleteRunProfile", routes::RUN_PROFILE, "deletes a run profile")
        .of(SYSTEMS)
        .needs(&[ConnectedSystemsManage])
        .fails(&[IN_USE]),
    Operation::post("executeRunProfile", routes::RUN_PROFILE_EXECUTE, "executes it when its connected system is free")
        .of(SYSTEMS)
        .needs(&[SchedulesRun])
        .ignores_body()
        .repeatable()
        .answers(&[Answer::json::<RunProfileRun>(202)]),
];
