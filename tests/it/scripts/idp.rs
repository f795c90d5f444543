//! The package `idp` under the real interpreter, without a server. With one: `scheduling/identities.rs`.

use super::support::{Lab, go, success};

#[tokio::test]
async fn users_can_be_made_and_read_as_go_values() {
    let body = r#"
now := time.Unix(0, 0).UTC()
user := idp.User{ID: "1", Attributes: map[string]string{"a": "b"}, CreatedAt: now, LastLoginAt: &now}
application := idp.Application{Type: "oidc", ClientID: "c", SecretRotatedAt: nil}
return fmt.Sprint(user.Attributes["a"], user.LastLoginAt.Year(), user.CreatedAt.Year(), application.Type), nil"#;
    let source = go(&["fmt", "idp", "time"], body);
    assert_eq!(Lab::new().run(&source).await.end, success("b1970 1970oidc"));
}

#[tokio::test]
async fn a_run_without_a_server_says_how_it_gets_users() {
    let source = go(&["idp"], "_, err := idp.ListUsers()\nreturn ``, err");
    let expected = "this run has no users and groups: give `script run` the server's folder with --data-dir";
    assert_eq!(Lab::new().message(&source).await, expected);
}
