//! The schema, and what can be checked at plan time.

use justiam_sdk::api::connected_systems::{Connector, Direction, MAX_NAME};
use justiam_sdk::api::schedules::{MAX_DESCRIPTION, MAX_PATH};
use tfplugin::{Attribute, AttributePath, Check, Diagnostics, Message, Schema, Type};

use super::State;
use crate::checks::{absolute_path, name, word};

pub(super) fn schema() -> Schema {
    Schema::new()
        .markdown(
            "A connected system: somewhere else where identities are kept. The connector that the server brings reads and writes CSV files.",
        )
        .attributes([
            Attribute::number("id").computed().markdown("The connected system's id, a number."),
            Attribute::string("name").required().check(name(MAX_NAME)).markdown(
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
            .check(Check::text(not_empty))
            .markdown("What parts the names of groups. Default `;`."),
        Attribute::map("attribute_columns", Type::String)
            .optional()
            .check(Check::keys(Check::text(not_empty)))
            .check(Check::each(Check::text(not_empty)))
            .markdown("Columns of further attributes: for each column the name of the user's attribute."),
    ]
}

/// Checks what no check of a single value sees. What is unknown passes: the server has the last word.
pub(super) fn validate(config: &State, diagnostics: &mut Diagnostics) {
    let columns = config.csv.as_known().and_then(|csv| csv.attribute_columns.as_known());
    for (column, _) in columns.into_iter().flatten().filter(|(_, attribute)| attribute.is_null()) {
        let path = AttributePath::of("csv").attribute("attribute_columns").key(column);
        let detail = format!("`{column}` is null.\n\nhint: leave the column out, or name the attribute that it holds");
        diagnostics.error_at(path, "Missing value in attribute_columns", detail);
    }
}

fn column(name: &str) -> Attribute {
    Attribute::string(name).check(Check::text(not_empty))
}

fn not_empty(text: &str) -> Result<(), Message> {
    if text.is_empty() {
        return Err(Message::new(
            "Empty text",
            "It must not be empty.\n\nhint: leave the attribute out where it has a default or is optional",
        ));
    }
    Ok(())
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
