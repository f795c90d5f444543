//! Tokens that end soon.

use justiam_sdk::api::me::NewShortToken;
use justiam_server::app::caller::Permission::{self, AuditView, SecretsWrite, TasksManage, TasksView};
use justiam_tests::server::client;
use serde_json::{Value, json};

use super::support::{Answer, Api, NOBODY, answer};

const SHORT: &str = "/api/v1/me/tokens/short";

/// A server, a short token on it, and the token that made that.
struct Story {
    api: Api,
    maker: String,
    id: String,
    token: String,
}

impl Story {
    /// A token for ten minutes that a maker with these permissions has made.
    async fn start(permissions: &[Permission]) -> Self {
        let api = Api::start().await;
        let maker = api.server.token_with(permissions).await;
        let made = answer(api.anonymous("POST", SHORT).bearer_auth(&maker).json(&json!({ "ttl_seconds": 600 }))).await;
        let made = made.expect(201).json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { maker, id: text("id"), token: text("token"), api }
    }

    async fn list_with(&self, token: &str) -> Answer {
        answer(self.api.anonymous("GET", "/api/v1/tasks").bearer_auth(token)).await
    }

    /// What a request with the short token says.
    async fn list(&self) -> Answer {
        self.list_with(&self.token).await
    }

    async fn renew(&self, token: &str, seconds: i64) -> Answer {
        let path = format!("{SHORT}/{}/renew", self.id);
        answer(self.api.anonymous("POST", &path).bearer_auth(token).json(&json!({ "ttl_seconds": seconds }))).await
    }

    async fn revoke(&self, token: &str) -> Answer {
        answer(self.api.anonymous("DELETE", &format!("{SHORT}/{}", self.id)).bearer_auth(token)).await
    }

    async fn refused(&self, message: &str) {
        let problem = self.list().await.refused(401, "UNAUTHORISED");
        assert_eq!(problem["message"], message);
    }
}

#[tokio::test]
async fn a_short_token_works_until_its_time_is_over() {
    let story = Story::start(&[TasksView, TasksManage]).await;
    let api = &story.api;
    story.list().await.expect(200);
    answer(api.anonymous("GET", "/api/v1/tasks").header("X-API-Key", &story.token)).await.expect(200);
    answer(api.anonymous("GET", "/api/v1/users").bearer_auth(&story.token)).await.refused(403, "FORBIDDEN");
    api.server.clock.set("2026-01-01T00:09:59.999999Z");
    story.list().await.expect(200);
    api.server.clock.set("2026-01-01T00:10:00Z");
    story.refused("the token has expired").await;
    let message = story.renew(&story.maker, 60).await.refused(409, "CONFLICT")["message"].to_string();
    assert!(message.contains("has ended") && message.contains(&story.id), "{message}");
    story.revoke(&story.maker).await.expect(204);
}

#[tokio::test]
async fn what_a_short_token_is_told_and_how_it_looks() {
    let api = Api::start().await;
    let server_answer = api.send("POST", SHORT, &json!({ "ttl_seconds": 60, "permissions": null })).await.expect(201);
    assert_eq!(server_answer.header("cache-control"), "no-store");
    let made = server_answer.json();
    assert_eq!(made["expires_at"], "2026-01-01T00:01:00Z");
    // Of an admin: every permission by its name.
    assert_eq!(made["permissions"].as_array().unwrap().len(), Permission::ALL.len());
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("eyJ") && token.split('.').count() == 3 && token.len() < 500, "{token}");
    let wanted = NewShortToken::new(3600).with_permissions(["tasks.view", "secrets.write", "tasks.view"]);
    let some = api.server.client.me().short_token(&wanted).await.unwrap();
    assert_eq!(some.permissions, ["secrets.write", "tasks.view"]);
    let me = client(&api.server.endpoint, some.token.expose());
    let error = me.tasks().run(NOBODY.parse().unwrap()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`tasks.run`, which token `bootstrap` of service account `admin (short)` does not have"),
        "{error}"
    );
    me.me().revoke_short_token(&some.id).await.unwrap();
}

#[tokio::test]
async fn renewals_lengthen_the_life_of_the_same_token_up_to_a_day() {
    let story = Story::start(&[TasksView]).await;
    let api = &story.api;
    let renewed = story.renew(&story.token, 3600).await.expect(200).json();
    let expected = json!({ "id": story.id, "permissions": ["tasks.view"], "expires_at": "2026-01-01T01:00:00Z" });
    assert_eq!(renewed, expected);
    // Renewed by itself and by its maker, in turns, for as long as it can live.
    for step in 1..=28 {
        api.server.advance(50 * 60);
        let by = if step % 2 == 0 { &story.token } else { &story.maker };
        story.renew(by, 3600).await.expect(200);
    }
    api.server.clock.set("2026-01-01T23:59:59.999999Z");
    story.list().await.expect(200);
    api.server.clock.set("2026-01-02T00:00:00Z");
    story.refused("the token has expired").await;
}

