//! Connected systems, and the run profiles by which identities move between them and the server.

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeMap;

use super::ids::ActivityId;
use super::schema;
use super::users::{MAX_ATTRIBUTE_KEY, MAX_ATTRIBUTES};
use super::values::words;

/// The longest name of a connected system or a run profile, in characters.
pub const MAX_NAME: usize = 200;

/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 1000;
/// The longest path of a file, in characters.
pub const MAX_PATH: usize = 500;
/// The longest text that parts names of groups, in characters.
pub const MAX_GROUPS_DELIMITER: usize = 10;

words! {
    /// How a connected system is reached.
    Connector {
        /// A CSV file on the server.
        Csv = "CSV",
    }

    /// Who knows better.
    Direction {
        /// The connected system: synchronisation changes the server's users and groups.
        Inbound = "Inbound",
        /// The server: synchronisation prepares exports to the connected system.
        Outbound = "Outbound",
    }

    /// What a run profile does.
    RunType {
        /// Reads all objects of the connected system; those that are not there any more count as gone.
        FullImport = "FullImport",
        /// Reads objects that may have changed; all others stay.
        DeltaImport = "DeltaImport",
        /// Compares all imported objects with users and groups.
        FullSynchronisation = "FullSynchronisation",
        /// Compares what imports have changed since the last synchronisation; outbound, all users, as a full one does.
        DeltaSynchronisation = "DeltaSynchronisation",
        /// Writes prepared changes to the connected system.
        Export = "Export",
    }
}

/// A connected system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConnectedSystem {
    /// The connected system: a number.
    pub id: i64,
    /// Unique among connected systems.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When its definition last changed.
    pub last_updated: Option<Timestamp>,
    /// How it is reached.
    pub connector_name: Connector,
    /// Who knows better.
    pub direction: Direction,
    /// How to read and write the file.
    pub csv: CsvSettings,
    /// How many objects are in the connector space.
    pub object_count: i64,
    /// How many of them belong to a user.
    pub connectors_count: i64,
    /// How many changes wait for an export.
    pub pending_export_objects_count: i64,
}

impl ConnectedSystem {
    /// A connected system without objects.
    pub fn new(id: i64, name: String, direction: Direction, csv: CsvSettings, created: Timestamp) -> Self {
        Self {
            id,
            name,
            description: None,
            created,
            last_updated: None,
            connector_name: Connector::Csv,
            direction,
            csv,
            object_count: 0,
            connectors_count: 0,
            pending_export_objects_count: 0,
        }
    }
}

/// How a CSV file is read and written. The first row names the columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CsvSettings {
    /// The file on the server.
    pub file_path: String,
    /// What parts the columns: one ASCII character.
    #[serde(default = "comma")]
    pub delimiter: String,
    /// The column that identifies an object.
    pub id_column: String,
    /// The column with the e-mail address, by which objects and users find each other.
    pub email_column: String,
    /// The column with the first name.
    #[serde(default)]
    pub first_name_column: Option<String>,
    /// The column with the last name.
    #[serde(default)]
    pub last_name_column: Option<String>,
    /// The column that says whether the user is active: `true` or `false`.
    #[serde(default)]
    pub active_column: Option<String>,
    /// The column with the names of the user's groups.
    #[serde(default)]
    pub groups_column: Option<String>,
    /// What parts the names of groups.
    #[serde(default = "semicolon")]
    pub groups_delimiter: String,
    /// Columns of attributes of the user: the attribute's name for each column.
    #[serde(default)]
    pub attribute_columns: BTreeMap<String, String>,
}

fn comma() -> String {
    ",".to_owned()
}

fn semicolon() -> String {
    ";".to_owned()
}

impl CsvSettings {
    /// A file with an id and an e-mail address for each user.
    pub fn new(file_path: impl Into<String>, id_column: impl Into<String>, email_column: impl Into<String>) -> Self {
        Self {
            file_path: file_path.into(),
            delimiter: comma(),
            id_column: id_column.into(),
            email_column: email_column.into(),
            first_name_column: None,
            last_name_column: None,
            active_column: None,
            groups_column: None,
            groups_delimiter: semicolon(),
            attribute_columns: BTreeMap::new(),
        }
    }
}

/// [`CsvSettings`] as a body has them.
struct CsvBody;

