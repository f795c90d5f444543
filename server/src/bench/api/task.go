package task

import (
	"config"
	"fmt"
	"idp"
	"secrets"
)

// Run removes those who have left from a group.
func Run() (string, error) {
	if secrets.Get("api_token") == "" {
		return "", fmt.Errorf("the secret api_token is missing")
	}
	group, err := idp.GetGroupByName(config.Get("group"))
	if err != nil {
		return "", err
	}
	members, err := idp.GetGroupMembers(group.ID)
	if err != nil {
		return "", err
	}
	removed := 0
	for _, member := range members {
		if member.IsActive {
			continue
		}
		if config.Get("dry_run") != "true" {
			if err := idp.RemoveUserFromGroup(member.ID, group.ID); err != nil {
				return "", err
			}
		}
		removed++
	}
	return fmt.Sprintf("%d removed", removed), nil
}
