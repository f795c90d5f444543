CREATE TABLE users (
    id            TEXT COLLATE "C" PRIMARY KEY,
    email         TEXT COLLATE "C" NOT NULL,
    -- The address in lower case, by the rules of Unicode: one address is one user.
    email_folded  TEXT COLLATE "C" NOT NULL UNIQUE,
    first_name    TEXT COLLATE "C" NOT NULL,
    last_name     TEXT COLLATE "C" NOT NULL,
    -- Address and names in lower case, which lists are searched in.
    searched      TEXT COLLATE "C" NOT NULL,
    is_active     BOOLEAN NOT NULL,
    -- `internal`, or the name of a federated provider, which may be gone.
    auth_source   TEXT COLLATE "C" NOT NULL,
    -- A JSON object of strings.
    attributes    TEXT COLLATE "C" NOT NULL,
    last_login_at BIGINT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE TABLE user_groups (
    id          TEXT COLLATE "C" PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL UNIQUE,
    -- The name in lower case, which lists are searched in.
    name_folded TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

CREATE TABLE group_members (
    group_id TEXT COLLATE "C" NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id  TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (group_id, user_id)
);

CREATE INDEX group_members_user ON group_members (user_id);

CREATE TABLE federated_providers (
    id            TEXT COLLATE "C" PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL UNIQUE,
    -- google, github, microsoft, apple, oidc, saml, ldap
    provider_type TEXT COLLATE "C" NOT NULL,
    enabled       BOOLEAN NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

-- Who a user is to a provider. A user has one identity with each.
CREATE TABLE federated_identities (
    provider_id TEXT COLLATE "C" NOT NULL REFERENCES federated_providers (id) ON DELETE CASCADE,
    subject     TEXT COLLATE "C" NOT NULL,
    user_id     TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    linked_at   BIGINT NOT NULL,
    PRIMARY KEY (provider_id, subject),
    UNIQUE (provider_id, user_id)
);

CREATE INDEX federated_identities_user ON federated_identities (user_id);

CREATE TABLE applications (
    id                TEXT COLLATE "C" PRIMARY KEY,
    name              TEXT COLLATE "C" NOT NULL UNIQUE,
    -- oidc, spa, saml, external
    application_type  TEXT COLLATE "C" NOT NULL,
    -- Of oidc and spa.
    client_id         TEXT COLLATE "C" UNIQUE,
    -- SHA-256 of the client secret; of oidc.
    secret_hash       BYTEA,
    secret_rotated_at BIGINT,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);

CREATE TABLE saml_sessions (
    id          TEXT COLLATE "C" PRIMARY KEY,
    user_id     TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application TEXT COLLATE "C",
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);

CREATE INDEX saml_sessions_expiry ON saml_sessions (expires_at);
CREATE INDEX saml_sessions_user ON saml_sessions (user_id);

CREATE TABLE trusted_devices (
    id         TEXT COLLATE "C" PRIMARY KEY,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX trusted_devices_expiry ON trusted_devices (expires_at);
CREATE INDEX trusted_devices_user ON trusted_devices (user_id);

-- A message is pending until it has a `delivered_at`; nobody sees it before.
CREATE TABLE user_messages (
    id            TEXT COLLATE "C" PRIMARY KEY,
    user_id       TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    subject       TEXT COLLATE "C" NOT NULL,
    body          TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL,
    deliver_after BIGINT NOT NULL,
    delivered_at  BIGINT
);

CREATE INDEX user_messages_pending ON user_messages (deliver_after) WHERE delivered_at IS NULL;
CREATE INDEX user_messages_of_user ON user_messages (user_id, delivered_at, created_at, id);

CREATE TABLE access_requests (
    id            TEXT COLLATE "C" PRIMARY KEY,
    requester_id  TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    template_name TEXT COLLATE "C" NOT NULL,
    -- pending, approved, denied, expired, revoked
    status        TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL,
    -- Without it a request waits for ever.
    expires_at    BIGINT,
    -- When the request ceased to be pending.
    closed_at     BIGINT
);

CREATE INDEX access_requests_pending ON access_requests (expires_at) WHERE status = 'pending';
CREATE INDEX access_requests_requester ON access_requests (requester_id);

CREATE TABLE access_request_approvers (
    request_id TEXT COLLATE "C" NOT NULL REFERENCES access_requests (id) ON DELETE CASCADE,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (request_id, user_id)
);

CREATE INDEX access_request_approvers_user ON access_request_approvers (user_id);

-- Every version of every preset.
CREATE TABLE preset_definitions (
    name       TEXT COLLATE "C" NOT NULL,
    version    BIGINT NOT NULL,
    definition TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);

-- The newest version of each preset, as of the last rebuild.
CREATE TABLE preset_cache (
    name         TEXT COLLATE "C" PRIMARY KEY,
    version      BIGINT NOT NULL,
    definition   TEXT COLLATE "C" NOT NULL,
    refreshed_at BIGINT NOT NULL
);

CREATE TABLE agent_tokens (
    id           TEXT COLLATE "C" PRIMARY KEY,
    name         TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT
);

CREATE INDEX agent_tokens_idle ON agent_tokens ((COALESCE(last_used_at, created_at))) WHERE revoked_at IS NULL;

-- An entry outlives whatever it tells of, so there are no foreign keys.
CREATE TABLE audit_log (
    id          TEXT COLLATE "C" PRIMARY KEY,
    at          BIGINT NOT NULL,
    -- The name of who did it, for people, and what identifies them.
    actor       TEXT COLLATE "C" NOT NULL,
    principal   TEXT COLLATE "C",
    -- The token with which they came. It may be gone.
    token_id    TEXT COLLATE "C",
    request_id  TEXT COLLATE "C",
    action      TEXT COLLATE "C" NOT NULL,
    object_kind TEXT COLLATE "C" NOT NULL,
    object_id   TEXT COLLATE "C",
    object_name TEXT COLLATE "C",
    -- A JSON object: what changed, and never the value of a secret.
    details     TEXT COLLATE "C" NOT NULL
);

CREATE INDEX audit_log_age ON audit_log (at, id);
CREATE INDEX audit_log_object ON audit_log (object_id, at, id);