impl JsonSchema for CsvBody {
    fn schema_name() -> Cow<'static, str> {
        "CsvBody".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let column = json!({ "type": "string", "maxLength": MAX_NAME, "pattern": schema::LINE });
        let maybe = json!({ "type": ["string", "null"], "maxLength": MAX_NAME, "pattern": schema::LINE });
        let mut schema = json_schema!({
            "description": "How a CSV file is read and written. A column has one meaning, but that of the id may have another one as well.",
            "type": "object",
            "properties": {
                "filePath": { "type": "string", "maxLength": MAX_PATH, "pattern": schema::PATH },
                "delimiter": {
                    "description": "One ASCII character, neither a quotation mark nor a line end; a comma where absent.",
                    "type": ["string", "null"],
                    "pattern": r"^[\u0001-\u0009\u000b\u000c\u000e-\u0021\u0023-\u007f]$"
                },
                "idColumn": column,
                "emailColumn": column,
                "firstNameColumn": maybe,
                "lastNameColumn": maybe,
                "activeColumn": maybe,
                "groupsColumn": maybe,
                "groupsDelimiter": { "type": ["string", "null"], "maxLength": MAX_GROUPS_DELIMITER, "pattern": schema::LINE },
                "attributeColumns": {
                    "description": "The attribute of users for each column; no attribute twice.",
                    "type": ["object", "null"],
                    "maxProperties": MAX_ATTRIBUTES,
                    "propertyNames": { "maxLength": MAX_NAME, "pattern": schema::LINE },
                    "additionalProperties": { "type": "string", "maxLength": MAX_ATTRIBUTE_KEY, "pattern": schema::LINE }
                }
            },
            "required": ["filePath", "idColumn", "emailColumn"]
        });
        schema::loose(&mut schema);
        schema
    }
}

/// Creates a connected system, or replaces one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
#[schemars(transform = schema::loose)]
pub struct NewConnectedSystem {
    /// Unique among connected systems; up to 200 characters.
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: String,
    /// Free text of up to 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_DESCRIPTION), regex(pattern = schema::TEXT))]
    pub description: Option<String>,
    /// `CSV` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_word::<Connector>")]
    pub connector_name: Option<Connector>,
    /// `Inbound` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_word::<Direction>")]
    pub direction: Option<Direction>,
    /// How to read and write the file.
    #[schemars(with = "CsvBody")]
    pub csv: CsvSettings,
}

impl NewConnectedSystem {
    /// A connected system that knows better than the server.
    pub fn csv(name: impl Into<String>, csv: CsvSettings) -> Self {
        Self { name: name.into(), description: None, connector_name: None, direction: None, csv }
    }

    /// The same with a description.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The same, and the server knows better.
    #[must_use]
    pub fn outbound(mut self) -> Self {
        self.direction = Some(Direction::Outbound);
        self
    }
}

/// Which connected systems to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConnectedSystemQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<i64>,
    /// Connected systems on a page: up to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub page_size: Option<i64>,
    /// The connected system with exactly this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub name: Option<String>,
}

impl ConnectedSystemQuery {
    /// All connected systems, by name.
    pub fn new() -> Self {
        Self::default()
    }

    /// The connected system with this name: one or none.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

/// Something that can be executed for a connected system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RunProfile {
    /// The run profile: a number, unique over all connected systems.
    pub id: i64,
    /// Unique among the run profiles of the connected system.
    pub name: String,
    /// The connected system.
    pub connected_system_id: i64,
    /// What it does.
    pub run_type: RunType,
    /// How many objects are handled at a time.
    pub page_size: i64,
    /// The file to read or write, where it is not the connected system's.
    pub file_path: Option<String>,
}

impl RunProfile {
    /// A run profile.
    pub fn new(id: i64, name: String, connected_system_id: i64, run_type: RunType) -> Self {
        Self { id, name, connected_system_id, run_type, page_size: DEFAULT_PAGE_SIZE, file_path: None }
    }
}

/// How many objects a run profile handles at a time, unless it says otherwise.
pub const DEFAULT_PAGE_SIZE: i64 = 500;
/// The bounds of `pageSize`.
pub const PAGE_SIZE: std::ops::RangeInclusive<i64> = 1..=10_000;

/// Creates a run profile, or replaces one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
#[schemars(transform = schema::loose)]
pub struct NewRunProfile {
    /// Unique among the run profiles of the connected system; up to 200 characters.
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: String,
    /// What it does.
    #[schemars(schema_with = "schema::word_in_any_case::<RunType>")]
    pub run_type: RunType,
    /// From 1 to 10,000; 500 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = *PAGE_SIZE.start(), max = *PAGE_SIZE.end()))]
    pub page_size: Option<i64>,
    /// The file to read or write, where it is not the connected system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_PATH), regex(pattern = schema::PATH))]
    pub file_path: Option<String>,
}

impl NewRunProfile {
    /// A run profile.
    pub fn new(name: impl Into<String>, run_type: RunType) -> Self {
        Self { name: name.into(), run_type, page_size: None, file_path: None }
    }

    /// The same with a file of its own.
    #[must_use]
    pub fn with_file(mut self, file_path: impl Into<String>) -> Self {
        self.file_path = Some(file_path.into());
        self
    }
}

/// The answer to the execution of a run profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RunProfileRun {
    /// What it does, in detail.
    pub activity_id: ActivityId,
    /// What waits for a worker: the same.
    pub task_id: ActivityId,
    /// For people.
    pub message: String,
    /// What to look at.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl RunProfileRun {
    /// An answer.
    pub fn new(activity_id: ActivityId, message: String) -> Self {
        Self { activity_id, task_id: activity_id, message, warnings: Vec::new() }
    }
}
