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

-- A run outlives its task, so there is no foreign key.
CREATE TABLE runs (
    id               TEXT PRIMARY KEY,
    task_id          TEXT NOT NULL,
    task_name        TEXT NOT NULL,
    status           TEXT NOT NULL,
    trigger          TEXT NOT NULL,
    scheduled_for    INTEGER NOT NULL,
    queued_at        INTEGER NOT NULL,
    started_at       INTEGER,
    finished_at      INTEGER,
    output           TEXT,
    error            TEXT,
    reason           TEXT,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    attempt          INTEGER NOT NULL DEFAULT 0,
    missed_ticks     INTEGER NOT NULL DEFAULT 0,
    isolation        TEXT,
    triggered_by     TEXT
) STRICT;

-- A tick is identified by its task and nominal time: it becomes at most one run.
CREATE UNIQUE INDEX runs_tick ON runs (task_id, scheduled_for) WHERE trigger <> 'manual';
CREATE INDEX runs_history ON runs (task_id, id);
CREATE INDEX runs_active ON runs (status, task_id, id) WHERE status IN ('queued', 'running');

CREATE TABLE tokens (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    -- SHA-256 of the token; the token itself is shown once and kept nowhere.
    hash        BLOB NOT NULL UNIQUE,
    permissions TEXT NOT NULL,
    is_admin    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT;

-- Answers to creates and triggers, so that a repeated request is answered again and not done again.
CREATE TABLE idempotency_keys (
    principal  TEXT NOT NULL,
    key        TEXT NOT NULL,
    request    BLOB NOT NULL,
    answer     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
