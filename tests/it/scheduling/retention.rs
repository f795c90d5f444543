//! What is kept, and for how long.

use justiam_sdk::api::me::NewShortToken;
use justiam_sdk::api::values::RunStatus;
use justiam_server::config::History;
use justiam_tests::server::TestServer;
use justiam_tests::until;

use super::support::{cheap, create, dispatched, history, ticks};

#[tokio::test]
async fn runs_are_kept_for_some_days_and_the_newest_of_a_task_as_long_as_the_task() {
    let server = TestServer::start_with(|config| config.history = History { days: 1 }).await;
    let (daily, gone) =
        (create(&server, &cheap("T", "0 12 * * *")).await, create(&server, &cheap("U", "0 6 1 1 *")).await);
    for day in 1..=3 {
        server.clock.set(&format!("2026-01-0{day}T12:00:00Z"));
        dispatched(&server).await;
    }
    // It looks every hour, counted from the end of the look before.
    until("what is older than a day to go", async || {
        server.advance(60);
        history(&server.client, daily.id).await.len() < 3
    })
    .await;
    until("nothing older to be there", async || {
        server.advance(60);
        ticks(&history(&server.client, daily.id).await) == [("2026-01-03T12:00:00Z".to_owned(), 0)]
    })
    .await;
    let newest = history(&server.client, gone.id).await;
    assert_eq!(
        (ticks(&newest), &newest[0].status),
        (vec![("2026-01-01T06:00:00Z".to_owned(), 0)], &RunStatus::Success)
    );
    // With its task, the newest goes too when its time has come.
    server.client.tasks().delete(gone.id).await.unwrap();
    until("the last run of a task that is gone to go", async || {
        server.advance(60);
        let mut query = justiam_sdk::api::runs::RunQuery::new();
        query.task_id = Some(gone.id);
        server.client.runs().page(&query).await.unwrap().total == 0
    })
    .await;
}

#[tokio::test]
async fn a_short_token_is_forgotten_when_it_could_not_be_renewed_any_more() {
    let server = TestServer::start().await;
    let me = server.client.me();
    let token = me.short_token(&NewShortToken::new(60)).await.unwrap();
    server.advance(24 * 3600 - 60);
    me.revoke_short_token(&token.id).await.unwrap();
    until("the token to be forgotten", async || {
        server.advance(60);
        me.revoke_short_token(&token.id).await.is_err_and(|error| error.is_not_found())
    })
    .await;
}
