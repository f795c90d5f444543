//! A server that cannot open the stored values any more.

use justiam_server::config::Config;
use justiam_tests::faults::Faults;
use justiam_tests::server::TestServer;
use justiam_tests::terraform::Workspace;
use serde_json::json;

use super::{BOTH, Case, SCRIPT, map, task};

#[tokio::test]
async fn secrets_that_a_server_with_another_secret_cannot_open_are_written_again() {
    let secret = |text: &'static str| move |config: &mut Config| config.jwt_secret = Some(text.into());
    for attribute in BOTH {
        let server = TestServer::start_with(secret("the first server secret, long enough")).await;
        let mut workspace = Workspace::new(&server.endpoint, &server.token);
        workspace.file("task.go", SCRIPT);
        workspace.config(&task(&map(attribute, &[("A", "one"), ("B", "two")])));
        workspace.apply().await.ok();

        let server = server.restart_with(secret("the other server secret, long enough")).await;
        let faults = Faults::start(&server.endpoint).await;
        workspace.variable("JUSTIAM_ENDPOINT", &faults.endpoint);
        let case = Case { server, faults, workspace };
        Case::names(&case.planned().await, &["A", "B"], &[]);
        case.workspace.apply().await.ok();
        assert_eq!(case.changes().last(), Some(&json!({ "secrets": { "set": { "A": "one", "B": "two" } } })));
        case.workspace.plan_nothing().await;
        let values = [("A", "one"), ("B", "two")].map(|(key, value)| (key.to_owned(), value.into()));
        let told = case.server.client.secrets(case.id().await).compare(&values.into()).await.unwrap();
        assert!(told.values().all(|same| *same), "{told:?}");
    }
}
