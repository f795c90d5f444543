// Users of an LDAP directory as users of a federated provider of type `ldap`.
//
// Entries that the filter finds are created, renamed and activated; users of the provider that are in the directory no
// longer are deactivated. Users of another source are left alone, also when they have an entry's address. With
// `group_map`, memberships of the groups that it names follow the directory too. An address that changes in the
// directory stays as it was here.
//
// A user of the provider whose entry is gone belongs to the entry that has the user's address now: somebody who was
// deleted in the directory and made anew has another identifier there. Where two entries have one address, the user
// stays that of the entry which they belong to already, or else of the first, and the other entry is left alone.
//
// The protocol is spoken here, over the standard library: a simple bind (RFC 4511) and a search in pages (RFC 2696).
// It needs the network itself, that is `--script-network all`, because `fetch` speaks HTTP only.
package task

import (
	"bufio"
	"bytes"
	"config"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"idp"
	"io"
	"net"
	"net/url"
	"secrets"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

func Run() (string, error) {
	provider, err := idp.GetFederatedProvider(config.Get("provider_id"))
	if err != nil {
		return "", fmt.Errorf("the provider of the config entry `provider_id`: %w", err)
	}
	if provider.ProviderType != "ldap" {
		return "", fmt.Errorf("the provider %q has type %s; this script is for ldap", provider.Name, provider.ProviderType)
	}
	run := &syncRun{Provider: *provider, DryRun: config.GetBool("dry_run"), Seen: map[string]bool{}}
	if err := run.readGroups(config.Get("group_map")); err != nil {
		return "", err
	}
	people, err := readDirectory()
	if err != nil {
		return "", err
	}
	if len(people) == 0 {
		return "", errors.New("the directory has no entry that matches; nothing was changed, because that would deactivate every user of the provider")
	}
	fmt.Printf("%d entries found\n", len(people))
	// Those whose identifier is known come first: after them it is clear which users have no entry of their own.
	var unknown []person
	for _, one := range people {
		known, err := run.known(one)
		if err != nil {
			run.fail(one, err)
		} else if !known {
			unknown = append(unknown, one)
		}
	}
	for _, one := range unknown {
		if err := run.unknown(one); err != nil {
			run.fail(one, err)
		}
	}
	if len(run.Failures) == 0 {
		if err := run.deactivateMissing(); err != nil {
			return "", err
		}
	} else {
		// Somebody whose entry could not be dealt with must not be taken for somebody without one.
		run.Failures = append(run.Failures, "nobody was deactivated because of these failures")
	}
	return run.result()
}

// --- What becomes of the entries ---

// person is what the directory says about somebody.
type person struct {
	DN        string
	Sub       string
	Email     string
	FirstName string
	LastName  string
	Groups    []string
}

type syncRun struct {
	Provider idp.Provider
	DryRun   bool
	// From a name in the directory, in lower case, to a group here, and all groups that stand for one.
	GroupOf map[string]idp.Group
	// Ids of the users that have an entry.
	Seen     map[string]bool
	Failures []string

	Created, Updated, Unchanged, Deactivated, LeftAlone int
}

// readGroups reads `group_map`, a JSON object: name of a group in the directory → name of a group here.
func (r *syncRun) readGroups(text string) error {
	r.GroupOf = map[string]idp.Group{}
	if text == "" {
		return nil
	}
	var names map[string]string
	if err := json.Unmarshal([]byte(text), &names); err != nil {
		return fmt.Errorf("the config entry `group_map` is no JSON object of texts: %w", err)
	}
	for dn, name := range names {
		group, err := idp.GetGroupByName(name)
		if err != nil {
			return fmt.Errorf("the group %q of the config entry `group_map`: %w", name, err)
		}
		r.GroupOf[strings.ToLower(dn)] = *group
	}
	return nil
}

func (r *syncRun) fail(one person, err error) {
	r.Failures = append(r.Failures, fmt.Sprintf("%s: %v", one.DN, err))
}

// known deals with an entry whose identifier belongs to a user, and tells whether it does.
func (r *syncRun) known(one person) (bool, error) {
	if one.Sub == "" {
		return false, fmt.Errorf("the entry has no attribute %s", config.Get("id_attribute"))
	}
	user, err := idp.GetFederatedUserBySub(r.Provider.ID, one.Sub)
	if err != nil || user == nil {
		return false, err
	}
	return true, r.update(user, one, nil)
}

// unknown deals with an entry whose identifier belongs to nobody: by its address it is that of a user, or of a new one.
func (r *syncRun) unknown(one person) error {
	if one.Email == "" {
		r.leaveAlone("%s has no e-mail address", one.DN)
		return nil
	}
	user, err := idp.GetUserByEmail(one.Email)
	if err != nil {
		return err
	}
	if user == nil {
		return r.create(one)
	}
	if r.Seen[user.ID] {
		r.leaveAlone("%s has the address of %s, who has another entry", one.DN, user.Email)
		return nil
	}
	if user.AuthSource == r.Provider.Name && !r.DryRun {
		// Whatever identifier the user may have here belongs to no entry any more.
		if err := idp.UnlinkFederatedIdentity(user.ID, r.Provider.ID); err != nil {
			return err
		}
		if err := idp.LinkFederatedIdentity(user.ID, r.Provider.ID, one.Sub); err != nil {
			return err
		}
	}
	return r.update(user, one, []string{"linked"})
}

func (r *syncRun) leaveAlone(format string, args ...interface{}) {
	r.LeftAlone++
	fmt.Printf("left alone: "+format+"\n", args...)
}

// update brings a user in line with their entry; changes are those that were made before.
func (r *syncRun) update(user *idp.User, one person, changes []string) error {
	r.Seen[user.ID] = true
	if user.AuthSource != r.Provider.Name {
		r.leaveAlone("%s is a user of %s", user.Email, user.AuthSource)
		return nil
	}
	if user.FirstName != one.FirstName || user.LastName != one.LastName {
		changes = append(changes, "renamed")
		if !r.DryRun {
			if err := idp.UpdateUserProfile(user.ID, one.FirstName, one.LastName); err != nil {
				return err
			}
		}
	}
	if !user.IsActive {
		changes = append(changes, "activated")
		if !r.DryRun {
			if err := idp.UpdateUserActive(user.ID, true); err != nil {
				return err
			}
		}
	}
	moved, err := r.memberships(user.ID, one)
	if err != nil {
		return err
	}
	changes = append(changes, moved...)
	if len(changes) == 0 {
		r.Unchanged++
		return nil
	}
	r.Updated++
	fmt.Printf("updated %s: %s\n", user.Email, strings.Join(changes, ", "))
	return nil
}

func (r *syncRun) create(one person) error {
	r.Created++
	fmt.Printf("created %s\n", one.Email)
	if r.DryRun {
		return nil
	}
	user, err := idp.CreateUser(one.Email, one.FirstName, one.LastName, r.Provider.Name)
	if err != nil {
		r.Created--
		return err
	}
	r.Seen[user.ID] = true
	if err := idp.LinkFederatedIdentity(user.ID, r.Provider.ID, one.Sub); err != nil {
		return err
	}
	_, err = r.memberships(user.ID, one)
	return err
}

// memberships adds a user to the groups of their entry, and takes them out of the other groups of `group_map`.
func (r *syncRun) memberships(userID string, one person) ([]string, error) {
	if len(r.GroupOf) == 0 {
		return nil, nil
	}
	wanted := map[string]bool{}
	for _, dn := range one.Groups {
		if group, known := r.GroupOf[strings.ToLower(dn)]; known {
			wanted[group.ID] = true
		}
	}
	present := map[string]bool{}
	groups, err := idp.GetUserGroups(userID)
	if err != nil {
		return nil, err
	}
	for _, group := range groups {
		present[group.ID] = true
	}
	var changes []string
	done := map[string]bool{}
	for _, group := range r.GroupOf {
		// Two groups of the directory may stand for the same one here.
		if done[group.ID] || wanted[group.ID] == present[group.ID] {
			continue
		}
		done[group.ID] = true
		change, apply := "added to "+group.Name, idp.AddUserToGroup
		if present[group.ID] {
			change, apply = "removed from "+group.Name, idp.RemoveUserFromGroup
		}
		changes = append(changes, change)
		if r.DryRun {
			continue
		}
		if err := apply(userID, group.ID); err != nil {
			return nil, err
		}
	}
	sort.Strings(changes)
	return changes, nil
}

func (r *syncRun) deactivateMissing() error {
	users, err := idp.ListUsers()
	if err != nil {
		return fmt.Errorf("list users: %w", err)
	}
	for _, user := range users {
		if user.AuthSource != r.Provider.Name || !user.IsActive || r.Seen[user.ID] {
			continue
		}
		if !r.DryRun {
			if err := idp.UpdateUserActive(user.ID, false); err != nil {
				r.Failures = append(r.Failures, fmt.Sprintf("%s: %v", user.Email, err))
				continue
			}
		}
		r.Deactivated++
		fmt.Printf("deactivated %s\n", user.Email)
	}
	return nil
}

func (r *syncRun) result() (string, error) {
	summary := fmt.Sprintf("%d created, %d updated, %d unchanged, %d deactivated, %d left alone",
		r.Created, r.Updated, r.Unchanged, r.Deactivated, r.LeftAlone)
	if r.DryRun {
		summary += " (dry run: nothing was changed)"
	}
	if len(r.Failures) > 0 {
		return "", fmt.Errorf("%s; failed: %s", summary, strings.Join(r.Failures, "; "))
	}
	return summary, nil
}

// --- The directory ---

// Tags of BER, as RFC 4511 uses them.
const (
	tagInteger    = 0x02
	tagOctets     = 0x04
	tagEnumerated = 0x0a
	tagSequence   = 0x30
	tagSet        = 0x31

	bindRequest   = 0x60
	bindResponse  = 0x61
	searchRequest = 0x63
	searchEntry   = 0x64
	searchDone    = 0x65
	unbindRequest = 0x42
	extendedReply = 0x78
	controlsTag   = 0xa0

	pagedResults = "1.2.840.113556.1.4.319"
	// What a message may have at most: a page of entries comes as one message for each entry.
	maxMessage = 8 << 20
)

func readDirectory() ([]person, error) {
	password := secrets.Get("LDAP_PASSWORD")
	if password == "" {
		// A bind with a name and no password succeeds at many servers, as nobody.
		return nil, errors.New("the secret LDAP_PASSWORD is missing")
	}
	filter, err := parseFilter(config.Get("filter"))
	if err != nil {
		return nil, fmt.Errorf("the config entry `filter`: %w", err)
	}
	conn, err := dial(config.Get("ldap_url"))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// The whole conversation fits into the time that a script has.
	if err := conn.SetDeadline(time.Now().Add(25 * time.Second)); err != nil {
		return nil, err
	}
	ldap := &client{Conn: conn, Reader: bufio.NewReader(conn)}
	if err := ldap.bind(config.Get("bind_dn"), password); err != nil {
		return nil, err
	}
	id, email := config.Get("id_attribute"), config.Get("email_attribute")
	first, last := config.Get("first_name_attribute"), config.Get("last_name_attribute")
	groups := config.Get("group_attribute")
	entries, err := ldap.search(config.Get("base_dn"), filter, []string{id, email, first, last, groups}, config.GetInt("page_size"))
	if err != nil {
		return nil, err
	}
	ldap.send(tlv(unbindRequest), nil)
	var people []person
	for _, entry := range entries {
		people = append(people, person{
			DN:        entry.DN,
			Sub:       printable(entry.first(id)),
			Email:     strings.TrimSpace(entry.first(email)),
			FirstName: entry.first(first),
			LastName:  entry.first(last),
			Groups:    entry.Values[strings.ToLower(groups)],
		})
	}
	return people, nil
}

// dial connects by the scheme of the address. A password goes over an unprotected connection only where that is wanted.
func dial(address string) (net.Conn, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" {
		return nil, fmt.Errorf("the config entry `ldap_url` is %q; it must be like ldaps://ldap.example.com", address)
	}
	port := parsed.Port()
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	switch parsed.Scheme {
	case "ldaps":
		if port == "" {
			port = "636"
		}
		settings := &tls.Config{ServerName: parsed.Hostname(), MinVersion: tls.VersionTLS12}
		if authority := config.Get("ca_certificate"); authority != "" {
			settings.RootCAs = x509.NewCertPool()
			if !settings.RootCAs.AppendCertsFromPEM([]byte(authority)) {
				return nil, errors.New("the config entry `ca_certificate` holds no certificate in PEM")
			}
		}
		conn, err := tls.DialWithDialer(dialer, "tcp", net.JoinHostPort(parsed.Hostname(), port), settings)
		if err != nil {
			return nil, fmt.Errorf("connect to the directory: %w", err)
		}
		return conn, nil
	case "ldap":
		if !config.GetBool("allow_plaintext") {
			return nil, errors.New("over ldap:// the password would be readable on the way: use ldaps://, or set the config entry `allow_plaintext` to true")
		}
		if port == "" {
			port = "389"
		}
		conn, err := dialer.Dial("tcp", net.JoinHostPort(parsed.Hostname(), port))
		if err != nil {
			return nil, fmt.Errorf("connect to the directory: %w", err)
		}
		return conn, nil
	}
	return nil, fmt.Errorf("the config entry `ldap_url` is %q; it must begin with ldaps:// or ldap://", address)
}

