//! Every path of the contract, used by the server's router and by the client.
//!
//! The product's public page lost three of them (the trigger and the two histories), so those live here and nowhere else.

use super::ids::{
    AccessRequestId, ActivityId, ApplicationId, ExecutionId, GroupId, ProviderId, RunId, ScheduleId, ServiceAccountId,
    TaskId, TokenId, UserId,
};

/// What all paths of the contract begin with.
pub const BASE: &str = "/api/v1";

/// Route patterns, as the router takes them.
pub mod routes {
    /// Create and list tasks.
    pub const TASKS: &str = "/api/v1/tasks";
    /// One task.
    pub const TASK: &str = "/api/v1/tasks/{id}";
    /// Checks a task without storing it.
    pub const TASKS_VALIDATE: &str = "/api/v1/tasks/validate";
    /// When a task fires next.
    pub const TASK_NEXT: &str = "/api/v1/tasks/{id}/next";
    /// The names of a task's secrets.
    pub const TASK_SECRETS: &str = "/api/v1/tasks/{id}/secrets";
    /// Whether a task's secrets have the values that the caller knows.
    pub const TASK_SECRETS_COMPARE: &str = "/api/v1/tasks/{id}/secrets/compare";
    /// A task's config entries.
    pub const TASK_CONFIG: &str = "/api/v1/tasks/{id}/config";
    /// Runs a task now.
    pub const TASK_RUN: &str = "/api/v1/tasks/{id}/run";
    /// Runs a task now; a name that existing clients may use.
    pub const TASK_TRIGGER: &str = "/api/v1/tasks/{id}/trigger";
    /// One task's history.
    pub const TASK_RUNS: &str = "/api/v1/tasks/{id}/runs";
    /// One task's history; a name that existing clients may use.
    pub const TASK_HISTORY: &str = "/api/v1/tasks/{id}/history";
    /// The history of all tasks.
    pub const RUNS: &str = "/api/v1/task-runs";
    /// The history of all tasks; a name that existing clients may use.
    pub const TASKS_HISTORY: &str = "/api/v1/tasks/history";
    /// One run.
    pub const RUN: &str = "/api/v1/task-runs/{id}";
    /// What a run's script prints.
    pub const RUN_LOG: &str = "/api/v1/task-runs/{id}/log";
    /// Cancels a run.
    pub const RUN_CANCEL: &str = "/api/v1/task-runs/{id}/cancel";
    /// Create and list users.
    pub const USERS: &str = "/api/v1/users";
    /// One user.
    pub const USER: &str = "/api/v1/users/{id}";
    /// The groups of a user.
    pub const USER_GROUPS: &str = "/api/v1/users/{id}/groups";
    /// Create and list groups.
    pub const GROUPS: &str = "/api/v1/groups";
    /// One group.
    pub const GROUP: &str = "/api/v1/groups/{id}";
    /// The members of a group.
    pub const GROUP_MEMBERS: &str = "/api/v1/groups/{id}/members";
    /// One member of a group.
    pub const GROUP_MEMBER: &str = "/api/v1/groups/{id}/members/{user_id}";
    /// The messages that a user has got.
    pub const USER_MESSAGES: &str = "/api/v1/users/{id}/messages";
    /// Create and list federated providers.
    pub const FEDERATED_PROVIDERS: &str = "/api/v1/federated-providers";
    /// One federated provider.
    pub const FEDERATED_PROVIDER: &str = "/api/v1/federated-providers/{id}";
    /// Who a user is at federated providers.
    pub const USER_IDENTITIES: &str = "/api/v1/users/{id}/federated-identities";
    /// Who a user is at one federated provider.
    pub const USER_IDENTITY: &str = "/api/v1/users/{id}/federated-identities/{provider_id}";
    /// Create and list applications.
    pub const APPLICATIONS: &str = "/api/v1/applications";
    /// One application.
    pub const APPLICATION: &str = "/api/v1/applications/{id}";
    /// Makes a new client secret for an application.
    pub const APPLICATION_ROTATE_SECRET: &str = "/api/v1/applications/{id}/rotate-secret";
    /// Create and list access requests.
    pub const ACCESS_REQUESTS: &str = "/api/v1/access-requests";
    /// One access request.
    pub const ACCESS_REQUEST: &str = "/api/v1/access-requests/{id}";
    /// Grants an access request.
    pub const ACCESS_REQUEST_APPROVE: &str = "/api/v1/access-requests/{id}/approve";
    /// Refuses an access request.
    pub const ACCESS_REQUEST_DENY: &str = "/api/v1/access-requests/{id}/deny";
    /// Create and list schedules.
    pub const SCHEDULES: &str = "/api/v1/schedules";
    /// One schedule.
    pub const SCHEDULE: &str = "/api/v1/schedules/{id}";
    /// Lets a schedule fire by itself.
    pub const SCHEDULE_ENABLE: &str = "/api/v1/schedules/{id}/enable";
    /// Keeps a schedule from firing by itself.
    pub const SCHEDULE_DISABLE: &str = "/api/v1/schedules/{id}/disable";
    /// Runs a schedule now.
    pub const SCHEDULE_RUN: &str = "/api/v1/schedules/{id}/run";
    /// When a schedule fires next.
    pub const SCHEDULE_NEXT: &str = "/api/v1/schedules/{id}/next";
    /// Executions of schedules.
    pub const EXECUTIONS: &str = "/api/v1/schedule-executions";
    /// Executions that have not ended.
    pub const EXECUTIONS_ACTIVE: &str = "/api/v1/schedule-executions/active";
    /// One execution, with its steps.
    pub const EXECUTION: &str = "/api/v1/schedule-executions/{id}";
    /// Cancels an execution.
    pub const EXECUTION_CANCEL: &str = "/api/v1/schedule-executions/{id}/cancel";
    /// Activities.
    pub const ACTIVITIES: &str = "/api/v1/activities";
    /// One activity.
    pub const ACTIVITY: &str = "/api/v1/activities/{id}";
    /// Create and list connected systems.
    pub const CONNECTED_SYSTEMS: &str = "/api/v1/synchronisation/connected-systems";
    /// One connected system.
    pub const CONNECTED_SYSTEM: &str = "/api/v1/synchronisation/connected-systems/{id}";
    /// The run profiles of a connected system.
    pub const RUN_PROFILES: &str = "/api/v1/synchronisation/connected-systems/{id}/run-profiles";
    /// One run profile.
    pub const RUN_PROFILE: &str = "/api/v1/synchronisation/connected-systems/{id}/run-profiles/{run_profile_id}";
    /// Executes a run profile.
    pub const RUN_PROFILE_EXECUTE: &str =
        "/api/v1/synchronisation/connected-systems/{id}/run-profiles/{run_profile_id}/execute";
    /// Create and list service accounts.
    pub const SERVICE_ACCOUNTS: &str = "/api/v1/service-accounts";
    /// One service account.
    pub const SERVICE_ACCOUNT: &str = "/api/v1/service-accounts/{id}";
    /// Make and list tokens of a service account.
    pub const SERVICE_ACCOUNT_TOKENS: &str = "/api/v1/service-accounts/{id}/tokens";
    /// One token of a service account.
    pub const SERVICE_ACCOUNT_TOKEN: &str = "/api/v1/service-accounts/{id}/tokens/{token_id}";
    /// Who the caller is.
    pub const ME: &str = "/api/v1/me";
    /// Make and list tokens of the caller's account.
    pub const MY_TOKENS: &str = "/api/v1/me/tokens";
    /// One token of the caller's account.
    pub const MY_TOKEN: &str = "/api/v1/me/tokens/{id}";
    /// Makes a short token.
    pub const SHORT_TOKENS: &str = "/api/v1/me/tokens/short";
    /// One short token of the caller's.
    pub const SHORT_TOKEN: &str = "/api/v1/me/tokens/short/{id}";
    /// Lets a short token live longer.
    pub const SHORT_TOKEN_RENEW: &str = "/api/v1/me/tokens/short/{id}/renew";
    /// The audit log.
    pub const AUDIT_LOG: &str = "/api/v1/audit-log";
    /// The server's version.
    pub const VERSION: &str = "/api/v1/version";
    /// The description of all operations, for programs.
    pub const OPENAPI: &str = "/api/openapi.json";
    /// Alive, for existing clients.
    pub const API_HEALTH: &str = "/api/v1/health";
    /// The server's version, for existing clients.
    pub const API_HEALTH_VERSION: &str = "/api/v1/health/version";
    /// Alive.
    pub const HEALTH: &str = "/health";
    /// Figures for monitoring.
    pub const METRICS: &str = "/metrics";
    /// Able to serve: the database answers.
    pub const READY: &str = "/health/ready";
}

