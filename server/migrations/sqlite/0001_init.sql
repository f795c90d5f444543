CREATE TABLE tasks (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL UNIQUE,
    -- The name in lower case, by the rules of Unicode, which the database does not know. For searches.
    name_folded     TEXT NOT NULL,
    description     TEXT,
    task_type       TEXT NOT NULL,
    schedule_type   TEXT NOT NULL,
    cron_expr       TEXT,
    timezone        TEXT NOT NULL,
    run_at          INTEGER,
    overlap_policy  TEXT NOT NULL,
    enabled         INTEGER NOT NULL,
    timeout_seconds INTEGER NOT NULL,
    script          TEXT,
    script_sha256   TEXT,
    config          TEXT NOT NULL,
    task_config     TEXT NOT NULL,
    is_system       INTEGER NOT NULL,
    next_run_at     INTEGER,
    revision        TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

-- What the dispatcher asks for: the earliest due tasks.
CREATE INDEX tasks_due ON tasks (next_run_at, id) WHERE enabled AND next_run_at IS NOT NULL;

CREATE TABLE task_secrets (
    task_id    TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    key        TEXT NOT NULL,
    -- Which key sealed the value, and the sealed value: nonce, ciphertext, tag.
    sealed_by  TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    revision   TEXT NOT NULL,
    PRIMARY KEY (task_id, key)
) STRICT, WITHOUT ROWID;

-- The history. A run outlives its task, so there is no foreign key.
CREATE TABLE runs (
    id            TEXT PRIMARY KEY,
    task_id       TEXT NOT NULL,
    task_name     TEXT NOT NULL,
    -- NULL while the run is active: then `active_runs` says where it stands.
    status        TEXT,
    trigger       TEXT NOT NULL,
    scheduled_for INTEGER NOT NULL,
    queued_at     INTEGER NOT NULL,
    started_at    INTEGER,
    finished_at   INTEGER,
    output        TEXT,
    error         TEXT,
    reason        TEXT,
    attempt       INTEGER NOT NULL DEFAULT 0,
    missed_ticks  INTEGER NOT NULL DEFAULT 0,
    isolation     TEXT,
    triggered_by  TEXT
) STRICT;

-- A tick is identified by its task and nominal time: it becomes at most one run.
CREATE UNIQUE INDEX runs_tick ON runs (task_id, scheduled_for) WHERE trigger <> 'manual';
CREATE INDEX runs_history ON runs (task_id, id);

-- The runs that have not ended. What the engine looks at stays small, however long the history grows.
CREATE TABLE active_runs (
    -- The order in which runs were recorded, whatever clocks say: whose turn it is.
    turn             INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT NOT NULL UNIQUE,
    task_id          TEXT NOT NULL,
    status           TEXT NOT NULL,
    -- Queued, and its turn has come: the next free worker takes it.
    ready            INTEGER NOT NULL,
    -- When that was so, and the nominal time of a tick: for figures alone.
    ready_at         INTEGER,
    due_at           INTEGER,
    attempt          INTEGER NOT NULL DEFAULT 0,
    started_at       INTEGER,
    -- The server process that executes the run, and until when it may.
    worker           TEXT,
    lease_until      INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    reason           TEXT
) STRICT;

CREATE INDEX active_runs_ready ON active_runs (turn) WHERE ready;
CREATE INDEX active_runs_task ON active_runs (task_id, turn);
CREATE INDEX active_runs_cancel ON active_runs (worker) WHERE cancel_requested;

-- What scripts printed. Of a long log, pieces in the middle are left out: then one begins after the end of the one before.
CREATE TABLE run_logs (
    run_id TEXT NOT NULL,
    -- Where the piece begins, in bytes.
    at     INTEGER NOT NULL,
    text   TEXT NOT NULL,
    PRIMARY KEY (run_id, at)
) STRICT;

-- Who the programs are that come with tokens, and what they may do.
CREATE TABLE service_accounts (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    -- Names, separated by blanks.
    permissions TEXT NOT NULL,
    is_admin    INTEGER NOT NULL,
    is_enabled  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES service_accounts (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    -- How the token begins, so that people can tell which one they hold.
    prefix       TEXT NOT NULL,
    -- SHA-256 of the token; the token itself is shown once and kept nowhere.
    hash         BLOB NOT NULL UNIQUE,
    -- Narrows what the account may do; without it, that is all of it.
    permissions  TEXT,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;

CREATE INDEX tokens_account ON tokens (account_id, created_at, id);

-- Answers to creates and triggers, so that a repeated request is answered again and not done again.
CREATE TABLE idempotency_keys (
    principal  TEXT NOT NULL,
    key        TEXT NOT NULL,
    -- Which key sealed what tells the request from others, and, of some requests, the answer.
    sealed_by  TEXT NOT NULL,
    request    BLOB NOT NULL,
    -- Sealed in base64 where it holds a secret.
    answer     TEXT NOT NULL,
    is_sealed  INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- Written to by whoever asks whether the database accepts a write, and read by nobody.
CREATE TABLE readiness (
    id         INTEGER PRIMARY KEY,
    checked_at INTEGER NOT NULL
) STRICT;

INSERT INTO readiness (id, checked_at) VALUES (1, 0);
