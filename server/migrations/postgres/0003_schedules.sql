-- Schedules: when steps run, and which.
CREATE TABLE schedules (
    id                    TEXT COLLATE "C" PRIMARY KEY,
    name                  TEXT COLLATE "C" NOT NULL UNIQUE,
    description           TEXT COLLATE "C",
    -- Name and description in lower case, by the rules of Unicode, which the database does not know. For searches.
    folded                TEXT COLLATE "C" NOT NULL,
    trigger_type          TEXT COLLATE "C" NOT NULL,
    -- As it was written under `Custom`; else made of the pattern, where one says exactly the same.
    cron_expression       TEXT COLLATE "C",
    pattern_type          TEXT COLLATE "C" NOT NULL,
    days_of_week          TEXT COLLATE "C",
    run_times             TEXT COLLATE "C",
    interval_value        BIGINT,
    interval_unit         TEXT COLLATE "C",
    interval_window_start TEXT COLLATE "C",
    interval_window_end   TEXT COLLATE "C",
    timezone              TEXT COLLATE "C" NOT NULL,
    is_enabled            BOOLEAN NOT NULL,
    last_run_at           BIGINT,
    next_run_at           BIGINT,
    revision              TEXT COLLATE "C" NOT NULL,
    created_at            BIGINT NOT NULL,
    updated_at            BIGINT
);

-- What the dispatcher asks for: the earliest due schedules.
CREATE INDEX schedules_due ON schedules (next_run_at, id) WHERE is_enabled AND next_run_at IS NOT NULL;

-- Ids of connected systems and run profiles are numbers, as clients of schedules expect.
CREATE TABLE connected_systems (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL UNIQUE,
    description TEXT COLLATE "C",
    connector   TEXT COLLATE "C" NOT NULL,
    direction   TEXT COLLATE "C" NOT NULL,
    -- How to read and write: a JSON object.
    settings    TEXT COLLATE "C" NOT NULL,
    -- The number of the last import that began; each object knows the last one that saw it.
    generation  BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT
);

CREATE TABLE run_profiles (
    id                  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connected_system_id BIGINT NOT NULL REFERENCES connected_systems (id) ON DELETE CASCADE,
    name                TEXT COLLATE "C" NOT NULL,
    run_type            TEXT COLLATE "C" NOT NULL,
    page_size           BIGINT NOT NULL,
    file_path           TEXT COLLATE "C",
    created_at          BIGINT NOT NULL,
    UNIQUE (connected_system_id, name)
);

-- The connector space: what the server knows of the objects of a connected system.
CREATE TABLE connector_objects (
    connected_system_id BIGINT NOT NULL REFERENCES connected_systems (id) ON DELETE CASCADE,
    external_id         TEXT COLLATE "C" NOT NULL,
    -- The object as the last import read it; NULL where an export has yet to make it. A JSON object of texts.
    imported            TEXT COLLATE "C",
    -- The object as the next export writes it; NULL where nothing waits. A JSON object, or `null` to remove the object.
    pending_export      TEXT COLLATE "C",
    user_id             TEXT COLLATE "C" REFERENCES users (id) ON DELETE SET NULL,
    -- What an import changed and no synchronisation has looked at yet.
    is_changed          BOOLEAN NOT NULL,
    -- The connected system does not have it any more.
    is_gone             BOOLEAN NOT NULL DEFAULT FALSE,
    generation          BIGINT NOT NULL DEFAULT 0,
    -- The groups in which the user is a member because the object says so: a JSON array of ids.
    given_groups        TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    PRIMARY KEY (connected_system_id, external_id)
);

CREATE INDEX connector_objects_user ON connector_objects (user_id);
CREATE INDEX connector_objects_changed ON connector_objects (connected_system_id, external_id) WHERE is_changed;
CREATE INDEX connector_objects_pending ON connector_objects (connected_system_id, external_id) WHERE pending_export IS NOT NULL;

CREATE TABLE schedule_steps (
    id                  TEXT COLLATE "C" PRIMARY KEY,
    schedule_id         TEXT COLLATE "C" NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    -- The place in the request, for steps with one index.
    position            BIGINT NOT NULL,
    step_index          BIGINT NOT NULL,
    name                TEXT COLLATE "C",
    execution_mode      TEXT COLLATE "C" NOT NULL,
    step_type           TEXT COLLATE "C" NOT NULL,
    continue_on_failure BOOLEAN NOT NULL,
    timeout_seconds     BIGINT,
    connected_system_id BIGINT,
    run_profile_id      BIGINT,
    script_path         TEXT COLLATE "C",
    arguments           TEXT COLLATE "C",
    executable_path     TEXT COLLATE "C",
    working_directory   TEXT COLLATE "C",
    -- What the server shows of the connection string, and the whole, sealed for this step, in base64.
    sql_shown           TEXT COLLATE "C",
    sql_sealed_by       TEXT COLLATE "C",
    sql_sealed          TEXT COLLATE "C",
    sql_revision        TEXT COLLATE "C",
    sql_script_path     TEXT COLLATE "C"
);

CREATE INDEX schedule_steps_order ON schedule_steps (schedule_id, step_index, position);
CREATE INDEX schedule_steps_profile ON schedule_steps (connected_system_id, run_profile_id) WHERE run_profile_id IS NOT NULL;

