//! Client secrets that are old get a successor, which goes to a vault.

use justiam_server::driver::execute::script::Network;
use serde_json::{Value, json};

use super::stand_ins::vault::{TOKEN, Vault};
use super::world::{World, id};

/// Applications: the ids of two with an old secret, and of one with a fresh one.
struct Ids {
    mail: String,
    wiki: String,
    fresh: String,
}

async fn world() -> (World, Vault, Ids) {
    let world = World::of("rotate_application_secrets", Network::Fetch).await;
    let new = async |name: &str, kind: &str| {
        id(&world.post("/applications", &json!({ "name": name, "application_type": kind })).await)
    };
    world.advance_days(-100);
    let (mail, wiki) = (new("Mail", "oidc").await, new("Wiki", "oidc").await);
    new("Browser", "spa").await;
    new("Legacy", "saml").await;
    world.advance_days(100);
    let fresh = new("Fresh", "oidc").await;
    (world, Vault::start().await, Ids { mail, wiki, fresh })
}

fn variables(vault: &Vault) -> Value {
    json!({ "vault_url": vault.url, "vault_token": TOKEN, "dry_run": false })
}

/// When an application got its secret.
async fn rotated_at(world: &World, id: &str) -> Value {
    world.get(&format!("/applications/{id}")).await["secret_rotated_at"].clone()
}

/// The secret that the vault has for an application; it must name the right client.
async fn stored(world: &World, vault: &Vault, id: &str) -> Option<String> {
    let client = world.get(&format!("/applications/{id}")).await["client_id"].as_str().unwrap().to_owned();
    let entry = vault.entry(&format!("justiam/applications/{client}"))?;
    assert_eq!(entry["client_id"], client.as_str());
    Some(entry["client_secret"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn old_secrets_are_rotated_and_stored_and_others_are_left_alone() {
    let (world, vault, ids) = world().await;
    let (old, fresh) = (rotated_at(&world, &ids.wiki).await, rotated_at(&world, &ids.fresh).await);
    world.apply(&variables(&vault)).await;
    assert_eq!(world.output().await, "2 applications rotated, 1 not due\nMail\nWiki");
    assert_ne!(rotated_at(&world, &ids.wiki).await, old);
    assert_eq!(rotated_at(&world, &ids.fresh).await, fresh);
    let secrets = [stored(&world, &vault, &ids.mail).await.unwrap(), stored(&world, &vault, &ids.wiki).await.unwrap()];
    assert_ne!(secrets[0], secrets[1]);
    assert!(stored(&world, &vault, &ids.fresh).await.is_none());
    for secret in &secrets {
        assert!(secret.starts_with("justiam_cs_"), "{secret}");
        world.assert_untold(secret).await;
    }
    world.assert_untold(TOKEN).await;

    assert_eq!(world.output().await, "0 applications rotated, 3 not due");
    assert_eq!(vault.versions(), 2);
}

#[tokio::test]
async fn a_dry_run_and_a_token_without_rights_rotate_nothing() {
    let (world, vault, ids) = world().await;
    let old = rotated_at(&world, &ids.wiki).await;
    let mut variables = variables(&vault);
    variables["dry_run"] = true.into();
    world.apply(&variables).await;
    assert_eq!(world.output().await, "2 applications would be rotated (dry run), 1 not due\nMail\nWiki");

    variables["dry_run"] = false.into();
    variables["vault_token"] = "hvs.of-somebody-else".into();
    world.apply(&variables).await;
    let nothing = "; no secret was rotated";
    assert_eq!(
        world.error().await,
        format!("ask the vault what the token may do: the vault answered with status 403 permission denied{nothing}")
    );

    variables["vault_token"] = TOKEN.into();
    world.apply(&variables).await;
    vault.make_read_only();
    let error = world.error().await;
    assert!(error.starts_with("the vault's token must be allowed to create and update secret/data/"), "{error}");
    assert!(error.ends_with(&format!("; it has: read{nothing}")), "{error}");
    assert_eq!(rotated_at(&world, &ids.wiki).await, old);
    assert_eq!(vault.writes(), 0);
}

#[tokio::test]
async fn a_vault_that_comes_back_in_time_loses_no_secret() {
    let (world, vault, ids) = world().await;
    world.apply(&variables(&vault)).await;
    vault.fail(2);
    assert_eq!(world.output().await, "2 applications rotated, 1 not due\nMail\nWiki");
    assert_eq!((vault.writes(), vault.versions()), (4, 2));
    assert!(stored(&world, &vault, &ids.mail).await.is_some());
}

#[tokio::test]
async fn an_application_whose_secret_cannot_be_stored_is_named_and_the_rest_is_not_touched() {
    let (world, vault, ids) = world().await;
    let mut variables = variables(&vault);
    world.apply(&variables).await;
    let old = rotated_at(&world, &ids.wiki).await;
    vault.fail(4);
    assert_eq!(
        world.error().await,
        "application \"Mail\" has a new client secret that could not be stored, and its old one is no longer valid: repair the \
         vault, put the application's name into the config entry `rotate_now` and run the task again: the vault answered with \
         status 503 Vault is sealed (0 applications rotated before, 1 not touched)"
    );
    assert_eq!((vault.writes(), vault.versions()), (4, 0));
    assert_eq!(rotated_at(&world, &ids.wiki).await, old);
    world.assert_untold("justiam_cs_").await;
    let log = world.logs().await;
    assert!(
        log.starts_with("attempt 1 to store the secret of Mail failed: the vault answered with status 503"),
        "{log}"
    );

    variables["rotate_now"] = json!(["Mail"]);
    world.apply(&variables).await;
    assert_eq!(world.output().await, "2 applications rotated, 1 not due\nMail\nWiki");
    assert!(stored(&world, &vault, &ids.mail).await.is_some());
}
