//! The package `idp`, from a script through the server to its database and its audit log.

use futures::TryStreamExt as _;
use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::users::{NewUser, UserQuery};
use justiam_server::driver::execute::script::Network;
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use justiam_tests::server::TestServer;
use serde_json::json;

both_databases!(every_function_does_what_it_says, lists_are_whole_however_long, what_is_wrong_is_told_to_the_script);

/// A script of some imports and the body of `Run`, in which `must` ends it with an error.
fn go(imports: &[&str], body: &str) -> String {
    let imports: String = imports.iter().flat_map(|import| ["import \"", import, "\"\n"]).collect();
    format!(
        "package task\nimport \"idp\"\nimport \"fmt\"\n{imports}\nfunc must(err error) {{\n\tif err != nil {{\n\t\tpanic(err.Error())\n\t}}\n}}\n\n\
         func is(right bool, what interface{{}}) {{\n\tif !right {{\n\t\tpanic(fmt.Sprint(\"not so: \", what))\n\t}}\n}}\n\n\
         func Run() (string, error) {{\nvar err error\n_ = err\n{body}\n}}\n"
    )
}

async fn run(server: &TestServer, name: &str, source: String) -> Run {
    let task = server.client.tasks().create(&NewTask::triggered_script(name, source)).await.unwrap();
    let run = server.client.tasks().run(task.id).await.unwrap();
    server.ended(run.id).await
}

async fn output(server: &TestServer, name: &str, source: String) -> String {
    let run = run(server, name, source).await;
    run.output.unwrap_or_else(|| panic!("{:?}", run.error))
}

/// Calls every function, and ends with an error where one does not do what it says.
const EVERY_FUNCTION: &str = r#"
user, err := idp.GetUserByEmail("ada@example.com"); must(err)
is(user == nil, "a user before it was made")
user, err = idp.CreateUser("Ada@example.com", "Ada", "L.", "Workspace"); must(err)
is(user.Email == "Ada@example.com" && user.IsActive && user.AuthSource == "Workspace" && user.LastLoginAt == nil && !user.CreatedAt.IsZero(), user)
again, err := idp.GetUserByEmail("ADA@EXAMPLE.COM"); must(err)
is(again.ID == user.ID && again.FirstName == "Ada" && again.LastName == "L.", again)
must(idp.UpdateUserActive(user.ID, false))
must(idp.UpdateUserProfile(user.ID, "Augusta", ""))
must(idp.UpdateUserAttributes(user.ID, map[string]string{"team": "south", "gone": "x"}))
must(idp.UpdateUserAttributes(user.ID, map[string]string{"gone": "", "room": "7"}))
user, err = idp.GetUser(user.ID); must(err)
is(!user.IsActive && user.FirstName == "Augusta" && user.LastName == "", user)
is(len(user.Attributes) == 2 && user.Attributes["team"] == "south" && user.Attributes["room"] == "7", user.Attributes)
nobody, err := idp.GetUser("not an id"); must(err)
is(nobody == nil, nobody)
boss, err := idp.GetUserByEmail("boss@example.com"); must(err)
is(boss.LastLoginAt.UTC().Format(time.RFC3339) == "2025-12-24T12:00:00Z" && boss.AuthSource == "internal" && boss.Attributes["team"] == "north", boss)
users, err := idp.ListUsers(); must(err)
is(len(users) == 2 && users[0].ID == user.ID && users[1].ID == boss.ID, users)

group, err := idp.CreateGroup("staff", "All of us"); must(err)
same, err := idp.GetGroupByName("staff"); must(err)
is(same.ID == group.ID && same.Name == "staff" && same.Description == "All of us", same)
must(idp.AddUserToGroup(user.ID, group.ID))
must(idp.AddUserToGroup(user.ID, group.ID))
must(idp.AddUserToGroup(boss.ID, group.ID))
members, err := idp.GetGroupMembers(group.ID); must(err)
is(len(members) == 2 && members[1].Email == "boss@example.com", members)
must(idp.RemoveUserFromGroup(boss.ID, group.ID))
must(idp.RemoveUserFromGroup(boss.ID, group.ID))
groups, err := idp.GetUserGroups(user.ID); must(err)
is(len(groups) == 1 && groups[0].Name == "staff", groups)
groups, err = idp.GetUserGroups(boss.ID); must(err)
is(len(groups) == 0, groups)
groups, err = idp.ListGroups(); must(err)
is(len(groups) == 1, groups)

