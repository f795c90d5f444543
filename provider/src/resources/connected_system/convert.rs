//! Between the resource's state and the API's bodies.

use std::collections::BTreeMap;

use justiam_sdk::api::connected_systems::{ConnectedSystem, CsvSettings, NewConnectedSystem};
use justiam_sdk::api::values::Words as _;
use justiam_sdk::{Client, Error};
use tfplugin::{Attr, AttributePath};

use super::{Csv, State};

/// The body that makes a connected system what was planned. Everything is known by now.
pub(super) fn new_system(planned: &State) -> Option<NewConnectedSystem> {
    let mut new = NewConnectedSystem::csv(planned.name.as_str()?, settings(planned.csv.as_known()?)?);
    new.description = text(&planned.description);
    new.connector_name = planned.connector_name.as_str().map(Into::into);
    new.direction = planned.direction.as_str().map(Into::into);
    Some(new)
}

fn settings(csv: &Csv) -> Option<CsvSettings> {
    let mut settings = CsvSettings::new(csv.file_path.as_str()?, csv.id_column.as_str()?, csv.email_column.as_str()?);
    csv.delimiter.as_str()?.clone_into(&mut settings.delimiter);
    csv.groups_delimiter.as_str()?.clone_into(&mut settings.groups_delimiter);
    settings.first_name_column = text(&csv.first_name_column);
    settings.last_name_column = text(&csv.last_name_column);
    settings.active_column = text(&csv.active_column);
    settings.groups_column = text(&csv.groups_column);
    let columns = csv.attribute_columns.as_known().into_iter().flatten();
    settings.attribute_columns =
        columns.map(|(key, value)| Some((key.clone(), text(value)?))).collect::<Option<_>>()?;
    Some(settings)
}

fn text(attr: &Attr<String>) -> Option<String> {
    attr.as_str().map(str::to_owned)
}

/// The state after a refresh or an import: what the server says. No columns of attributes are the same as none configured.
pub(super) fn refreshed(system: &ConnectedSystem, state: &State) -> State {
    let mut csv = csv(&system.csv);
    let was_null = state.csv.as_known().is_none_or(|before| before.attribute_columns.is_null());
    if was_null && system.csv.attribute_columns.is_empty() {
        csv.attribute_columns = Attr::Null;
    }
    State {
        id: Attr::Known(system.id),
        name: Attr::known(system.name.clone()),
        description: system.description.clone().into(),
        connector_name: Attr::known(system.connector_name.as_str()),
        direction: Attr::known(system.direction.as_str()),
        csv: Attr::Known(csv),
    }
}

/// How the file is read and written, as the server says.
pub(crate) fn csv(settings: &CsvSettings) -> Csv {
    let columns: BTreeMap<String, Attr<String>> =
        settings.attribute_columns.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    Csv {
        file_path: settings.file_path.clone().into(),
        delimiter: settings.delimiter.clone().into(),
        id_column: settings.id_column.clone().into(),
        email_column: settings.email_column.clone().into(),
        first_name_column: settings.first_name_column.clone().into(),
        last_name_column: settings.last_name_column.clone().into(),
        active_column: settings.active_column.clone().into(),
        groups_column: settings.groups_column.clone().into(),
        groups_delimiter: settings.groups_delimiter.clone().into(),
        attribute_columns: Attr::Known(columns),
    }
}

/// The connected system that somebody names by its id or its name. What looks like an id is one; an id of which the server knows
/// nothing is its own error.
pub(crate) async fn looked_up(client: &Client, id_or_name: &str) -> Result<Option<ConnectedSystem>, Error> {
    match id_or_name.parse() {
        Ok(id) => client.connected_systems().get(id).await.map(Some),
        Err(_) => client.connected_systems().find(id_or_name).await,
    }
}

/// The attribute that a field of the API comes from.
pub(super) fn attribute(field: &str) -> Option<AttributePath> {
    match field {
        "name" | "description" | "direction" | "csv" => Some(AttributePath::of(field)),
        "connectorName" => Some(AttributePath::of("connector_name")),
        _ => {
            let csv = AttributePath::of("csv");
            let field = field.strip_prefix("csv.")?;
            if let Some(column) = field.strip_prefix("attributeColumns.") {
                return Some(csv.attribute("attribute_columns").key(column));
            }
            let name = match field {
                "filePath" => "file_path",
                "delimiter" => "delimiter",
                "idColumn" => "id_column",
                "emailColumn" => "email_column",
                "firstNameColumn" => "first_name_column",
                "lastNameColumn" => "last_name_column",
                "activeColumn" => "active_column",
                "groupsColumn" => "groups_column",
                "groupsDelimiter" => "groups_delimiter",
                "attributeColumns" => "attribute_columns",
                _ => return Some(csv),
            };
            Some(csv.attribute(name))
        }
    }
}