/// The list of tasks.
pub fn tasks() -> String {
    routes::TASKS.to_owned()
}

/// One task.
pub fn task(id: TaskId) -> String {
    format!("{BASE}/tasks/{id}")
}

/// Checks a task without storing it.
pub fn tasks_validate() -> String {
    routes::TASKS_VALIDATE.to_owned()
}

/// When a task fires next.
pub fn task_next(id: TaskId) -> String {
    format!("{BASE}/tasks/{id}/next")
}

/// The secrets of a task.
pub fn task_secrets(id: TaskId) -> String {
    format!("{BASE}/tasks/{id}/secrets")
}

/// Whether a task's secrets have the values that the caller knows.
pub fn task_secrets_compare(id: TaskId) -> String {
    format!("{BASE}/tasks/{id}/secrets/compare")
}

/// The config entries of a task.
pub fn task_config(id: TaskId) -> String {
    format!("{BASE}/tasks/{id}/config")
}

/// Runs a task now.
pub fn task_run(id: TaskId) -> String {
    format!("{BASE}/tasks/{id}/run")
}

/// The history of one task.
pub fn task_runs(id: TaskId) -> String {
    format!("{BASE}/tasks/{id}/runs")
}

/// The history of all tasks.
pub fn runs() -> String {
    routes::RUNS.to_owned()
}