provider, err := idp.GetFederatedProvider("0190a000-0000-7000-8000-000000000021"); must(err)
is(provider.Name == "Workspace" && provider.ProviderType == "google", provider)
linked, err := idp.GetFederatedUserBySub(provider.ID, "sub-1"); must(err)
is(linked == nil, linked)
must(idp.LinkFederatedIdentity(user.ID, provider.ID, "sub-1"))
must(idp.LinkFederatedIdentity(user.ID, provider.ID, "sub-1"))
linked, err = idp.GetFederatedUserBySub(provider.ID, "sub-1"); must(err)
is(linked.ID == user.ID, linked)
must(idp.UnlinkFederatedIdentity(user.ID, provider.ID))
linked, err = idp.GetFederatedUserBySub(provider.ID, "sub-1"); must(err)
is(linked == nil, linked)

approvers, err := idp.GetAccessRequestApprovers("0190a000-0000-7000-8000-000000000041"); must(err)
is(len(approvers) == 1 && approvers[0].ID == boss.ID && approvers[0].Email == "boss@example.com" && approvers[0].FirstName == "Bo" && approvers[0].LastName == "Ss", approvers)

applications, err := idp.ListApplications(); must(err)
is(len(applications) == 2 && applications[0].Name == "Payroll" && applications[0].Type == "saml" && applications[0].ClientID == "" && applications[0].SecretRotatedAt == nil, applications)
wiki := applications[1]
is(wiki.Type == "oidc" && wiki.ClientID != "" && wiki.SecretRotatedAt.Year() == 2025, wiki)
secret, err := idp.RotateApplicationSecret(wiki.ID); must(err)
is(strings.HasPrefix(secret, "justiam_cs_"), "a secret")
fmt.Println("the new one is", secret)
applications, err = idp.ListApplications(); must(err)
is(applications[1].SecretRotatedAt.Year() == 2026, applications[1])
return user.ID + " " + secret, nil"#;

async fn every_function_does_what_it_says(backend: Backend) {
    let server = backend.server().await;
    server
        .seed(&json!({
            "users": [
                { "id": "0190a000-0000-7000-8000-000000000001", "email": "boss@example.com", "first_name": "Bo", "last_name": "Ss", "last_login_at": "2025-12-24T12:00:00Z",
                  "attributes": { "team": "north" } }
            ],
            "federated_providers": [
                { "id": "0190a000-0000-7000-8000-000000000021", "name": "Workspace", "provider_type": "google" }
            ],
            "applications": [
                { "id": "0190a000-0000-7000-8000-000000000031", "name": "Wiki", "application_type": "oidc",
                  "secret_rotated_at": "2025-06-01T00:00:00Z" },
                { "id": "0190a000-0000-7000-8000-000000000032", "name": "Payroll", "application_type": "saml" }
            ],
            "access_requests": [
                { "id": "0190a000-0000-7000-8000-000000000041", "user": "boss@example.com", "template_name": "Database",
                  "approvers": ["boss@example.com"] }
            ]
        }))
        .await;
    let text = output(&server, "Directory", go(&["strings", "time"], EVERY_FUNCTION)).await;
    // What the script was given to keep is not for whoever reads its history.
    let (id, secret) = text.split_once(' ').unwrap();
    assert_eq!(secret, "****");
    let user = server.client.users().get(id.parse().unwrap()).await.unwrap();
    assert_eq!(
        (user.email.as_str(), user.is_active, user.auth_source.as_str()),
        ("Ada@example.com", false, "Workspace")
    );
    let entries: Vec<_> = server.client.audit().list(AuditQuery::new()).try_collect().await.unwrap();
    let of_script: Vec<_> = entries.iter().filter(|entry| entry.actor == "task Directory").collect();
    let actions: Vec<_> = of_script.iter().rev().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "user.create",
            "user.update",
            "user.update",
            "user.update",
            "user.update",
            "group.create",
            "group.add_member",
            "group.add_member",
            "group.remove_member",
            "federated_identity.link",
            "federated_identity.unlink",
            "application.rotate_secret",
        ],
    );
    assert!(of_script.iter().all(|entry| entry.principal.as_deref().unwrap().starts_with("task:")));
    assert!(of_script.iter().all(|entry| entry.details["run_id"].is_string()));
}

