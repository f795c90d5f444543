//! The weekly report about users.

use justiam_server::driver::execute::script::Network;
use serde_json::{Value, json};

use super::stand_ins::webhook::Webhook;
use super::world::{World, days_ago};

const KEY: &str = "a key that only we two know";

async fn world() -> World {
    let world = World::of("weekly_user_report", Network::Fetch).await;
    world.provider("corp-google", "google").await;
    world.user("fresh@example.com", &json!({ "last_login_at": days_ago(1) })).await;
    world.user("stale@example.com", &json!({ "last_login_at": days_ago(91), "auth_source": "corp-google" })).await;
    world.user("gone@example.com", &json!({ "last_login_at": days_ago(91), "is_active": false })).await;
    world.advance_days(-91);
    world.user("never@example.com", &json!({})).await;
    world.advance_days(91);
    world
}

fn variables(webhook: &Webhook, key: &str) -> Value {
    json!({ "webhook_url": webhook.url, "webhook_secret": key })
}

#[tokio::test]
async fn the_webhook_gets_a_signed_report() {
    let webhook = Webhook::start(Some(KEY)).await;
    let world = world().await;
    world.apply(&variables(&webhook, KEY)).await;
    let output = "reported 4 users: 3 active, 1 inactive, 2 without a login for 90 days";
    assert_eq!(world.output().await, output);

    let [mut report] = <[Value; 1]>::try_from(webhook.received()).unwrap();
    let made = report.as_object_mut().unwrap().remove("generated_at").unwrap();
    assert!(made.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{made}");
    let last = report["stale"][1].as_object_mut().unwrap().remove("last_login_at").unwrap();
    assert_eq!(last.as_str().unwrap()[..10], days_ago(91)[..10]);
    assert_eq!(
        report,
        json!({
            "total": 4, "active": 3, "inactive": 1, "by_auth_source": { "corp-google": 1, "internal": 3 }, "stale_days": 90,
            "stale": [
                { "email": "never@example.com", "auth_source": "internal", "last_login_at": null },
                { "email": "stale@example.com", "auth_source": "corp-google" },
            ],
        })
    );
    assert_eq!(world.output().await, output);
    assert_eq!(webhook.received().len(), 2);
    world.assert_untold(KEY).await;
}

#[tokio::test]
async fn without_a_key_the_report_is_not_signed() {
    let webhook = Webhook::start(None).await;
    let world = world().await;
    world.apply(&json!({ "webhook_url": webhook.url })).await;
    world.output().await;
    assert_eq!(webhook.received().len(), 1);
}

#[tokio::test]
async fn a_webhook_that_refuses_ends_the_run_with_its_words() {
    let webhook = Webhook::start(Some(KEY)).await;
    let world = world().await;
    world.apply(&variables(&webhook, "another key")).await;
    assert_eq!(world.error().await, "the webhook answered with status 401: bad signature");
    webhook.break_down();
    assert_eq!(world.error().await, "the webhook answered with status 500: out of order");
    assert_eq!(webhook.received(), Vec::<Value>::new());
}
