// Package idp reads and changes users, groups and what belongs to them.
package idp

import (
	"justiam/host"
	"time"
)

// User is a user. AuthSource is "internal", or the name of the federated provider that the user comes from.
type User struct {
	ID          string            `json:"id"`
	Email       string            `json:"email"`
	FirstName   string            `json:"first_name"`
	LastName    string            `json:"last_name"`
	IsActive    bool              `json:"is_active"`
	AuthSource  string            `json:"auth_source"`
	Attributes  map[string]string `json:"attributes"`
	CreatedAt   time.Time         `json:"created_at"`
	LastLoginAt *time.Time        `json:"last_login_at"`
}

// Group is a group of users.
type Group struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Provider is a federated provider.
type Provider struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	ProviderType string `json:"provider_type"`
}

// Approver is somebody who was asked to decide an access request.
type Approver struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

// Application is an application that users sign in to.
type Application struct {
	ID              string     `json:"id"`
	Name            string     `json:"name"`
	Type            string     `json:"type"`
	ClientID        string     `json:"client_id"`
	SecretRotatedAt *time.Time `json:"secret_rotated_at"`
}

type params map[string]interface{}

// Lists come in pages; next is where the following one begins, or "" after the last.
type users struct {
	Items []User `json:"items"`
	Next  string `json:"next"`
}

type groups struct {
	Items []Group `json:"items"`
	Next  string  `json:"next"`
}

type applications struct {
	Items []Application `json:"items"`
	Next  string        `json:"next"`
}

// GetUserByEmail returns the user with an e-mail address, in any letter case, or nil when there is none.
func GetUserByEmail(email string) (*User, error) {
	var user *User
	err := host.Call("idp.get_user_by_email", params{"email": email}, &user)
	return user, err
}

// GetUser returns a user, or nil when there is none.
func GetUser(userID string) (*User, error) {
	var user *User
	err := host.Call("idp.get_user", params{"user_id": userID}, &user)
	return user, err
}

// ListUsers returns all users, ordered by e-mail address.
func ListUsers() ([]User, error) {
	return allUsers("idp.list_users", params{})
}

// CreateUser makes an active user. The source is "" for an internal one, or the name of a federated provider.
func CreateUser(email, firstName, lastName, source string) (*User, error) {
	var user *User
	all := params{"email": email, "first_name": firstName, "last_name": lastName, "source": source}
	err := host.Call("idp.create_user", all, &user)
	return user, err
}

// UpdateUserActive activates or deactivates a user.
func UpdateUserActive(userID string, active bool) error {
	return do("idp.update_user_active", params{"user_id": userID, "active": active})
}

// UpdateUserProfile changes the names of a user.
func UpdateUserProfile(userID, firstName, lastName string) error {
	return do("idp.update_user_profile", params{"user_id": userID, "first_name": firstName, "last_name": lastName})
}

// UpdateUserAttributes sets some attributes of a user and keeps the others; an empty value removes one.
func UpdateUserAttributes(userID string, attributes map[string]string) error {
	if attributes == nil {
		attributes = map[string]string{}
	}
	return do("idp.update_user_attributes", params{"user_id": userID, "attributes": attributes})
}

// GetGroupByName returns the group with exactly this name; it is an error when there is none.
func GetGroupByName(name string) (*Group, error) {
	var group *Group
	err := host.Call("idp.get_group_by_name", params{"name": name}, &group)
	return group, err
}

// CreateGroup makes a group.
func CreateGroup(name, description string) (*Group, error) {
	var group *Group
	err := host.Call("idp.create_group", params{"name": name, "description": description}, &group)
	return group, err
}

// ListGroups returns all groups, ordered by name.
func ListGroups() ([]Group, error) {
	return allGroups("idp.list_groups", params{})
}

// GetGroupMembers returns the members of a group, ordered by e-mail address.
func GetGroupMembers(groupID string) ([]User, error) {
	return allUsers("idp.get_group_members", params{"group_id": groupID})
}

// GetUserGroups returns the groups of a user, ordered by name.
func GetUserGroups(userID string) ([]Group, error) {
	return allGroups("idp.get_user_groups", params{"user_id": userID})
}

// AddUserToGroup makes a user a member. A user who is one already stays one.
func AddUserToGroup(userID, groupID string) error {
	return do("idp.add_user_to_group", params{"user_id": userID, "group_id": groupID})
}

// RemoveUserFromGroup ends a membership, if there is one.
func RemoveUserFromGroup(userID, groupID string) error {
	return do("idp.remove_user_from_group", params{"user_id": userID, "group_id": groupID})
}

// GetFederatedProvider returns a federated provider; it is an error when there is none.
func GetFederatedProvider(providerID string) (*Provider, error) {
	var provider *Provider
	err := host.Call("idp.get_federated_provider", params{"provider_id": providerID}, &provider)
	return provider, err
}

// GetFederatedUserBySub returns the user whom a provider knows as sub, or nil when there is none.
func GetFederatedUserBySub(providerID, sub string) (*User, error) {
	var user *User
	err := host.Call("idp.get_federated_user_by_sub", params{"provider_id": providerID, "sub": sub}, &user)
	return user, err
}

// LinkFederatedIdentity lets a user sign in through a provider that knows the user as sub.
func LinkFederatedIdentity(userID, providerID, sub string) error {
	return do("idp.link_federated_identity", params{"user_id": userID, "provider_id": providerID, "sub": sub})
}

// UnlinkFederatedIdentity takes that back.
func UnlinkFederatedIdentity(userID, providerID string) error {
	return do("idp.unlink_federated_identity", params{"user_id": userID, "provider_id": providerID})
}

// GetAccessRequestApprovers returns those who were asked to decide a request; it is an error when there is no such request.
func GetAccessRequestApprovers(requestID string) ([]Approver, error) {
	var approvers []Approver
	err := host.Call("idp.get_access_request_approvers", params{"request_id": requestID}, &approvers)
	return approvers, err
}

// ListApplications returns all applications, ordered by name.
func ListApplications() ([]Application, error) {
	var all []Application
	asked := params{}
	for {
		var got applications
		if err := host.Call("idp.list_applications", asked, &got); err != nil {
			return nil, err
		}
		all = append(all, got.Items...)
		if got.Next == "" {
			return all, nil
		}
		asked["after"] = got.Next
	}
}

// RotateApplicationSecret gives an OIDC application a new client secret and returns it. The old one is void at once.
func RotateApplicationSecret(applicationID string) (string, error) {
	var secret string
	err := host.Call("idp.rotate_application_secret", params{"application_id": applicationID}, &secret)
	return secret, err
}

func do(method string, asked params) error {
	var nothing interface{}
	return host.Call(method, asked, &nothing)
}

func allUsers(method string, asked params) ([]User, error) {
	var all []User
	for {
		var got users
		if err := host.Call(method, asked, &got); err != nil {
			return nil, err
		}
		all = append(all, got.Items...)
		if got.Next == "" {
			return all, nil
		}
		asked["after"] = got.Next
	}
}

func allGroups(method string, asked params) ([]Group, error) {
	var all []Group
	for {
		var got groups
		if err := host.Call(method, asked, &got); err != nil {
			return nil, err
		}
		all = append(all, got.Items...)
		if got.Next == "" {
			return all, nil
		}
		asked["after"] = got.Next
	}
}
