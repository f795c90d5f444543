//! The package `idp` under the real interpreter.

use super::support::{Lab, go, success};

/// Every function asks for the method of its name, which a run without a directory does not have.
#[tokio::test]
async fn every_function_asks_for_its_method() {
    let body = r#"
var errs []error
no := func(err error) { errs = append(errs, err) }
var user *idp.User
var users []idp.User
var group *idp.Group
var groups []idp.Group
var provider *idp.Provider
var approvers []idp.Approver
var applications []idp.Application
var secret string
var err error
user, err = idp.GetUserByEmail("e"); no(err)
user, err = idp.GetUser("u"); no(err)
users, err = idp.ListUsers(); no(err)
user, err = idp.CreateUser("e", "f", "l", "s"); no(err)
no(idp.UpdateUserActive("u", true))
no(idp.UpdateUserProfile("u", "f", "l"))
no(idp.UpdateUserAttributes("u", nil))
group, err = idp.GetGroupByName("n"); no(err)
group, err = idp.CreateGroup("n", "d"); no(err)
groups, err = idp.ListGroups(); no(err)
users, err = idp.GetGroupMembers("g"); no(err)
groups, err = idp.GetUserGroups("u"); no(err)
no(idp.AddUserToGroup("u", "g"))
no(idp.RemoveUserFromGroup("u", "g"))
provider, err = idp.GetFederatedProvider("p"); no(err)
user, err = idp.GetFederatedUserBySub("p", "s"); no(err)
no(idp.LinkFederatedIdentity("u", "p", "s"))
no(idp.UnlinkFederatedIdentity("u", "p"))
approvers, err = idp.GetAccessRequestApprovers("r"); no(err)
applications, err = idp.ListApplications(); no(err)
secret, err = idp.RotateApplicationSecret("a"); no(err)
if user != nil || group != nil || provider != nil || len(users)+len(groups)+len(approvers)+len(applications)+len(secret) > 0 {
    return "", errors.New("something came of nothing")
}
text := ""
for _, err := range errs { text += strings.Trim(strings.TrimPrefix(err.Error(), "the server knows no method "), "`") + "\n" }
return text, nil"#;
    let expected = "idp.get_user_by_email\nidp.get_user\nidp.list_users\nidp.create_user\nidp.update_user_active\n\
        idp.update_user_profile\nidp.update_user_attributes\nidp.get_group_by_name\nidp.create_group\nidp.list_groups\n\
        idp.get_group_members\nidp.get_user_groups\nidp.add_user_to_group\nidp.remove_user_from_group\n\
        idp.get_federated_provider\nidp.get_federated_user_by_sub\nidp.link_federated_identity\n\
        idp.unlink_federated_identity\nidp.get_access_request_approvers\nidp.list_applications\n\
        idp.rotate_application_secret\n";
    let source = go(&["errors", "idp", "strings"], body);
    assert_eq!(Lab::new().run(&source).await.end, success(expected));
}

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
