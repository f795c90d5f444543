// Sends a report about all users to a webhook, as JSON.
//
// With the secret WEBHOOK_SECRET the request carries `X-Signature-256: sha256=…`, the HMAC-SHA256 of the body in
// hexadecimal digits, by which the receiver knows who sent it. The body has the time of the report, so that a receiver
// can refuse an old one that somebody sends again.
package task

import (
	"config"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fetch"
	"fmt"
	"idp"
	"secrets"
	"strings"
	"time"
)

type report struct {
	GeneratedAt  string         `json:"generated_at"`
	Total        int            `json:"total"`
	Active       int            `json:"active"`
	Inactive     int            `json:"inactive"`
	ByAuthSource map[string]int `json:"by_auth_source"`
	StaleDays    int            `json:"stale_days"`
	// Active users without a login for that many days.
	Stale []staleUser `json:"stale"`
}

type staleUser struct {
	Email      string `json:"email"`
	AuthSource string `json:"auth_source"`
	// An RFC 3339 time; null where the user has never logged in.
	LastLoginAt *string `json:"last_login_at"`
}

func Run() (string, error) {
	url := config.Get("webhook_url")
	if url == "" {
		return "", fmt.Errorf("the config entry `webhook_url` is missing")
	}
	staleDays := config.GetInt("stale_days")
	if staleDays < 1 {
		return "", fmt.Errorf("the config entry `stale_days` is %q; it must be a whole number of at least 1", config.Get("stale_days"))
	}
	users, err := idp.ListUsers()
	if err != nil {
		return "", fmt.Errorf("list users: %w", err)
	}
	made := makeReport(users, time.Now().UTC(), staleDays)
	if err := send(url, made); err != nil {
		return "", err
	}
	return fmt.Sprintf("reported %d users: %d active, %d inactive, %d without a login for %d days",
		made.Total, made.Active, made.Inactive, len(made.Stale), staleDays), nil
}

func makeReport(users []idp.User, now time.Time, staleDays int) report {
	made := report{
		GeneratedAt:  now.Format(time.RFC3339),
		Total:        len(users),
		ByAuthSource: map[string]int{},
		StaleDays:    staleDays,
		Stale:        []staleUser{},
	}
	limit := now.AddDate(0, 0, -staleDays)
	for _, user := range users {
		made.ByAuthSource[user.AuthSource]++
		if !user.IsActive {
			made.Inactive++
			continue
		}
		made.Active++
		if user.LastLoginAt != nil && user.LastLoginAt.Before(limit) {
			last := user.LastLoginAt.UTC().Format(time.RFC3339)
			made.Stale = append(made.Stale, staleUser{Email: user.Email, AuthSource: user.AuthSource, LastLoginAt: &last})
		} else if user.LastLoginAt == nil && user.CreatedAt.Before(limit) {
			made.Stale = append(made.Stale, staleUser{Email: user.Email, AuthSource: user.AuthSource})
		}
	}
	return made
}

func send(url string, made report) error {
	body, err := json.Marshal(made)
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	headers := map[string]string{"Content-Type": "application/json"}
	if key := secrets.Get("WEBHOOK_SECRET"); key != "" {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(body)
		headers["X-Signature-256"] = "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	response, err := fetch.Do("POST", url, string(body), headers)
	if err != nil {
		return fmt.Errorf("send the report: %w", err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("the webhook answered with status %d: %s", response.StatusCode, start(response.Body))
	}
	fmt.Printf("sent %d bytes, answered with status %d\n", len(body), response.StatusCode)
	return nil
}

// start is the beginning of an answer, on one line: enough to see what is wrong.
func start(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200]) + " …"
	}
	return text
}
