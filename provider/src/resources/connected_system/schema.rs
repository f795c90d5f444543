//! The schema, and what can be checked at plan time.

use std::collections::BTreeSet;

use justiam_sdk::api::connected_systems::{Connector, Direction, MAX_NAME};
use justiam_sdk::api::schedules::{MAX_DESCRIPTION, MAX_PATH};
use justiam_sdk::api::users::{MAX_ATTRIBUTE_KEY, MAX_ATTRIBUTES};
use tfplugin::{Attr, Attribute, AttributePath, Check, Diagnostics, Message, Schema, Type};

use super::{Csv, State};
use crate::checks::{absolute_path, line, word};

/// The longest text that parts names of groups, in characters.
const MAX_GROUPS_DELIMITER: usize = 10;

pub(super) fn schema() -> Schema {
    Schema::new()
        .markdown(
            "A connected system: somewhere else where identities are kept. The connector that the server brings reads and writes CSV files.",
        )
        .attributes([
            Attribute::number("id").computed().markdown("The connected system's id, a number."),
            Attribute::string("name").required().check(line("name", MAX_NAME)).markdown(
                "The connected system's name: 1 to 200 characters, unique on the server.",
            ),
            Attribute::string("description").optional().check(Check::length(0..=MAX_DESCRIPTION)).markdown(
                "Free text of up to 1,000 characters.",
            ),
            Attribute::string("connector_name").default("CSV").check(word::<Connector>("connector")).markdown(
                "How the connected system is reached: `CSV`, a file on the server. Default `CSV`.",
            ),
            Attribute::string("direction").default("Inbound").check(word::<Direction>("direction")).markdown(
                "Who knows better: `Inbound` is the connected system, and synchronisation changes users and groups of the server; `Outbound` \
                 is the server, and synchronisation prepares exports. Default `Inbound`.",
            ),
            Attribute::nested("csv", csv()).required().markdown(
                "How the file is read and written. Its first row names the columns.",
            ),
        ])
}

fn csv() -> [Attribute; 10] {
    [
        Attribute::string("file_path")
            .required()
            .check(absolute_path(MAX_PATH))
            .markdown("The file on the server, an absolute path within the folders that the server's operator allows."),
        Attribute::string("delimiter")
            .default(",")
            .check(Check::text(delimiter))
            .markdown("What parts the columns: one ASCII character. Default `,`."),
        column("id_column").required().markdown("The column that identifies an object."),
        column("email_column")
            .required()
            .markdown("The column with the e-mail address, by which objects and users find each other."),
        column("first_name_column").optional().markdown("The column with the first name."),
        column("last_name_column").optional().markdown("The column with the last name."),
        column("active_column")
            .optional()
            .markdown("The column that says whether the user is active: `true` or `false`."),
        column("groups_column").optional().markdown("The column with the names of the user's groups."),
        Attribute::string("groups_delimiter")
            .default(";")
            .check(line("delimiter", MAX_GROUPS_DELIMITER))
            .markdown("What parts the names of groups: 1 to 10 characters. Default `;`."),
        Attribute::map("attribute_columns", Type::String)
            .optional()
            .check(Check::items(0..=MAX_ATTRIBUTES))
            .check(Check::keys(line("column", MAX_NAME)))
            .check(Check::each(line("attribute", MAX_ATTRIBUTE_KEY)))
            .markdown("Columns of further attributes: for each column the name of the user's attribute."),
    ]
}

/// Checks what no check of a single value sees. What is unknown passes: the server has the last word.
pub(super) fn validate(config: &State, diagnostics: &mut Diagnostics) {
    let Some(csv) = config.csv.as_known() else { return };
    let here = AttributePath::of("csv");
    // Terraform itself misses only what is not written at all.
    for (name, value) in
        [("file_path", &csv.file_path), ("id_column", &csv.id_column), ("email_column", &csv.email_column)]
    {
        if value.is_null() {
            let detail = format!("`csv.{name}` is null, and it is required.");
            diagnostics.error_at(here.clone().attribute(name), format!("Missing {name}"), detail);
        }
    }
    let mut columns = BTreeSet::new();
    for (name, column) in named_columns(csv) {
        if let Some(column) = column.as_str().filter(|column| !columns.insert(*column)) {
            twice(here.clone().attribute(name), &format!("csv.{name}"), column, diagnostics);
        }
    }
    let mut attributes = BTreeSet::new();
    for (column, attribute) in csv.attribute_columns.as_known().into_iter().flatten() {
        let path = here.clone().attribute("attribute_columns").key(column);
        // Terraform shows no line of an attribute within another, so the text says where it is.
        let place = format!("csv.attribute_columns[\"{column}\"]");
        if attribute.is_null() {
            let detail =
                format!("`{place}` is null.\n\nhint: leave the column out, or name the attribute that it holds");
            diagnostics.error_at(path.clone(), "Missing value in attribute_columns", detail);
        }
        if columns.contains(column.as_str()) {
            twice(path.clone(), &place, column, diagnostics);
        }
        if let Some(attribute) = attribute.as_str().filter(|attribute| !attributes.insert(*attribute)) {
            let detail = format!("`{place}`: another column holds the attribute `{attribute}` already.");
            diagnostics.error_at(path, "Two columns for one attribute", detail);
        }
    }
}

/// The columns that have one meaning. That of the id may have another one as well.
fn named_columns(csv: &Csv) -> [(&'static str, &Attr<String>); 5] {
    [
        ("email_column", &csv.email_column),
        ("first_name_column", &csv.first_name_column),
        ("last_name_column", &csv.last_name_column),
        ("active_column", &csv.active_column),
        ("groups_column", &csv.groups_column),
    ]
}

fn twice(path: AttributePath, place: &str, column: &str, diagnostics: &mut Diagnostics) {
    let detail = format!(
        "`{place}`: the column `{column}` has another meaning already; only that of `id_column` may have one as well."
    );
    diagnostics.error_at(path, "Column with two meanings", detail);
}

fn column(name: &str) -> Attribute {
    Attribute::string(name).check(line("column", MAX_NAME))
}

fn delimiter(text: &str) -> Result<(), Message> {
    let mut bytes = text.bytes();
    match (bytes.next(), bytes.next()) {
        (Some(b'"' | b'\r' | b'\n'), None) => {
            Err(Message::new("Invalid delimiter", "Quotes and line breaks have a meaning of their own in CSV."))
        }
        (Some(byte), None) if byte.is_ascii() => Ok(()),
        _ => Err(Message::new("Invalid delimiter", "It must be one ASCII character, such as `,`, `;` or `\\t`.")),
    }
}