type client struct {
	Conn   net.Conn
	Reader *bufio.Reader
	LastID int
}

type entry struct {
	DN string
	// By the attribute's name in lower case.
	Values map[string][]string
}

func (e entry) first(attribute string) string {
	if values := e.Values[strings.ToLower(attribute)]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func (c *client) bind(dn, password string) error {
	request := tlv(bindRequest, integer(tagInteger, 3), octets(tagOctets, dn), octets(0x80, password))
	if err := c.send(request, nil); err != nil {
		return fmt.Errorf("bind to the directory: %w", err)
	}
	answer, _, err := c.receive()
	if err != nil {
		return fmt.Errorf("bind to the directory: %w", err)
	}
	if answer.Tag != bindResponse {
		return fmt.Errorf("bind to the directory: an answer with tag %#x", answer.Tag)
	}
	if err := answer.result(); err != nil {
		return fmt.Errorf("bind to the directory as %q: %w", dn, err)
	}
	return nil
}

// search asks for one page after the other until the server has no cookie for a next one.
func (c *client) search(base string, filter []byte, attributes []string, pageSize int) ([]entry, error) {
	if pageSize < 1 {
		pageSize = 500
	}
	var wanted [][]byte
	for _, attribute := range attributes {
		if attribute != "" {
			wanted = append(wanted, octets(tagOctets, attribute))
		}
	}
	request := tlv(searchRequest,
		octets(tagOctets, base),
		integer(tagEnumerated, 2), // The whole subtree,
		integer(tagEnumerated, 0), // aliases as they are,
		integer(tagInteger, 0),    // as many as there are,
		integer(tagInteger, 0),    // however long it takes,
		tlv(0x01, []byte{0}),      // values too.
		filter,
		tlv(tagSequence, wanted...),
	)
	var found []entry
	cookie := ""
	for {
		page := tlv(tagSequence, integer(tagInteger, pageSize), octets(tagOctets, cookie))
		control := tlv(tagSequence, octets(tagOctets, pagedResults), tlv(0x01, []byte{0xff}), octets(tagOctets, string(page)))
		if err := c.send(request, tlv(controlsTag, control)); err != nil {
			return nil, fmt.Errorf("search: %w", err)
		}
		entries, next, err := c.page()
		if err != nil {
			return nil, fmt.Errorf("search below %q: %w", base, err)
		}
		found = append(found, entries...)
		fmt.Printf("a page of %d entries\n", len(entries))
		if next == "" {
			return found, nil
		}
		cookie = next
	}
}

// page reads the entries of one answer and the cookie for the next one.
func (c *client) page() ([]entry, string, error) {
	var found []entry
	for {
		message, controls, err := c.receive()
		if err != nil {
			return nil, "", err
		}
		switch message.Tag {
		case searchEntry:
			one, err := readEntry(message)
			if err != nil {
				return nil, "", err
			}
			found = append(found, one)
		case searchDone:
			if err := message.result(); err != nil {
				return nil, "", err
			}
			cookie, err := pageCookie(controls)
			return found, cookie, err
		}
		// Anything else is a reference to another server, which is not followed.
	}
}

func readEntry(message element) (entry, error) {
	parts, err := message.children()
	if err != nil || len(parts) < 2 {
		return entry{}, errors.New("an entry without name or attributes")
	}
	one := entry{DN: string(parts[0].Value), Values: map[string][]string{}}
	attributes, err := parts[1].children()
	if err != nil {
		return entry{}, err
	}
	for _, attribute := range attributes {
		pair, err := attribute.children()
		if err != nil || len(pair) < 2 {
			return entry{}, errors.New("an attribute without name or values")
		}
		values, err := pair[1].children()
		if err != nil {
			return entry{}, err
		}
		name := strings.ToLower(string(pair[0].Value))
		for _, value := range values {
			one.Values[name] = append(one.Values[name], string(value.Value))
		}
	}
	return one, nil
}

func pageCookie(controls element) (string, error) {
	list, err := controls.children()
	if err != nil {
		return "", err
	}
	for _, control := range list {
		parts, err := control.children()
		if err != nil {
			return "", err
		}
		if len(parts) < 2 || string(parts[0].Value) != pagedResults {
			continue
		}
		// Its value comes last: whether it is critical may stand in between.
		value, _, err := readElement(parts[len(parts)-1].Value)
		if err != nil {
			return "", err
		}
		page, err := value.children()
		if err != nil || len(page) < 2 {
			return "", errors.New("a page control without a cookie")
		}
		return string(page[1].Value), nil
	}
	return "", nil
}

func (c *client) send(request, controls []byte) error {
	c.LastID++
	_, err := c.Conn.Write(tlv(tagSequence, integer(tagInteger, c.LastID), request, controls))
	return err
}

// receive reads one message: what it says, and its controls.
func (c *client) receive() (message, controls element, err error) {
	tag, length, err := readHeader(c.Reader)
	if err != nil {
		return message, controls, fmt.Errorf("read from the directory: %w", err)
	}
	if tag != tagSequence || length > maxMessage {
		return message, controls, fmt.Errorf("this is no LDAP server, or a message of %d bytes is too long", length)
	}
	content := make([]byte, length)
	if _, err := io.ReadFull(c.Reader, content); err != nil {
		return message, controls, fmt.Errorf("read from the directory: %w", err)
	}
	parts, err := element{Tag: tag, Value: content}.children()
	if err != nil {
		return message, controls, err
	}
	if len(parts) < 2 {
		return message, controls, errors.New("the directory sent a message without content")
	}
	message = parts[1]
	if message.Tag == extendedReply {
		return message, controls, fmt.Errorf("the directory ended the connection: %v", message.result())
	}
	if len(parts) > 2 && parts[2].Tag == controlsTag {
		controls = parts[2]
	}
	return message, controls, nil
}

// --- BER: the bytes of the protocol ---

type element struct {
	Tag   int
	Value []byte
}

// tlv is tag, length and value; the value is made of parts.
func tlv(tag int, parts ...[]byte) []byte {
	length := 0
	for _, part := range parts {
		length += len(part)
	}
	made := []byte{byte(tag)}
	if length < 0x80 {
		made = append(made, byte(length))
	} else {
		made = append(made, 0x84, byte(length>>24), byte(length>>16), byte(length>>8), byte(length))
	}
	for _, part := range parts {
		made = append(made, part...)
	}
	return made
}

// integer is a number that is not negative. A leading zero keeps its first bit from being taken for a sign.
func integer(tag, number int) []byte {
	content := []byte{byte(number)}
	for rest := number >> 8; rest > 0; rest >>= 8 {
		content = append([]byte{byte(rest)}, content...)
	}
	if content[0] >= 0x80 {
		content = append([]byte{0}, content...)
	}
	return tlv(tag, content)
}

func octets(tag int, text string) []byte {
	return tlv(tag, []byte(text))
}

// readHeader reads a tag and a length, byte by byte.
func readHeader(from io.ByteReader) (tag, length int, err error) {
	one, err := from.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	tag = int(one)
	if one, err = from.ReadByte(); err != nil {
		return 0, 0, err
	}
	if one < 0x80 {
		return tag, int(one), nil
	}
	count := int(one & 0x7f)
	if count < 1 || count > 4 {
		return 0, 0, fmt.Errorf("a length of %d bytes", count)
	}
	for i := 0; i < count; i++ {
		if one, err = from.ReadByte(); err != nil {
			return 0, 0, err
		}
		length = length<<8 | int(one)
	}
	return tag, length, nil
}

// readElement takes the first element off some bytes.
func readElement(from []byte) (first element, rest []byte, err error) {
	header := bytes.NewReader(from)
	tag, length, err := readHeader(header)
	if err != nil {
		return first, nil, fmt.Errorf("broken message of the directory: %w", err)
	}
	rest = from[len(from)-header.Len():]
	if length > len(rest) {
		return first, nil, errors.New("broken message of the directory: an element is longer than what holds it")
	}
	return element{Tag: tag, Value: rest[:length]}, rest[length:], nil
}

func (e element) children() ([]element, error) {
	var found []element
	rest := e.Value
	for len(rest) > 0 {
		one, after, err := readElement(rest)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
		rest = after
	}
	return found, nil
}

func (e element) number() int {
	number := 0
	for _, one := range e.Value {
		number = number<<8 | int(one)
	}
	return number
}

var resultNames = map[int]string{
	1: "operations error", 3: "time limit exceeded", 4: "size limit exceeded", 8: "strong authentication required",
	11: "administrative limit exceeded", 12: "the server does not know pages", 13: "confidentiality required",
	32: "no such object", 34: "invalid name", 49: "invalid credentials", 50: "insufficient access rights", 52: "unavailable",
}

// result is the error of an answer; nil when it says that all went well.
func (e element) result() error {
	parts, err := e.children()
	if err != nil {
		return err
	}
	if len(parts) < 3 {
		return errors.New("broken message of the directory: a result without a code")
	}
	code := parts[0].number()
	if code == 0 {
		return nil
	}
	text := fmt.Sprintf("result %d", code)
	if name := resultNames[code]; name != "" {
		text += " (" + name + ")"
	}
	if diagnosis := string(parts[2].Value); diagnosis != "" {
		text += ": " + diagnosis
	}
	return errors.New(text)
}

// --- Filters ---

// parseFilter reads (attribute=value), (attribute=*), (attribute:rule:=value), (&…), (|…) and (!…), as RFC 4515 writes
// them. Other filters, such as parts of values, are refused.
func parseFilter(text string) ([]byte, error) {
	filter, rest, err := filterAt(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, fmt.Errorf("%q comes after its end", rest)
	}
	return filter, nil
}

func filterAt(text string) (filter []byte, rest string, err error) {
	if len(text) < 3 || text[0] != '(' {
		return nil, "", fmt.Errorf("a filter must begin with a bracket, at %q", text)
	}
	inner := text[1:]
	if tag := map[byte]int{'&': 0xa0, '|': 0xa1, '!': 0xa2}[inner[0]]; tag != 0 {
		return combined(tag, inner[1:])
	}
	end := strings.IndexByte(inner, ')')
	if end < 0 {
		return nil, "", fmt.Errorf("a bracket is not closed, at %q", text)
	}
	filter, err = comparison(inner[:end])
	return filter, inner[end+1:], err
}

func combined(tag int, rest string) ([]byte, string, error) {
	var parts [][]byte
	for strings.HasPrefix(rest, "(") {
		part, after, err := filterAt(rest)
		if err != nil {
			return nil, "", err
		}
		parts = append(parts, part)
		rest = after
	}
	if !strings.HasPrefix(rest, ")") || len(parts) == 0 || tag == 0xa2 && len(parts) != 1 {
		return nil, "", fmt.Errorf("a combination of filters is not complete, at %q", rest)
	}
	return tlv(tag, parts...), rest[1:], nil
}

func comparison(text string) ([]byte, error) {
	equals := strings.IndexByte(text, '=')
	if equals < 1 || strings.ContainsAny(text[equals-1:equals], "<>~") {
		return nil, fmt.Errorf("%q is not attribute=value", text)
	}
	name, value := text[:equals], text[equals+1:]
	if value == "*" {
		return octets(0x87, name), nil
	}
	if strings.Contains(value, "*") {
		return nil, fmt.Errorf("%q compares a part of a value, which this script cannot", text)
	}
	value, err := unescape(value)
	if err != nil {
		return nil, err
	}
	if parts := strings.Split(name, ":"); len(parts) == 3 && parts[2] == "" {
		return tlv(0xa9, octets(0x81, parts[1]), octets(0x82, parts[0]), octets(0x83, value)), nil
	}
	return tlv(0xa3, octets(tagOctets, name), octets(tagOctets, value)), nil
}

// unescape replaces \28 and the like by the byte that they stand for.
func unescape(value string) (string, error) {
	var made strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			made.WriteByte(value[i])
			continue
		}
		if i+2 >= len(value) {
			return "", fmt.Errorf("%q ends within an escaped byte", value)
		}
		one, err := hex.DecodeString(value[i+1 : i+3])
		if err != nil {
			return "", fmt.Errorf("%q has a backslash that two hexadecimal digits do not follow", value)
		}
		made.Write(one)
		i += 2
	}
	return made.String(), nil
}

// printable is a text as it is, and anything else, such as the objectGUID of Active Directory, in hexadecimal digits.
func printable(value string) string {
	if !utf8.ValidString(value) {
		return hex.EncodeToString([]byte(value))
	}
	for _, one := range value {
		if one < ' ' {
			return hex.EncodeToString([]byte(value))
		}
	}
	return value
}
