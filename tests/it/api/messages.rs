//! The messages of a user over HTTP.

use futures::TryStreamExt as _;
use justiam_sdk::api::page::PageQuery;
use serde_json::{Value, json};

use super::support::{Api, NOBODY};

const ALICE: &str = "0199f2a6-0000-7000-8000-000000000001";
const BOB: &str = "0199f2a6-0000-7000-8000-000000000002";

fn message(number: u32, user: &str, created_at: &str, delivered_at: Option<&str>) -> Value {
    json!({
        "id": format!("0199f2a6-0000-7000-8000-0000000001{number:02}"), "user": user,
        "subject": format!("no. {number}"), "created_at": created_at, "delivered_at": delivered_at,
    })
}

async fn filled() -> Api {
    let api = Api::start().await;
    let (day, next) = ("2025-12-01T08:00:00Z", "2025-12-02T08:00:00Z");
    let mut first = message(1, ALICE, day, Some(day));
    first["body"] = "One\r\ntwo".into();
    api.server
        .seed(&json!({
            "users": [{ "id": ALICE, "email": "alice@example.com" }, { "id": BOB, "email": "bob@example.com" }],
            "user_messages": [
                first,
                message(2, "alice@example.com", next, Some("2025-12-09T08:00:00Z")),
                // Delivered together: the later one of two that were written is the newer one.
                message(3, ALICE, next, Some("2025-12-03T08:00:00Z")),
                message(4, ALICE, day, Some("2025-12-03T08:00:00Z")),
                message(5, ALICE, day, None),
                message(6, "BOB@example.com", day, Some(day)),
            ],
        }))
        .await;
    api
}

fn subjects(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|message| message["subject"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_user_has_those_that_were_delivered_the_last_one_first() {
    let api = filled().await;
    let path = format!("/api/v1/users/{ALICE}/messages");
    let page = api.get(&path).await.expect(200).json();
    assert_eq!((&page["total"], &page["page"], &page["limit"]), (&json!(4), &json!(1), &json!(20)));
    assert_eq!(subjects(&page), ["no. 2", "no. 3", "no. 4", "no. 1"]);
    let expected = json!({
        "id": "0199f2a6-0000-7000-8000-000000000101", "user_id": ALICE, "subject": "no. 1", "body": "One\r\ntwo",
        "created_at": "2025-12-01T08:00:00Z", "delivered_at": "2025-12-01T08:00:00Z",
    });
    assert_eq!(page["data"][3], expected);
    let second = api.get(&format!("{path}?limit=3&page=2")).await.expect(200).json();
    assert_eq!((subjects(&second), &second["total"]), (vec!["no. 1"], &json!(4)));
    let bob = api.get(&format!("/api/v1/users/{BOB}/messages")).await.expect(200).json();
    assert_eq!((subjects(&bob), &bob["total"]), (vec!["no. 6"], &json!(1)));
}

#[tokio::test]
async fn a_pending_one_appears_when_it_is_delivered() {
    let api = filled().await;
    let delivery = api.server.client.tasks().find("user_message_delivery").await.unwrap().unwrap();
    let run = api.server.client.tasks().run(delivery.id).await.unwrap();
    assert_eq!(api.server.ended(run.id).await.output.as_deref(), Some("delivered 1 user message"));
    let messages: Vec<_> = api.server.client.users().messages(ALICE.parse().unwrap()).try_collect().await.unwrap();
    let newest = &messages[0];
    assert_eq!((messages.len(), newest.subject.as_str()), (5, "no. 5"));
    assert_eq!(newest.delivered_at, "2026-01-01T00:00:00Z".parse().unwrap());
    let mut query = PageQuery::new();
    (query.page, query.limit) = (Some(3), Some(2));
    let page = api.server.client.users().messages_page(ALICE.parse().unwrap(), &query).await.unwrap();
    assert_eq!((page.data, page.total), (vec![messages[4].clone()], 5));
}

#[tokio::test]
async fn strangers_have_none_and_wrong_pages_are_refused() {
    let api = filled().await;
    for id in [NOBODY, "alice@example.com", "0199f2a6000070008000000000000001", "x"] {
        let problem = api.get(&format!("/api/v1/users/{id}/messages")).await.refused(404, "NOT_FOUND");
        assert_eq!(problem["message"], format!("there is no user `{id}`"));
    }
    let path = format!("/api/v1/users/{ALICE}/messages");
    api.get(&format!("{path}?page=0&limit=1001&pending=true")).await.wrong_fields(&["pending"]);
    api.get(&format!("{path}?page=0&limit=1001")).await.wrong_fields(&["page", "limit"]);
    api.get(&format!("{path}?page=x&limit=-1")).await.wrong_fields(&["page", "limit"]);
}
