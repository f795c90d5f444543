-- Texts compare byte by byte, as in SQLite: lists have one order, whatever the language of the database.
CREATE TABLE tasks (
    id              TEXT COLLATE "C" PRIMARY KEY,
    name            TEXT COLLATE "C" NOT NULL UNIQUE,
    -- The name in lower case, by the rules of Unicode, which the database does not know. For searches.
    name_folded     TEXT COLLATE "C" NOT NULL,
    description     TEXT COLLATE "C",
    task_type       TEXT COLLATE "C" NOT NULL,
    schedule_type   TEXT COLLATE "C" NOT NULL,
    cron_expr       TEXT COLLATE "C",
    timezone        TEXT COLLATE "C" NOT NULL,
    run_at          BIGINT,
    overlap_policy  TEXT COLLATE "C" NOT NULL,
    enabled         BOOLEAN NOT NULL,
    timeout_seconds BIGINT NOT NULL,
    script          TEXT COLLATE "C",
    script_sha256   TEXT COLLATE "C",
    config          TEXT COLLATE "C" NOT NULL,
    task_config     TEXT COLLATE "C" NOT NULL,
    is_system       BOOLEAN NOT NULL,
    next_run_at     BIGINT,
    revision        TEXT COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);

-- What the dispatcher asks for: the earliest due tasks.
CREATE INDEX tasks_due ON tasks (next_run_at, id) WHERE enabled AND next_run_at IS NOT NULL;

CREATE TABLE task_secrets (
    task_id    TEXT COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    key        TEXT COLLATE "C" NOT NULL,
    -- Which key sealed the value, and the sealed value: nonce, ciphertext, tag.
    sealed_by  TEXT COLLATE "C" NOT NULL,
    sealed     BYTEA NOT NULL,
    revision   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (task_id, key)
);

-- The history. A run outlives its task, so there is no foreign key.
CREATE TABLE runs (
    id            TEXT COLLATE "C" PRIMARY KEY,
    task_id       TEXT COLLATE "C" NOT NULL,
    task_name     TEXT COLLATE "C" NOT NULL,
    -- NULL while the run is active: then `active_runs` says where it stands.
    status        TEXT COLLATE "C",
    trigger       TEXT COLLATE "C" NOT NULL,
    scheduled_for BIGINT NOT NULL,
    queued_at     BIGINT NOT NULL,
    started_at    BIGINT,
    finished_at   BIGINT,
    output        TEXT COLLATE "C",
    error         TEXT COLLATE "C",
    reason        TEXT COLLATE "C",
    attempt       BIGINT NOT NULL DEFAULT 0,
    missed_ticks  BIGINT NOT NULL DEFAULT 0,
    isolation     TEXT COLLATE "C",
    triggered_by  TEXT COLLATE "C"
-- Room for the end of each run beside its beginning: no index has to follow.
) WITH (fillfactor = 50);

-- A tick is identified by its task and nominal time: it becomes at most one run.
CREATE UNIQUE INDEX runs_tick ON runs (task_id, scheduled_for) WHERE trigger <> 'manual';
CREATE INDEX runs_history ON runs (task_id, id);

-- The runs that have not ended. What the engine looks at stays small, however long the history grows.
CREATE TABLE active_runs (
    -- The order in which runs were recorded, whatever clocks say: whose turn it is.
    turn             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id               TEXT COLLATE "C" NOT NULL UNIQUE,
    task_id          TEXT COLLATE "C" NOT NULL,
    status           TEXT COLLATE "C" NOT NULL,
    -- Queued, and its turn has come: the next free worker takes it.
    ready            BOOLEAN NOT NULL,
    -- When that was so, and the nominal time of a tick: for figures alone.
    ready_at         BIGINT,
    due_at           BIGINT,
    attempt          BIGINT NOT NULL DEFAULT 0,
    started_at       BIGINT,
    -- The server process that executes the run, and until when it may.
    worker           TEXT COLLATE "C",
    lease_until      BIGINT,
    cancel_requested BOOLEAN NOT NULL DEFAULT FALSE,
    reason           TEXT COLLATE "C"
) WITH (
    -- Every run comes and goes here: what is gone must be cleaned up soon.
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX active_runs_ready ON active_runs (turn) WHERE ready;
CREATE INDEX active_runs_task ON active_runs (task_id, turn);
CREATE INDEX active_runs_cancel ON active_runs (worker) WHERE cancel_requested;

-- What scripts printed. Of a long log, pieces in the middle are left out: then one begins after the end of the one before.
CREATE TABLE run_logs (
    run_id TEXT COLLATE "C" NOT NULL,
    -- Where the piece begins, in bytes.
    at     BIGINT NOT NULL,
    text   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (run_id, at)
);

-- Who the programs are that come with tokens, and what they may do.
CREATE TABLE service_accounts (
    id          TEXT COLLATE "C" PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL UNIQUE,
    description TEXT COLLATE "C" NOT NULL,
    -- Names, separated by blanks.
    permissions TEXT COLLATE "C" NOT NULL,
    is_admin    BOOLEAN NOT NULL,
    is_enabled  BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

CREATE TABLE tokens (
    id           TEXT COLLATE "C" PRIMARY KEY,
    account_id   TEXT COLLATE "C" NOT NULL REFERENCES service_accounts (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C" NOT NULL,
    -- How the token begins, so that people can tell which one they hold.
    prefix       TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of the token; the token itself is shown once and kept nowhere.
    hash         BYTEA NOT NULL UNIQUE,
    -- Narrows what the account may do; without it, that is all of it.
    permissions  TEXT COLLATE "C",
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT
);

CREATE INDEX tokens_account ON tokens (account_id, created_at, id);

-- Answers to creates and triggers, so that a repeated request is answered again and not done again.
CREATE TABLE idempotency_keys (
    principal  TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    -- Which key sealed what tells the request from others, and, of some requests, the answer.
    sealed_by  TEXT COLLATE "C" NOT NULL,
    request    BYTEA NOT NULL,
    -- Sealed in base64 where it holds a secret.
    answer     TEXT COLLATE "C" NOT NULL,
    is_sealed  BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (principal, key)
);

CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- Written to by whoever asks whether the database accepts a write, and read by nobody.
CREATE TABLE readiness (
    id         BIGINT PRIMARY KEY,
    checked_at BIGINT NOT NULL
);

INSERT INTO readiness (id, checked_at) VALUES (1, 0);