#[tokio::test]
async fn no_renewal_goes_beyond_a_day_or_the_makers_end() {
    let api = Api::start().await;
    // The admin's token of these tests lives for longer than a day, those with some permissions for exactly one.
    let maker = api.server.token_with(&[TasksView]).await;
    api.server.advance(23 * 3600 + 1800);
    let made = answer(api.anonymous("POST", SHORT).bearer_auth(&maker).json(&json!({ "ttl_seconds": 3600 }))).await;
    assert_eq!(made.expect(201).json()["expires_at"], "2026-01-02T00:00:00Z");
    let made = api.send("POST", SHORT, &json!({ "ttl_seconds": 3600 })).await.expect(201).json();
    let renew = format!("{SHORT}/{}/renew", made["id"].as_str().unwrap());
    for _ in 0..46 {
        api.server.advance(1800);
        api.send("POST", &renew, &json!({ "ttl_seconds": 3600 })).await.expect(200);
    }
    api.server.advance(1200);
    let last = api.send("POST", &renew, &json!({ "ttl_seconds": 3600 })).await.expect(200).json();
    assert_eq!(last["expires_at"], "2026-01-02T23:30:00Z");
}

#[tokio::test]
async fn a_revoked_token_is_over_at_once() {
    for by_itself in [true, false] {
        let story = Story::start(&[TasksView]).await;
        let by = if by_itself { &story.token } else { &story.maker };
        story.revoke(by).await.expect(204);
        story.refused("the token was revoked").await;
        story.revoke(&story.maker).await.expect(204);
        story.renew(&story.maker, 60).await.refused(409, "CONFLICT");
        story.renew(&story.token, 60).await.refused(401, "UNAUTHORISED");
        story.list_with(&story.maker).await.expect(200);
    }
}

#[tokio::test]
async fn others_know_nothing_of_a_short_token() {
    let story = Story::start(&[TasksView]).await;
    let api = &story.api;
    let sibling = answer(api.anonymous("POST", SHORT).bearer_auth(&story.maker).json(&json!({ "ttl_seconds": 600 })))
        .await
        .expect(201)
        .json();
    let stranger = api.server.token_with(&[TasksView]).await;
    for token in [sibling["token"].as_str().unwrap(), &stranger, &api.server.token] {
        story.renew(token, 60).await.refused(404, "NOT_FOUND");
        let there = story.revoke(token).await.refused(404, "NOT_FOUND")["message"].to_string();
        for id in [NOBODY, "x"] {
            let missing = answer(api.anonymous("DELETE", &format!("{SHORT}/{id}")).bearer_auth(token)).await;
            let missing = missing.refused(404, "NOT_FOUND")["message"].to_string();
            assert_eq!(missing.replace(id, &story.id), there);
        }
    }
    story.list().await.expect(200);
}

#[tokio::test]
async fn a_short_token_gets_no_more_than_its_maker_has_and_makes_none() {
    let story = Story::start(&[TasksView]).await;
    let api = &story.api;
    let make =
        async |token: &str, body: &Value| answer(api.anonymous("POST", SHORT).bearer_auth(token).json(body)).await;
    let more = json!({ "ttl_seconds": 60, "permissions": ["tasks.view", "secrets.write"] });
    let message = make(&story.maker, &more).await.refused(403, "FORBIDDEN")["message"].to_string();
    assert!(message.contains("secrets.write") && message.contains("`limited`"), "{message}");
    let same = json!({ "ttl_seconds": 60 });
    let message = make(&story.token, &same).await.refused(403, "FORBIDDEN")["message"].to_string();
    assert!(message.contains("a short token cannot make another one"), "{message}");
    for (body, fields) in [
        (json!({}), vec!["ttl_seconds"]),
        (json!({ "ttl_seconds": 59 }), vec!["ttl_seconds"]),
        (json!({ "ttl_seconds": 3601 }), vec!["ttl_seconds"]),
        (json!({ "ttl_seconds": "60" }), vec!["ttl_seconds"]),
        (json!({ "ttl_seconds": 60, "permissions": [] }), vec!["permissions"]),
        (json!({ "ttl_seconds": 60, "permissions": "tasks.view" }), vec!["permissions"]),
        (
            json!({ "ttl_seconds": 60, "permissions": ["tasks.fly", 1, "tasks.view"] }),
            vec!["permissions[0]", "permissions[1]"],
        ),
        (json!({ "ttl_seconds": 60, "name": "x" }), vec!["name"]),
    ] {
        make(&story.maker, &body).await.wrong_fields(&fields);
    }
    let own = format!("{SHORT}/{}", story.id);
    for (method, path) in [("POST", SHORT), ("POST", &format!("{own}/renew")), ("DELETE", &own)] {
        answer(api.anonymous(method, path).json(&same)).await.refused(401, "UNAUTHORISED");
    }
    for seconds in [0, 59, 3601] {
        story.renew(&story.maker, seconds).await.wrong_fields(&["ttl_seconds"]);
    }
}

