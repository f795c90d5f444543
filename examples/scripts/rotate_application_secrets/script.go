// Gives OIDC applications whose client secret is old a new one, and stores it in a vault, where they read it: version 2
// of the key-value engine of HashiCorp Vault or OpenBao, one entry for each application, named after its client id.
//
// A new secret exists only from the moment when the old one has ceased to work, so it cannot be stored beforehand. The
// script therefore asks first whether the token may write, rotates one application after the other, tries several times
// to store each secret, and stops at the first that it cannot store: that application is locked out, and all that come
// after it still have their old secrets. Its error says which one it is and what to do. A run has 30 seconds: the script
// waits for no answer longer than three, and begins no rotation that it might not finish.
package task

import (
	"config"
	"encoding/json"
	"fetch"
	"fmt"
	"idp"
	"net/url"
	"secrets"
	"strings"
	"time"
)

// Storing a secret takes 15.5 seconds at most: four attempts and the pauses between them. A rotation that begins after
// lastBegin might be cut off by the end of the run, with a new secret that nobody has.
const (
	attemptLimit = 3 * time.Second
	lastBegin    = 10 * time.Second
)

var pauses = []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}

type vault struct {
	URL   string
	Token string
	Mount string
	Path  string
}

func Run() (string, error) {
	begin := time.Now()
	maxAge := config.GetInt("max_age_days")
	if maxAge < 1 {
		return "", fmt.Errorf("the config entry `max_age_days` is %q; it must be a whole number of at least 1", config.Get("max_age_days"))
	}
	store := vault{
		URL:   strings.TrimSuffix(config.Get("vault_url"), "/"),
		Token: secrets.Get("VAULT_TOKEN"),
		Mount: config.Get("vault_mount"),
		Path:  strings.Trim(config.Get("vault_path"), "/"),
	}
	if store.URL == "" || store.Mount == "" || store.Path == "" {
		return "", fmt.Errorf("the config entries `vault_url`, `vault_mount` and `vault_path` are needed")
	}
	if store.Token == "" {
		return "", fmt.Errorf("the secret VAULT_TOKEN is missing")
	}
	due, skipped, err := dueApplications(begin.AddDate(0, 0, -maxAge))
	if err != nil {
		return "", err
	}
	if config.GetBool("dry_run") {
		return summary(fmt.Sprintf("%d applications would be rotated (dry run), %d not due", len(due), skipped), due), nil
	}
	if err := store.checkRights(due); err != nil {
		return "", fmt.Errorf("%w; no secret was rotated", err)
	}

	var rotated []idp.Application
	for _, app := range due {
		if time.Since(begin) > lastBegin {
			return "", fmt.Errorf("the time of a run is too short for all that is due: run the task again "+
				"(%d applications rotated, %d not touched)", len(rotated), len(due)-len(rotated))
		}
		// Printed before, so that the log names the application however the run ends.
		fmt.Printf("rotating %s\n", app.Name)
		if err := rotate(store, app); err != nil {
			return "", fmt.Errorf("%w (%d applications rotated before, %d not touched)", err, len(rotated), len(due)-len(rotated)-1)
		}
		rotated = append(rotated, app)
	}
	return summary(fmt.Sprintf("%d applications rotated, %d not due", len(rotated), skipped), rotated), nil
}

// dueApplications are those with a client secret from before limit, and those that `rotate_now` names, whatever their age.
func dueApplications(limit time.Time) (due []idp.Application, skipped int, err error) {
	apps, err := idp.ListApplications()
	if err != nil {
		return nil, 0, fmt.Errorf("list applications: %w", err)
	}
	now, err := named("rotate_now", apps)
	if err != nil {
		return nil, 0, err
	}
	excluded, err := named("excluded_applications", apps)
	if err != nil {
		return nil, 0, err
	}
	for _, app := range apps {
		if app.Type != "oidc" {
			continue
		}
		old := app.SecretRotatedAt == nil || app.SecretRotatedAt.Before(limit)
		if now[app.Name] || old && !excluded[app.Name] {
			due = append(due, app)
		} else {
			skipped++
		}
	}
	return due, skipped, nil
}

// named holds the names in a config entry.
//
// A name that no OIDC application has is an error: misspelt, it would leave out the very application that it means.
func named(entry string, apps []idp.Application) (map[string]bool, error) {
	oidc := map[string]bool{}
	for _, app := range apps {
		oidc[app.Name] = app.Type == "oidc"
	}
	names := map[string]bool{}
	for _, name := range config.GetList(entry) {
		if !oidc[name] {
			return nil, fmt.Errorf("the config entry `%s` names %q, and no OIDC application is called that; no secret was rotated", entry, name)
		}
		names[name] = true
	}
	return names, nil
}

