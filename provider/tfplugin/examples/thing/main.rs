//! A whole provider: things that are kept as files in a directory.
//!
//! The integration tests drive it through the real Terraform, so it also has attributes that a sane provider would
//! not: they make it slow, wrong or broken on demand.

mod action;
mod data;
mod ephemeral;
mod function;
mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use tfplugin::{
    Attr, Attribute, Block, Catalog, Check, Configure, Context, Diagnostics, FromValue, IdentityAttribute,
    IdentitySchema, Import, IntoValue, MovedState, Plan, Private, Provider, Read, Reason, Relation, Resource, Schema,
    Sensitive, Stop, Stored, Type, Value, async_trait, model, same,
};

fn main() -> ExitCode {
    tfplugin::serve(Things)
}

// ----- the provider -----

model! {
    /// The `provider` block.
    #[derive(Debug)]
    pub struct Config {
        pub directory: Attr<String>,
    }
}

struct Things;

#[async_trait]
impl Provider for Things {
    const ADDRESS: &'static str = "example/thing";
    type Config = Config;
    type Client = Store;

    fn schema(&self) -> Schema {
        Schema::new().markdown("Keeps things in a directory.").attribute(
            Attribute::string("directory").required().markdown("Where the things are.").check(Check::length(1..=4096)),
        )
    }

    fn meta_schema(&self) -> Option<Schema> {
        Some(Schema::new().attribute(Attribute::string("purpose").optional()))
    }

    #[expect(clippy::print_stdout, reason = "as a careless author would")]
    fn register(&self, catalog: &mut Catalog<Store>) {
        if std::env::var_os("THING_CHATTY").is_some() {
            println!("A word before the handshake.");
        }
        catalog
            .resource(Thing)
            .data_source(data::Thing)
            .ephemeral_resource(ephemeral::Key)
            .function(function::Join)
            .function(function::Share)
            .function(function::State)
            .function(function::Longest)
            .action(action::Poke)
            .list(list::Things);
    }

    async fn validate(&self, config: &Config, _: &mut Diagnostics) {
        panic_in("validate", config.directory.as_str());
    }

    async fn configure(&self, config: Config, _: Configure<'_>) -> Option<Store> {
        // Unknown while Terraform plans: plans do without, and whatever needs the store says so.
        panic_in("configure", config.directory.as_str());
        Some(Store(config.directory.into_known()?.into()))
    }
}

// ----- the API that it talks to -----

/// A directory with a file for each thing.
#[derive(Clone)]
pub struct Store(PathBuf);

impl Store {
    fn file(&self, id: &str) -> PathBuf {
        self.0.join(Path::new(id).file_name().unwrap_or_default())
    }

    fn write(&self, id: &str, thing: &State) -> io::Result<()> {
        let json = thing
            .clone()
            .into_value()
            .conform(&Thing.schema().ty())
            .and_then(|value| value.to_json(&Thing.schema().ty()));
        fs::write(self.file(id), json.map_err(io::Error::other)?)
    }

    /// The ids of all things, in order.
    fn ids(&self) -> io::Result<BTreeSet<String>> {
        fs::read_dir(&self.0)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&self, id: &str) -> io::Result<State> {
        let value = Value::from_json(&fs::read(self.file(id))?, &Thing.schema().ty()).map_err(io::Error::other)?;
        State::from_value(value).map_err(io::Error::other)
    }
}

// ----- the resource -----

model! {
    /// A thing: configuration, plan and state.
    #[derive(Debug)]
    pub struct State {
        pub id: Attr<String>,
        pub name: Attr<String>,
        pub size: Attr<f64>,
        pub enabled: Attr<bool>,
        pub revision: Attr<i64>,
        pub any: Attr<Value>,
        pub note: Attr<String>,
        pub old: Attr<String>,
        pub tags: Attr<BTreeSet<Attr<String>>>,
        pub secrets: Attr<BTreeMap<String, Attr<Sensitive<String>>>>,
        pub secret_wo: Attr<Sensitive<String>>,
        pub secret_wo_version: Attr<i64>,
        pub steps: Attr<Vec<Step>>,
        pub marks: Attr<Vec<Mark>>,
        // Unknown while a `dynamic` block iterates over what is not known yet.
        pub rule: Attr<Vec<Rule>>,
        pub mood: Attr<String>,
    }

    /// What tells a thing from all others.
    #[derive(Debug)]
    pub struct Identity {
        pub id: Attr<String>,
        pub directory: Attr<String>,
    }

    /// One step of a thing.
    #[derive(Debug)]
    pub struct Step {
        pub program: Attr<String>,
        pub retries: Attr<i64>,
        pub number: Attr<i64>,
    }

    /// One mark of a thing.
    #[derive(Debug)]
    pub struct Mark {
        pub name: Attr<String>,
        pub weight: Attr<i64>,
    }

    /// A rule, as a block.
    #[derive(Debug)]
    pub struct Rule {
        pub allow: Attr<String>,
    }
}

