//! The server itself.

use super::parts::{Alive, DOCUMENT, METRICS, Product, Ready};
use super::{Answer, Operation};
use crate::api::paths::routes;
use crate::api::permissions::Permission::TasksView;

const SERVER: &str = "Server";

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::get("readVersion", routes::VERSION, "tells the version, a JSON string")
        .of(SERVER)
        .open()
        .answers(&[Answer::json::<String>(200)]),
    Operation::get("readProduct", routes::API_HEALTH_VERSION, "tells product and version")
        .of(SERVER)
        .open()
        .answers(&[Answer::json::<Product>(200)])
        .notes("A name that existing clients may use."),
    Operation::get("readApiHealth", routes::API_HEALTH, "answers as long as the process does")
        .of(SERVER)
        .open()
        .answers(&[Answer::json::<Alive>(200)])
        .notes("A name that existing clients may use."),
    Operation::get("readHealth", routes::HEALTH, "answers as long as the process does")
        .of(SERVER)
        .open()
        .answers(&[Answer::json::<Alive>(200)]),
    Operation::get(
        "readReadiness",
        routes::READY,
        "tells whether the server can do its work: the database can be written, and its loops turn",
    )
    .of(SERVER)
    .open()
    .answers(&[Answer::json::<Ready>(200)]),
    Operation::get("readMetrics", routes::METRICS, "tells figures for monitoring")
        .of(SERVER)
        .needs(&[TasksView])
        .answers(&[Answer::new(200, METRICS)]),
    Operation::get("readOpenApi", routes::OPENAPI, "tells this document")
        .of(SERVER)
        .open()
        .answers(&[Answer::new(200, DOCUMENT)]),
];
