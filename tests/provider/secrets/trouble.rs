//! Applies that go wrong on the way.

use justiam_tests::faults::Fault;
use serde_json::json;

use super::{ADDRESS, BOTH, Case, map};

#[tokio::test]
async fn after_an_apply_that_failed_only_what_was_acknowledged_is_remembered() {
    for attribute in BOTH {
        let case = Case::applied(&map(attribute, &[("A", "one"), ("B", "two")])).await;
        let (state, private) = (case.workspace.attributes(ADDRESS).unwrap(), case.private());
        case.config(&map(attribute, &[("A", "new"), ("C", "three")]));
        case.faults.inject("PATCH", "/tasks/", 1, Fault::problem(403, "FORBIDDEN", "not today"));
        case.workspace.apply().await.fails_with(&["Could not change the task `Task`", "not today"]);
        assert_eq!((case.workspace.attributes(ADDRESS).unwrap(), case.private()), (state, private));
        Case::names(&case.planned().await, &["A", "C"], &["B"]);
        // Done by the server, and Terraform never hears of it: all is written again, and nothing changes by it.
        case.faults.inject("PATCH", "/tasks/", 100, Fault::LostAnswer);
        let failed = case.workspace.apply().await;
        case.faults.heal();
        failed.fails_with(&["Could not change the task `Task`"]);
        let done = case.keys().await;
        assert_eq!(done.keys, ["A", "C"]);
        case.workspace.apply().await.ok();
        case.workspace.plan_nothing().await;
        assert_eq!(case.keys().await, done);
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_the_change_is_made_once() {
    for attribute in BOTH {
        let case = Case::applied(&map(attribute, &[("A", "one")])).await;
        case.faults.inject("PATCH", "/tasks/", 1, Fault::LostAnswer);
        case.apply(&map(attribute, &[("A", "two")])).await;
        assert_eq!(case.faults.hit(), 1);
        let state = case.workspace.attributes(ADDRESS).unwrap();
        let task = case.server.client.tasks().get(case.id().await).await.unwrap();
        assert_eq!(state["revision"], json!(task.revision));
        assert_eq!(state["secret_revisions"], json!(task.secret_revisions));
    }
}

#[tokio::test]
async fn where_the_server_does_not_say_what_is_equal_all_is_written_and_equal_values_keep_their_revisions() {
    for attribute in BOTH {
        let case = Case::applied("").await;
        case.drift(&[("A", "same"), ("B", "old")], &[]).await;
        let before = case.keys().await;
        case.faults.inject("POST", "/secrets/compare", 1, Fault::problem(403, "FORBIDDEN", "not for you"));
        case.apply(&map(attribute, &[("A", "same"), ("B", "new")])).await;
        assert_eq!(case.changes().last(), Some(&json!({ "secrets": { "set": { "A": "same", "B": "new" } } })));
        assert_eq!(case.keys().await.revisions["A"], before.revisions["A"]);
    }
}

#[tokio::test]
async fn a_question_that_fails_is_an_error_and_no_reason_to_write_all() {
    let case = Case::applied("").await;
    case.drift(&[("A", "same")], &[]).await;
    for (status, code) in [(401, "UNAUTHORISED"), (400, "VALIDATION_ERROR")] {
        case.config(&map("secrets_wo", &[("A", "same")]));
        case.changes();
        case.faults.inject("POST", "/secrets/compare", 1, Fault::problem(status, code, "not today"));
        case.workspace.apply().await.fails_with(&["Could not change the task `Task`", "not today"]);
        assert_eq!(case.changes(), [json!({ "A": "same" })], "the question alone");
    }
    case.apply(&map("secrets_wo", &[("A", "same")])).await;
}
