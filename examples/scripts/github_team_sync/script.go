// Gives GitHub teams the members of groups: the group `github-team:backend` is the team with the slug `backend`.
//
// Members of a team are the active members of its group that have the attribute `github_username`; whoever else is in
// the team, or invited to it, is removed from it. Those who are not in the organisation yet are invited by GitHub, one
// time. A team keeps its members where nobody is wanted at all, unless `may_be_empty` names it: it is more likely that
// the attribute has got another name.
//
// The script works as a GitHub App that is installed in the organisation and may read and write its members. GitHub
// counts the members of child teams among those of the parent: do not give a team that has children a group.
package task

import (
	"config"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fetch"
	"fmt"
	"idp"
	"net/url"
	"secrets"
	"sort"
	"strings"
	"time"
)

type github struct {
	URL   string
	Org   string
	Token string
}

func Run() (string, error) {
	gh := github{URL: strings.TrimSuffix(config.Get("api_url"), "/"), Org: config.Get("org")}
	prefix := config.Get("group_prefix")
	dryRun := config.GetBool("dry_run")
	if gh.URL == "" || gh.Org == "" || prefix == "" {
		return "", errors.New("the config entries `api_url`, `org` and `group_prefix` are needed")
	}
	jwt, err := appToken(config.Get("app_id"), secrets.Get("GITHUB_APP_PRIVATE_KEY"), time.Now())
	if err != nil {
		return "", err
	}
	gh.Token, err = gh.installationToken(jwt, config.Get("installation_id"))
	if err != nil {
		return "", err
	}
	mayBeEmpty := map[string]bool{}
	for _, team := range config.GetList("may_be_empty") {
		mayBeEmpty[team] = true
	}
	groups, err := idp.ListGroups()
	if err != nil {
		return "", fmt.Errorf("list groups: %w", err)
	}

	var teams, added, removed int
	var details, failures []string
	for _, group := range groups {
		if !strings.HasPrefix(group.Name, prefix) {
			continue
		}
		teams++
		team := strings.TrimPrefix(group.Name, prefix)
		add, remove, err := gh.compare(group, team, mayBeEmpty[team])
		if err != nil {
			failures = append(failures, fmt.Sprintf("team %s: %v", team, err))
			continue
		}
		// The other teams are worked on also where one change fails.
		for _, login := range add {
			if err := gh.change("PUT", team, login, dryRun); err != nil {
				failures = append(failures, err.Error())
				continue
			}
			added++
			details = append(details, fmt.Sprintf("%s: added %s", team, login))
		}
		for _, login := range remove {
			if err := gh.change("DELETE", team, login, dryRun); err != nil {
				failures = append(failures, err.Error())
				continue
			}
			removed++
			details = append(details, fmt.Sprintf("%s: removed %s", team, login))
		}
	}

	summary := fmt.Sprintf("%d teams: %d members added, %d removed", teams, added, removed)
	if dryRun {
		summary += " (dry run: nothing was changed)"
	}
	if len(failures) > 0 {
		return "", fmt.Errorf("%s; %d failures: %s", summary, len(failures), strings.Join(failures, "; "))
	}
	return strings.Join(append([]string{summary}, details...), "\n"), nil
}

// compare finds out who has to be added to a team and who has to be removed from it.
func (gh github) compare(group idp.Group, team string, mayBeEmpty bool) (add, remove []string, err error) {
	members, err := idp.GetGroupMembers(group.ID)
	if err != nil {
		return nil, nil, fmt.Errorf("members of group %q: %w", group.Name, err)
	}
	// By the name in lower case, because GitHub does not tell cases apart.
	wanted := map[string]string{}
	for _, member := range members {
		login := strings.TrimSpace(member.Attributes["github_username"])
		if !member.IsActive {
			continue
		}
		if login == "" {
			fmt.Printf("%s: %s has no attribute github_username\n", team, member.Email)
			continue
		}
		wanted[strings.ToLower(login)] = login
	}
	current, err := gh.logins("/teams/" + url.PathEscape(team) + "/members")
	if err != nil {
		return nil, nil, err
	}
	invited, err := gh.logins("/teams/" + url.PathEscape(team) + "/invitations")
	if err != nil {
		return nil, nil, err
	}
	if len(wanted) == 0 && len(current) > 0 && !mayBeEmpty {
		return nil, nil, fmt.Errorf("it would lose all its members, because no active member of group %q has the attribute "+
			"github_username; if that is meant, put %q into the config entry `may_be_empty`", group.Name, team)
	}
	for lower, login := range wanted {
		if current[lower] == "" && invited[lower] == "" {
			add = append(add, login)
		}
	}
	// Ending a membership takes an invitation back as well.
	for lower, login := range invited {
		current[lower] = login
	}
	for lower, login := range current {
		if wanted[lower] == "" {
			remove = append(remove, login)
		}
	}
	sort.Strings(add)
	sort.Strings(remove)
	return add, remove, nil
}