func rotate(store vault, app idp.Application) error {
	secret, err := idp.RotateApplicationSecret(app.ID)
	if err != nil {
		return fmt.Errorf("rotate the secret of application %q: %w", app.Name, err)
	}
	if err := store.write(app, secret); err != nil {
		return fmt.Errorf("application %q has a new client secret that could not be stored, and its old one is no longer valid: "+
			"repair the vault, put the application's name into the config entry `rotate_now` and run the task again: %w", app.Name, err)
	}
	return nil
}

func (v vault) entry(app idp.Application) string {
	return v.Mount + "/data/" + v.Path + "/" + url.PathEscape(app.ClientID)
}

// checkRights asks the vault what the token may do with the entries that are going to be written.
func (v vault) checkRights(apps []idp.Application) error {
	if len(apps) == 0 {
		return nil
	}
	var paths []string
	for _, app := range apps {
		paths = append(paths, v.entry(app))
	}
	body, _, err := v.call("POST", "sys/capabilities-self", map[string]interface{}{"paths": paths})
	if err != nil {
		return fmt.Errorf("ask the vault what the token may do: %w", err)
	}
	var answer struct {
		Data map[string][]string `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return fmt.Errorf("the vault's answer about the token: %w", err)
	}
	for _, path := range paths {
		may := map[string]bool{}
		for _, capability := range answer.Data[path] {
			may[capability] = true
		}
		// A new entry takes the right to create, a new version of one that is there the right to update.
		if !may["root"] && !(may["create"] && may["update"]) {
			return fmt.Errorf("the vault's token must be allowed to create and update %s; it has: %s",
				path, strings.Join(answer.Data[path], ", "))
		}
	}
	return nil
}

// write stores a secret. It tries again as long as the vault may yet accept it.
func (v vault) write(app idp.Application, secret string) error {
	entry := map[string]interface{}{"data": map[string]string{
		"client_id":     app.ClientID,
		"client_secret": secret,
		"rotated_at":    time.Now().UTC().Format(time.RFC3339),
	}}
	_, passing, err := v.call("PUT", v.entry(app), entry)
	for attempt, pause := range pauses {
		if err == nil || !passing {
			break
		}
		fmt.Printf("attempt %d to store the secret of %s failed: %v\n", attempt+1, app.Name, err)
		time.Sleep(pause)
		_, passing, err = v.call("PUT", v.entry(app), entry)
	}
	return err
}

// call sends a request and returns the answer's body. An error is passing where the same request may succeed later:
// there was no answer, or one that means the vault and not the request.
func (v vault) call(method, path string, params interface{}) (answer string, passing bool, err error) {
	body, err := json.Marshal(params)
	if err != nil {
		return "", false, err
	}
	response, err := v.send(method, path, string(body))
	if err != nil {
		return "", true, err
	}
	status := response.StatusCode
	if status >= 200 && status <= 299 {
		return response.Body, false, nil
	}
	// Only what a vault says about errors: whatever else is in an answer may repeat the request, with the secret in it.
	var refused struct {
		Errors []string `json:"errors"`
	}
	_ = json.Unmarshal([]byte(response.Body), &refused)
	reason := strings.TrimSpace(strings.Join(refused.Errors, "; "))
	// 412 comes from a vault of several machines of which this one does not have the newest data yet.
	passing = status == 412 || status == 429 || status >= 500
	return "", passing, fmt.Errorf("the vault answered with status %d %s", status, reason)
}

// send waits for an answer no longer than attemptLimit: `fetch` itself would wait until the run ends.
func (v vault) send(method, path, body string) (*fetch.Response, error) {
	type outcome struct {
		Response *fetch.Response
		Err      error
	}
	// It has room for an answer that comes too late.
	outcomes := make(chan outcome, 1)
	go func() {
		response, err := fetch.Do(method, v.URL+"/v1/"+path, body, map[string]string{
			"Content-Type":  "application/json",
			"X-Vault-Token": v.Token,
		})
		outcomes <- outcome{response, err}
	}()
	select {
	case got := <-outcomes:
		return got.Response, got.Err
	case <-time.After(attemptLimit):
		return nil, fmt.Errorf("the vault has not answered within %s", attemptLimit)
	}
}

func summary(first string, apps []idp.Application) string {
	lines := []string{first}
	for _, app := range apps {
		lines = append(lines, app.Name)
	}
	return strings.Join(lines, "\n")
}
