//! Short pieces for what many providers need. What every resource has is left out of them.
//!
//! # Importing by an id of several parts
//!
//! Older Terraforms import by a text only, newer ones by the identity as well.
//!
//! ```
//! # use tfplugin::*;
//! # #[derive(Clone)]
//! # struct Api;
//! # model! { struct Bucket { region: Attr<String>, name: Attr<String>, size: Attr<i64> } }
//! # struct BucketResource;
//! #[async_trait]
//! impl Resource for BucketResource {
//! #     const TYPE_NAME: &'static str = "cloud_bucket";
//! #     type Client = Api;
//! #     type State = Bucket;
//! #     fn schema(&self) -> Schema { Schema::new() }
//! #     async fn create(&self, p: Bucket, _: Bucket, _: &mut Context<'_, Api>) -> Option<Bucket> { Some(p) }
//! #     async fn read(&self, s: Bucket, _: &mut Context<'_, Api>) -> Read<Bucket> { Read::Found(s) }
//! #     async fn update(&self, _: Bucket, p: Bucket, _: Bucket, _: &mut Context<'_, Api>) -> Option<Bucket> {
//! #         Some(p)
//! #     }
//! #     async fn delete(&self, _: Bucket, _: &mut Context<'_, Api>) {}
//!     fn identity(&self) -> Option<IdentitySchema> {
//!         Some(IdentitySchema::new(["region", "name"].map(|name| IdentityAttribute::required(name, Type::String))))
//!     }
//!
//!     async fn import(&self, import: Import<'_>, context: &mut Context<'_, Api>) -> Option<Bucket> {
//!         let parts = match import {
//!             Import::Id(id) => id.split_once('/'),
//!             Import::Identity(identity) => {
//!                 let part = |name| identity.get(name).and_then(Value::as_str);
//!                 part("region").zip(part("name"))
//!             }
//!         };
//!         let Some((region, name)) = parts else {
//!             context.diagnostics.error("Invalid id", format!("{import} is not of the form \"region/name\"."));
//!             return None;
//!         };
//!         Some(Bucket { region: region.into(), name: name.into(), ..Bucket::default() })
//!     }
//! }
//! ```
//!
//! # Upgrading over several versions
//!
//! A model for each form that was ever stored, and each form made of the one before it.
//!
//! ```
//! # use tfplugin::*;
//! # #[derive(Clone)]
//! # struct Api;
//! model! {
//!     struct Version0 { id: Attr<String>, title: Attr<String> }
//!     struct Version1 { id: Attr<String>, name: Attr<String>, minutes: Attr<i64> }
//!     struct Job { id: Attr<String>, name: Attr<String>, seconds: Attr<i64> }
//! }
//!
//! /// `title` is called `name`, and there is a limit.
//! fn version1(old: Version0) -> Version1 {
//!     Version1 { id: old.id, name: old.title, minutes: Attr::Null }
//! }
//!
//! /// The limit is in seconds.
//! fn job(old: Version1) -> Job {
//!     Job { id: old.id, name: old.name, seconds: old.minutes.map(|minutes| minutes * 60) }
//! }
//!
//! fn read<M: Model>(stored: Stored<'_>, ty: &Type, diagnostics: &mut Diagnostics) -> Option<M> {
//!     diagnostics.ok("Stored state is not readable", stored.decode(ty).and_then(M::from_value))
//! }
//!
//! # struct JobResource;
//! #[async_trait]
//! impl Resource for JobResource {
//! #     const TYPE_NAME: &'static str = "scheduler_job";
//! #     type Client = Api;
//! #     type State = Job;
//! #     async fn create(&self, p: Job, _: Job, _: &mut Context<'_, Api>) -> Option<Job> { Some(p) }
//! #     async fn read(&self, s: Job, _: &mut Context<'_, Api>) -> Read<Job> { Read::Found(s) }
//! #     async fn update(&self, _: Job, p: Job, _: Job, _: &mut Context<'_, Api>) -> Option<Job> { Some(p) }
//! #     async fn delete(&self, _: Job, _: &mut Context<'_, Api>) {}
//!     fn schema(&self) -> Schema {
//!         Schema::new().version(2)
//!         // .attributes(…)
//!     }
//!
//!     async fn upgrade(&self, stored: Stored<'_>, diagnostics: &mut Diagnostics) -> Option<Job> {
//!         match stored.version() {
//!             0 => {
//!                 let ty = Type::object([("id", Type::String), ("title", Type::String)]);
//!                 read(stored, &ty, diagnostics).map(version1).map(job)
//!             }
//!             1 => {
//!                 let ty = Type::object([("id", Type::String), ("name", Type::String), ("minutes", Type::Number)]);
//!                 read(stored, &ty, diagnostics).map(job)
//!             }
//!             newer => {
//!                 let detail = format!("A newer version of the provider has stored it, with version {newer}.");
//!                 diagnostics.error("State cannot be read", detail);
//!                 None
//!             }
//!         }
//!     }
//! }
//! #
//! # let text = br#"{"id": "7", "name": "nightly", "minutes": 2}"#;
//! # let job = read(Stored::new(1, text), &Type::object([
//! #     ("id", Type::String), ("name", Type::String), ("minutes", Type::Number),
//! # ]), &mut Diagnostics::new()).map(job).unwrap();
//! # assert_eq!((job.name.as_str(), job.seconds), (Some("nightly"), Attr::Known(120)));
//! ```
//!
//! # Taking over an object of another type
//!
//! For `moved { from = old_task.a, to = scheduler_job.a }`: Terraform asks wherever the two types differ.
//!
//! ```
//! # use tfplugin::*;
//! # #[derive(Clone)]
//! # struct Api;
//! # model! { struct Job { id: Attr<String>, name: Attr<String> } }
//! # struct JobResource;
//! #[async_trait]
//! impl Resource for JobResource {
//! #     const TYPE_NAME: &'static str = "scheduler_job";
//! #     type Client = Api;
//! #     type State = Job;
//! #     fn schema(&self) -> Schema { Schema::new() }
//! #     async fn create(&self, p: Job, _: Job, _: &mut Context<'_, Api>) -> Option<Job> { Some(p) }
//! #     async fn read(&self, s: Job, _: &mut Context<'_, Api>) -> Read<Job> { Read::Found(s) }
//! #     async fn update(&self, _: Job, p: Job, _: Job, _: &mut Context<'_, Api>) -> Option<Job> { Some(p) }
//! #     async fn delete(&self, _: Job, _: &mut Context<'_, Api>) {}
//!     async fn move_from(
//!         &self,
//!         source: MovedState<'_>,
//!         _: &mut Private,
//!         diagnostics: &mut Diagnostics,
//!     ) -> Option<Job> {
//!         let MovedState { provider, type_name, state, .. } = source;
//!         if (provider, type_name, state.version()) != ("registry.terraform.io/example/old", "old_task", 0) {
//!             let detail = format!("A {type_name} of {provider} cannot become a scheduler_job.");
//!             diagnostics.error("Move not supported", detail);
//!             return None;
//!         }
//!         let state = diagnostics.ok("Stored state is not readable", state.json())?;
//!         let text = |name: &str| Attr::from(state[name].as_str().map(str::to_owned));
//!         Some(Job { id: text("uid"), name: text("title") })
//!     }
//! }
//! ```
//!
//! # Time-outs
//!
//! A nested attribute, as other providers have it: `timeouts = { create = "10m" }`. A change of nothing else plans an
//! update too, for which `update` has nothing to send.
//!
//! ```
//! use std::time::Duration;
//!
//! # use tfplugin::*;
//! # #[derive(Clone)]
//! # struct Api;
//! # impl Api {
//! #     async fn create(&self, _: Option<&str>) -> std::io::Result<String> { Ok(String::new()) }
//! # }
//! model! {
//!     struct Job { id: Attr<String>, name: Attr<String>, timeouts: Attr<Timeouts> }
//!     struct Timeouts { create: Attr<String> }
//! }
//!
//! /// The duration that a text such as `90s`, `10m` or `2h` means.
//! fn duration(text: &str) -> Option<Duration> {
//!     let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
//!     let seconds = match unit {
//!         "s" => 1,
//!         "m" => 60,
//!         "h" => 3600,
//!         _ => return None,
//!     };
//!     number.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
//! }
//! # assert_eq!(duration("10m"), Some(Duration::from_secs(600)));
//! # assert_eq!([duration(""), duration("10"), duration("µ")], [None; 3]);
//!
//! # struct JobResource;
//! #[async_trait]
//! impl Resource for JobResource {
//! #     const TYPE_NAME: &'static str = "scheduler_job";
//! #     type Client = Api;
//! #     type State = Job;
//! #     async fn read(&self, s: Job, _: &mut Context<'_, Api>) -> Read<Job> { Read::Found(s) }
//! #     async fn update(&self, _: Job, p: Job, _: Job, _: &mut Context<'_, Api>) -> Option<Job> { Some(p) }
//! #     async fn delete(&self, _: Job, _: &mut Context<'_, Api>) {}
//!     fn schema(&self) -> Schema {
//!         let message = Message::new("Invalid duration", "Write a number and s, m or h, such as `10m`.");
//!         let create = Attribute::string("create").optional().check(Check::regex("^[0-9]{1,6}[smh]$", message));
//!         Schema::new()
//!             .attributes([Attribute::string("id").computed(), Attribute::string("name").required()])
//!             .attribute(Attribute::nested("timeouts", [create]).optional())
//!     }
//!
//!     async fn create(&self, planned: Job, _: Job, context: &mut Context<'_, Api>) -> Option<Job> {
//!         let chosen = planned.timeouts.as_known().and_then(|timeouts| duration(timeouts.create.as_str()?));
//!         let limit = chosen.unwrap_or(Duration::from_secs(5 * 60));
//!         let creation = context.client.create(planned.name.as_str());
//!         let Ok(created) = tokio::time::timeout(limit, creation).await else {
//!             let path = AttributePath::of("timeouts").attribute("create");
//!             context.diagnostics.error_at(path, "Time is up", format!("The job was not there after {limit:?}."));
//!             return None;
//!         };
//!         let id = context.diagnostics.ok("Could not create the job", created)?;
//!         Some(Job { id: Attr::Known(id), ..planned })
//!     }
//! }
//! ```
//!
//! # Listing a remote collection page by page
//!
//! [`Found::wanted`](crate::Found::wanted) says how many objects Terraform still wants, and
//! [`Found::push`](crate::Found::push) when it wants no more.
//!
//! ```
//! # use tfplugin::*;
//! # struct Page { names: Vec<String>, next: Option<String> }
//! # #[derive(Clone)]
//! # struct Api;
//! # impl Api {
//! #     async fn page(&self, _: &str, _: usize) -> std::io::Result<Page> { Ok(Page { names: vec![], next: None }) }
//! # }
//! # model! { struct Job { name: Attr<String> } struct Filter {} }
//! # struct JobResource;
//! # #[async_trait]
//! # impl Resource for JobResource {
//! #     const TYPE_NAME: &'static str = "scheduler_job";
//! #     type Client = Api;
//! #     type State = Job;
//! #     fn schema(&self) -> Schema { Schema::new() }
//! #     async fn create(&self, p: Job, _: Job, _: &mut Context<'_, Api>) -> Option<Job> { Some(p) }
//! #     async fn read(&self, s: Job, _: &mut Context<'_, Api>) -> Read<Job> { Read::Found(s) }
//! #     async fn update(&self, _: Job, p: Job, _: Job, _: &mut Context<'_, Api>) -> Option<Job> { Some(p) }
//! #     async fn delete(&self, _: Job, _: &mut Context<'_, Api>) {}
//! # }
//! # struct Jobs;
//! #[async_trait]
//! impl List for Jobs {
//! #     type Resource = JobResource;
//! #     type Config = Filter;
//! #     fn schema(&self) -> Schema { Schema::new() }
//!     async fn list(&self, _: Filter, found: &mut Found<Job>, call: &mut Call<'_, Api>) {
//!         let mut cursor = Some(String::new());
//!         while let Some(here) = cursor {
//!             // The API gives 100 at most.
//!             let page = call.client.page(&here, found.wanted().min(100)).await;
//!             let Some(page) = call.diagnostics.ok("Could not list the jobs", page) else { return };
//!             for name in page.names {
//!                 if !found.push(name.as_str(), Job { name: name.as_str().into() }).await {
//!                     return;
//!                 }
//!             }
//!             cursor = page.next;
//!         }
//!     }
//! }
//! ```
//!
//! # A secret that is not stored
//!
//! Terraform cannot tell that a write-only attribute has changed, for it has stored none. Its companion says so:
//! whoever changes the password counts the version up.
//!
//! ```
//! # use tfplugin::*;
//! # #[derive(Clone)]
//! # struct Api;
//! # impl Api {
//! #     async fn set_password(&self, _: Option<&str>, _: Option<&str>) -> std::io::Result<()> { Ok(()) }
//! # }
//! model! {
//!     struct User { name: Attr<String>, password_wo: Attr<Sensitive<String>>, password_wo_version: Attr<i64> }
//! }
//!
//! # struct UserResource;
//! #[async_trait]
//! impl Resource for UserResource {
//! #     const TYPE_NAME: &'static str = "cloud_user";
//! #     type Client = Api;
//! #     type State = User;
//! #     async fn read(&self, s: User, _: &mut Context<'_, Api>) -> Read<User> { Read::Found(s) }
//! #     async fn delete(&self, _: User, _: &mut Context<'_, Api>) {}
//!     fn schema(&self) -> Schema {
//!         Schema::new()
//!             .attributes([
//!                 Attribute::string("name").required().requires_replace(),
//!                 Attribute::string("password_wo").optional().write_only(),
//!                 Attribute::number("password_wo_version").optional(),
//!             ])
//!             .relation(Relation::together(["password_wo", "password_wo_version"]))
//!     }
//!
//!     // The password is in `config` only: in `prior` and `planned` it is null.
//!     async fn create(&self, planned: User, config: User, context: &mut Context<'_, Api>) -> Option<User> {
//!         let password = config.password_wo.as_known().map(|password| password.expose().as_str());
//!         let set = context.client.set_password(planned.name.as_str(), password).await;
//!         context.diagnostics.ok("Could not create the user", set).map(|()| planned)
//!     }
//!
//!     async fn update(
//!         &self,
//!         prior: User,
//!         planned: User,
//!         config: User,
//!         context: &mut Context<'_, Api>,
//!     ) -> Option<User> {
//!         if prior.password_wo_version != planned.password_wo_version {
//!             let password = config.password_wo.as_known().map(|password| password.expose().as_str());
//!             let set = context.client.set_password(planned.name.as_str(), password).await;
//!             context.diagnostics.ok("Could not change the password", set)?;
//!         }
//!         Some(planned)
//!     }
//! }
//! ```