struct Thing;

/// Ways to misbehave. Those with the name of an operation do so in it.
const MOODS: &[&str] = &[
    "broken",
    "deep",
    "lost",
    "nameless",
    "later",
    "partial",
    "precious",
    "stubborn",
    "wrong",
    "slow",
    "slow-create",
    "slow-read",
    "slow-update",
    "slow-delete",
    "slow-plan",
    "slow-destroy",
    "panic",
    "panic-validate",
    "panic-plan",
    "panic-create",
    "panic-read",
    "panic-update",
    "panic-delete",
    "panic-import",
    "panic-destroy",
    "panic-generate",
    "panic-identify",
    "another-identity",
];

/// Panics, or waits for the user to stop, if that is the mood for this operation.
async fn misbehave(mood: Option<&str>, operation: &str, stop: &Stop) {
    panic_in(operation, mood);
    if mood.and_then(|mood| mood.strip_suffix(operation)) == Some("slow-") {
        // The test reads it, and interrupts.
        tracing::info!(operation, "waits for the stop");
        stop.requested().await;
        pause().await;
    }
}

/// Panics if that is the mood for this operation.
fn panic_in(operation: &str, mood: Option<&str>) {
    assert!(mood.and_then(|mood| mood.strip_suffix(operation)) != Some("panic-"), "this thing panics in {operation}");
}

#[async_trait]
impl Resource for Thing {
    const TYPE_NAME: &'static str = "thing_thing";
    type Client = Store;
    type State = State;

    const PLANS_DESTROY: bool = true;

    fn identity(&self) -> Option<IdentitySchema> {
        let id = IdentityAttribute::required("id", Type::String).description("The name of the file.");
        Some(IdentitySchema::new([id, IdentityAttribute::optional("directory", Type::String)]).version(1))
    }

    fn identify(&self, state: &State, client: Option<&Store>) -> Option<Value> {
        panic_in("identify", state.mood.as_str());
        let directory = client.map(|store| store.0.display().to_string());
        Some(Identity { id: state.id.clone(), directory: directory.into() }.into_value())
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .version(1)
            .markdown("A thing.")
            .attributes([
                Attribute::string("id").computed().never_null(),
                Attribute::string("name").required().requires_replace().check(Check::length(1..=40)),
                Attribute::number("size").optional().requires_replace_if(shrinks),
                Attribute::bool("enabled").default(true),
                Attribute::number("revision").computed().changes_on_update().markdown("Counts the changes."),
                Attribute::dynamic("any").optional().keep_prior_if(same::json),
                Attribute::string("note").optional().keep_prior_if(same::ignoring_case),
                Attribute::string("old").optional().deprecated("Use `note` instead."),
                Attribute::set("tags", Type::String).optional().check(Check::each(Check::length(1..=10))),
                Attribute::map("secrets", Type::String).optional().sensitive(),
                Attribute::string("secret_wo").optional().sensitive().write_only(),
                Attribute::number("secret_wo_version").optional(),
                Attribute::nested_list(
                    "steps",
                    [
                        Attribute::string("program").required().keep_prior_if(same::ignoring_spaces),
                        Attribute::number("retries").default(3).check(Check::int(0..=9)),
                        Attribute::number("number").computed(),
                    ],
                )
                .optional(),
                Attribute::nested_set(
                    "marks",
                    [Attribute::string("name").required(), Attribute::number("weight").default(1)],
                )
                .optional(),
                Attribute::string("mood")
                    .optional()
                    .check(Check::one_of(MOODS.iter().copied()))
                    .markdown("Makes the thing misbehave."),
            ])
            .block(Block::list("rule", [Attribute::string("allow").required()]).items(0, 5))
            .relation(Relation::at_most_one_of(["note", "old"]))
    }

