//! Access requests over HTTP.

use futures::TryStreamExt as _;
use futures::future::join_all;
use justiam_sdk::Client;
use justiam_sdk::api::access_requests::{AccessRequest, AccessRequestQuery, AccessRequestStatus, NewAccessRequest};
use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::users::NewUser;
use justiam_server::app::caller::Permission::{self, AccessRequestsManage, AccessRequestsView};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use serde_json::json;

use super::support::{Api, NOBODY, answer};

both_databases!(of_an_approval_and_a_denial_at_once_one_wins);

const PATH: &str = "/api/v1/access-requests";

async fn user(client: &Client, email: &str) -> UserId {
    client.users().create(&NewUser::new(email)).await.unwrap().id
}

async fn request(client: &Client, requester: UserId) -> AccessRequest {
    client.access_requests().create(&NewAccessRequest::new(requester, "Production")).await.unwrap()
}

#[tokio::test]
async fn a_request_is_made_read_and_decided() {
    let api = Api::start().await;
    let client = &api.server.client;
    let requests = client.access_requests();
    let (alice, bob) = (user(client, "alice@example.com").await, user(client, "bob@example.com").await);
    let mut new = NewAccessRequest::new(alice, "Production");
    new.approver_ids = vec![bob, alice];
    new.expires_at = Some("2026-01-02T00:00:00Z".parse().unwrap());
    let made = requests.create(&new).await.unwrap();
    let mut expected = AccessRequest::new(made.id, alice, "Production".into(), made.created_at);
    expected.approver_ids = vec![alice, bob];
    expected.expires_at = new.expires_at;
    assert_eq!(made, expected);
    assert_eq!(requests.get(made.id).await.unwrap(), made);
    api.server.advance(60);
    let other = request(client, bob).await;
    let approved = requests.approve(made.id).await.unwrap();
    expected.status = AccessRequestStatus::Approved;
    expected.closed_at = Some("2026-01-01T00:01:00Z".parse().unwrap());
    assert_eq!(approved, expected);
    let denied = requests.deny(other.id).await.unwrap();
    assert_eq!(denied.status, AccessRequestStatus::Denied);
    let list: Vec<_> = requests.list(AccessRequestQuery::new()).try_collect().await.unwrap();
    assert_eq!(list, [denied.clone(), approved.clone()]);
    let mut query = AccessRequestQuery::new();
    query.status = Some(AccessRequestStatus::Denied);
    assert_eq!(requests.page(&query).await.unwrap().data, [denied]);
    let mut query = AccessRequestQuery::new();
    query.requester_id = Some(alice);
    assert_eq!(requests.page(&query).await.unwrap().data, [approved]);
    for (id, status) in [(made.id, "approved"), (other.id, "denied")] {
        let error = requests.approve(id).await.unwrap_err();
        let expected = format!("access request {id} is {status} already; only pending ones can be decided");
        assert_eq!((error.api().unwrap().status, &error.api().unwrap().problem.message), (409, &expected));
    }
    let entries: Vec<_> = client.audit().list(AuditQuery::new()).try_collect().await.unwrap();
    let about = entries.iter().rev().filter(|entry| entry.object_kind == "access_request");
    let told: Vec<_> = about.map(|entry| (entry.action.as_str(), entry.details.clone())).collect();
    let (from_alice, from_bob) = (json!({ "requester_id": alice }), json!({ "requester_id": bob }));
    assert_eq!(
        told,
        [
            ("access_request.create", from_alice.clone()),
            ("access_request.create", from_bob.clone()),
            ("access_request.approve", from_alice),
            ("access_request.deny", from_bob),
        ]
    );
}

#[tokio::test]
async fn an_overdue_request_is_not_decided() {
    let api = Api::start().await;
    let client = &api.server.client;
    // The built-in task that expires requests is not asked for: without a tick it does nothing.
    let mut new = NewAccessRequest::new(user(client, "alice@example.com").await, "Production");
    new.expires_at = Some("2026-01-01T00:00:30Z".parse().unwrap());
    let made = client.access_requests().create(&new).await.unwrap();
    api.server.advance(30);
    let error = client.access_requests().approve(made.id).await.unwrap_err();
    let expected = format!("access request {} was to be decided before 2026-01-01T00:00:30Z", made.id);
    assert_eq!((error.api().unwrap().status, &error.api().unwrap().problem.message), (409, &expected));
}

