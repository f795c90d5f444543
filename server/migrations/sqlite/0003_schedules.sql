-- Schedules: when steps run, and which.
CREATE TABLE schedules (
    id                    TEXT PRIMARY KEY,
    name                  TEXT NOT NULL UNIQUE,
    description           TEXT,
    -- Name and description in lower case, by the rules of Unicode, which the database does not know. For searches.
    folded                TEXT NOT NULL,
    trigger_type          TEXT NOT NULL,
    -- As it was written under `Custom`; else made of the pattern, where one says exactly the same.
    cron_expression       TEXT,
    pattern_type          TEXT NOT NULL,
    days_of_week          TEXT,
    run_times             TEXT,
    interval_value        INTEGER,
    interval_unit         TEXT,
    interval_window_start TEXT,
    interval_window_end   TEXT,
    timezone              TEXT NOT NULL,
    is_enabled            INTEGER NOT NULL,
    last_run_at           INTEGER,
    next_run_at           INTEGER,
    revision              TEXT NOT NULL,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER
) STRICT;

-- What the dispatcher asks for: the earliest due schedules.
CREATE INDEX schedules_due ON schedules (next_run_at, id) WHERE is_enabled AND next_run_at IS NOT NULL;

-- Ids of connected systems and run profiles are numbers, as clients of schedules expect.
CREATE TABLE connected_systems (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    description TEXT,
    connector   TEXT NOT NULL,
    direction   TEXT NOT NULL,
    -- How to read and write: a JSON object.
    settings    TEXT NOT NULL,
    -- The number of the last import that began; each object knows the last one that saw it.
    generation  INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER
) STRICT;

CREATE TABLE run_profiles (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    connected_system_id INTEGER NOT NULL REFERENCES connected_systems (id) ON DELETE CASCADE,
    name                TEXT NOT NULL,
    run_type            TEXT NOT NULL,
    page_size           INTEGER NOT NULL,
    file_path           TEXT,
    created_at          INTEGER NOT NULL,
    UNIQUE (connected_system_id, name)
) STRICT;

-- The connector space: what the server knows of the objects of a connected system.
CREATE TABLE connector_objects (
    connected_system_id INTEGER NOT NULL REFERENCES connected_systems (id) ON DELETE CASCADE,
    external_id         TEXT NOT NULL,
    -- The object as the last import read it; NULL where an export has yet to make it. A JSON object of texts.
    imported            TEXT,
    -- The object as the next export writes it; NULL where nothing waits. A JSON object, or `null` to remove the object.
    pending_export      TEXT,
    user_id             TEXT REFERENCES users (id) ON DELETE SET NULL,
    -- What an import changed and no synchronisation has looked at yet.
    is_changed          INTEGER NOT NULL,
    -- The connected system does not have it any more.
    is_gone             INTEGER NOT NULL DEFAULT FALSE,
    generation          INTEGER NOT NULL DEFAULT 0,
    -- The groups in which the user is a member because the object says so: a JSON array of ids.
    given_groups        TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (connected_system_id, external_id)
) STRICT;

CREATE INDEX connector_objects_user ON connector_objects (user_id);
CREATE INDEX connector_objects_changed ON connector_objects (connected_system_id, external_id) WHERE is_changed;
CREATE INDEX connector_objects_pending ON connector_objects (connected_system_id, external_id) WHERE pending_export IS NOT NULL;

CREATE TABLE schedule_steps (
    id                  TEXT PRIMARY KEY,
    schedule_id         TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    -- The place in the request, for steps with one index.
    position            INTEGER NOT NULL,
    step_index          INTEGER NOT NULL,
    name                TEXT,
    execution_mode      TEXT NOT NULL,
    step_type           TEXT NOT NULL,
    continue_on_failure INTEGER NOT NULL,
    timeout_seconds     INTEGER,
    connected_system_id INTEGER,
    run_profile_id      INTEGER,
    script_path         TEXT,
    arguments           TEXT,
    executable_path     TEXT,
    working_directory   TEXT,
    -- What the server shows of the connection string, and the whole, sealed for this step, in base64.
    sql_shown           TEXT,
    sql_sealed_by       TEXT,
    sql_sealed          TEXT,
    sql_revision        TEXT,
    sql_script_path     TEXT
) STRICT;

CREATE INDEX schedule_steps_order ON schedule_steps (schedule_id, step_index, position);
CREATE INDEX schedule_steps_profile ON schedule_steps (connected_system_id, run_profile_id) WHERE run_profile_id IS NOT NULL;

