//! Servers that are gone, slow, wrong or in the way.

use justiam_sdk::api::tasks::NewTask;
use justiam_server::app::caller::Permission;
use justiam_tests::terraform::Workspace;
use serde_json::json;
use tokio::net::TcpListener;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{ADDRESS, SCRIPT, task, world};

/// A workspace that has applied a task, and now talks to somebody else.
async fn applied(endpoint: &str) -> Workspace {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    let mut workspace = workspace;
    workspace.variable("JUSTIAM_ENDPOINT", endpoint);
    workspace.variable("JUSTIAM_MAX_RETRIES", "1");
    drop(server);
    workspace
}

/// What a problem of the API looks like.
fn problem(status: u16, code: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("X-Request-Id", "req-1")
        .set_body_json(json!({ "code": code, "message": message }))
}

#[tokio::test]
async fn each_bad_answer_is_a_clear_error_and_leaves_the_state_alone() {
    let html = |status: u16| ResponseTemplate::new(status).set_body_raw("<html>\n<h1>Sign in</h1>", "text/html");
    let cases = [
        (problem(401, "UNAUTHORISED", "the token is not known"), "The token is missing, wrong or expired"),
        (problem(403, "FORBIDDEN", "this needs the permission `tasks.view`"), "this needs the permission `tasks.view`"),
        (html(404), "Something other than a JustIAM server answered"),
        (html(200), "check the provider's `endpoint`"),
        (ResponseTemplate::new(404).set_body_json(json!({ "message": "no Route matched" })), "no Route matched"),
        (problem(429, "TOO_MANY_REQUESTS", "slow down").insert_header("Retry-After", "0"), "lower `max_concurrency`"),
        (problem(500, "INTERNAL_ERROR", "the server failed"), "Request id: req-1"),
        (problem(503, "SERVICE_UNAVAILABLE", "the database is away"), "try again later"),
        (html(502), "502"),
        (ResponseTemplate::new(200).set_body_raw("{\"id\":", "application/json"), "does not fit the contract"),
        (ResponseTemplate::new(200).set_body_json(json!({ "id": 5 })), "does not fit the contract"),
        (ResponseTemplate::new(302).insert_header("Location", "http://127.0.0.1:1/"), "302"),
    ];
    let mock = MockServer::start().await;
    let workspace = applied(&mock.uri()).await;
    for (answer, text) in cases {
        mock.reset().await;
        Mock::given(any()).respond_with(answer).mount(&mock).await;
        let said = workspace.plan().await.fails_with(&["Could not read the task `Task`", text]);
        assert_eq!(said.text.matches("Error: ").count(), 1, "{}", said.text);
        workspace.apply().await.fails_with(&[text]);
        workspace.destroy().await.fails_with(&[text]);
        assert!(workspace.attributes(ADDRESS).is_some(), "the state was emptied by: {text}");
    }
}

#[tokio::test]
async fn a_server_that_is_gone_or_hangs_is_a_clear_error() {
    let gone = applied("http://127.0.0.1:1").await;
    gone.plan().await.fails_with(&["Cannot reach http://127.0.0.1:1/", "Is the server running"]);

    // It accepts connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut hangs = applied(&format!("http://{}", silent.local_addr().unwrap())).await;
    hangs.variable("JUSTIAM_REQUEST_TIMEOUT", "1");
    hangs.plan().await.fails_with(&["did not answer within 1 s", "`request_timeout`"]);
    assert!(hangs.attributes(ADDRESS).is_some());
}

#[tokio::test]
async fn only_the_servers_own_not_found_empties_the_state() {
    let mock = MockServer::start().await;
    let workspace = applied(&mock.uri()).await;
    Mock::given(any()).respond_with(problem(404, "NOT_FOUND", "there is no task")).mount(&mock).await;
    let plan = workspace.plan_changes().await;
    assert!(plan.text.contains("1 to add, 0 to change, 0 to destroy"), "{}", plan.text);
}

#[tokio::test]
async fn an_endpoint_with_a_wrong_path_does_not_empty_the_state() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    let mut workspace = workspace;
    workspace.variable("JUSTIAM_ENDPOINT", &format!("{}/elsewhere", server.endpoint));
    workspace.plan().await.fails_with(&["there is no such path", "is the endpoint right?"]);
    assert!(workspace.attributes(ADDRESS).is_some());
}

#[tokio::test]
async fn fields_that_the_server_refuses_point_at_their_attributes() {
    let mock = MockServer::start().await;
    let answer = json!({
        "code": "VALIDATION_ERROR", "message": "the request has invalid fields",
        "validationErrors": { "cron_expr": ["is too frequent for this server"], "task_config.k": ["is not wanted"] },
    });
    Mock::given(any()).respond_with(ResponseTemplate::new(400).set_body_json(answer)).mount(&mock).await;
    let workspace = Workspace::new(&mock.uri(), "t");
    workspace.file("task.go", SCRIPT);
    workspace.config(&task("task_config = {\n  k = \"v\"\n}"));
    let said = workspace.apply().await.fails_with(&["is too frequent for this server", "is not wanted"]);
    let flat = said.flat();
    assert!(flat.contains("cron_expr = \"0 3 * * *\""), "{}", said.text);
    assert!(workspace.attributes(ADDRESS).is_none());
}

#[tokio::test]
async fn a_token_that_may_only_read_can_plan() {
    let (server, workspace) = world().await;
    workspace.file("task.go", SCRIPT);
    workspace.config(&task("secrets = { A = \"aaaa\" }"));
    workspace.apply().await.ok();
    let mut workspace = workspace;
    workspace.variable("JUSTIAM_TOKEN", &server.token_with(&[Permission::TasksView]).await);
    workspace.plan_nothing().await;
    workspace.config(&task("secrets = { A = \"bbbb\" }"));
    workspace.plan_changes().await;
    workspace.apply().await.fails_with(&["needs the permission `tasks.manage`"]);
}

#[tokio::test]
async fn a_create_whose_answer_got_lost_is_not_done_twice() {
    let (server, workspace) = world().await;
    // Breaks off the first answer after the server has done the work, then gets out of the way.
    let proxy = crate::interrupts::Proxy::start(&server.endpoint, 1).await;
    let mut workspace = workspace;
    workspace.variable("JUSTIAM_ENDPOINT", &proxy.endpoint);
    workspace.file("task.go", SCRIPT);
    workspace.config(&task(""));
    workspace.apply().await.ok();
    workspace.plan_nothing().await;
    assert_eq!(proxy.broken_off(), 1);
    let taken = server.client.tasks().create(&NewTask::cron_script("Task", "0 3 * * *", SCRIPT)).await.unwrap_err();
    assert!(taken.is_conflict());
}