#[tokio::test]
async fn all_wrong_fields_of_a_request_are_named() {
    let api = Api::start().await;
    let alice = user(&api.server.client, "alice@example.com").await;
    let many: Vec<UserId> = vec![alice; 101];
    let now = "2026-01-01T00:00:00Z";
    for (body, fields) in [
        (json!({}), &["requester_id", "template_name"][..]),
        (json!({ "requester_id": "alice", "template_name": "", "x": 1 }), &["requester_id", "template_name", "x"]),
        (
            json!({ "requester_id": alice, "template_name": "T", "approver_ids": [alice, 1, "bob", alice] }),
            &["approver_ids[1]", "approver_ids[2]", "approver_ids[3]"],
        ),
        (json!({ "requester_id": alice, "template_name": "T", "approver_ids": many }), &["approver_ids"]),
        (json!({ "requester_id": alice, "template_name": "T", "expires_at": now }), &["expires_at"]),
        (
            json!({ "requester_id": NOBODY, "template_name": "T", "approver_ids": [alice, NOBODY] }),
            &["requester_id", "approver_ids[1]"],
        ),
    ] {
        api.send("POST", PATH, &body).await.wrong_fields(fields);
    }
    api.get(&format!("{PATH}?status=open&limit=0")).await.wrong_fields(&["status", "limit"]);
    api.get(&format!("{PATH}?requester_id=alice")).await.wrong_fields(&["requester_id"]);
    assert_eq!(api.get(PATH).await.json()["total"], 0);
    for id in ["x", NOBODY] {
        api.get(&format!("{PATH}/{id}")).await.refused(404, "NOT_FOUND");
        for what in ["approve", "deny"] {
            api.send("POST", &format!("{PATH}/{id}/{what}"), &json!({})).await.refused(404, "NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn a_repeated_decision_gets_the_first_answer() {
    let api = Api::start().await;
    let alice = user(&api.server.client, "alice@example.com").await;
    let made = request(&api.server.client, alice).await;
    let decide = async |what: &str, key: &str| {
        let path = format!("{PATH}/{}/{what}", made.id);
        answer(api.request("POST", &path).header("Idempotency-Key", key)).await
    };
    let first = decide("approve", "key").await.expect(200);
    assert_eq!(decide("approve", "key").await.expect(200).text, first.text);
    decide("approve", "another").await.refused(409, "CONFLICT");
    decide("deny", "key").await.refused(409, "CONFLICT");
}

#[tokio::test]
async fn access_requests_have_permissions_of_their_own() {
    let api = Api::start().await;
    let alice = user(&api.server.client, "alice@example.com").await;
    let (one, two) = (request(&api.server.client, alice).await.id, request(&api.server.client, alice).await.id);
    for (method, path, body, needs, expected) in [
        ("GET", PATH.to_owned(), json!({}), AccessRequestsView, 200),
        ("GET", format!("{PATH}/{one}"), json!({}), AccessRequestsView, 200),
        ("POST", PATH.to_owned(), json!({ "requester_id": alice, "template_name": "T" }), AccessRequestsManage, 201),
        ("POST", format!("{PATH}/{one}/approve"), json!({}), AccessRequestsManage, 200),
        ("POST", format!("{PATH}/{two}/deny"), json!({}), AccessRequestsManage, 200),
    ] {
        let others: Vec<_> = Permission::ALL.into_iter().filter(|other| *other != needs).collect();
        let send = async |permissions: &[Permission]| {
            let token = api.server.token_with(permissions).await;
            answer(api.anonymous(method, &path).bearer_auth(token).json(&body)).await
        };
        send(&others).await.refused(403, "FORBIDDEN");
        assert_eq!(send(&[needs]).await.status, expected, "{method} {path}");
    }
}

async fn of_an_approval_and_a_denial_at_once_one_wins(backend: Backend) {
    let server = backend.server().await;
    let made = request(&server.client, user(&server.client, "alice@example.com").await).await;
    let outcomes = join_all((0..10).map(|number| {
        let client = server.client.clone();
        async move {
            let requests = client.access_requests();
            if number % 2 == 0 { requests.approve(made.id).await } else { requests.deny(made.id).await }
        }
    }))
    .await;
    let decided: Vec<_> = outcomes.iter().flatten().collect();
    assert_eq!(decided.len(), 1);
    assert_eq!(server.client.access_requests().get(made.id).await.unwrap(), *decided[0]);
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        let problem = &error.api().unwrap().problem;
        assert_eq!(error.api().unwrap().status, 409);
        assert!(problem.message.contains(decided[0].status.to_string().as_str()), "{}", problem.message);
    }
}