    async fn validate(&self, config: &State, diagnostics: &mut Diagnostics) {
        misbehave(config.mood.as_str(), "validate", &Stop::default()).await;
        if config.name.as_str() == Some("forbidden") {
            diagnostics.error_at("name", "Forbidden name", "Nothing may have this name.");
        }
    }

    async fn plan(&self, plan: &mut Plan<'_, State, Store>) {
        misbehave(plan.planned.mood.as_str(), "plan", plan.stop).await;
        if plan.planned.mood.as_str() == Some("lost") {
            plan.requires_replace("nowhere");
        }
        if plan.planned.mood.as_str() == Some("later") && !plan.deferral.request(Reason::AbsentPrerequisite) {
            plan.diagnostics.warning_at("mood", "Not later", "This Terraform cannot put things off.");
        }
        if plan.planned.name.as_str() == Some("unlucky") {
            plan.diagnostics.warning_at("name", "Unlucky name", "This may end badly.");
        }
    }

    async fn plan_destroy(&self, state: &State, context: &mut Context<'_, Store>) {
        misbehave(state.mood.as_str(), "destroy", context.stop).await;
        if state.mood.as_str() == Some("precious") {
            context.diagnostics.warning_at("mood", "Precious", "This thing will be missed.");
        }
    }

    async fn create(&self, planned: State, config: State, context: &mut Context<'_, Store>) -> Option<State> {
        let mut state = planned;
        let name = state.name.as_str().unwrap_or_default().to_owned();
        match state.mood.as_str() {
            Some("panic") => panic!("this thing panics"),
            Some("panic-create") => panic_in("create", state.mood.as_str()),
            Some("broken") => {
                context.diagnostics.error_at("mood", "Broken", "This thing cannot be created.");
                return None;
            }
            _ => {}
        }
        state.id = Attr::Known(format!("id-{name}"));
        state.revision = Attr::Known(1);
        number(&mut state);
        if let Err(error) = context.client.write(&format!("id-{name}"), &state) {
            context.diagnostics.error("Not written", error.to_string());
            return None;
        }
        if matches!(state.mood.as_str(), Some("slow" | "slow-create")) {
            // The test interrupts here; what exists by then must not be lost.
            tracing::info!(operation = "create", "waits for the stop");
            context.stop.requested().await;
            pause().await;
        }
        match state.mood.as_str() {
            Some("wrong") => state.name = "another".into(),
            // Deeper than a value may be.
            Some("deep") => {
                state.any = Attr::Known((0..200).fold(Value::Null, |inner, _| Value::List(vec![inner])));
            }
            Some("nameless") => state.id = Attr::Null,
            Some("partial") => context.diagnostics.error("Half done", "The thing exists, but is not ready."),
            _ => {}
        }
        if let Some(purpose) = context.meta.get("purpose").and_then(Value::as_str)
            && context.private.set("purpose", &purpose).is_err()
        {
            context.diagnostics.warning("Not remembered", "The purpose has no JSON form.");
        }
        // Only the configuration has the write-only value; its length is all that is kept of it.
        if let Some(secret) = config.secret_wo.as_known()
            && context.private.set("secret_length", &secret.expose().len()).is_err()
        {
            context.diagnostics.warning("Not remembered", "The length of the secret has no JSON form.");
        }
        Some(state)
    }

    async fn read(&self, state: State, context: &mut Context<'_, Store>) -> Read<State> {
        misbehave(state.mood.as_str(), "read", context.stop).await;
        match state.mood.as_str() {
            Some("another-identity") => return Read::Found(State { id: "id-another".into(), ..state }),
            // Terraform keeps the last state, whatever this is.
            Some("later") if context.deferral.request(Reason::AbsentPrerequisite) => return Read::Failed,
            _ => {}
        }
        match context.client.read(state.id.as_str().unwrap_or_default()) {
            Ok(state) => Read::Found(state),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Read::Gone,
            Err(error) => {
                context.diagnostics.error("Not readable", error.to_string());
                Read::Failed
            }
        }
    }

    async fn update(&self, prior: State, planned: State, _: State, context: &mut Context<'_, Store>) -> Option<State> {
        let mut state = planned;
        misbehave(state.mood.as_str(), "update", context.stop).await;
        if state.mood.as_str() == Some("broken") {
            context.diagnostics.error_at("mood", "Broken", "This thing cannot be changed.");
            return None;
        }
        state.revision = prior.revision.map(|revision| revision + 1);
        number(&mut state);
        match context.client.write(state.id.as_str().unwrap_or_default(), &state) {
            Ok(()) => Some(state),
            Err(error) => {
                context.diagnostics.error("Not written", error.to_string());
                None
            }
        }
    }