/// One run.
pub fn run(id: RunId) -> String {
    format!("{BASE}/task-runs/{id}")
}

/// What a run's script prints.
pub fn run_log(id: RunId) -> String {
    format!("{BASE}/task-runs/{id}/log")
}

/// Cancels a run.
pub fn run_cancel(id: RunId) -> String {
    format!("{BASE}/task-runs/{id}/cancel")
}

/// The list of users.
pub fn users() -> String {
    routes::USERS.to_owned()
}

/// One user.
pub fn user(id: UserId) -> String {
    format!("{BASE}/users/{id}")
}

/// The groups of a user.
pub fn user_groups(id: UserId) -> String {
    format!("{BASE}/users/{id}/groups")
}

/// The list of groups.
pub fn groups() -> String {
    routes::GROUPS.to_owned()
}

/// One group.
pub fn group(id: GroupId) -> String {
    format!("{BASE}/groups/{id}")
}

/// The members of a group.
pub fn group_members(id: GroupId) -> String {
    format!("{BASE}/groups/{id}/members")
}

/// One member of a group.
pub fn group_member(id: GroupId, user: UserId) -> String {
    format!("{BASE}/groups/{id}/members/{user}")
}

/// The messages that a user has got.
pub fn user_messages(id: UserId) -> String {
    format!("{BASE}/users/{id}/messages")
}

/// The list of federated providers.
pub fn federated_providers() -> String {
    routes::FEDERATED_PROVIDERS.to_owned()
}

/// One federated provider.
pub fn federated_provider(id: ProviderId) -> String {
    format!("{BASE}/federated-providers/{id}")
}

/// Who a user is at federated providers.
pub fn user_federated_identities(id: UserId) -> String {
    format!("{BASE}/users/{id}/federated-identities")
}

/// Who a user is at one federated provider.
pub fn user_federated_identity(id: UserId, provider: ProviderId) -> String {
    format!("{BASE}/users/{id}/federated-identities/{provider}")
}

/// The list of applications.
pub fn applications() -> String {
    routes::APPLICATIONS.to_owned()
}

/// One application.
pub fn application(id: ApplicationId) -> String {
    format!("{BASE}/applications/{id}")
}

/// Makes a new client secret for an application.
pub fn application_rotate_secret(id: ApplicationId) -> String {
    format!("{BASE}/applications/{id}/rotate-secret")
}

/// The list of access requests.
pub fn access_requests() -> String {
    routes::ACCESS_REQUESTS.to_owned()
}

/// One access request.
pub fn access_request(id: AccessRequestId) -> String {
    format!("{BASE}/access-requests/{id}")
}

