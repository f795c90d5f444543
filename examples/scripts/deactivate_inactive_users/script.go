// Deactivates users who have not logged in for some time.
//
// The time counts from the last login, and from the creation of the user where there was no login yet. Users are never
// deleted. Whoever activates somebody again gives them the attribute `keep_active_until` with a date, such as
// 2026-12-31, until which they can log in: otherwise the next run deactivates them again.
package task

import (
	"config"
	"fmt"
	"idp"
	"strings"
	"time"
)

func Run() (string, error) {
	days := config.GetInt("days")
	if days < 1 {
		return "", fmt.Errorf("the config entry `days` is %q; it must be a whole number of at least 1", config.Get("days"))
	}
	dryRun := config.GetBool("dry_run")
	excluded, err := excludedUsers()
	if err != nil {
		return "", err
	}
	users, err := idp.ListUsers()
	if err != nil {
		return "", fmt.Errorf("list users: %w", err)
	}

	verb := "deactivated"
	if dryRun {
		verb = "would be deactivated (dry run)"
	}
	limit := time.Now().AddDate(0, 0, -days)
	var active, kept, deactivated int
	var details, failures []string
	for _, user := range users {
		if !user.IsActive {
			continue
		}
		active++
		last, what := lastSeen(user)
		if !last.Before(limit) {
			continue
		}
		putOff, err := keptActive(user)
		if err != nil {
			failures = append(failures, fmt.Sprintf("%s: %v", user.Email, err))
			continue
		}
		line := fmt.Sprintf("%s (%s %s)", user.Email, what, last.UTC().Format("2006-01-02"))
		if putOff || excluded[user.ID] || excluded[strings.ToLower(user.Email)] {
			kept++
			fmt.Printf("excluded: %s\n", line)
			continue
		}
		if !dryRun {
			if err := idp.UpdateUserActive(user.ID, false); err != nil {
				failures = append(failures, fmt.Sprintf("%s: %v", user.Email, err))
				continue
			}
		}
		deactivated++
		fmt.Printf("%s: %s\n", verb, line)
		details = append(details, line)
	}

	summary := fmt.Sprintf("%d of %d active users %s after %d days, %d excluded", deactivated, active, verb, days, kept)
	if len(failures) > 0 {
		return "", fmt.Errorf("%s; %d failed: %s", summary, len(failures), strings.Join(failures, "; "))
	}
	return strings.Join(append([]string{summary}, details...), "\n"), nil
}

// lastSeen is when a user was there last, and what was seen of them.
func lastSeen(user idp.User) (time.Time, string) {
	if user.LastLoginAt != nil {
		return *user.LastLoginAt, "last login"
	}
	return user.CreatedAt, "no login since"
}

// keptActive tells whether the date in `keep_active_until` has not passed yet, in UTC.
func keptActive(user idp.User) (bool, error) {
	text := user.Attributes["keep_active_until"]
	if text == "" {
		return false, nil
	}
	until, err := time.Parse("2006-01-02", text)
	if err != nil {
		return false, fmt.Errorf("the attribute keep_active_until is %q; it must be a date such as 2026-12-31", text)
	}
	return time.Now().Before(until.AddDate(0, 0, 1)), nil
}

// excludedUsers holds the addresses of `excluded_emails`, in lower case, and the ids of all members of `excluded_groups`.
//
// A group that does not exist is an error: going on would deactivate the very users that it was to protect.
func excludedUsers() (map[string]bool, error) {
	excluded := map[string]bool{}
	for _, email := range config.GetList("excluded_emails") {
		excluded[strings.ToLower(strings.TrimSpace(email))] = true
	}
	for _, name := range config.GetList("excluded_groups") {
		group, err := idp.GetGroupByName(name)
		if err != nil {
			return nil, fmt.Errorf("the excluded group %q: %w", name, err)
		}
		members, err := idp.GetGroupMembers(group.ID)
		if err != nil {
			return nil, fmt.Errorf("members of the excluded group %q: %w", name, err)
		}
		for _, member := range members {
			excluded[member.ID] = true
		}
	}
	return excluded, nil
}
