//! `data "justiam_connected_system"`.

use justiam_sdk::api::connected_systems::ConnectedSystem;
use justiam_sdk::api::values::Words as _;
use tfplugin::{Attr, Attribute, Call, Check, DataSource, Relation, Schema, Type, async_trait, model};

use super::{ask, asked_for, instant, no_attribute, nothing_named};
use crate::client::Api;
use crate::problem::Subject;
use crate::resources::connected_system::{Csv, csv};

model! {
    /// What is asked for and found.
    #[derive(Debug)]
    pub struct Found {
        pub id: Attr<i64>,
        pub name: Attr<String>,
        pub description: Attr<String>,
        pub connector_name: Attr<String>,
        pub direction: Attr<String>,
        pub csv: Attr<Csv>,
        pub created: Attr<String>,
        pub last_updated: Attr<String>,
        pub object_count: Attr<i64>,
        pub connectors_count: Attr<i64>,
        pub pending_export_objects_count: Attr<i64>,
    }
}

/// The data source.
pub(crate) struct Source;

const SUBJECT: Subject = Subject { type_name: Source::TYPE_NAME, noun: "connected system", attribute: no_attribute };

#[async_trait]
impl DataSource for Source {
    const TYPE_NAME: &'static str = "justiam_connected_system";
    type Client = Api;
    type State = Found;

    fn schema(&self) -> Schema {
        let number = |name: &str| Attribute::number(name).computed();
        let text = |name: &str| Attribute::string(name).computed();
        Schema::new()
            .markdown("A connected system, by its id or its name.")
            .attributes([
                number("id").optional().check(Check::int(1..=i64::MAX)).markdown("The connected system's id."),
                text("name").optional().markdown("The connected system's name."),
                text("description").markdown("Free text."),
                text("connector_name").markdown("How the connected system is reached: `CSV`."),
                text("direction")
                    .markdown("Who knows better: `Inbound` is the connected system, `Outbound` the server."),
                Attribute::nested("csv", columns()).computed().markdown("How the file is read and written."),
                text("created").markdown("When the connected system was created."),
                text("last_updated").markdown("When its definition last changed; null where it never did."),
                number("object_count").markdown("How many objects its connector space has."),
                number("connectors_count").markdown("How many of them belong to a user."),
                number("pending_export_objects_count").markdown("How many changes wait for an export."),
            ])
            .relation(Relation::exactly_one_of(["id", "name"]))
    }

    async fn read(&self, wanted: Found, call: &mut Call<'_, Api>) -> Option<Found> {
        let summary =
            &format!("Could not read the connected system {}", asked_for(wanted.id.as_known().copied(), &wanted.name));
        let found = if let Some(&id) = wanted.id.as_known() {
            Some(ask(call, &SUBJECT, summary, async |client| client.connected_systems().get(id).await).await?)
        } else {
            let name = wanted.name.as_str()?;
            ask(call, &SUBJECT, summary, async |client| client.connected_systems().find(name).await).await?
        };
        if found.is_none() {
            nothing_named(call, SUBJECT.noun, wanted.name.as_str().unwrap_or_default());
        }
        found.map(|system| shown(&system))
    }
}

fn columns() -> [Attribute; 10] {
    let text = |name: &str, about: &str| Attribute::string(name).computed().markdown(about);
    [
        text("file_path", "The file on the server."),
        text("delimiter", "What parts the columns."),
        text("id_column", "The column that identifies an object."),
        text("email_column", "The column with the e-mail address."),
        text("first_name_column", "The column with the first name."),
        text("last_name_column", "The column with the last name."),
        text("active_column", "The column that says whether the user is active."),
        text("groups_column", "The column with the names of the user's groups."),
        text("groups_delimiter", "What parts the names of groups."),
        Attribute::map("attribute_columns", Type::String)
            .computed()
            .markdown("Columns of further attributes: for each column the name of the user's attribute."),
    ]
}

fn shown(system: &ConnectedSystem) -> Found {
    Found {
        id: Attr::Known(system.id),
        name: system.name.clone().into(),
        description: system.description.clone().into(),
        connector_name: Attr::known(system.connector_name.as_str()),
        direction: Attr::known(system.direction.as_str()),
        csv: Attr::Known(csv(&system.csv)),
        created: instant(Some(system.created)),
        last_updated: instant(system.last_updated),
        object_count: Attr::Known(system.object_count),
        connectors_count: Attr::Known(system.connectors_count),
        pending_export_objects_count: Attr::Known(system.pending_export_objects_count),
    }
}