/// Grants an access request.
pub fn access_request_approve(id: AccessRequestId) -> String {
    format!("{BASE}/access-requests/{id}/approve")
}

/// Refuses an access request.
pub fn access_request_deny(id: AccessRequestId) -> String {
    format!("{BASE}/access-requests/{id}/deny")
}

/// The list of schedules.
pub fn schedules() -> String {
    routes::SCHEDULES.to_owned()
}

/// One schedule.
pub fn schedule(id: ScheduleId) -> String {
    format!("{BASE}/schedules/{id}")
}

/// Lets a schedule fire by itself.
pub fn schedule_enable(id: ScheduleId) -> String {
    format!("{BASE}/schedules/{id}/enable")
}

/// Keeps a schedule from firing by itself.
pub fn schedule_disable(id: ScheduleId) -> String {
    format!("{BASE}/schedules/{id}/disable")
}

/// Runs a schedule now.
pub fn schedule_run(id: ScheduleId) -> String {
    format!("{BASE}/schedules/{id}/run")
}

/// When a schedule fires next.
pub fn schedule_next(id: ScheduleId) -> String {
    format!("{BASE}/schedules/{id}/next")
}

/// The list of executions.
pub fn executions() -> String {
    routes::EXECUTIONS.to_owned()
}

/// Executions that have not ended.
pub fn executions_active() -> String {
    routes::EXECUTIONS_ACTIVE.to_owned()
}

/// One execution, with its steps.
pub fn execution(id: ExecutionId) -> String {
    format!("{BASE}/schedule-executions/{id}")
}

/// Cancels an execution.
pub fn execution_cancel(id: ExecutionId) -> String {
    format!("{BASE}/schedule-executions/{id}/cancel")
}

/// The list of activities.
pub fn activities() -> String {
    routes::ACTIVITIES.to_owned()
}

/// One activity.
pub fn activity(id: ActivityId) -> String {
    format!("{BASE}/activities/{id}")
}

/// The list of connected systems.
pub fn connected_systems() -> String {
    routes::CONNECTED_SYSTEMS.to_owned()
}

/// One connected system.
pub fn connected_system(id: i64) -> String {
    format!("{BASE}/synchronisation/connected-systems/{id}")
}

/// The run profiles of a connected system.
pub fn run_profiles(system: i64) -> String {
    format!("{BASE}/synchronisation/connected-systems/{system}/run-profiles")
}

/// One run profile.
pub fn run_profile(system: i64, id: i64) -> String {
    format!("{BASE}/synchronisation/connected-systems/{system}/run-profiles/{id}")
}

/// Executes a run profile.
pub fn run_profile_execute(system: i64, id: i64) -> String {
    format!("{BASE}/synchronisation/connected-systems/{system}/run-profiles/{id}/execute")
}

/// The list of service accounts.
pub fn service_accounts() -> String {
    routes::SERVICE_ACCOUNTS.to_owned()
}

/// One service account.
pub fn service_account(id: ServiceAccountId) -> String {
    format!("{BASE}/service-accounts/{id}")
}

/// The tokens of a service account.
pub fn service_account_tokens(id: ServiceAccountId) -> String {
    format!("{BASE}/service-accounts/{id}/tokens")
}

/// One token of a service account.
pub fn service_account_token(id: ServiceAccountId, token: TokenId) -> String {
    format!("{BASE}/service-accounts/{id}/tokens/{token}")
}

/// Who the caller is.
pub fn me() -> String {
    routes::ME.to_owned()
}

/// The tokens of the caller's account.
pub fn my_tokens() -> String {
    routes::MY_TOKENS.to_owned()
}

/// One token of the caller's account.
pub fn my_token(id: TokenId) -> String {
    format!("{BASE}/me/tokens/{id}")
}

/// Makes a short token.
pub fn short_tokens() -> String {
    routes::SHORT_TOKENS.to_owned()
}

/// One short token of the caller's.
pub fn short_token(id: TokenId) -> String {
    format!("{BASE}/me/tokens/short/{id}")
}

/// Lets a short token live longer.
pub fn short_token_renew(id: TokenId) -> String {
    format!("{BASE}/me/tokens/short/{id}/renew")
}

/// The audit log.
pub fn audit_log() -> String {
    routes::AUDIT_LOG.to_owned()
}
