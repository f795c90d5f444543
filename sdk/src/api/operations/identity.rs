//! Users, groups, federated providers, applications and access requests.

use super::{Answer, Operation};
use crate::api::access_requests::{AccessRequest, AccessRequestQuery, NewAccessRequest};
use crate::api::applications::{Application, ApplicationPatch, ApplicationQuery, NewApplication};
use crate::api::federated_providers::{
    FederatedIdentity, FederatedProvider, FederatedProviderPatch, FederatedProviderQuery, NewFederatedIdentity,
    NewFederatedProvider,
};
use crate::api::groups::{Group, GroupPatch, GroupQuery, NewGroup};
use crate::api::messages::UserMessage;
use crate::api::page::{Page, PageQuery};
use crate::api::paths::routes;
use crate::api::permissions::Permission::{
    AccessRequestsManage, AccessRequestsView, ApplicationsManage, ApplicationsView, FederatedManage, FederatedView,
    GroupsManage, GroupsView, UsersManage, UsersView,
};
use crate::api::users::{NewUser, User, UserPatch, UserQuery};

const USERS: &str = "Users";
const GROUPS: &str = "Groups";
const FEDERATION: &str = "Federated providers";
const APPLICATIONS: &str = "Applications";
const REQUESTS: &str = "Access requests";

