CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL,
    -- The address in lower case, by the rules of Unicode: one address is one user.
    email_folded  TEXT NOT NULL UNIQUE,
    first_name    TEXT NOT NULL,
    last_name     TEXT NOT NULL,
    -- Address and names in lower case, which lists are searched in.
    searched      TEXT NOT NULL,
    is_active     INTEGER NOT NULL,
    -- `internal`, or the name of a federated provider, which may be gone.
    auth_source   TEXT NOT NULL,
    -- A JSON object of strings.
    attributes    TEXT NOT NULL,
    last_login_at INTEGER,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE user_groups (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    -- The name in lower case, which lists are searched in.
    name_folded TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX group_members_user ON group_members (user_id);

CREATE TABLE federated_providers (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    -- google, github, microsoft, apple, oidc, saml, ldap
    provider_type TEXT NOT NULL,
    enabled       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

-- Who a user is to a provider. A user has one identity with each.
CREATE TABLE federated_identities (
    provider_id TEXT NOT NULL REFERENCES federated_providers (id) ON DELETE CASCADE,
    subject     TEXT NOT NULL,
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    linked_at   INTEGER NOT NULL,
    PRIMARY KEY (provider_id, subject),
    UNIQUE (provider_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX federated_identities_user ON federated_identities (user_id);

CREATE TABLE applications (
    id                TEXT PRIMARY KEY,
    name              TEXT NOT NULL UNIQUE,
    -- oidc, spa, saml, external
    application_type  TEXT NOT NULL,
    -- Of oidc and spa.
    client_id         TEXT UNIQUE,
    -- SHA-256 of the client secret; of oidc.
    secret_hash       BLOB,
    secret_rotated_at INTEGER,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;

CREATE TABLE saml_sessions (
    id          TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application TEXT,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX saml_sessions_expiry ON saml_sessions (expires_at);
CREATE INDEX saml_sessions_user ON saml_sessions (user_id);

CREATE TABLE trusted_devices (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX trusted_devices_expiry ON trusted_devices (expires_at);
CREATE INDEX trusted_devices_user ON trusted_devices (user_id);

-- A message is pending until it has a `delivered_at`; nobody sees it before.
CREATE TABLE user_messages (
    id            TEXT PRIMARY KEY,
    user_id       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    subject       TEXT NOT NULL,
    body          TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    deliver_after INTEGER NOT NULL,
    delivered_at  INTEGER
) STRICT;

CREATE INDEX user_messages_pending ON user_messages (deliver_after) WHERE delivered_at IS NULL;
CREATE INDEX user_messages_of_user ON user_messages (user_id, delivered_at, created_at, id);

CREATE TABLE access_requests (
    id            TEXT PRIMARY KEY,
    requester_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    template_name TEXT NOT NULL,
    -- pending, approved, denied, expired, revoked
    status        TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    -- Without it a request waits for ever.
    expires_at    INTEGER,
    -- When the request ceased to be pending.
    closed_at     INTEGER
) STRICT;

CREATE INDEX access_requests_pending ON access_requests (expires_at) WHERE status = 'pending';
CREATE INDEX access_requests_requester ON access_requests (requester_id);

CREATE TABLE access_request_approvers (
    request_id TEXT NOT NULL REFERENCES access_requests (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (request_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX access_request_approvers_user ON access_request_approvers (user_id);

-- Every version of every preset.
CREATE TABLE preset_definitions (
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    definition TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

-- The newest version of each preset, as of the last rebuild.
CREATE TABLE preset_cache (
    name         TEXT PRIMARY KEY,
    version      INTEGER NOT NULL,
    definition   TEXT NOT NULL,
    refreshed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_tokens (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;

CREATE INDEX agent_tokens_idle ON agent_tokens ((COALESCE(last_used_at, created_at))) WHERE revoked_at IS NULL;

-- An entry outlives whatever it tells of, so there are no foreign keys.
CREATE TABLE audit_log (
    id          TEXT PRIMARY KEY,
    at          INTEGER NOT NULL,
    -- The name of who did it, for people, and what identifies them.
    actor       TEXT NOT NULL,
    principal   TEXT,
    -- The token with which they came. It may be gone.
    token_id    TEXT,
    request_id  TEXT,
    action      TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id   TEXT,
    object_name TEXT,
    -- A JSON object: what changed, and never the value of a secret.
    details     TEXT NOT NULL
) STRICT;

CREATE INDEX audit_log_age ON audit_log (at, id);
CREATE INDEX audit_log_object ON audit_log (object_id, at, id);
