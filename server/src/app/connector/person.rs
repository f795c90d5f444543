//! What an object of a connected system says about a user.

use std::collections::{BTreeMap, BTreeSet};

use justiam_sdk::api::connected_systems::CsvSettings;
use justiam_sdk::api::users::{Attributes, MAX_NAME, User};
use justiam_sdk::api::{connected_systems, groups};

use crate::app::FieldErrors;
use crate::app::audit::Changes;
use crate::app::error::shown;
use crate::app::identity::rules;

/// An object: the texts of its columns. Only columns with a meaning are kept.
pub(super) type Texts = BTreeMap<String, String>;

/// The column of a delta file that says what became of an object.
const CHANGE_TYPE: &str = "changeType";

/// The columns that have a meaning, in the order in which they are written, each once.
pub(super) fn columns(csv: &CsvSettings) -> Vec<&str> {
    let single = [
        Some(&csv.id_column),
        Some(&csv.email_column),
        csv.first_name_column.as_ref(),
        csv.last_name_column.as_ref(),
        csv.active_column.as_ref(),
        csv.groups_column.as_ref(),
    ];
    let mut known = BTreeSet::new();
    let all = single.into_iter().flatten().chain(csv.attribute_columns.keys()).map(String::as_str);
    all.filter(|column| known.insert(*column)).collect()
}

/// Where the columns of a file are.
pub(super) struct Places {
    columns: Vec<(usize, String)>,
    id: usize,
    change_type: Option<usize>,
}

/// What a row of a file is about.
pub(super) enum Content {
    /// An object, by its id.
    Object(String, Texts),
    /// An object that is gone.
    Gone(String),
}

impl Places {
    /// Finds the columns of a file. `is_delta` says that there may be one for what became of the objects.
    pub(super) fn find(csv: &CsvSettings, header: &[String], is_delta: bool) -> Result<Self, String> {
        let place = |name: &str| {
            let mut found = header.iter().enumerate().filter(|(_, column)| *column == name).map(|(place, _)| place);
            match (found.next(), found.next()) {
                (Some(_), Some(_)) => Err(format!("the file has two columns `{name}`")),
                (place, _) => Ok(place),
            }
        };
        let missing = |name: &str| {
            let names: Vec<String> = header.iter().take(20).map(|column| format!("`{}`", shown(column))).collect();
            format!("the file has no column `{name}`; its first row names {}", names.join(", "))
        };
        let mut found = Vec::new();
        for name in columns(csv) {
            found.push((place(name)?.ok_or_else(|| missing(name))?, name.to_owned()));
        }
        let id = place(&csv.id_column)?.ok_or_else(|| missing(&csv.id_column))?;
        let change_type = if is_delta { place(CHANGE_TYPE)? } else { None };
        Ok(Self { columns: found, id, change_type })
    }

    /// The id in a row, if it is a good one.
    pub(super) fn id<'a>(&self, fields: &'a [String]) -> Result<&'a str, String> {
        let id = fields.get(self.id).map(String::as_str).unwrap_or_default();
        match rules::line_defect(id, connected_systems::MAX_NAME) {
            None => Ok(id),
            Some(defect) => Err(format!("its id {defect}")),
        }
    }

    /// What a row with a good id is about.
    pub(super) fn content(&self, csv: &CsvSettings, id: &str, fields: &[String]) -> Result<Content, String> {
        let field = |place: usize| fields.get(place).map(String::as_str).unwrap_or_default();
        if let Some(place) = self.change_type {
            let word = field(place);
            if word.eq_ignore_ascii_case("delete") {
                return Ok(Content::Gone(id.to_owned()));
            }
            if !["", "add", "modify", "update"].iter().any(|known| known.eq_ignore_ascii_case(word)) {
                let word = shown(word);
                return Err(format!("`{CHANGE_TYPE}` must be `add`, `modify`, `update` or `delete`, not `{word}`"));
            }
        }
        let texts: Texts = self.columns.iter().map(|(place, name)| (name.clone(), field(*place).to_owned())).collect();
        Person::read(csv, &texts)?;
        Ok(Content::Object(id.to_owned(), texts))
    }
}

/// What an object says about a user. What it does not speak of stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    is_active: Option<bool>,
    /// The names of all groups in which the user shall be.
    pub(super) groups: Option<BTreeSet<String>>,
    attributes: Attributes,
}

