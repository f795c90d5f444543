//! From the fields of a request to a definition that keeps all rules.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use justiam_planner::due::Schedule;
use justiam_sdk::api::config::{self, ConfigMap};
use justiam_sdk::api::cron::CronExpr;
use justiam_sdk::api::script;
use justiam_sdk::api::secrets::SecretMap;
use justiam_sdk::api::tasks::{DEFAULT_TIMEZONE, MAX_DESCRIPTION, MAX_NAME, MAX_SCRIPT, READ_ONLY, TIMEOUT_SECONDS};
use justiam_sdk::api::values::{OverlapPolicy, ScheduleType, TaskType, Words};
use justiam_sdk::api::zone;
use ring::digest::{SHA256, digest};

use crate::app::fields::{Field, Fields, Object};
use crate::app::secrets::{self, Change};
use crate::app::{Error, FieldErrors, Result, hex};
use crate::store::tasks::{Definition, TaskRow};

/// What a request wants a task to be.
pub(super) struct Wanted {
    pub(super) definition: Definition,
    pub(super) schedule: Schedule,
    pub(super) secrets: Option<Change>,
}

/// What a request says that a task shall be, right or wrong.
pub(super) struct Draft {
    pub(super) definition: Definition,
    schedule: Option<Schedule>,
    secrets: Option<Change>,
    pub(super) errors: FieldErrors,
}

impl Draft {
    /// The schedule, unless one of its fields is wrong.
    pub(super) fn sound_schedule(&self) -> Option<&Schedule> {
        let wrong = ["schedule_type", "cron_expr", "timezone", "run_at"].iter().any(|name| self.errors.has(name));
        self.schedule.as_ref().filter(|_| !wrong)
    }

    /// What is wanted, where nothing is wrong.
    pub(super) fn wanted(self) -> Result<Wanted> {
        let Self { definition, schedule, secrets, errors } = self;
        match schedule {
            Some(schedule) => errors.check().map(|()| Wanted { definition, schedule, secrets }),
            // Where there is no schedule, its field has an error.
            None => Err(Error::Invalid(errors)),
        }
    }
}

/// Reads the body of a create. A task without a name gets `fallback_name`, which is made from its type.
pub(super) fn read_new(body: Object, fallback_name: impl FnOnce(&TaskType) -> String) -> Draft {
    let mut fields = Fields::new(body);
    fields.ignore(&READ_ONLY);
    let mut definition = defaults();
    overlay(&mut fields, &mut definition);
    if let Field::Value(entries) = fields.texts("task_config") {
        definition.task_config = entries;
    }
    let secrets = fields.texts("secrets").value().map(|secrets| {
        let secrets: SecretMap = secrets.into_iter().map(|(key, value)| (key, value.into())).collect();
        secrets::check(&secrets, "secrets.", &mut fields.errors);
        Change::Replace(secrets)
    });
    let mut errors = fields.finish();
    require(&definition, &mut errors, "");
    if definition.name.is_empty() && !errors.has("name") && definition.task_type.is_known() {
        if definition.task_type.is_script() {
            errors.add("name", "is required for a script");
        } else {
            definition.name = fallback_name(&definition.task_type);
        }
    }
    check(definition, secrets, errors)
}

/// Reads the body of a replacement: what it leaves out returns to its default; config entries and secrets stay.
pub(super) fn read_replacement(body: Object, stored: &TaskRow) -> Result<Wanted> {
    let mut fields = Fields::new(body);
    fields.ignore(&READ_ONLY);
    // Part of what a GET returns, so that it can be sent back; changed by its own route and by PATCH.
    fields.ignore(&["task_config"]);
    let mut definition = Definition { task_config: stored.definition.task_config.clone(), ..defaults() };
    overlay(&mut fields, &mut definition);
    if !matches!(fields.object("secrets"), Field::Absent) {
        fields.errors.add("secrets", "cannot be changed by PUT; use PATCH, or PUT …/secrets");
    }
    let mut errors = fields.finish();
    let hint = "; PUT replaces the whole definition, use PATCH to change a part of it";
    require(&definition, &mut errors, hint);
    if definition.name.is_empty() && !errors.has("name") {
        errors.add("name", format!("is required{hint}"));
    }
    if definition.task_type.is_script() && definition.script.is_none() && !errors.has("script") {
        errors.add("script", format!("is required{hint}"));
    }
    check(definition, None, errors).wanted()
}

