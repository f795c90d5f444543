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

/// The error of a run that could not store the new secret of an application.
fn locked_out(name: &str, reason: &str, before: usize, after: usize) -> String {
    format!(
        "application \"{name}\" has a new client secret that could not be stored, and its old one is no longer valid: repair \
         the vault, put the application's name into the config entry `rotate_now` and run the task again: {reason} \
         ({before} applications rotated before, {after} not touched)"
    )
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
    vault.fail(2, 429);
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
    vault.fail(4, 503);
    assert_eq!(world.error().await, locked_out("Mail", "the vault answered with status 503 Vault is sealed", 0, 1));
    assert_eq!((vault.writes(), vault.versions()), (4, 0));
    assert_eq!(rotated_at(&world, &ids.wiki).await, old);
    world.assert_untold("justiam_cs_").await;
    let log = world.logs().await;
    assert!(
        log.starts_with(
            "rotating Mail\nattempt 1 to store the secret of Mail failed: the vault answered with status 503"
        ),
        "{log}"
    );

    variables["rotate_now"] = json!(["Mail"]);
    world.apply(&variables).await;
    assert_eq!(world.output().await, "2 applications rotated, 1 not due\nMail\nWiki");
    assert!(stored(&world, &vault, &ids.mail).await.is_some());
}

#[tokio::test]
async fn a_write_that_the_vault_will_never_accept_is_not_repeated() {
    let (world, vault, _) = world().await;
    world.apply(&variables(&vault)).await;
    for status in [400, 403] {
        vault.fail(1, status);
        let reason = format!("the vault answered with status {status} Vault is sealed");
        // The run before has left the first application with a fresh secret.
        let (name, after) = if status == 400 { ("Mail", 1) } else { ("Wiki", 0) };
        assert_eq!(world.error().await, locked_out(name, &reason, 0, after));
    }
    assert_eq!((vault.writes(), vault.versions()), (2, 0));
}

#[tokio::test]
async fn a_vault_that_never_answers_is_given_up_before_the_run_ends() {
    let (world, vault, ids) = world().await;
    world.apply(&variables(&vault)).await;
    let old = rotated_at(&world, &ids.wiki).await;
    vault.ignore(4);
    assert_eq!(world.error().await, locked_out("Mail", "the vault has not answered within 3s", 0, 1));
    let log = world.logs().await;
    assert!(log.starts_with("rotating Mail\n"), "{log}");
    assert_eq!((vault.writes(), vault.versions()), (4, 0));
    assert_eq!(rotated_at(&world, &ids.wiki).await, old);
}

#[tokio::test]
async fn no_rotation_begins_that_might_not_end_in_time() {
    let (world, vault, ids) = world().await;
    world.apply(&variables(&vault)).await;
    let old = rotated_at(&world, &ids.wiki).await;
    vault.ignore(3);
    assert_eq!(
        world.error().await,
        "the time of a run is too short for all that is due: run the task again (1 applications rotated, 1 not touched)"
    );
    assert!(stored(&world, &vault, &ids.mail).await.is_some());
    assert_eq!(rotated_at(&world, &ids.wiki).await, old);
    assert_eq!(world.output().await, "1 applications rotated, 2 not due\nWiki");
}

#[tokio::test]
async fn names_that_no_application_has_end_the_run_before_anything_is_rotated() {
    let (world, vault, ids) = world().await;
    let old = rotated_at(&world, &ids.wiki).await;
    for (entry, name) in [("excluded_applications", "Wikki"), ("rotate_now", "fresh"), ("rotate_now", "Browser")] {
        let mut variables = variables(&vault);
        variables[entry] = json!(["Mail", name]);
        world.apply(&variables).await;
        assert_eq!(
            world.error().await,
            format!(
                "the config entry `{entry}` names \"{name}\", and no OIDC application is called that; no secret was rotated"
            )
        );
    }
    assert_eq!(rotated_at(&world, &ids.wiki).await, old);

    let mut variables = variables(&vault);
    variables["excluded_applications"] = json!(["Wiki"]);
    variables["rotate_now"] = json!(["Fresh"]);
    world.apply(&variables).await;
    assert_eq!(world.output().await, "2 applications rotated, 1 not due\nFresh\nMail");
    assert_eq!(rotated_at(&world, &ids.wiki).await, old);
}
