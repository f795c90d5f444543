//! What a body says of a connected system.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use justiam_sdk::api::connected_systems::{
    ConnectedSystem, Connector, CsvSettings, Direction, MAX_DESCRIPTION, MAX_GROUPS_DELIMITER, MAX_NAME, MAX_PATH,
};
use justiam_sdk::api::users::{MAX_ATTRIBUTE_KEY, MAX_ATTRIBUTES};

use crate::app::error::shown;
use crate::app::fields::{Field, Fields, Object};
use crate::app::identity::rules;
use crate::app::{FieldErrors, Result};

/// What a connected system consists of.
pub(super) struct Definition {
    name: String,
    description: Option<String>,
    connector: Connector,
    direction: Direction,
    csv: CsvSettings,
}

impl Definition {
    /// Reads and checks a body.
    pub(super) fn read(body: Object) -> Result<Self> {
        let mut fields = Fields::loose(body, "");
        let name = name(&mut fields);
        let description = fields.text("description").value();
        if let Some(length) =
            description.as_ref().map(|text| text.chars().count()).filter(|long| *long > MAX_DESCRIPTION)
        {
            fields.wrong("description", format!("has {length} characters; {MAX_DESCRIPTION} are allowed"));
        }
        let connector = fields.any_word("connectorName").value().unwrap_or(Connector::Csv);
        let direction = fields.any_word("direction").value().unwrap_or(Direction::Inbound);
        let csv = fields.object("csv").value();
        if csv.is_none() && !fields.is_wrong("csv") {
            fields.wrong("csv", "is required");
        }
        let errors = fields.finish_loosely();
        let (csv, errors) = match csv {
            Some(csv) => read_csv(csv, errors),
            None => (CsvSettings::new("", "", ""), errors),
        };
        errors.check()?;
        Ok(Self { name, description, connector, direction, csv })
    }

    pub(super) fn into_system(self, id: i64, created: Timestamp) -> ConnectedSystem {
        let mut system = ConnectedSystem::new(id, self.name, self.direction, self.csv, created);
        system.description = self.description;
        system.connector_name = self.connector;
        system
    }
}

/// The name that a connected system or a run profile must have.
pub(super) fn name(fields: &mut Fields) -> String {
    let name = fields.text("name").value();
    if let Some(defect) = name.as_deref().and_then(|name| rules::line_defect(name, MAX_NAME)) {
        fields.wrong("name", defect);
    } else if name.is_none() && !fields.is_wrong("name") {
        fields.wrong("name", "is required");
    }
    name.unwrap_or_default()
}

/// The path of a file: whether it may be used is known when it is used, by the server that uses it.
pub(super) fn path(fields: &mut Fields, field: &str) -> Option<String> {
    let path = fields.text(field).value()?;
    if let Some(defect) = rules::line_defect(&path, MAX_PATH) {
        fields.wrong(field, defect);
    } else if !path.starts_with('/') {
        fields.wrong(field, format!("must be an absolute path, one that begins with `/`, not `{}`", shown(&path)));
    }
    Some(path)
}

fn read_csv(body: Object, earlier: FieldErrors) -> (CsvSettings, FieldErrors) {
    let mut fields = Fields::loose(body, "csv.");
    let file_path = required(&mut fields, "filePath", path);
    let id_column = required(&mut fields, "idColumn", column);
    let email_column = required(&mut fields, "emailColumn", column);
    let mut csv = CsvSettings::new(file_path, id_column, email_column);
    csv.first_name_column = column(&mut fields, "firstNameColumn");
    csv.last_name_column = column(&mut fields, "lastNameColumn");
    csv.active_column = column(&mut fields, "activeColumn");
    csv.groups_column = column(&mut fields, "groupsColumn");
    if let Field::Value(delimiter) = fields.text("delimiter") {
        let is_good =
            matches!(delimiter.as_bytes(), [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n'));
        if !is_good {
            fields.wrong("delimiter", "must be one ASCII character, and neither a quotation mark nor a line end");
        }
        csv.delimiter = delimiter;
    }
    if let Field::Value(delimiter) = fields.text("groupsDelimiter") {
        if let Some(defect) = rules::line_defect(&delimiter, MAX_GROUPS_DELIMITER) {
            fields.wrong("groupsDelimiter", defect);
        }
        csv.groups_delimiter = delimiter;
    }
    csv.attribute_columns = attributes(&mut fields);
    each_column_once(&csv, &mut fields);
    let mut errors = earlier;
    for (path, messages) in fields.finish_loosely().into_map() {
        for message in messages {
            errors.add(path.as_str(), message);
        }
    }
    (csv, errors)
}

fn required(fields: &mut Fields, field: &str, read: fn(&mut Fields, &str) -> Option<String>) -> String {
    let value = read(fields, field);
    if value.is_none() && !fields.is_wrong(field) {
        fields.wrong(field, "is required");
    }
    value.unwrap_or_default()
}

fn column(fields: &mut Fields, field: &str) -> Option<String> {
    let name = fields.text(field).value()?;
    if let Some(defect) = rules::line_defect(&name, MAX_NAME) {
        fields.wrong(field, defect);
    }
    Some(name)
}

fn attributes(fields: &mut Fields) -> BTreeMap<String, String> {
    let Field::Value(columns) = fields.texts("attributeColumns") else { return BTreeMap::new() };
    if columns.len() > MAX_ATTRIBUTES {
        fields.wrong("attributeColumns", format!("has {} columns; {MAX_ATTRIBUTES} are allowed", columns.len()));
    }
    let mut known = BTreeSet::new();
    for (column, attribute) in &columns {
        let path = format!("attributeColumns.{}", shown(column));
        if let Some(defect) = rules::line_defect(column, MAX_NAME) {
            fields.wrong(&path, format!("has a column that {defect}"));
        }
        if let Some(defect) = rules::line_defect(attribute, MAX_ATTRIBUTE_KEY) {
            fields.wrong(&path, defect);
        }
        if !known.insert(attribute) {
            fields.wrong(&path, format!("names the attribute `{}`, as another column does", shown(attribute)));
        }
    }
    columns.into_iter().collect()
}

/// A column has one meaning, but that of the id may have another one as well.
fn each_column_once(csv: &CsvSettings, fields: &mut Fields) {
    let mut known = BTreeSet::from([csv.email_column.as_str()]);
    let named = [
        ("firstNameColumn", &csv.first_name_column),
        ("lastNameColumn", &csv.last_name_column),
        ("activeColumn", &csv.active_column),
        ("groupsColumn", &csv.groups_column),
    ];
    let named = named.into_iter().filter_map(|(field, column)| Some((field.to_owned(), column.as_deref()?)));
    let attributes = csv.attribute_columns.keys();
    let attributes = attributes.map(|column| (format!("attributeColumns.{}", shown(column)), column.as_str()));
    for (field, column) in named.chain(attributes) {
        if !known.insert(column) {
            fields.wrong(&field, format!("has the column `{}`, which has another meaning already", shown(column)));
        }
    }
}