async fn lists_are_whole_however_long(backend: Backend) {
    let server = backend.server().await;
    // More than two pages; in an order in which capital letters, digits and marks stand otherwise in a language than as bytes.
    let users: Vec<_> = (0..2100)
        .map(|n| {
            let letter = ["a", "B", "ä", "_", "Z", "0", "-"][n % 7];
            json!({ "id": format!("0190a000-0000-7000-8000-{n:012}"), "email": format!("{letter}{n}@example.com") })
        })
        .collect();
    let members: Vec<_> = users.iter().map(|user| user["email"].clone()).collect();
    server.seed(&json!({ "users": users, "groups": [{ "id": "0190a000-0000-7000-9000-000000000001", "name": "all", "members": members }] })).await;
    let body = r#"
users, err := idp.ListUsers(); must(err)
group, err := idp.GetGroupByName("all"); must(err)
members, err := idp.GetGroupMembers(group.ID); must(err)
seen := map[string]bool{}
for _, user := range users { seen[user.ID] = true }
return fmt.Sprint(len(users), len(seen), len(members)), nil"#;
    assert_eq!(output(&server, "Lists", go(&[], body)).await, "2100 2100 2100");
}

async fn what_is_wrong_is_told_to_the_script(backend: Backend) {
    let server = backend.server().await;
    server.client.users().create(&NewUser::new("ada@example.com")).await.unwrap();
    let body = r#"
user, _ := idp.GetUserByEmail("ada@example.com")
var texts []string
told := func(err error) { texts = append(texts, fmt.Sprint(err)) }
_, err = idp.CreateUser("ADA@example.com", "", "", ""); told(err)
_, err = idp.CreateUser("ada", "", "", ""); told(err)
_, err = idp.CreateUser("eve@example.com", "", "", "nowhere"); told(err)
told(idp.UpdateUserActive("x", true))
group, err := idp.GetGroupByName("none"); told(err)
is(group == nil, group)
told(idp.AddUserToGroup(user.ID, "x"))
provider, err := idp.GetFederatedProvider("x"); told(err)
is(provider == nil, provider)
_, err = idp.GetAccessRequestApprovers("x"); told(err)
_, err = idp.RotateApplicationSecret("x"); told(err)
return strings.Join(texts, "\n"), nil"#;
    let ada = server.client.users().list(UserQuery::new()).try_next().await.unwrap().unwrap().id;
    let expected = format!(
        "a user with the e-mail address `ADA@example.com` exists already: {ada}\n\
         email must be an e-mail address, not `ada`\n\
         auth_source must be `internal` or the name of a federated provider, not `nowhere`\n\
         there is no user `x`\n\
         there is no group `none`\n\
         there is no group `x`\n\
         there is no federated provider `x`\n\
         there is no access request `x`\n\
         there is no application `x`"
    );
    assert_eq!(output(&server, "Errors", go(&["strings"], body)).await, expected);
}

#[tokio::test]
async fn a_server_without_network_sends_nothing_for_scripts() {
    let server = TestServer::start_with(|config| config.script_network = Network::None).await;
    let source = "package task\nimport \"fetch\"\nfunc Run() (string, error) {\n\t_, err := fetch.Get(`http://127.0.0.1:1/`)\n\treturn ``, err\n}\n";
    let run = run(&server, "T", source.to_owned()).await;
    assert!(run.error.as_deref().unwrap().contains("--script-network"), "{run:?}");
    assert!(run.isolation.as_deref().unwrap().contains("network none"), "{run:?}");
}
