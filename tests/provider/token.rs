//! `justiam_token`: a token for as long as Terraform works with it.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use justiam_sdk::api::me::NewShortToken;
use justiam_sdk::api::tasks::TaskQuery;
use justiam_server::app::caller::Permission;
use justiam_tests::faults::{Fault, Faults, Seen};
use justiam_tests::programs::program;
use justiam_tests::server::{TestServer, client};
use serde_json::{Value as Json, json};
use tfplugin_client::wire::tfplugin6 as pb;
use tfplugin_client::{Plugin, Session, diagnostics};

use super::world;

/// A token with these attributes, and a task that a second provider configuration makes with it.
fn with_token(attributes: &str) -> String {
    format!(
        "ephemeral \"justiam_token\" \"t\" {{\n{attributes}\n}}\n\
         provider \"justiam\" {{\n  alias = \"short\"\n  token = ephemeral.justiam_token.t.token\n}}\n\
         resource \"justiam_scheduled_task\" \"t\" {{\n  provider = justiam.short\n  name = \"Cleanup\"\n  \
         task_type = \"audit_log_cleanup\"\n  schedule_type = \"once\"\n}}\n"
    )
}

/// How many tokens were made, and the ids of those that were revoked.
fn tokens(seen: &[Seen]) -> (usize, Vec<String>) {
    let of = |method: &'static str| {
        seen.iter().filter(move |seen| seen.method == method && seen.target.contains("/me/tokens/short"))
    };
    let id = |seen: &Seen| seen.target.rsplit('/').next().unwrap().to_owned();
    (of("POST").count(), of("DELETE").map(id).collect())
}

#[tokio::test]
async fn a_second_provider_configuration_works_with_a_token_that_is_gone_afterwards() {
    let (server, mut workspace) = world().await;
    let faults = Faults::start(&server.endpoint).await;
    workspace.variable("JUSTIAM_ENDPOINT", &faults.endpoint);
    let log = workspace.path().join("trace.log");
    workspace.variable("TF_LOG", "TRACE");
    workspace.variable("TF_LOG_PATH", log.to_str().unwrap());
    workspace.config(&with_token("permissions = [\"tasks.view\", \"tasks.manage\"]"));
    let mut said = workspace.apply().await.ok().text;
    assert!(server.client.tasks().find("Cleanup").await.unwrap().is_some());
    workspace.plan_nothing().await;
    said += &workspace.run(&["plan", "-no-color", "-destroy", "-out=destroy.plan"]).await.ok().text;
    said += &workspace.run(&["show", "-json", "destroy.plan"]).await.ok().text;
    workspace.destroy().await.ok();

    // Each time that Terraform worked there was another one, and none is left.
    let (made, revoked) = tokens(&faults.take());
    assert!(made >= 4, "{made}");
    assert_eq!(made, revoked.len());
    for id in revoked {
        let renewed = server.client.me().renew_short_token(&id.parse().unwrap(), 60).await;
        assert!(renewed.is_err(), "{renewed:?}");
    }
    // A JWT begins with these letters: `{"` in Base64.
    let trace = fs::read_to_string(log).unwrap();
    assert!(trace.contains("justiam_token"), "the log is empty, so it proves nothing");
    for text in [said, trace, workspace.state_text()] {
        assert!(!text.contains("eyJ"));
    }
}

#[tokio::test]
async fn a_token_may_do_what_it_was_made_for_and_is_refused_with_a_reason() {
    let (server, mut workspace) = world().await;
    workspace.config(&with_token("permissions = [\"tasks.view\"]"));
    workspace.apply().await.fails_with(&["Could not create the task `Cleanup`", "403"]);

    // What can be told before anything is asked for, and what the server alone knows.
    workspace.config(&with_token("ttl_seconds = 59"));
    workspace.plan().await.fails_with(&["Number out of range", "from 60 to 3600"]);
    workspace.config(&with_token("permissions = []"));
    workspace.plan().await.fails_with(&["permissions"]);
    workspace.config(&with_token("permissions = [\"tasks.view\", \"tasks.fly\"]"));
    workspace.plan().await.fails_with(&["Could not make a token", "tasks.fly", "permissions"]);

    // No more than the provider's own token, and not of a short one.
    let limited = server.token_with(&[Permission::TasksView]).await;
    workspace.variable("JUSTIAM_TOKEN", &limited);
    workspace.config(&with_token("permissions = [\"tasks.manage\"]"));
    workspace.plan().await.fails_with(&["Could not make a token", "tasks.manage"]);
    let short = server.client.me().short_token(&NewShortToken::new(600)).await.unwrap();
    workspace.variable("JUSTIAM_TOKEN", short.token.expose());
    workspace.config(&with_token(""));
    let said = workspace.plan().await.fails_with(&["Could not make a token", "403"]);
    assert!(!said.text.contains("eyJ"), "{}", said.text);
}

/// A provider that talks to this address and tells everything that it logs.
async fn start(endpoint: &str, token: &str) -> Session {
    let session = Plugin::builder(&program("terraform-provider-justiam")).env("TF_LOG", "trace").connect().await;
    assert_eq!(session.configure(json!({"endpoint": endpoint, "token": token})).await, []);
    session
}

