//! One operation of the document: what it takes, who may ask for it, and what it answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use justiam_sdk::api::operations::{Access, Answer, Body, OPERATIONS, Operation, Type};
use justiam_sdk::api::permissions::Permission;
use justiam_sdk::api::problem::Problem;
use serde_json::{Map, Value, json};

use super::schemas::Schemas;

/// Failures, and when they are given unless an operation says more.
const FAILURES: [(u16, &str, &str); 11] = [
    (400, "BadRequest", "The query, a header or the body is wrong; `validationErrors` says where."),
    (401, "Unauthorised", "There is no token, or one that is not valid."),
    (403, "Forbidden", "The token may not do this."),
    (404, "NotFound", "There is no such thing."),
    (408, "RequestTimeout", "The body did not arrive in time."),
    (409, "Conflict", "The `Idempotency-Key` was used for another request."),
    (412, "PreconditionFailed", "The thing has changed since the revision in `If-Match`."),
    (413, "PayloadTooLarge", "The body is over the limit."),
    (429, "TooManyRequests", "There were too many requests."),
    (500, "InternalError", "A defect of the server; its log has the cause under `X-Request-Id`."),
    (503, "ServiceUnavailable", "For the moment the server cannot do this."),
];

/// The answers that many operations have.
pub(super) fn failures(schemas: &mut Schemas) -> Map<String, Value> {
    FAILURES.iter().map(|(status, name, when)| ((*name).to_owned(), failure(*status, when, schemas))).collect()
}

fn failure(status: u16, when: &str, schemas: &mut Schemas) -> Value {
    let mut headers = json!({ "X-Request-Id": request_id() });
    if status == 401 {
        headers["WWW-Authenticate"] = json!({ "required": true, "schema": { "const": "Bearer" } });
    }
    if status == 429 || status == 503 {
        let schema = json!({ "type": "integer", "minimum": 0 });
        headers["Retry-After"] =
            json!({ "description": "When to come back, in seconds.", "required": true, "schema": schema });
    }
    let schema = schemas.of_answer(Type::of::<Problem>());
    json!({ "description": when, "headers": headers, "content": { "application/json": { "schema": schema } } })
}

fn request_id() -> Value {
    json!({
        "description": "Names the request, in the server's log as well.",
        "required": true,
        "schema": { "type": "string", "pattern": "^[0-9a-f]{32}$" }
    })
}

/// The object of an operation.
pub(super) fn describe(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut object = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": sentence(operation.summary),
        "description": text(operation),
        "security": security(operation.access),
        "parameters": parameters(operation, schemas),
    });
    if let Body::Json(body) = operation.body {
        let mut content = json!({ "schema": schemas.of_body(body) });
        if let Some(example) = operation.example.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            content["example"] = example;
        }
        object["requestBody"] = json!({ "required": true, "content": { "application/json": content } });
    }
    object["responses"] = responses(operation, schemas);
    object
}

/// A summary begins a line of a table; here it stands alone.
fn sentence(summary: &str) -> String {
    let mut letters = summary.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn text(operation: &Operation) -> String {
    let list = |permissions: &[Permission], word: &str| {
        permissions.iter().map(|permission| format!("`{permission}`")).collect::<Vec<_>>().join(word)
    };
    let mut text = match operation.access {
        Access::Open => "Open to everybody.".to_owned(),
        Access::All(needed) => format!("Needs {}.", list(needed, " and ")),
        Access::Any(needed) => format!("Needs {}.", list(needed, " or ")),
        _ => "For everybody with a token.".to_owned(),
    };
    // Writing to a text does not fail.
    if let Some((property, permission)) = operation.also_needs {
        let _ = write!(text, " And `{permission}` where the body has `{property}`.");
    }
    if let Body::Ignored = operation.body {
        text.push_str(" A body is ignored.");
    }
    if operation.query.is_some_and(|query| query.is_loose) {
        text.push_str(" Names of parameters are read in any letter case, and unknown ones are ignored.");
    }
    if !operation.notes.is_empty() {
        let _ = write!(text, "\n\n{}", operation.notes);
    }
    text
}

/// A bearer token or an API key, with the permissions that it must have.
fn security(access: Access) -> Value {
    let either = |needed: &[Permission]| {
        let names: Vec<&str> = needed.iter().map(|permission| permission.as_str()).collect();
        [json!({ "bearer": names }), json!({ "apiKey": names })]
    };
    match access {
        Access::Open => json!([]),
        Access::All(needed) => json!(either(needed)),
        Access::Any(needed) => {
            json!(needed.iter().flat_map(|one| either(std::slice::from_ref(one))).collect::<Vec<_>>())
        }
        _ => json!(either(&[])),
    }
}

fn parameters(operation: &Operation, schemas: &mut Schemas) -> Vec<Value> {
    let is_number = operation.path.contains("/connected-systems/");
    let id = if is_number {
        json!({ "type": "integer", "format": "int64" })
    } else {
        json!({ "type": "string", "format": "uuid" })
    };
    let mut parameters: Vec<Value> = operation
        .path_parameters()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": id }))
        .collect();
    for (name, mut schema) in operation.query.map(|query| schemas.of_query(query.parameters)).unwrap_or_default() {
        let mut parameter = json!({ "name": name, "in": "query" });
        if let Some(description) = schema.as_object_mut().and_then(|schema| schema.remove("description")) {
            parameter["description"] = description;
        }
        parameter["schema"] = schema;
        parameters.push(parameter);
    }
    let mut header = |name: &str, description: &str, schema: Value| {
        parameters.push(json!({ "name": name, "in": "header", "description": description, "schema": schema }));
    };
    if operation.is_repeatable {
        let about = "For 24 hours the same key of the same caller with the same request gets the first answer again.";
        header(
            "Idempotency-Key",
            about,
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }),
        );
    }
    if operation.if_match {
        let about = "The revision that the thing must have, quoted as in `ETag` or bare; `*` is any.";
        header("If-Match", about, json!({ "type": "string" }));
    }
    if operation.answers.iter().any(|answer| answer.bodies.iter().any(|(media, _)| *media == "text/event-stream")) {
        let about = "The `id` of the last event that arrived, for a stream that goes on after it.";
        header("Last-Event-ID", about, json!({ "type": "integer", "minimum": 0 }));
    }
    parameters
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut responses: BTreeMap<String, Value> = BTreeMap::new();
    for answer in operation.answers {
        responses.insert(answer.status.to_string(), success(operation, answer, schemas));
    }
    for status in statuses(operation) {
        let Some((_, name, usual)) = FAILURES.iter().find(|(known, ..)| *known == status) else { continue };
        let special: Vec<String> =
            operation.failures.iter().filter(|(own, _)| *own == status).map(|(_, when)| sentence(when) + ".").collect();
        let response = if special.is_empty() {
            json!({ "$ref": format!("#/components/responses/{name}") })
        } else {
            // What holds anyway stays true beside what is particular here.
            let usual = if follows(operation, status) { format!("{usual} ") } else { String::new() };
            failure(status, &format!("{usual}{}", special.join(" ")), schemas)
        };
        responses.insert(status.to_string(), response);
    }
    json!(responses)
}

