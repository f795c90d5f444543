//! Service accounts, their tokens, and what each of them may do.

use futures::TryStreamExt as _;
use justiam_sdk::api::service_accounts::{NewServiceAccount, ServiceAccount, ServiceAccountPatch, ServiceAccountQuery};
use justiam_sdk::api::tokens::{IssuedToken, NewToken, Token};
use justiam_sdk::client::Client;
use justiam_server::app::caller::Permission::{self, AccountsManage, AccountsView, TasksManage, TasksView};
use justiam_tests::server::client;
use justiam_tests::until;
use serde_json::{Value, json};

use super::support::{Answer, Api, NOBODY, answer, hourly};

const ACCOUNTS: &str = "/api/v1/service-accounts";
const MINE: &str = "/api/v1/me/tokens";
const SHORT: &str = "/api/v1/me/tokens/short";

/// An account that may do this, and a token of it.
async fn account(api: &Api, name: &str, permissions: &[Permission]) -> (ServiceAccount, IssuedToken) {
    let accounts = api.server.client.service_accounts();
    let new = NewServiceAccount::with_permissions(name, permissions.iter().map(|permission| permission.as_str()));
    let account = accounts.create(&new).await.unwrap();
    let token = accounts.create_token(account.id, &NewToken::new("first")).await.unwrap();
    (account, token)
}

async fn list(api: &Api, token: &str) -> Answer {
    answer(api.anonymous("GET", "/api/v1/tasks").bearer_auth(token)).await
}

async fn post(api: &Api, token: &str, path: &str, body: &Value) -> Answer {
    answer(api.anonymous("POST", path).bearer_auth(token).json(body)).await
}

async fn actions(api: &Api, id: &str) -> Vec<(String, Value)> {
    let log = api.get(&format!("/api/v1/audit-log?object_id={id}")).await.expect(200).json();
    let entries = log["data"].as_array().unwrap().iter().rev();
    entries.map(|entry| (entry["action"].as_str().unwrap().to_owned(), entry["details"].clone())).collect()
}

fn status(error: &justiam_sdk::client::Error) -> u16 {
    error.api().unwrap().status
}