-- The history. An execution outlives its schedule, so there is no foreign key.
CREATE TABLE schedule_executions (
    id                 TEXT PRIMARY KEY,
    schedule_id        TEXT NOT NULL,
    schedule_name      TEXT NOT NULL,
    status             TEXT NOT NULL,
    -- `cron` or `manual`.
    trigger            TEXT NOT NULL,
    scheduled_for      INTEGER NOT NULL,
    missed_ticks       INTEGER NOT NULL DEFAULT 0,
    current_step_index INTEGER NOT NULL,
    total_steps        INTEGER NOT NULL,
    queued_at          INTEGER NOT NULL,
    started_at         INTEGER,
    completed_at       INTEGER,
    initiated_by_type  TEXT NOT NULL,
    initiated_by_id    TEXT,
    initiated_by_name  TEXT,
    error_message      TEXT
) STRICT;

-- A tick is identified by its schedule and nominal time: it becomes at most one execution.
CREATE UNIQUE INDEX schedule_executions_tick ON schedule_executions (schedule_id, scheduled_for) WHERE trigger = 'cron';
CREATE INDEX schedule_executions_history ON schedule_executions (schedule_id, id);
CREATE INDEX schedule_executions_active ON schedule_executions (schedule_id, id) WHERE completed_at IS NULL;

-- What each step of an execution does, from the recording of the execution on; and what run profiles do that somebody executed.
CREATE TABLE activities (
    id                  TEXT PRIMARY KEY,
    target_type         TEXT NOT NULL,
    target_name         TEXT NOT NULL,
    target_context      TEXT,
    status              TEXT NOT NULL,
    message             TEXT,
    error_message       TEXT,
    created_at          INTEGER NOT NULL,
    started_at          INTEGER,
    completed_at        INTEGER,
    objects_to_process  INTEGER,
    objects_processed   INTEGER NOT NULL DEFAULT 0,
    -- A JSON object of numbers, and a JSON array of errors of single objects.
    counts              TEXT NOT NULL DEFAULT '{}',
    errors              TEXT NOT NULL DEFAULT '[]',
    exit_code           INTEGER,
    output              TEXT,
    isolation           TEXT,
    initiated_by_type   TEXT NOT NULL,
    initiated_by_id     TEXT,
    initiated_by_name   TEXT,
    connected_system_id INTEGER,
    run_profile_id      INTEGER,
    -- The rest is of steps of executions, as the steps were when the execution was recorded.
    execution_id        TEXT,
    schedule_id         TEXT,
    schedule_name       TEXT,
    step_id             TEXT,
    step_name           TEXT,
    position            INTEGER,
    step_index          INTEGER,
    step_type           TEXT,
    execution_mode      TEXT,
    continue_on_failure INTEGER NOT NULL DEFAULT FALSE,
    timeout_seconds     INTEGER,
    script_path         TEXT,
    arguments           TEXT,
    executable_path     TEXT,
    working_directory   TEXT,
    -- Sealed for the step, not for the activity.
    sql_sealed_by       TEXT,
    sql_sealed          TEXT,
    sql_script_path     TEXT
) STRICT;

CREATE INDEX activities_execution ON activities (execution_id, step_index, position) WHERE execution_id IS NOT NULL;
CREATE INDEX activities_system ON activities (connected_system_id, id) WHERE connected_system_id IS NOT NULL;

-- Activities whose turn has come and that have not ended.
CREATE TABLE active_steps (
    -- The order in which their turn came.
    turn                INTEGER PRIMARY KEY AUTOINCREMENT,
    activity_id         TEXT NOT NULL UNIQUE,
    execution_id        TEXT,
    connected_system_id INTEGER,
    -- `queued` or `processing`.
    status              TEXT NOT NULL,
    attempt             INTEGER NOT NULL DEFAULT 0,
    started_at          INTEGER,
    -- The server process that executes it, and until when it may.
    worker              TEXT,
    lease_until         INTEGER,
    cancel_requested    INTEGER NOT NULL DEFAULT FALSE,
    reason              TEXT
) STRICT;

CREATE INDEX active_steps_queued ON active_steps (turn) WHERE status = 'queued';
-- Which of the run profiles of a connected system that wait comes first.
CREATE INDEX active_steps_waiting ON active_steps (connected_system_id, turn) WHERE status = 'queued';
CREATE INDEX active_steps_execution ON active_steps (execution_id) WHERE execution_id IS NOT NULL;
CREATE INDEX active_steps_cancel ON active_steps (worker) WHERE cancel_requested;
-- One run profile of a connected system is at work at a time.
CREATE UNIQUE INDEX active_steps_system ON active_steps (connected_system_id) WHERE status = 'processing';

-- Tokens that end soon. They are JWTs, which are signed and not stored.
CREATE TABLE short_tokens (
    id          TEXT PRIMARY KEY,
    -- The token that made it, without which it is nothing, and the name of that one's account.
    maker_id    TEXT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    -- However often it is renewed, it ends then.
    latest_end  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    revoked_at  INTEGER
) STRICT;

CREATE INDEX short_tokens_maker ON short_tokens (maker_id);
CREATE INDEX short_tokens_end ON short_tokens (latest_end);
