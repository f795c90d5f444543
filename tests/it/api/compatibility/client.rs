//! A client of schedules that was written from the documentation of the product alone, with the habits of its command line tools:
//! it knows neither the SDK nor this server.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

/// How many items it asks for at a time.
const PAGE_SIZE: usize = 100;

pub(crate) const SCHEDULES: &str = "/api/v1/schedules";
pub(crate) const EXECUTIONS: &str = "/api/v1/schedule-executions";
const SYSTEMS: &str = "/api/v1/synchronisation/connected-systems";

/// Properties of a step that the tool forgets when it adds another one.
const FORGOTTEN: [&str; 3] = ["TimeoutSeconds", "SqlConnectionString", "SqlScriptPath"];

pub(crate) struct Tool {
    http: reqwest::Client,
    endpoint: String,
    key: String,
    requests: std::sync::atomic::AtomicUsize,
}

/// What the tool shows of an answer that is an error.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// All that was wrong with single properties, in one text.
    pub(crate) fields: String,
}

pub(crate) type Answer = Result<Value, Refusal>;

impl Tool {
    pub(crate) fn new(endpoint: &str, key: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, endpoint: endpoint.to_owned(), key: key.to_owned(), requests: 0.into() }
    }

    /// How many requests it has sent.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Sends a request. A POST without a body still says that it is JSON. Names in the answer begin with capitals from here on.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}{path}", self.endpoint)).header("X-API-Key", &self.key);
        let request =
            request.header(CONTENT_TYPE, "application/json").body(body.map(Value::to_string).unwrap_or_default());
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        let value = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        if status.is_success() {
            return Ok(capitalised(value));
        }
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let fields = value.get("validationErrors").map(Value::to_string).unwrap_or_default();
        Err(Refusal { status: status.as_u16(), code: text("code"), message: text("message"), fields })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    /// Looks whether a server is there, and which one.
    pub(crate) async fn connect(&self) -> (Value, Value) {
        (self.get("/api/v1/health").await.unwrap(), self.get("/api/v1/health/version").await.unwrap())
    }

    /// Reads pages until one is short.
    async fn all(&self, path: &str, filter: &str) -> Vec<Value> {
        let mut all = Vec::new();
        for page in 1.. {
            let answer = self.get(&format!("{path}?{filter}page={page}&pageSize={PAGE_SIZE}")).await.unwrap();
            let items = answer["Items"].as_array().unwrap();
            all.extend(items.iter().cloned());
            if items.len() < PAGE_SIZE {
                break;
            }
        }
        all
    }

    pub(crate) async fn schedules(&self) -> Vec<Value> {
        self.all(SCHEDULES, "").await
    }

    pub(crate) async fn schedule(&self, id: &str) -> Answer {
        self.get(&format!("{SCHEDULES}/{id}")).await
    }

    /// Creates a schedule without steps.
    pub(crate) async fn new_schedule(&self, name: &str, fields: &Value) -> Answer {
        let mut body = json!({ "name": name, "triggerType": "Cron", "patternType": "SpecificTimes", "steps": [] });
        merge(&mut body, fields);
        self.call("POST", SCHEDULES, Some(&body)).await
    }

    /// Reads a schedule and sends all of it back with some fields changed: the names of its own are those of the documentation, those
    /// inside of steps begin with capitals, and the expression is the one that it has read.
    pub(crate) async fn set_schedule(&self, id: &str, changes: &Value) -> Answer {
        let mut body = definition(&self.schedule(id).await?);
        merge(&mut body, changes);
        self.call("PUT", &format!("{SCHEDULES}/{id}"), Some(&body)).await
    }

    /// Adds a step after all others, or beside the last ones. What the tool does not know of the others, it leaves out.
    pub(crate) async fn add_step(&self, id: &str, parallel: bool, step: &Value) -> Answer {
        let schedule = self.schedule(id).await?;
        let mut steps = schedule["Steps"].as_array().unwrap().clone();
        for step in &mut steps {
            step.as_object_mut().unwrap().retain(|name, _| !FORGOTTEN.contains(&name.as_str()));
        }
        let last = steps.iter().filter_map(|step| step["StepIndex"].as_i64()).max();
        let index = last.map_or(0, |last| if parallel { last } else { last + 1 });
        let mode = if parallel { "ParallelWithPrevious" } else { "Sequential" };
        let mut new = json!({ "stepIndex": index, "executionMode": mode, "continueOnFailure": false });
        merge(&mut new, step);
        steps.push(new);
        self.set_schedule(id, &json!({ "steps": steps })).await
    }

    /// Adds a step that executes a run profile, both by their names.
    pub(crate) async fn add_run_profile(&self, id: &str, parallel: bool, system: &str, profile: &str) -> Answer {
        let systems = self.all(SYSTEMS, "").await;
        let system = &systems.iter().find(|found| found["Name"] == system).unwrap()["Id"];
        let profiles = self.get(&format!("{SYSTEMS}/{system}/run-profiles")).await?;
        let profile = &profiles.as_array().unwrap().iter().find(|found| found["Name"] == profile).unwrap()["Id"];
        let step = json!({ "stepType": "RunProfile", "connectedSystemId": system, "runProfileId": profile });
        self.add_step(id, parallel, &step).await
    }

    /// Removes all steps at an index. The others get new ids, and their indexes are counted anew by rows.
    pub(crate) async fn remove_steps(&self, id: &str, index: i64) -> Answer {
        let schedule = self.schedule(id).await?;
        let mut steps: Vec<Value> = schedule["Steps"].as_array().unwrap().clone();
        steps.retain(|step| step["StepIndex"] != index);
        for (row, step) in steps.iter_mut().enumerate() {
            step.as_object_mut().unwrap().remove("Id");
            step["StepIndex"] = row.into();
        }
        self.set_schedule(id, &json!({ "steps": steps })).await
    }

    pub(crate) async fn remove_schedule(&self, id: &str) -> Answer {
        self.schedule(id).await?;
        self.call("DELETE", &format!("{SCHEDULES}/{id}"), None).await
    }

    /// Enables or disables a schedule and reads it again.
    pub(crate) async fn switch(&self, id: &str, word: &str) -> Answer {
        self.call("POST", &format!("{SCHEDULES}/{id}/{word}"), None).await?;
        self.schedule(id).await
    }

    /// Runs a schedule and reads the execution.
    pub(crate) async fn start(&self, id: &str) -> Answer {
        let run = self.call("POST", &format!("{SCHEDULES}/{id}/run"), None).await?;
        self.execution(run["ExecutionId"].as_str().unwrap()).await
    }

    pub(crate) async fn execution(&self, id: &str) -> Answer {
        self.get(&format!("{EXECUTIONS}/{id}")).await
    }

    /// Executions of a schedule, also those with a status alone.
    pub(crate) async fn executions(&self, schedule: &str, status: Option<&str>) -> Vec<Value> {
        let status = status.map(|status| format!("status={status}&")).unwrap_or_default();
        self.all(EXECUTIONS, &format!("scheduleId={schedule}&{status}")).await
    }

    pub(crate) async fn active(&self) -> Vec<Value> {
        self.get(&format!("{EXECUTIONS}/active")).await.unwrap().as_array().unwrap().clone()
    }

    /// Cancels an execution and reads it again.
    pub(crate) async fn stop(&self, id: &str) -> Answer {
        self.call("POST", &format!("{EXECUTIONS}/{id}/cancel"), None).await?;
        self.execution(id).await
    }
}

/// What of a schedule the tool sends back.
fn definition(schedule: &Value) -> Value {
    let names = [
        "name",
        "description",
        "triggerType",
        "cronExpression",
        "patternType",
        "daysOfWeek",
        "runTimes",
        "intervalValue",
        "intervalUnit",
        "intervalWindowStart",
        "intervalWindowEnd",
        "isEnabled",
        "steps",
    ];
    names.into_iter().map(|name| (name.to_owned(), schedule[capital(name)].clone())).collect::<Map<_, _>>().into()
}

fn merge(body: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
}

fn capital(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}

fn capitalised(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().map(|(name, value)| (capital(&name), capitalised(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(capitalised).collect(),
        other => other,
    }
}