const ADDRESS_TAKEN: (u16, &str) = (409, "another user has the address");
const NAME_TAKEN: (u16, &str) = (409, "another one has the name");
const DECIDED: (u16, &str) = (409, "the request is not pending any more");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::post("createUser", routes::USERS, "creates a user")
        .of(USERS)
        .needs(&[UsersManage])
        .body::<NewUser>(
            r#"{"email": "carol@example.com", "first_name": "Carol", "last_name": "Example", "attributes": {"team": "north"}}"#,
        )
        .repeatable()
        .answers(&[Answer::created::<User>(routes::USER)])
        .fails(&[ADDRESS_TAKEN]),
    Operation::get("listUsers", routes::USERS, "lists users by address")
        .of(USERS)
        .needs(&[UsersView])
        .query::<UserQuery>()
        .answers(&[Answer::json::<Page<User>>(200)]),
    Operation::get("readUser", routes::USER, "reads a user")
        .of(USERS)
        .needs(&[UsersView])
        .answers(&[Answer::json::<User>(200)]),
    Operation::put("replaceUser", routes::USER, "replaces a user")
        .of(USERS)
        .needs(&[UsersManage])
        .body::<NewUser>(r#"{"email": "alice@example.com", "is_active": false}"#)
        .answers(&[Answer::json::<User>(200)])
        .fails(&[ADDRESS_TAKEN]),
    Operation::patch("changeUser", routes::USER, "changes what the body names")
        .of(USERS)
        .needs(&[UsersManage])
        .body::<UserPatch>(r#"{"first_name": "Alice", "last_login_at": null}"#)
        .answers(&[Answer::json::<User>(200)])
        .fails(&[ADDRESS_TAKEN]),
    Operation::delete("deleteUser", routes::USER, "deletes a user and what belongs to one").of(USERS).needs(&[UsersManage]),
    Operation::get("listGroupsOfUser", routes::USER_GROUPS, "lists the groups of a user")
        .of(USERS)
        .needs(&[UsersView, GroupsView])
        .query::<PageQuery>()
        .answers(&[Answer::json::<Page<Group>>(200)]),
    Operation::get("listMessages", routes::USER_MESSAGES, "lists the messages that a user has got, the last delivered first")
        .of(USERS)
        .needs(&[UsersView])
        .query::<PageQuery>()
        .answers(&[Answer::json::<Page<UserMessage>>(200)]),
    Operation::post("createGroup", routes::GROUPS, "creates a group")
        .of(GROUPS)
        .needs(&[GroupsManage])
        .body::<NewGroup>(r#"{"name": "auditors", "description": "Read everything"}"#)
        .repeatable()
        .answers(&[Answer::created::<Group>(routes::GROUP)])
        .fails(&[NAME_TAKEN]),
    Operation::get("listGroups", routes::GROUPS, "lists groups by name")
        .of(GROUPS)
        .needs(&[GroupsView])
        .query::<GroupQuery>()
        .answers(&[Answer::json::<Page<Group>>(200)]),
    Operation::get("readGroup", routes::GROUP, "reads a group")
        .of(GROUPS)
        .needs(&[GroupsView])
        .answers(&[Answer::json::<Group>(200)]),
    Operation::put("replaceGroup", routes::GROUP, "replaces a group; members stay")
        .of(GROUPS)
        .needs(&[GroupsManage])
        .body::<NewGroup>(r#"{"name": "staff", "description": "All of them"}"#)
        .answers(&[Answer::json::<Group>(200)])
        .fails(&[NAME_TAKEN]),
    Operation::patch("changeGroup", routes::GROUP, "changes what the body names")
        .of(GROUPS)
        .needs(&[GroupsManage])
        .body::<GroupPatch>(r#"{"description": null}"#)
        .answers(&[Answer::json::<Group>(200)])
        .fails(&[NAME_TAKEN]),
    Operation::delete("deleteGroup", routes::GROUP, "deletes a group").of(GROUPS).needs(&[GroupsManage]),
    Operation::get("listMembers", routes::GROUP_MEMBERS, "lists the members of a group")
        .of(GROUPS)
        .needs(&[GroupsView, UsersView])
        .query::<PageQuery>()
        .answers(&[Answer::json::<Page<User>>(200)]),
    Operation::put("addMember", routes::GROUP_MEMBER, "makes a user a member")
        .of(GROUPS)
        .needs(&[GroupsManage])
        .answers(&[Answer::empty(204)]),
    Operation::delete("removeMember", routes::GROUP_MEMBER, "ends a membership").of(GROUPS).needs(&[GroupsManage]),
    Operation::post("createFederatedProvider", routes::FEDERATED_PROVIDERS, "creates a federated provider")
        .of(FEDERATION)
        .needs(&[FederatedManage])
        .body::<NewFederatedProvider>(r#"{"name": "Corporate Google", "provider_type": "google"}"#)
        .repeatable()
        .answers(&[Answer::created::<FederatedProvider>(routes::FEDERATED_PROVIDER)])
        .fails(&[NAME_TAKEN]),
    Operation::get("listFederatedProviders", routes::FEDERATED_PROVIDERS, "lists federated providers by name")
        .of(FEDERATION)
        .needs(&[FederatedView])
        .query::<FederatedProviderQuery>()
        .answers(&[Answer::json::<Page<FederatedProvider>>(200)]),
    Operation::get("readFederatedProvider", routes::FEDERATED_PROVIDER, "reads a federated provider")
        .of(FEDERATION)
        .needs(&[FederatedView])
        .answers(&[Answer::json::<FederatedProvider>(200)]),
    Operation::put("replaceFederatedProvider", routes::FEDERATED_PROVIDER, "replaces a federated provider")
        .of(FEDERATION)
        .needs(&[FederatedManage])
        .body::<NewFederatedProvider>(r#"{"name": "Directory", "provider_type": "ldap", "enabled": true}"#)
        .answers(&[Answer::json::<FederatedProvider>(200)])
        .fails(&[NAME_TAKEN]),
    Operation::patch("changeFederatedProvider", routes::FEDERATED_PROVIDER, "changes what the body names")
        .of(FEDERATION)
        .needs(&[FederatedManage])
        .body::<FederatedProviderPatch>(r#"{"enabled": false}"#)
        .answers(&[Answer::json::<FederatedProvider>(200)])
        .fails(&[NAME_TAKEN]),
    Operation::delete("deleteFederatedProvider", routes::FEDERATED_PROVIDER, "deletes a federated provider and identities there")
        .of(FEDERATION)
        .needs(&[FederatedManage]),
    Operation::get("listIdentities", routes::USER_IDENTITIES, "lists who a user is at providers")
        .of(FEDERATION)
        .needs(&[UsersView])
        .query::<PageQuery>()
        .answers(&[Answer::json::<Page<FederatedIdentity>>(200)]),
    Operation::post("linkIdentity", routes::USER_IDENTITIES, "links a user to a subject at a provider")
        .of(FEDERATION)
        .needs(&[FederatedManage])
        .body::<NewFederatedIdentity>(r#"{"provider_id": "0199f2a6-0000-7000-8000-0000000000a1", "subject": "10769150350006150715"}"#)
        .repeatable()
        .answers(&[
            Answer::json::<FederatedIdentity>(201).when("the identity is new"),
            Answer::json::<FederatedIdentity>(200).when("the user had the identity already"),
        ])
        .fails(&[(409, "the subject is another user's, or the user has another one there")]),
    Operation::delete("unlinkIdentity", routes::USER_IDENTITY, "removes an identity").of(FEDERATION).needs(&[FederatedManage]),
    Operation::post("createApplication", routes::APPLICATIONS, "creates an application; of type `oidc` with a `client_secret`")
        .of(APPLICATIONS)
        .needs(&[ApplicationsManage])
        .body::<NewApplication>(r#"{"name": "wiki", "application_type": "oidc"}"#)
        .repeatable()
        .answers(&[Answer::created::<Application>(routes::APPLICATION)])
        .fails(&[NAME_TAKEN]),
    Operation::get("listApplications", routes::APPLICATIONS, "lists applications by name")
        .of(APPLICATIONS)
        .needs(&[ApplicationsView])
        .query::<ApplicationQuery>()
        .answers(&[Answer::json::<Page<Application>>(200)]),
    Operation::get("readApplication", routes::APPLICATION, "reads an application")
        .of(APPLICATIONS)
        .needs(&[ApplicationsView])
        .answers(&[Answer::json::<Application>(200)]),
    Operation::put("replaceApplication", routes::APPLICATION, "renames an application")
        .of(APPLICATIONS)
        .needs(&[ApplicationsManage])
        .body::<NewApplication>(r#"{"name": "the portal", "application_type": "oidc"}"#)
        .answers(&[Answer::json::<Application>(200)])
        .fails(&[NAME_TAKEN]),
    Operation::patch("changeApplication", routes::APPLICATION, "renames an application")
        .of(APPLICATIONS)
        .needs(&[ApplicationsManage])
        .body::<ApplicationPatch>(r#"{"name": "portal"}"#)
        .answers(&[Answer::json::<Application>(200)])
        .fails(&[NAME_TAKEN]),
    Operation::delete("deleteApplication", routes::APPLICATION, "deletes an application")
        .of(APPLICATIONS)
        .needs(&[ApplicationsManage]),
    Operation::post("rotateClientSecret", routes::APPLICATION_ROTATE_SECRET, "makes a new client secret")
        .of(APPLICATIONS)
        .needs(&[ApplicationsManage])
        .ignores_body()
        .repeatable()
        .answers(&[Answer::json::<Application>(200)])
        .fails(&[(409, "an application of this type has no client secret")]),
    Operation::post("createAccessRequest", routes::ACCESS_REQUESTS, "asks for access")
        .of(REQUESTS)
        .needs(&[AccessRequestsManage])
        .body::<NewAccessRequest>(
            r#"{"requester_id": "0199f2a6-0000-7000-8000-0000000000b1", "template_name": "read the wiki", "approver_ids": ["0199f2a6-0000-7000-8000-0000000000b2"], "expires_at": "2099-12-31T00:00:00Z"}"#,
        )
        .repeatable()
        .answers(&[Answer::created::<AccessRequest>(routes::ACCESS_REQUEST)]),
    Operation::get("listAccessRequests", routes::ACCESS_REQUESTS, "lists access requests, newest first")
        .of(REQUESTS)
        .needs(&[AccessRequestsView])
        .query::<AccessRequestQuery>()
        .answers(&[Answer::json::<Page<AccessRequest>>(200)]),
    Operation::get("readAccessRequest", routes::ACCESS_REQUEST, "reads an access request")
        .of(REQUESTS)
        .needs(&[AccessRequestsView])
        .answers(&[Answer::json::<AccessRequest>(200)]),
    Operation::post("approveAccessRequest", routes::ACCESS_REQUEST_APPROVE, "grants it")
        .of(REQUESTS)
        .needs(&[AccessRequestsManage])
        .ignores_body()
        .repeatable()
        .answers(&[Answer::json::<AccessRequest>(200)])
        .fails(&[DECIDED]),
    Operation::post("denyAccessRequest", routes::ACCESS_REQUEST_DENY, "refuses it")
        .of(REQUESTS)
        .needs(&[AccessRequestsManage])
        .ignores_body()
        .repeatable()
        .answers(&[Answer::json::<AccessRequest>(200)])
        .fails(&[DECIDED]),
];