#[tokio::test]
async fn a_token_that_was_tampered_with_is_none() {
    let story = Story::start(&[TasksView]).await;
    let (signed, signature) = story.token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let other = Story::start(&[TasksView, SecretsWrite]).await;
    for wrong in [
        signed.to_owned(),
        format!("{signed}."),
        format!("{signed}.{}", &signature[1..]),
        format!("{header}.{}.{signature}", claims.replacen('e', "f", 1)),
        // {"alg":"none","typ":"JWT"}
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}."),
        format!("{} ", story.token).repeat(2),
        // Another server has another secret.
        other.token.clone(),
    ] {
        let problem = story.list_with(&wrong).await.refused(401, "UNAUTHORISED");
        assert_eq!(problem["message"], "the token is not valid", "{wrong}");
    }
}

#[tokio::test]
async fn a_repeated_request_makes_one_token_and_its_answer_is_kept_sealed() {
    let api = Api::start().await;
    let body = json!({ "ttl_seconds": 600 });
    let make = async || answer(api.request("POST", SHORT).header("Idempotency-Key", "key").json(&body)).await;
    let first = make().await.expect(201);
    api.server.advance(1);
    assert_eq!(make().await.expect(201).text, first.text);
    let log = api.get("/api/v1/audit-log?action=short_token.create").await.json();
    assert_eq!(log["total"], 1);
}

#[tokio::test]
async fn what_happens_to_a_short_token_and_with_it_is_on_record_under_its_makers_name() {
    let story = Story::start(&[TasksView, TasksManage, AuditView]).await;
    let api = &story.api;
    let with = client(&api.server.endpoint, &story.token);
    with.tasks().create(&super::support::hourly("Mine")).await.unwrap();
    story.renew(&story.token, 900).await.expect(200);
    story.revoke(&story.token).await.expect(204);
    story.revoke(&story.maker).await.expect(204);
    let log = answer(api.anonymous("GET", "/api/v1/audit-log").bearer_auth(&story.maker)).await.expect(200);
    let log = log.json();
    let entries: Vec<_> = log["data"].as_array().unwrap().iter().rev().collect();
    let entries = &entries[entries.len() - 4..];
    let told: Vec<(&str, &str)> =
        entries.iter().map(|entry| (entry["action"].as_str().unwrap(), entry["actor"].as_str().unwrap())).collect();
    let expected = [
        ("short_token.create", "limited"),
        ("task.create", "limited (short)"),
        ("short_token.renew", "limited (short)"),
        ("short_token.revoke", "limited (short)"),
    ];
    assert_eq!(told, expected);
    assert!(entries.iter().all(|entry| entry["principal"] == entries[0]["principal"]), "{entries:?}");
    let details = json!({
        "permissions": ["audit.view", "tasks.manage", "tasks.view"], "expires_at": "2026-01-01T00:10:00Z",
    });
    assert_eq!((&entries[0]["object_id"], &entries[0]["details"]), (&json!(story.id), &details));
    assert_eq!(entries[2]["details"], json!({ "expires_at": "2026-01-01T00:15:00Z" }));
    assert!(!log.to_string().contains(&story.token));
}

#[tokio::test]
async fn one_maker_has_a_hundred_living_short_tokens_at_the_most() {
    let story = Story::start(&[TasksView]).await;
    let api = &story.api;
    let make = async |token: &str| {
        answer(api.anonymous("POST", SHORT).bearer_auth(token).json(&json!({ "ttl_seconds": 900 }))).await
    };
    for _ in 1..100 {
        make(&story.maker).await.expect(201);
    }
    let message = make(&story.maker).await.refused(409, "CONFLICT")["message"].to_string();
    for part in ["`limited` has 100 short tokens", "revoke", "ends at 2026-01-01T00:10:00Z"] {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    // Those of others do not count, nor those that were revoked or have ended.
    make(&api.server.token).await.expect(201);
    story.revoke(&story.maker).await.expect(204);
    make(&story.maker).await.expect(201);
    make(&story.maker).await.refused(409, "CONFLICT");
    api.server.advance(900);
    make(&story.maker).await.expect(201);
}

#[tokio::test]
async fn a_short_token_outlives_a_restart() {
    let mut story = Story::start(&[TasksView]).await;
    story.api = Api::with(story.api.server.restart().await);
    story.list().await.expect(200);
}
