//! `data "justiam_run_profile"`.

use justiam_sdk::api::values::Words as _;
use tfplugin::{Attr, Attribute, Call, Check, DataSource, Relation, Schema, async_trait, model};

use super::{ask, asked_for, no_attribute, nothing_named};
use crate::client::Api;
use crate::problem::Subject;

model! {
    /// What is asked for and found.
    #[derive(Debug)]
    pub struct Found {
        pub connected_system_id: Attr<i64>,
        pub id: Attr<i64>,
        pub name: Attr<String>,
        pub run_type: Attr<String>,
        pub page_size: Attr<i64>,
        pub file_path: Attr<String>,
    }
}

/// The data source.
pub(crate) struct Source;

const SUBJECT: Subject = Subject { type_name: Source::TYPE_NAME, noun: "run profile", attribute: no_attribute };

#[async_trait]
impl DataSource for Source {
    const TYPE_NAME: &'static str = "justiam_run_profile";
    type Client = Api;
    type State = Found;

    fn schema(&self) -> Schema {
        Schema::new()
            .markdown("A run profile of a connected system, by its id or its name.")
            .attributes([
                Attribute::number("connected_system_id")
                    .required()
                    .check(Check::int(1..=i64::MAX))
                    .markdown("The id of the connected system."),
                Attribute::number("id")
                    .computed()
                    .optional()
                    .check(Check::int(1..=i64::MAX))
                    .markdown("The run profile's id."),
                Attribute::string("name").computed().optional().markdown("The run profile's name."),
                Attribute::string("run_type").computed().markdown(
                    "What it does: `FullImport`, `DeltaImport`, `FullSynchronisation`, `DeltaSynchronisation` or `Export`.",
                ),
                Attribute::number("page_size").computed().markdown("How many objects are handled at a time."),
                Attribute::string("file_path").computed().markdown(
                    "The file on the server to read or write, where it is not the connected system's.",
                ),
            ])
            .relation(Relation::exactly_one_of(["id", "name"]))
    }

    async fn read(&self, wanted: Found, call: &mut Call<'_, Api>) -> Option<Found> {
        let summary =
            &format!("Could not read the run profile {}", asked_for(wanted.id.as_known().copied(), &wanted.name));
        let system = wanted.connected_system_id.as_known().copied()?;
        let found = if let Some(&id) = wanted.id.as_known() {
            Some(
                ask(call, &SUBJECT, summary, async |client| {
                    client.connected_systems().run_profiles(system).get(id).await
                })
                .await?,
            )
        } else {
            let name = wanted.name.as_str()?;
            ask(call, &SUBJECT, summary, async |client| {
                client.connected_systems().run_profiles(system).find(name).await
            })
            .await?
        };
        let Some(profile) = found else {
            nothing_named(call, SUBJECT.noun, wanted.name.as_str().unwrap_or_default());
            return None;
        };
        Some(Found {
            connected_system_id: Attr::Known(profile.connected_system_id),
            id: Attr::Known(profile.id),
            name: profile.name.into(),
            run_type: Attr::known(profile.run_type.as_str()),
            page_size: Attr::Known(profile.page_size),
            file_path: profile.file_path.into(),
        })
    }
}
