//! Somebody on the way answers with the request that they got. What was secret in it is seen by nobody.

use std::fs;

use justiam_tests::faults::Fault;

use super::super::{SCRIPT, task};
use super::world;

const CANARY: &str = "canary-4f9d1c-8e27ab";

/// Ways to show a request, and what Terraform says of each.
fn echoes() -> [(Fault, &'static str); 5] {
    let echo = |status, kind, before, after| Fault::Echo { status, kind, around: [before, after] };
    [
        (echo(400, "text/plain", "Blocked by WAF rule 1234: ", ""), "answered 400 with text/plain instead of"),
        (echo(200, "text/html", "<pre>", "</pre>"), "answered 200 with text/html instead of"),
        (echo(403, "application/json", "{\"message\":\"no\",\"details\":", "}"), "its words are not repeated"),
        (echo(200, "application/json", "", ""), "does not fit the contract"),
        (echo(200, "application/json", "{\"id\":7,\"A\":", "}"), "does not fit the contract"),
    ]
}

#[tokio::test]
async fn no_secret_is_shown_by_an_answer_that_repeats_the_request() {
    for attribute in ["secrets", "secrets_wo"] {
        let (server, faults, mut workspace) = world(0).await;
        workspace.file("task.go", SCRIPT);
        let trace = workspace.path().join("trace.log");
        workspace.variable("TF_LOG_PROVIDER", "TRACE");
        workspace.variable("TF_LOG_PATH", trace.to_str().unwrap());
        let with = |value: &str| task(&format!("{attribute} = {{ A = \"{value}\", B = \"two {value}\" }}"));
        let mut said = Vec::new();

        workspace.config(&with(CANARY));
        for (fault, says) in echoes() {
            faults.inject("POST", CANARY, 1, fault);
            said.push(workspace.apply().await.fails_with(&["Could not create the task", says]));
        }
        workspace.config(&task(""));
        workspace.apply().await.ok();
        let id = server.client.tasks().find("Task").await.unwrap().unwrap().id;
        server.client.secrets(id).replace(&[("A".to_owned(), "old".into())].into()).await.unwrap();
        workspace.config(&with(CANARY));
        // The server is asked what it has already, and then told.
        let [text, .., json] = echoes();
        for (fault, _) in [text, json] {
            let hit = faults.hit();
            faults.inject("POST", "/secrets/compare", 1, fault.clone());
            faults.inject("PATCH", CANARY, 1, fault);
            said.push(workspace.apply().await.fails_with(&["Could not change the task"]));
            assert!(faults.hit() > hit, "{attribute}");
            faults.heal();
        }
        workspace.apply().await.ok();
        workspace.config(&with(&format!("{CANARY} again")));
        for (fault, says) in echoes() {
            faults.inject("PATCH", CANARY, 1, fault);
            said.push(workspace.apply().await.fails_with(&["Could not change the task", says]));
        }
        for said in said {
            assert!(!said.text.contains("canary"), "{attribute}: {}", said.text);
        }
        let trace = fs::read_to_string(trace).unwrap();
        assert!(trace.contains("justiam") && !trace.contains(CANARY), "{attribute}: the log");
        workspace.apply().await.ok();
        workspace.plan_nothing().await;
    }
}
