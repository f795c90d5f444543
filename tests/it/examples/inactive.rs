//! Users who do not log in any more are deactivated.

use justiam_server::driver::execute::script::Network;
use serde_json::{Value, json};

use super::world::{World, days_ago};

fn last_login(days: i64) -> Value {
    json!({ "last_login_at": days_ago(days) })
}

/// Users who were here yesterday, long ago and never, all created today.
async fn world() -> World {
    let world = World::of("deactivate_inactive_users", Network::None).await;
    world.user("fresh@example.com", &last_login(1)).await;
    world.user("stale@example.com", &last_login(100)).await;
    world.user("boss@example.com", &last_login(100)).await;
    world.user("new@example.com", &json!({})).await;
    let mut gone = last_login(100);
    gone["is_active"] = false.into();
    world.user("gone@example.com", &gone).await;
    let robot = world.user("robot@example.com", &last_login(100)).await;
    world.group("robots", &[&robot]).await;
    world
}

fn variables(dry_run: bool) -> Value {
    json!({ "days": 30, "excluded_emails": ["Boss@example.com"], "excluded_groups": ["robots"], "dry_run": dry_run })
}

#[tokio::test]
async fn who_has_not_logged_in_for_long_is_deactivated_unless_excluded() {
    let world = world().await;
    world.apply(&variables(true)).await;
    let line = format!("stale@example.com (last login {})", &days_ago(100)[..10]);
    assert_eq!(
        world.output().await,
        format!("1 of 5 active users would be deactivated (dry run) after 30 days, 2 excluded\n{line}")
    );
    assert_eq!(world.active().await.len(), 5);

    world.apply(&variables(false)).await;
    assert_eq!(world.output().await, format!("1 of 5 active users deactivated after 30 days, 2 excluded\n{line}"));
    let left = ["boss@example.com", "fresh@example.com", "new@example.com", "robot@example.com"];
    assert_eq!(world.active().await, left);

    assert_eq!(world.output().await, "0 of 4 active users deactivated after 30 days, 2 excluded");
    assert_eq!(world.active().await, left);
}

#[tokio::test]
async fn without_any_login_the_days_count_from_the_creation() {
    let world = World::of("deactivate_inactive_users", Network::None).await;
    world.advance_days(-40);
    world.user("never@example.com", &json!({})).await;
    world.advance_days(40);
    world.user("new@example.com", &json!({})).await;
    world.apply(&variables(false)).await;
    // The excluded group is not there: nobody is deactivated by mistake.
    let error = world.error().await;
    assert!(error.starts_with("the excluded group \"robots\": "), "{error}");
    assert_eq!(world.active().await.len(), 2);

    world.apply(&json!({ "days": 30, "dry_run": false })).await;
    assert_eq!(
        world.output().await,
        format!(
            "1 of 2 active users deactivated after 30 days, 0 excluded\nnever@example.com (no login since {})",
            &days_ago(40)[..10]
        )
    );
    assert_eq!(world.active().await, ["new@example.com"]);
}

#[tokio::test]
async fn no_days_are_an_error() {
    let world = world().await;
    world.apply(&json!({ "days": 0, "dry_run": false })).await;
    assert_eq!(world.error().await, "the config entry `days` is \"0\"; it must be a whole number of at least 1");
    assert_eq!(world.active().await.len(), 5);
}

#[tokio::test]
async fn a_date_in_an_attribute_keeps_somebody_active_until_it_has_passed() {
    let world = World::of("deactivate_inactive_users", Network::None).await;
    for (email, until) in [("kept@example.com", &days_ago(-1)[..10]), ("over@example.com", &days_ago(1)[..10])] {
        let mut user = last_login(100);
        user["attributes"] = json!({ "keep_active_until": until });
        world.user(email, &user).await;
    }
    world.apply(&json!({ "days": 30, "dry_run": false })).await;
    let seen = &days_ago(100)[..10];
    assert_eq!(
        world.output().await,
        format!("1 of 2 active users deactivated after 30 days, 1 excluded\nover@example.com (last login {seen})")
    );
    assert_eq!(world.active().await, ["kept@example.com"]);

    let mut user = last_login(100);
    user["attributes"] = json!({ "keep_active_until": "Christmas" });
    world.user("vague@example.com", &user).await;
    assert_eq!(
        world.error().await,
        "0 of 2 active users deactivated after 30 days, 1 excluded; 1 failed: vague@example.com: the attribute \
         keep_active_until is \"Christmas\"; it must be a date such as 2026-12-31"
    );
    assert_eq!(world.active().await, ["kept@example.com", "vague@example.com"]);
}