-- The history. An execution outlives its schedule, so there is no foreign key.
CREATE TABLE schedule_executions (
    id                 TEXT COLLATE "C" PRIMARY KEY,
    schedule_id        TEXT COLLATE "C" NOT NULL,
    schedule_name      TEXT COLLATE "C" NOT NULL,
    status             TEXT COLLATE "C" NOT NULL,
    -- `cron` or `manual`.
    trigger            TEXT COLLATE "C" NOT NULL,
    scheduled_for      BIGINT NOT NULL,
    missed_ticks       BIGINT NOT NULL DEFAULT 0,
    current_step_index BIGINT NOT NULL,
    total_steps        BIGINT NOT NULL,
    queued_at          BIGINT NOT NULL,
    started_at         BIGINT,
    completed_at       BIGINT,
    initiated_by_type  TEXT COLLATE "C" NOT NULL,
    initiated_by_id    TEXT COLLATE "C",
    initiated_by_name  TEXT COLLATE "C",
    error_message      TEXT COLLATE "C"
);

-- A tick is identified by its schedule and nominal time: it becomes at most one execution.
CREATE UNIQUE INDEX schedule_executions_tick ON schedule_executions (schedule_id, scheduled_for) WHERE trigger = 'cron';
CREATE INDEX schedule_executions_history ON schedule_executions (schedule_id, id);
CREATE INDEX schedule_executions_active ON schedule_executions (schedule_id, id) WHERE completed_at IS NULL;

-- What each step of an execution does, from the recording of the execution on; and what run profiles do that somebody executed.
CREATE TABLE activities (
    id                  TEXT COLLATE "C" PRIMARY KEY,
    target_type         TEXT COLLATE "C" NOT NULL,
    target_name         TEXT COLLATE "C" NOT NULL,
    target_context      TEXT COLLATE "C",
    status              TEXT COLLATE "C" NOT NULL,
    message             TEXT COLLATE "C",
    error_message       TEXT COLLATE "C",
    created_at          BIGINT NOT NULL,
    started_at          BIGINT,
    completed_at        BIGINT,
    objects_to_process  BIGINT,
    objects_processed   BIGINT NOT NULL DEFAULT 0,
    -- A JSON object of numbers, and a JSON array of errors of single objects.
    counts              TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    errors              TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    exit_code           BIGINT,
    output              TEXT COLLATE "C",
    isolation           TEXT COLLATE "C",
    initiated_by_type   TEXT COLLATE "C" NOT NULL,
    initiated_by_id     TEXT COLLATE "C",
    initiated_by_name   TEXT COLLATE "C",
    connected_system_id BIGINT,
    run_profile_id      BIGINT,
    -- The rest is of steps of executions, as the steps were when the execution was recorded.
    execution_id        TEXT COLLATE "C",
    schedule_id         TEXT COLLATE "C",
    schedule_name       TEXT COLLATE "C",
    step_id             TEXT COLLATE "C",
    step_name           TEXT COLLATE "C",
    position            BIGINT,
    step_index          BIGINT,
    step_type           TEXT COLLATE "C",
    execution_mode      TEXT COLLATE "C",
    continue_on_failure BOOLEAN NOT NULL DEFAULT FALSE,
    timeout_seconds     BIGINT,
    script_path         TEXT COLLATE "C",
    arguments           TEXT COLLATE "C",
    executable_path     TEXT COLLATE "C",
    working_directory   TEXT COLLATE "C",
    -- Sealed for the step, not for the activity.
    sql_sealed_by       TEXT COLLATE "C",
    sql_sealed          TEXT COLLATE "C",
    sql_script_path     TEXT COLLATE "C"
);

CREATE INDEX activities_execution ON activities (execution_id, step_index, position) WHERE execution_id IS NOT NULL;
CREATE INDEX activities_system ON activities (connected_system_id, id) WHERE connected_system_id IS NOT NULL;

-- Activities whose turn has come and that have not ended.
CREATE TABLE active_steps (
    -- The order in which their turn came.
    turn                BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    activity_id         TEXT COLLATE "C" NOT NULL UNIQUE,
    execution_id        TEXT COLLATE "C",
    connected_system_id BIGINT,
    -- `queued` or `processing`.
    status              TEXT COLLATE "C" NOT NULL,
    attempt             BIGINT NOT NULL DEFAULT 0,
    started_at          BIGINT,
    -- The server process that executes it, and until when it may.
    worker              TEXT COLLATE "C",
    lease_until         BIGINT,
    cancel_requested    BOOLEAN NOT NULL DEFAULT FALSE,
    reason              TEXT COLLATE "C"
);

CREATE INDEX active_steps_queued ON active_steps (turn) WHERE status = 'queued';
-- Which of the run profiles of a connected system that wait comes first.
CREATE INDEX active_steps_waiting ON active_steps (connected_system_id, turn) WHERE status = 'queued';
CREATE INDEX active_steps_execution ON active_steps (execution_id) WHERE execution_id IS NOT NULL;
CREATE INDEX active_steps_cancel ON active_steps (worker) WHERE cancel_requested;
-- One run profile of a connected system is at work at a time.
CREATE UNIQUE INDEX active_steps_system ON active_steps (connected_system_id) WHERE status = 'processing';

-- Tokens that end soon. They are JWTs, which are signed and not stored.
CREATE TABLE short_tokens (
    id          TEXT COLLATE "C" PRIMARY KEY,
    -- The token that made it, without which it is nothing, and the name of that one's account.
    maker_id    TEXT COLLATE "C" NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    name        TEXT COLLATE "C" NOT NULL,
    permissions TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    -- However often it is renewed, it ends then.
    latest_end  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    revoked_at  BIGINT
);

CREATE INDEX short_tokens_maker ON short_tokens (maker_id);
CREATE INDEX short_tokens_end ON short_tokens (latest_end);
