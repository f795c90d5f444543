// Package gworkspace reads the directory of a Google Workspace.
package gworkspace

import (
	"encoding/json"
	"justiam/host"
)

// User is an active user of a domain. Sub is what Google's sign-in calls the user.
type User struct {
	Sub       string `json:"sub"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

// ListUsers returns all users of a domain that are neither suspended nor archived. The first argument is the JSON of a
// service account's key, as Google gives it out.
func ListUsers(serviceAccountKey, domain string) ([]User, error) {
	var users []User
	params := map[string]string{"service_account_key": serviceAccountKey, "domain": domain}
	text, err := host.Exchange("gworkspace.list_users", params, "", &struct{}{})
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(text), &users); err != nil {
		return nil, err
	}
	return users, nil
}