impl Person {
    /// Reads and checks an object.
    pub(super) fn read(csv: &CsvSettings, texts: &Texts) -> Result<Self, String> {
        let text = |column: &Option<String>| column.as_ref().and_then(|column| texts.get(column));
        let email = texts.get(&csv.email_column).ok_or("has not been imported since the columns were changed")?;
        let checked = |column: &str, defect: Option<String>| match defect {
            Some(defect) => Err(format!("`{column}` {defect}")),
            None => Ok(()),
        };
        checked(&csv.email_column, rules::email_defect(email))?;
        for column in [&csv.first_name_column, &csv.last_name_column].into_iter().flatten() {
            checked(column, texts.get(column).and_then(|text| rules::maybe_line_defect(text, MAX_NAME)))?;
        }
        let is_active = match (&csv.active_column, text(&csv.active_column).map(String::as_str)) {
            // Where no column says who may sign in, whoever was shut out by hand stays so.
            (None, _) | (_, None) => None,
            (_, Some("")) => Some(true),
            (_, Some(word)) if word.eq_ignore_ascii_case("true") => Some(true),
            (_, Some(word)) if word.eq_ignore_ascii_case("false") => Some(false),
            (Some(column), Some(word)) => {
                return Err(format!("`{column}` must be `true` or `false`, not `{}`", shown(word)));
            }
        };
        let names = |text: &String| -> BTreeSet<String> {
            let names = text.split(csv.groups_delimiter.as_str()).map(str::trim).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        let groups = text(&csv.groups_column).map(names);
        if let (Some(column), Some(names)) = (&csv.groups_column, &groups) {
            for name in names {
                checked(
                    column,
                    rules::line_defect(name, groups::MAX_NAME).map(|defect| format!("names a group that {defect}")),
                )?;
            }
        }
        let attributes = csv
            .attribute_columns
            .iter()
            .filter_map(|(column, attribute)| Some((attribute.clone(), texts.get(column)?.clone())));
        let attributes: Attributes = attributes.collect();
        let mut errors = FieldErrors::default();
        rules::check_attributes(&attributes, "the attributes", &mut errors);
        if let Some((field, messages)) = errors.iter().next() {
            return Err(format!("{field} {}", messages.join(", ")));
        }
        Ok(Self {
            email: email.clone(),
            first_name: text(&csv.first_name_column).cloned(),
            last_name: text(&csv.last_name_column).cloned(),
            is_active,
            groups,
            attributes,
        })
    }

    /// Makes a user what the object says, and returns the names of the fields that are different now.
    pub(super) fn apply(&self, user: &mut User) -> Changes {
        let before = user.clone();
        user.email.clone_from(&self.email);
        if let Some(name) = &self.first_name {
            user.first_name.clone_from(name);
        }
        if let Some(name) = &self.last_name {
            user.last_name.clone_from(name);
        }
        if let Some(is_active) = self.is_active {
            user.is_active = is_active;
        }
        for (name, value) in &self.attributes {
            if value.is_empty() {
                user.attributes.remove(name);
            } else {
                user.attributes.insert(name.clone(), value.clone());
            }
        }
        Changes::between(&before, user)
    }
}

/// The id of a user's object in an outbound file; `id` is the one that it has already.
pub(super) fn external_id(csv: &CsvSettings, user: &User, id: Option<&str>) -> String {
    if csv.id_column == csv.email_column {
        user.email.clone()
    } else {
        id.map_or_else(|| user.id.to_string(), str::to_owned)
    }
}

/// A user as the row of an outbound file with this id.
pub(super) fn written(csv: &CsvSettings, user: &User, groups: &[String], id: &str) -> Result<Texts, String> {
    if csv.groups_column.is_some()
        && let Some(name) = groups.iter().find(|name| name.contains(csv.groups_delimiter.as_str()))
    {
        let name = shown(name);
        return Err(format!("the name of the group `{name}` contains `{}`, which parts groups", csv.groups_delimiter));
    }
    let attributes = csv
        .attribute_columns
        .iter()
        .map(|(column, attribute)| (column.clone(), user.attributes.get(attribute).cloned().unwrap_or_default()));
    let mut texts: Texts = attributes.collect();
    let single = [
        (csv.first_name_column.as_ref(), user.first_name.clone()),
        (csv.last_name_column.as_ref(), user.last_name.clone()),
        (csv.active_column.as_ref(), user.is_active.to_string()),
        (csv.groups_column.as_ref(), groups.join(&csv.groups_delimiter)),
        (Some(&csv.email_column), user.email.clone()),
        (Some(&csv.id_column), id.to_owned()),
    ];
    texts.extend(single.into_iter().filter_map(|(column, text)| Some((column?.clone(), text))));
    Ok(texts)
}