/// Reads the body of a patch: what it leaves out stays.
pub(super) fn read_patch(body: Object, stored: &TaskRow) -> Result<Wanted> {
    let mut fields = Fields::new(body);
    fields.ignore(&READ_ONLY);
    let mut definition = stored.definition.clone();
    for name in ["task_type", "schedule_type"] {
        if fields.peek(name).is_some_and(serde_json::Value::is_null) {
            fields.errors.add(name, "has no default, so it cannot be null");
        }
    }
    overlay(&mut fields, &mut definition);
    match fields.texts("task_config") {
        Field::Absent => {}
        Field::Null => definition.task_config = ConfigMap::new(),
        Field::Value(entries) => definition.task_config = entries,
    }
    let mut secrets = None;
    if let Field::Value(patch) = fields.object("secrets") {
        let mut inner = Fields::new(patch);
        secrets = Some(Change::Patch(secrets::read_patch(&mut inner, "secrets.")));
        for (path, messages) in inner.finish().into_map() {
            let path = if path.starts_with("secrets.") { path } else { format!("secrets.{path}") };
            for message in messages {
                fields.errors.add(path.clone(), message);
            }
        }
    }
    let errors = fields.finish();
    check(definition, secrets, errors).wanted()
}

/// The schedule of a stored definition, as [`schedule`].
pub(crate) fn schedule_of(definition: &Definition) -> Option<Schedule> {
    let d = definition;
    schedule(&d.schedule_type, d.cron_expr.as_deref(), &d.timezone, d.run_at)
}

/// The schedule of a stored task. `None` when a later or tampered database holds one that this version cannot read.
pub(crate) fn schedule(
    schedule_type: &ScheduleType,
    cron_expr: Option<&str>,
    timezone: &str,
    run_at: Option<Timestamp>,
) -> Option<Schedule> {
    match schedule_type {
        ScheduleType::Cron => {
            Some(Schedule::Cron { expr: Box::new(cron_expr?.parse().ok()?), zone: zone::parse(timezone).ok()? })
        }
        ScheduleType::Once => Some(Schedule::Once { run_at }),
        _ => None,
    }
}

fn defaults() -> Definition {
    Definition {
        name: String::new(),
        description: None,
        task_type: TaskType::Other(String::new()),
        schedule_type: ScheduleType::Other(String::new()),
        cron_expr: None,
        timezone: DEFAULT_TIMEZONE.to_owned(),
        run_at: None,
        overlap_policy: OverlapPolicy::Allow,
        enabled: true,
        timeout_seconds: *TIMEOUT_SECONDS.end(),
        script: None,
        script_sha256: None,
        config: Object::new(),
        task_config: ConfigMap::new(),
    }
}

/// Puts what the request says over what is there. `null` returns a field to its default.
fn overlay(fields: &mut Fields, definition: &mut Definition) {
    let base = defaults();
    set(&mut definition.name, fields.text("name"), base.name);
    set_optional(&mut definition.description, fields.text("description"));
    word(fields, "task_type", &mut definition.task_type);
    word(fields, "schedule_type", &mut definition.schedule_type);
    set_optional(&mut definition.cron_expr, fields.text("cron_expr"));
    set(&mut definition.timezone, fields.text("timezone"), base.timezone);
    set_optional(&mut definition.run_at, fields.instant("run_at"));
    if fields.peek("overlap_policy").is_some_and(serde_json::Value::is_null) {
        definition.overlap_policy = base.overlap_policy;
    }
    word(fields, "overlap_policy", &mut definition.overlap_policy);
    set(&mut definition.enabled, fields.flag("enabled"), base.enabled);
    set(&mut definition.timeout_seconds, fields.integer("timeout_seconds"), base.timeout_seconds);
    set_optional(&mut definition.script, fields.text("script"));
    set(&mut definition.config, fields.object("config"), base.config);
}

fn set<T>(target: &mut T, field: Field<T>, default: T) {
    match field {
        Field::Absent => {}
        Field::Null => *target = default,
        Field::Value(value) => *target = value,
    }
}

fn set_optional<T>(target: &mut Option<T>, field: Field<T>) {
    match field {
        Field::Absent => {}
        Field::Null => *target = None,
        Field::Value(value) => *target = Some(value),
    }
}

fn word<W: Words>(fields: &mut Fields, name: &str, target: &mut W) {
    if let Field::Value(text) = fields.text(name) {
        let word = W::from(text.as_str());
        if !word.is_known() {
            fields.errors.add(name, format!("{}, not `{}`", W::expected(), crate::app::error::shown(&text)));
        }
        *target = word;
    }
}

/// A task without a type or a kind of schedule is nothing.
fn require(definition: &Definition, errors: &mut FieldErrors, hint: &str) {
    for (name, word, expected) in [
        ("task_type", definition.task_type.as_str(), TaskType::expected()),
        ("schedule_type", definition.schedule_type.as_str(), ScheduleType::expected()),
    ] {
        if word.is_empty() && !errors.has(name) {
            errors.add(name, format!("is required; it {expected}{hint}"));
        }
    }
}