#[tokio::test]
async fn an_account_lives_from_create_to_delete() {
    let api = Api::start().await;
    let accounts = api.server.client.service_accounts();
    let mut new = NewServiceAccount::with_permissions("terraform", ["tasks.view", "tasks.manage", "tasks.view"]);
    new.description = Some("Applies\nour tasks".into());
    let created = accounts.create(&new).await.unwrap();
    let expected = json!({
        "id": created.id, "name": "terraform", "description": "Applies\nour tasks",
        "permissions": ["tasks.manage", "tasks.view"], "is_admin": false, "is_enabled": true,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    assert_eq!(serde_json::to_value(&created).unwrap(), expected);
    assert_eq!(accounts.get(created.id).await.unwrap(), created);
    assert_eq!(accounts.find("terraform").await.unwrap(), Some(created.clone()));
    assert_eq!(accounts.find("Terraform").await.unwrap(), None);
    let names: Vec<_> =
        accounts.list(ServiceAccountQuery::new()).map_ok(|account| account.name).try_collect().await.unwrap();
    assert_eq!(names, ["admin", "terraform"]);
    api.server.advance(60);
    let patched = accounts.update(created.id, &ServiceAccountPatch::enabled(false)).await.unwrap();
    assert_eq!((patched.is_enabled, patched.updated_at.to_string().as_str()), (false, "2026-01-01T00:01:00Z"));
    api.server.advance(60);
    // The same again changes nothing, not even the time.
    assert_eq!(accounts.update(created.id, &ServiceAccountPatch::enabled(false)).await.unwrap(), patched);
    let replaced = accounts.replace(created.id, &NewServiceAccount::new("terraform")).await.unwrap();
    assert_eq!((replaced.description.as_str(), replaced.permissions.len(), replaced.is_enabled), ("", 0, true));
    let error = accounts.create(&NewServiceAccount::new("terraform")).await.unwrap_err();
    assert!(error.to_string().contains("a service account with the name `terraform` exists already"), "{error}");
    accounts.delete(created.id).await.unwrap();
    assert!(accounts.get(created.id).await.unwrap_err().is_not_found());
    let expected = [
        (
            "service_account.create".to_owned(),
            json!({ "permissions": ["tasks.manage", "tasks.view"], "is_admin": false, "is_enabled": true }),
        ),
        (
            "service_account.update".to_owned(),
            json!({ "fields": ["is_enabled"], "changes": { "is_enabled": { "from": true, "to": false } } }),
        ),
        (
            "service_account.update".to_owned(),
            json!({
                "fields": ["description", "permissions", "is_enabled"],
                "changes": {
                    "description": { "from": "Applies\nour tasks", "to": "" },
                    "permissions": { "from": ["tasks.manage", "tasks.view"], "to": [] },
                    "is_enabled": { "from": false, "to": true },
                },
            }),
        ),
        ("service_account.delete".to_owned(), json!({})),
    ];
    assert_eq!(actions(&api, &created.id.to_string()).await, expected);
}

#[tokio::test]
async fn what_is_wrong_with_an_account_or_a_token_is_said_about_its_field() {
    let api = Api::start().await;
    let long = "x".repeat(101);
    for (body, fields) in [
        (json!({}), vec!["name"]),
        (json!({ "name": " " }), vec!["name"]),
        (json!({ "name": long }), vec!["name"]),
        (json!({ "name": null }), vec!["name"]),
        (json!({ "name": "a", "permissions": ["tasks.fly", 1] }), vec!["permissions[0]", "permissions[1]"]),
        (json!({ "name": "a", "is_admin": "yes", "is_enabled": 1 }), vec!["is_admin", "is_enabled"]),
        (json!({ "name": "a", "description": "x".repeat(4001), "colour": "red" }), vec!["description", "colour"]),
    ] {
        api.send("POST", ACCOUNTS, &body).await.wrong_fields(&fields);
    }
    for (body, fields) in [
        (json!({}), vec!["name"]),
        (json!({ "name": "a", "permissions": [] }), vec!["permissions"]),
        (json!({ "name": "a", "expires_in_days": 0 }), vec!["expires_in_days"]),
        (json!({ "name": "a", "expires_in_days": 366 }), vec!["expires_in_days"]),
        (json!({ "name": "a", "expires_in_days": "7", "token": "x" }), vec!["expires_in_days", "token"]),
    ] {
        api.send("POST", MINE, &body).await.wrong_fields(&fields);
    }
    let (account, _) = account(&api, "small", &[TasksView]).await;
    let body = json!({ "name": "a", "permissions": ["tasks.view", "tasks.run"] });
    let errors = api.send("POST", &format!("{ACCOUNTS}/{}/tokens", account.id), &body).await;
    let errors = errors.wrong_fields(&["permissions[1]"]);
    assert_eq!(errors["permissions[1]"], json!(["service account `small` does not have `tasks.run`"]));
    for path in [format!("{ACCOUNTS}/x"), format!("{ACCOUNTS}/{NOBODY}"), format!("{ACCOUNTS}/{NOBODY}/tokens")] {
        api.get(&path).await.refused(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_token_is_told_once_listed_used_and_revoked() {
    let api = Api::start().await;
    let (account, first) = account(&api, "ci", &[TasksView]).await;
    let body = json!({ "name": "second", "expires_in_days": 2 });
    let made = api.send("POST", &format!("{ACCOUNTS}/{}/tokens", account.id), &body).await.expect(201);
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.json();
    let text = made["token"].as_str().unwrap();
    let expected = json!({
        "id": made["id"], "token": text, "name": "second", "prefix": &text[..18], "permissions": null,
        "created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-03T00:00:00Z",
    });
    assert_eq!(made, expected);
    assert!(text.starts_with("justiam_pat_") && text.len() == 12 + 43, "{text}");
    assert_eq!(first.expires_at.to_string(), "2026-04-01T00:00:00Z");
    let accounts = api.server.client.service_accounts();
    let listed = async || -> Vec<Token> { accounts.tokens(account.id).try_collect().await.unwrap() };
    let tokens = listed().await;
    assert_eq!(tokens.iter().map(|token| token.name.as_str()).collect::<Vec<_>>(), ["second", "first"]);
    assert_eq!((tokens[0].last_used_at, tokens[0].revoked_at), (None, None));
    assert_eq!(tokens[0].prefix, made["prefix"].as_str().unwrap());
    assert!(!serde_json::to_string(&tokens).unwrap().contains(text));
    // When a token was used is written once a minute, and is what it was then.
    api.server.advance(5);
    list(&api, text).await.expect(200);
    api.server.advance(60);
    until("the use of a token to be written", async || listed().await[0].last_used_at.is_some()).await;
    assert_eq!(listed().await[0].last_used_at.unwrap().to_string(), "2026-01-01T00:00:05Z");
    assert_eq!(listed().await[1].last_used_at, None);
    let second = tokens[0].id;
    for _ in 0..2 {
        accounts.revoke_token(account.id, second).await.unwrap();
        assert_eq!(list(&api, text).await.refused(401, "UNAUTHORISED")["message"], "the token was revoked");
    }
    assert_eq!(listed().await[0].revoked_at.unwrap().to_string(), "2026-01-01T00:01:05Z");
    // It belongs to this account and to no other.
    let admin = api.server.client.me().whoami().await.unwrap().account.id;
    assert_eq!(status(&accounts.revoke_token(admin, first.id).await.unwrap_err()), 404);
    list(&api, first.token.expose()).await.expect(200);
    let told: Vec<_> = actions(&api, &second.to_string()).await.into_iter().map(|(action, _)| action).collect();
    // The requests with it after that are on record too.
    assert_eq!(told, ["token.create", "token.revoke", "access.token_refused", "access.token_refused"]);
    // Revoked tokens stay listed for 30 days.
    for (days, count) in [(29, 2), (2, 1)] {
        api.server.advance(days * 24 * 3600);
        until("what is old to be removed", async || listed().await.len() == count).await;
    }
}

#[tokio::test]
async fn what_a_token_may_do_is_decided_at_each_request() {
    let api = Api::start().await;
    let accounts = api.server.client.service_accounts();
    let (account, whole) = account(&api, "worker", &[TasksView, TasksManage]).await;
    let narrow = NewToken::new("narrow").with_permissions(["tasks.view", "tasks.manage"]);
    let narrow = accounts.create_token(account.id, &narrow).await.unwrap();
    let short = post(&api, narrow.token.expose(), SHORT, &json!({ "ttl_seconds": 3600 })).await.expect(201).json();
    let tokens = [whole.token.expose(), narrow.token.expose(), short["token"].as_str().unwrap()];
    let may = async |token: &str| -> Vec<String> {
        client(&api.server.endpoint, token).me().whoami().await.unwrap().permissions
    };
    for token in tokens {
        assert_eq!(may(token).await, ["tasks.manage", "tasks.view"]);
    }
    // What the account loses, all lose at once; what it gets, only those get that are not narrowed.
    let mut patch = ServiceAccountPatch::new();
    patch.permissions = Some(vec!["tasks.run".into(), "tasks.view".into()]);
    accounts.update(account.id, &patch).await.unwrap();
    assert_eq!(may(tokens[0]).await, ["tasks.run", "tasks.view"]);
    for token in &tokens[1..] {
        assert_eq!(may(token).await, ["tasks.view"]);
        let error = client(&api.server.endpoint, token).tasks().create(&hourly("T")).await.unwrap_err();
        assert_eq!(status(&error), 403, "{error}");
    }
    accounts.update(account.id, &ServiceAccountPatch::enabled(false)).await.unwrap();
    for token in tokens {
        let problem = list(&api, token).await.refused(401, "UNAUTHORISED");
        assert_eq!(problem["message"], "the service account of the token is disabled");
    }
    let error = accounts.create_token(account.id, &NewToken::new("third")).await.unwrap_err();
    assert!(status(&error) == 409 && error.to_string().contains("is disabled"), "{error}");
    accounts.update(account.id, &ServiceAccountPatch::enabled(true)).await.unwrap();
    list(&api, tokens[2]).await.expect(200);
    // A short token ends with the one that made it.
    accounts.revoke_token(account.id, narrow.id).await.unwrap();
    assert_eq!(list(&api, tokens[2]).await.refused(401, "UNAUTHORISED")["message"], "the token was revoked");
    accounts.delete(account.id).await.unwrap();
    for token in tokens {
        assert_eq!(list(&api, token).await.refused(401, "UNAUTHORISED")["message"], "the token is not known");
    }
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let api = Api::start().await;
    let (_, manager) = account(&api, "manager", &[AccountsManage, AccountsView, TasksView]).await;
    let (big, _) = account(&api, "big", &[TasksView, TasksManage]).await;
    let admin = api.server.client.me().whoami().await.unwrap();
    let manager = client(&api.server.endpoint, manager.token.expose());
    let accounts = manager.service_accounts();
    let refused = |error: justiam_sdk::client::Error, text: &str| {
        assert!(status(&error) == 403 && error.to_string().contains(text), "{error}");
    };
    let more = NewServiceAccount::with_permissions("more", ["tasks.view", "tasks.manage"]);
    refused(accounts.create(&more).await.unwrap_err(), "`tasks.manage`");
    let mut new_admin = NewServiceAccount::new("root");
    new_admin.is_admin = Some(true);
    refused(accounts.create(&new_admin).await.unwrap_err(), "only an admin may make an admin");
    let own = accounts.create(&NewServiceAccount::with_permissions("less", ["tasks.view"])).await.unwrap();
    let mut patch = ServiceAccountPatch::new();
    patch.permissions = Some(vec!["tasks.view".into(), "secrets.write".into()]);
    refused(accounts.update(own.id, &patch).await.unwrap_err(), "`secrets.write`");
    // No token that could do more than the caller, nor by way of an account that was disabled.
    refused(accounts.create_token(big.id, &NewToken::new("t")).await.unwrap_err(), "`tasks.manage`");
    let some = NewToken::new("t").with_permissions(["tasks.manage"]);
    refused(accounts.create_token(big.id, &some).await.unwrap_err(), "`tasks.manage`");
    accounts.create_token(big.id, &NewToken::new("t").with_permissions(["tasks.view"])).await.unwrap();
    accounts.update(big.id, &ServiceAccountPatch::enabled(false)).await.unwrap();
    refused(accounts.update(big.id, &ServiceAccountPatch::enabled(true)).await.unwrap_err(), "`tasks.manage`");
    // What is an admin's is for admins alone.
    let root = admin.account.id;
    let text = "`admin` is an admin's, which only an admin may change";
    refused(accounts.create_token(root, &NewToken::new("t")).await.unwrap_err(), text);
    let small = NewToken::new("t").with_permissions(["tasks.view"]);
    refused(accounts.create_token(root, &small).await.unwrap_err(), text);
    refused(accounts.update(root, &ServiceAccountPatch::enabled(false)).await.unwrap_err(), text);
    refused(accounts.delete(root).await.unwrap_err(), text);
    refused(accounts.revoke_token(root, admin.token.id).await.unwrap_err(), text);
    // An admin's token that is narrowed is no admin's.
    let narrow = NewToken::new("narrow").with_permissions(["accounts.manage"]);
    let narrow = api.server.client.me().create_token(&narrow).await.unwrap();
    let narrow = client(&api.server.endpoint, narrow.token.expose());
    refused(narrow.service_accounts().delete(root).await.unwrap_err(), text);
}

#[tokio::test]
async fn callers_see_themselves_and_manage_the_tokens_of_their_account() {
    let api = Api::start().await;
    let (account, token) = account(&api, "ci", &[TasksView, TasksManage]).await;
    let as_client = |token: &IssuedToken| -> Client { client(&api.server.endpoint, token.token.expose()) };
    let whole = as_client(&token);
    let me = whole.me().whoami().await.unwrap();
    let expected = json!({
        "account": account, "token": { "id": token.id, "name": "first", "is_short": false },
        "permissions": ["tasks.manage", "tasks.view"], "is_admin": false, "expires_at": "2026-04-01T00:00:00Z",
    });
    assert_eq!(serde_json::to_value(&me).unwrap(), expected);
    let admin = api.server.client.me().whoami().await.unwrap();
    assert!(admin.is_admin && admin.permissions.len() == Permission::ALL.len());
    let narrow = whole.me().create_token(&NewToken::new("narrow").with_permissions(["tasks.view"])).await.unwrap();
    let narrow_client = as_client(&narrow);
    // Without a word about permissions a narrow token gives what it has itself.
    let copy = narrow_client.me().create_token(&NewToken::new("copy")).await.unwrap();
    assert_eq!(copy.permissions, Some(vec!["tasks.view".into()]));
    let more = NewToken::new("more").with_permissions(["tasks.manage"]);
    assert_eq!(status(&narrow_client.me().create_token(&more).await.unwrap_err()), 403);
    let names: Vec<_> = narrow_client.me().tokens().map_ok(|token| token.name).try_collect().await.unwrap();
    assert_eq!(names, ["copy", "narrow", "first"]);
    // It ends what can do no more than it, and what can do more does not end by it.
    assert_eq!(status(&narrow_client.me().revoke_token(token.id).await.unwrap_err()), 403);
    narrow_client.me().revoke_token(copy.id).await.unwrap();
    assert_eq!(status(&narrow_client.me().revoke_token(admin.token.id).await.unwrap_err()), 404);
    // A short token sees who it is, and makes and ends none that outlives it.
    let short = post(&api, token.token.expose(), SHORT, &json!({ "ttl_seconds": 60 })).await.expect(201).json();
    let short = short["token"].as_str().unwrap();
    let seen = client(&api.server.endpoint, short).me().whoami().await.unwrap();
    assert!(seen.token.is_short && seen.account == account && seen.token.name == "first", "{seen:?}");
    let message =
        post(&api, short, MINE, &json!({ "name": "x" })).await.refused(403, "FORBIDDEN")["message"].to_string();
    assert!(message.contains("a short token cannot make another one"), "{message}");
    let request = api.anonymous("DELETE", &format!("{MINE}/{}", narrow.id)).bearer_auth(short);
    answer(request).await.refused(403, "FORBIDDEN");
    narrow_client.me().revoke_token(narrow.id).await.unwrap();
    assert_eq!(status(&narrow_client.me().whoami().await.unwrap_err()), 401);
    whole.me().revoke_token(token.id).await.unwrap();
    list(&api, short).await.refused(401, "UNAUTHORISED");
}

#[tokio::test]
async fn a_repeated_request_makes_one_token_and_another_token_does_not_get_it() {
    let api = Api::start().await;
    let (account, whole) = account(&api, "ci", &[TasksView, TasksManage]).await;
    let narrow = NewToken::new("narrow").with_permissions(["tasks.view"]);
    let narrow = api.server.client.service_accounts().create_token(account.id, &narrow).await.unwrap();
    for path in [MINE, SHORT] {
        let body = if path == MINE { json!({ "name": "t" }) } else { json!({ "ttl_seconds": 60 }) };
        let make = async |token: &IssuedToken| {
            let request = api.anonymous("POST", path).bearer_auth(token.token.expose());
            answer(request.header("Idempotency-Key", path.len()).json(&body)).await
        };
        let first = make(&whole).await.expect(201);
        assert_eq!(make(&whole).await.expect(201).text, first.text);
        // It is the same account, but this token may do less than the one that was made.
        let refused = make(&narrow).await.refused(409, "CONFLICT").to_string();
        assert!(!refused.contains(first.json()["token"].as_str().unwrap()), "{refused}");
    }
    let create = || api.request("POST", ACCOUNTS).header("Idempotency-Key", "a").json(&json!({ "name": "once" }));
    let first = answer(create()).await.expect(201);
    assert_eq!(first.header("location"), format!("{ACCOUNTS}/{}", first.json()["id"].as_str().unwrap()));
    assert_eq!(answer(create()).await.expect(201).text, first.text);
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_valid_tokens() {
    let api = Api::start().await;
    let (account, first) = account(&api, "many", &[TasksView]).await;
    let make = async || api.send("POST", &format!("{ACCOUNTS}/{}/tokens", account.id), &json!({ "name": "t" })).await;
    for _ in 1..100 {
        make().await.expect(201);
    }
    let message = make().await.refused(409, "CONFLICT")["message"].to_string();
    assert!(message.contains("`many` has 100 valid tokens"), "{message}");
    api.server.client.service_accounts().revoke_token(account.id, first.id).await.unwrap();
    make().await.expect(201);
    let page = api.get(&format!("{ACCOUNTS}/{}/tokens?page=6", account.id)).await.expect(200).json();
    assert_eq!((&page["total"], &page["page"], &page["limit"]), (&json!(101), &json!(6), &json!(20)));
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
}