    async fn delete(&self, state: State, context: &mut Context<'_, Store>) {
        misbehave(state.mood.as_str(), "delete", context.stop).await;
        if state.mood.as_str() == Some("stubborn") {
            context.diagnostics.error("Stubborn", "This thing does not go.");
            return;
        }
        let gone = fs::remove_file(context.client.file(state.id.as_str().unwrap_or_default()));
        if let Err(error) =
            gone.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
        {
            context.diagnostics.error("Not deleted", error.to_string());
        }
    }

    async fn import(&self, import: Import<'_>, context: &mut Context<'_, Store>) -> Option<State> {
        let id = import.id_or("id")?;
        misbehave(Some(id), "import", context.stop).await;
        if id == "later" && context.deferral.request(Reason::AbsentPrerequisite) {
            return None;
        }
        Some(State { id: id.into(), ..State::default() })
    }

    fn generate(&self, config: &mut State) {
        panic_in("generate", config.mood.as_str());
        // A configuration would have to repeat a secret to go with it.
        config.secret_wo_version = Attr::Null;
    }

    async fn upgrade(&self, stored: Stored<'_>, diagnostics: &mut Diagnostics) -> Option<State> {
        // Version 0 called the name a title.
        let old = Type::object([("id", Type::String), ("title", Type::String)]);
        match stored.decode(&old) {
            Ok(old) => {
                let title = old.get("title").and_then(Value::as_str);
                panic_in("upgrade", title);
                if title == Some("silent") {
                    return None;
                }
                Some(State {
                    id: old.get("id").and_then(Value::as_str).map(str::to_owned).into(),
                    name: title.map(str::to_owned).into(),
                    enabled: Attr::Known(true),
                    ..State::default()
                })
            }
            Err(error) => {
                diagnostics.error("State not readable", error.to_string());
                None
            }
        }
    }

    async fn upgrade_identity(&self, stored: Stored<'_>, diagnostics: &mut Diagnostics) -> Option<Value> {
        // Version 0 knew a key only.
        match stored.decode(&Type::object([("key", Type::String)])) {
            Ok(old) => {
                let key = old.get("key").and_then(Value::as_str);
                panic_in("upgrade", key);
                if key == Some("silent") {
                    return None;
                }
                let id = key.map(str::to_owned).into();
                Some(Identity { id, directory: Attr::Null }.into_value())
            }
            Err(error) => {
                diagnostics.error("Identity not readable", error.to_string());
                None
            }
        }
    }

    async fn move_from(
        &self,
        source: MovedState<'_>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        if (source.provider, source.type_name) != ("terraform.io/builtin/terraform", "terraform_data") {
            let detail = format!("A {} of {} cannot become a thing.", source.type_name, source.provider);
            diagnostics.error("Move not supported", detail);
            return None;
        }
        let data = source.state.decode(&Type::object([("input", Type::Dynamic)]));
        let data = diagnostics.ok("State not readable", data)?;
        let Some(name) = data.get("input").and_then(|input| String::from_value(input.clone()).ok()) else {
            diagnostics.error("Move not supported", "Only data with a text can become a thing.");
            return None;
        };
        panic_in("move", Some(&name));
        diagnostics.ok("That it has moved has no JSON form", private.set("moved", &true))?;
        let (id, name) = (Attr::Known(format!("id-{name}")), Attr::Known(name));
        Some(State { id, name, enabled: Attr::Known(true), ..State::default() })
    }
}

/// Gives each step its number.
fn number(state: &mut State) {
    if let Attr::Known(steps) = &mut state.steps {
        for (number, step) in (1..).zip(steps) {
            step.number = Attr::Known(number);
        }
    }
}

/// Whether a number becomes smaller, or may: what is not known yet must not turn out to need another thing.
fn shrinks(prior: &Value, new: &Value) -> bool {
    let smaller = |prior| new.is_unknown() || new.as_number().is_some_and(|new| new < prior);
    prior.as_number().is_some_and(smaller)
}

/// Lets other tasks run once: a clean-up that takes its time.
async fn pause() {
    let mut first = true;
    std::future::poll_fn(|context| {
        if std::mem::take(&mut first) {
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
}