/// Checks the rules that every definition keeps, whoever wrote it.
fn check(mut definition: Definition, secrets: Option<Change>, mut errors: FieldErrors) -> Draft {
    let length = definition.name.chars().count();
    if !errors.has("name") && !definition.name.is_empty() {
        if definition.name.trim().is_empty() {
            errors.add("name", "must not be blank");
        } else if length > MAX_NAME {
            errors.add("name", format!("has {length} characters; {MAX_NAME} are allowed"));
        } else if definition.name.chars().any(char::is_control) {
            errors.add("name", "must not contain control characters");
        }
    } else if !errors.has("name") && definition.task_type.is_known() {
        errors.add("name", "must not be empty");
    }
    if definition.description.as_ref().is_some_and(|text| text.chars().count() > MAX_DESCRIPTION) {
        errors.add("description", format!("may have {MAX_DESCRIPTION} characters at the most"));
    }
    if !TIMEOUT_SECONDS.contains(&definition.timeout_seconds) {
        let (least, most) = (TIMEOUT_SECONDS.start(), TIMEOUT_SECONDS.end());
        errors.add("timeout_seconds", format!("must be from {least} to {most}, not {}", definition.timeout_seconds));
    }
    check_script(&definition, &mut errors);
    check_config(&definition.task_config, "task_config.", &mut errors);
    let schedule = check_schedule(&definition, &mut errors);
    definition.script_sha256 =
        definition.script.as_ref().map(|script| hex(digest(&SHA256, script.as_bytes()).as_ref()));
    Draft { definition, schedule, secrets, errors }
}

fn check_script(definition: &Definition, errors: &mut FieldErrors) {
    if errors.has("script") || !definition.task_type.is_known() {
        return;
    }
    match &definition.script {
        Some(_) if !definition.task_type.is_script() => {
            errors.add("script", format!("is for `task_type` `script` only, not for `{}`", definition.task_type));
        }
        None if definition.task_type.is_script() => errors.add("script", "is required for `task_type` `script`"),
        Some(source) if source.len() > MAX_SCRIPT => {
            errors.add("script", format!("is {} bytes long; {MAX_SCRIPT} are allowed", source.len()));
        }
        Some(source) => {
            if let Err(error) = script::check_header(source) {
                errors.add("script", error.to_string());
            }
        }
        None => {}
    }
}

/// Checks config entries. `prefix` leads the paths of errors.
pub(super) fn check_config(entries: &ConfigMap, prefix: &str, errors: &mut FieldErrors) {
    if entries.len() > config::MAX_KEYS {
        errors.add("task_config", format!("may have {} entries at the most", config::MAX_KEYS));
    }
    for (key, value) in entries {
        let path = || format!("{prefix}{}", crate::app::error::shown(key));
        secrets::check_key(key, config::MAX_KEY, errors, path);
        if value.len() > config::MAX_VALUE {
            errors.add(path(), format!("is {} bytes long; {} are allowed", value.len(), config::MAX_VALUE));
        }
    }
}

fn check_schedule(definition: &Definition, errors: &mut FieldErrors) -> Option<Schedule> {
    let zone = match zone::parse(&definition.timezone) {
        Ok(zone) => zone,
        Err(error) => {
            errors.add("timezone", error.to_string());
            // The other fields are checked all the same.
            TimeZone::UTC
        }
    };
    let expr = definition.cron_expr.as_deref().map(str::parse::<CronExpr>).transpose();
    if let Err(error) = &expr {
        errors.add("cron_expr", error.to_string());
    }
    match definition.schedule_type {
        ScheduleType::Cron => {
            if definition.run_at.is_some() {
                errors.add("run_at", "is for `schedule_type` `once` only; leave it out, or send null");
            }
            match expr {
                Ok(Some(expr)) => return Some(Schedule::Cron { expr: Box::new(expr), zone }),
                Ok(None) if !errors.has("cron_expr") => {
                    errors.add("cron_expr", "is required for `schedule_type` `cron`");
                }
                Ok(None) | Err(_) => {}
            }
            None
        }
        ScheduleType::Once => {
            if definition.cron_expr.is_some() {
                errors.add("cron_expr", "is for `schedule_type` `cron` only; leave it out, or send null");
            }
            Some(Schedule::Once { run_at: definition.run_at })
        }
        _ => {
            if !errors.has("schedule_type") {
                errors.add("schedule_type", ScheduleType::expected());
            }
            None
        }
    }
}