async fn open(session: &Session, config: Json) -> pb::open_ephemeral_resource::Response {
    let schema = session.schemas().await.ephemeral_resource("justiam_token").clone();
    let config = Some(schema.encode(&schema.object(config)));
    let request =
        pb::open_ephemeral_resource::Request { type_name: "justiam_token".into(), config, ..Default::default() };
    session.provider().open_ephemeral_resource(request).await.unwrap().into_inner()
}

/// The text of one attribute of what was opened.
async fn opened(session: &Session, answer: &pb::open_ephemeral_resource::Response, name: &str) -> String {
    assert_eq!(diagnostics::errors(&answer.diagnostics), Vec::<String>::new());
    let schema = session.schemas().await.ephemeral_resource("justiam_token").clone();
    let result = schema.decode(answer.result.as_ref()).unwrap();
    result.get(name).unwrap().as_str().unwrap().to_owned()
}

async fn renew(session: &Session, private: Option<&[u8]>) -> pb::renew_ephemeral_resource::Response {
    let request = pb::renew_ephemeral_resource::Request {
        type_name: "justiam_token".into(),
        private: private.map(<[u8]>::to_vec),
    };
    session.provider().renew_ephemeral_resource(request).await.unwrap().into_inner()
}

async fn close(session: &Session, private: Option<&[u8]>) -> Vec<String> {
    diagnostics::errors(&closed(session, private).await)
}

async fn closed(session: &Session, private: Option<&[u8]>) -> Vec<pb::Diagnostic> {
    let request = pb::close_ephemeral_resource::Request {
        type_name: "justiam_token".into(),
        private: private.map(<[u8]>::to_vec),
    };
    session.provider().close_ephemeral_resource(request).await.unwrap().into_inner().diagnostics
}

/// In how many seconds something is to happen.
#[expect(clippy::disallowed_methods, reason = "the provider has no other clock either")]
fn seconds_until(second: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    second - i64::try_from(now).unwrap()
}

async fn works(server: &TestServer, token: &str) -> bool {
    client(&server.endpoint, token).tasks().page(&TaskQuery::new()).await.is_ok()
}

#[tokio::test]
async fn a_token_is_renewed_after_two_thirds_of_its_life_and_revoked_at_the_end() {
    let server = TestServer::start().await;
    let session = start(&server.endpoint, &server.token).await;
    let answer = open(&session, json!({"ttl_seconds": 300})).await;
    let token = opened(&session, &answer, "token").await;
    assert_eq!(opened(&session, &answer, "expires_at").await, "2026-01-01T00:05:00Z");
    assert!((190..=200).contains(&seconds_until(answer.renew_at.unwrap().seconds)), "{:?}", answer.renew_at);
    assert!(works(&server, &token).await);

    // Past its first end, and past the second.
    for _ in 0..2 {
        server.advance(200);
        let renewed = renew(&session, answer.private.as_deref()).await;
        assert_eq!(diagnostics::errors(&renewed.diagnostics), Vec::<String>::new());
        assert!((190..=200).contains(&seconds_until(renewed.renew_at.unwrap().seconds)), "{:?}", renewed.renew_at);
        assert!(works(&server, &token).await);
    }
    assert_eq!(close(&session, answer.private.as_deref()).await, Vec::<String>::new());
    assert!(!works(&server, &token).await);
    assert_eq!(close(&session, answer.private.as_deref()).await, Vec::<String>::new());
    // Who is not there any more cannot be renewed, and Terraform's user is told.
    assert_eq!(diagnostics::errors(&renew(&session, answer.private.as_deref()).await.diagnostics).len(), 1);

    let log = session.plugin.stderr();
    assert!(log.contains("OpenEphemeralResource"), "the log is empty, so it proves nothing: {log}");
    assert!(!log.contains(&token) && !log.contains("eyJ"));
}

#[tokio::test]
async fn a_token_that_cannot_be_revoked_or_renewed_is_named() {
    let server = TestServer::start().await;
    let faults = Faults::start(&server.endpoint).await;
    let session = start(&faults.endpoint, &server.token).await;
    // An answer that got lost makes no second token that nobody revokes.
    faults.inject("POST", "/me/tokens/short", 1, Fault::LostAnswer);
    let answer = open(&session, json!({})).await;
    let id = opened(&session, &answer, "id").await;
    assert!((590..=600).contains(&seconds_until(answer.renew_at.unwrap().seconds)), "{:?}", answer.renew_at);

    faults.inject("POST", "/renew", 1, Fault::problem(409, "CONFLICT", "it has ended"));
    let problems = diagnostics::errors(&renew(&session, answer.private.as_deref()).await.diagnostics);
    assert!(problems[0].contains("Could not renew the token") && problems[0].contains("it has ended"), "{problems:?}");
    faults.inject("DELETE", "/me/tokens/short", 1, Fault::problem(403, "FORBIDDEN", "not yours"));
    // A warning: what was to be done with the token is done.
    let problems = closed(&session, answer.private.as_deref()).await;
    assert_eq!(diagnostics::errors(&problems), Vec::<String>::new());
    let [warning] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(warning.summary, format!("Could not revoke the token {id}"));
    assert!(warning.detail.contains("ends by itself within 900 s"), "{warning:?}");
    assert!(warning.detail.contains(&format!("DELETE /api/v1/me/tokens/short/{id}")), "{warning:?}");
    assert_eq!(close(&session, answer.private.as_deref()).await, Vec::<String>::new());
    assert_eq!(close(&session, None).await, Vec::<String>::new());
}