func (gh github) change(method, team, login string, dryRun bool) error {
	verb := map[string]string{"PUT": "add", "DELETE": "remove"}[method]
	fmt.Printf("%s: %s %s\n", team, verb, login)
	if dryRun {
		return nil
	}
	path := gh.org("/teams/" + url.PathEscape(team) + "/memberships/" + url.PathEscape(login))
	if _, err := gh.call(method, path, gh.Token); err != nil {
		return fmt.Errorf("team %s: %s %s: %w", team, verb, login, err)
	}
	return nil
}

// logins reads a list of accounts with all its pages: lower case → as written.
func (gh github) logins(path string) (map[string]string, error) {
	found := map[string]string{}
	next := gh.org(path + "?per_page=100")
	for next != "" {
		response, err := gh.call("GET", next, gh.Token)
		if err != nil {
			return nil, err
		}
		var page []struct {
			Login string `json:"login"`
		}
		if err := json.Unmarshal([]byte(response.Body), &page); err != nil {
			return nil, fmt.Errorf("the answer to GET %s: %w", next, err)
		}
		for _, account := range page {
			// People who are invited by e-mail have no account yet.
			if account.Login != "" {
				found[strings.ToLower(account.Login)] = account.Login
			}
		}
		if next, err = gh.nextPage(response.Headers["Link"]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// nextPage is the address of the relation "next" in a Link header, or "" on the last page. An address elsewhere is an
// error: the token would go with the request.
func (gh github) nextPage(links string) (string, error) {
	for _, link := range strings.Split(links, ",") {
		parts := strings.Split(link, ";")
		for _, parameter := range parts[1:] {
			if strings.TrimSpace(parameter) == `rel="next"` {
				address := strings.Trim(strings.TrimSpace(parts[0]), "<>")
				if !strings.HasPrefix(address, gh.URL+"/") {
					return "", fmt.Errorf("the next page is at %s, which does not belong to `api_url`, %s", address, gh.URL)
				}
				return address, nil
			}
		}
	}
	return "", nil
}

func (gh github) org(path string) string {
	return gh.URL + "/orgs/" + url.PathEscape(gh.Org) + path
}

// call sends a request; an answer that is not a success is an error with GitHub's message.
func (gh github) call(method, address, token string) (*fetch.Response, error) {
	response, err := fetch.Do(method, address, "", map[string]string{
		"Accept":               "application/vnd.github+json",
		"Authorization":        "Bearer " + token,
		"User-Agent":           "justiam-github-team-sync",
		"X-GitHub-Api-Version": "2022-11-28",
	})
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 200 && response.StatusCode <= 299 {
		return response, nil
	}
	var problem struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal([]byte(response.Body), &problem)
	return nil, fmt.Errorf("%s %s: GitHub answered with status %d %s", method, address, response.StatusCode, problem.Message)
}

// installationToken exchanges the app's own token for one that may act in the organisation, for an hour.
func (gh github) installationToken(jwt, installation string) (string, error) {
	if installation == "" {
		return "", errors.New("the config entry `installation_id` is missing")
	}
	response, err := gh.call("POST", gh.URL+"/app/installations/"+url.PathEscape(installation)+"/access_tokens", jwt)
	if err != nil {
		return "", fmt.Errorf("token of the installation: %w", err)
	}
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal([]byte(response.Body), &answer); err != nil {
		return "", fmt.Errorf("token of the installation: %w", err)
	}
	if answer.Token == "" {
		return "", errors.New("token of the installation: there is none in GitHub's answer")
	}
	return answer.Token, nil
}

// appToken makes the JWT by which an app proves who it is. GitHub accepts at most ten minutes; a minute back is for
// clocks that differ.
func appToken(app, key string, now time.Time) (string, error) {
	if app == "" {
		return "", errors.New("the config entry `app_id` is missing")
	}
	private, err := privateKey(key)
	if err != nil {
		return "", fmt.Errorf("the secret GITHUB_APP_PRIVATE_KEY: %w", err)
	}
	claims, err := json.Marshal(map[string]interface{}{
		"iss": app,
		"iat": now.Add(-time.Minute).Unix(),
		"exp": now.Add(8 * time.Minute).Unix(),
	})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign the token of the app: %w", err)
	}
	return signed + "." + encode(signature), nil
}

// privateKey reads a key as GitHub hands it out (PKCS #1), or as other tools convert it (PKCS #8).
func privateKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("it is not a PEM file; copy it whole, with its first and last line")
	}
	if block.Type == "RSA PRIVATE KEY" {
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("it is not an RSA key")
	}
	return key, nil
}