/// The statuses of failure that an operation can have.
fn statuses(operation: &Operation) -> Vec<u16> {
    let special = |status: u16| operation.failures.iter().any(|(own, _)| *own == status);
    let all = FAILURES.iter().map(|(status, ..)| *status);
    all.filter(|status| follows(operation, *status) || special(*status)).collect()
}

/// Whether a status of failure follows from what an operation takes.
fn follows(operation: &Operation, status: u16) -> bool {
    let has_body = !matches!(operation.body, Body::None);
    match status {
        400 => operation.query.is_some() || matches!(operation.body, Body::Json(_)) || operation.is_repeatable,
        401 | 429 => operation.access != Access::Open,
        403 => operation.needs_permission(),
        404 => operation.path_parameters().next().is_some(),
        408 | 413 => has_body,
        409 => operation.is_repeatable,
        412 => operation.if_match,
        500 | 503 => true,
        _ => false,
    }
}

fn success(operation: &Operation, answer: &Answer, schemas: &mut Schemas) -> Value {
    let mut headers = json!({ "X-Request-Id": request_id() });
    if answer.has_etag {
        headers["ETag"] =
            json!({ "description": "The revision, quoted.", "required": true, "schema": { "type": "string" } });
    }
    let mut links = Map::new();
    if let Some(location) = answer.location {
        headers["Location"] = json!({ "description": "Where it is.", "required": true, "schema": { "type": "string", "format": "uri-reference" } });
        links = links_to(operation, location);
    }
    let when = match (answer.when, answer.status) {
        ("", 201) => "It was created.",
        ("", 202) => "It was accepted, and goes on.",
        ("", 204) => "It was done.",
        ("", _) => "It is in the answer.",
        (when, _) => when,
    };
    let mut response = json!({ "description": sentence(when), "headers": headers });
    if !links.is_empty() {
        response["links"] = Value::Object(links);
    }
    if !answer.bodies.is_empty() {
        let content: Map<String, Value> = answer
            .bodies
            .iter()
            .map(|(media, body)| ((*media).to_owned(), json!({ "schema": schemas.of_answer(*body) })))
            .collect();
        response["content"] = Value::Object(content);
    }
    response
}

/// What can be done with a created thing: all operations at or below its path that need no other id.
fn links_to(creation: &Operation, location: &str) -> Map<String, Value> {
    let below = |operation: &&Operation| {
        operation.path == location
            || operation.path.strip_prefix(location).is_some_and(|rest| rest.starts_with('/') && !rest.contains('{'))
    };
    OPERATIONS
        .iter()
        .filter(below)
        .map(|operation| {
            let outer: Vec<&str> = creation.path_parameters().collect();
            let parameters: Map<String, Value> = operation
                .path_parameters()
                .map(|name| {
                    let own = "$response.body#/id".to_owned();
                    (name.to_owned(), json!(if outer.contains(&name) { format!("$request.path.{name}") } else { own }))
                })
                .collect();
            (operation.id.to_owned(), json!({ "operationId": operation.id, "parameters": parameters }))
        })
        .collect()
}
