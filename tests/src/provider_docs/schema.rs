//! Attributes and blocks, as a page lists them.

use std::collections::VecDeque;
use std::fmt::Write as _;

use tfplugin_client::wire::tfplugin6::schema as pb;

use super::text::{anchor, wrap};
use super::types;

/// One entry of a list: an attribute or a block.
struct Entry {
    name: String,
    group: Group,
    line: String,
}

/// The headings under which entries stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Required,
    Optional,
    ReadOnly,
}

/// An object within another, which gets a section of its own.
struct Nested<'a> {
    path: String,
    attributes: &'a [pb::Attribute],
    blocks: &'a [pb::NestedBlock],
}

/// The section of a schema, with those of the objects within it. Mistakes, such as missing descriptions, go to `mistakes`.
pub(super) fn section(block: &pb::Block, mistakes: &mut Vec<String>) -> String {
    let mut waiting = VecDeque::new();
    let top = Nested { path: String::new(), attributes: &block.attributes, blocks: &block.block_types };
    let mut text = "## Schema".to_owned();
    let listed = groups(&entries(&top, &mut waiting, mistakes), "### ", "");
    text += if listed.is_empty() { "\n\nThere is nothing to set." } else { &listed };
    // What is within an object comes right after it.
    while let Some(nested) = waiting.pop_front() {
        let mut within = VecDeque::new();
        let listed = groups(&entries(&nested, &mut within, mistakes), "", ":");
        let _ = write!(text, "\n\n### {}{listed}", heading(&nested.path));
        within.into_iter().rev().for_each(|nested| waiting.push_front(nested));
    }
    text
}

fn heading(path: &str) -> String {
    format!("Nested Schema for `{path}`")
}

fn groups(entries: &[Entry], before: &str, after: &str) -> String {
    let mut text = String::new();
    for (group, name) in [(Group::Required, "Required"), (Group::Optional, "Optional"), (Group::ReadOnly, "Read-Only")]
    {
        let lines: Vec<&str> =
            entries.iter().filter(|entry| entry.group == group).map(|entry| entry.line.as_str()).collect();
        if !lines.is_empty() {
            let _ = write!(text, "\n\n{before}{name}{after}\n\n{}", lines.join("\n"));
        }
    }
    text
}

/// The entries of an object in the order of their names; objects within it are put into `nested`.
fn entries<'a>(object: &Nested<'a>, nested: &mut VecDeque<Nested<'a>>, mistakes: &mut Vec<String>) -> Vec<Entry> {
    let mut entries: Vec<Entry> =
        object.attributes.iter().map(|attribute| attribute_entry(object, attribute, nested, mistakes)).collect();
    entries.extend(object.blocks.iter().map(|block| block_entry(object, block, nested, mistakes)));
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    nested.make_contiguous().sort_by(|one, other| one.path.cmp(&other.path));
    entries
}

fn below(object: &Nested<'_>, name: &str) -> String {
    if object.path.is_empty() { name.to_owned() } else { format!("{}.{name}", object.path) }
}

fn attribute_entry<'a>(
    object: &Nested<'a>,
    attribute: &'a pb::Attribute,
    nested: &mut VecDeque<Nested<'a>>,
    mistakes: &mut Vec<String>,
) -> Entry {
    let path = below(object, &attribute.name);
    let mut words = Vec::new();
    let mut see = None;
    if let Some(within) = &attribute.nested_type {
        words.push(match within.nesting() {
            pb::object::NestingMode::List => "Attributes List".to_owned(),
            pb::object::NestingMode::Set => "Attributes Set".to_owned(),
            pb::object::NestingMode::Map => "Attributes Map".to_owned(),
            _ => "Attributes".to_owned(),
        });
        nested.push_back(Nested { path: path.clone(), attributes: &within.attributes, blocks: &[] });
        see = Some(&path);
    } else {
        let ty = types::read(&attribute.r#type, &path).map(|ty| types::in_words(&ty));
        words.push(ty.unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            String::new()
        }));
    }
    let marks = [
        ("Sensitive", attribute.sensitive),
        ("Write-only", attribute.write_only),
        ("Deprecated", attribute.deprecated),
    ];
    words.extend(marks.into_iter().filter(|(_, holds)| *holds).map(|(word, _)| word.to_owned()));
    let group = match (attribute.required, attribute.optional) {
        (true, _) => Group::Required,
        (_, true) => Group::Optional,
        _ => Group::ReadOnly,
    };
    let mut says = attribute.description.clone();
    if !attribute.deprecation_message.is_empty() {
        says = format!("{says} {}", attribute.deprecation_message);
    }
    entry(&attribute.name, &path, group, &words, &says, see, mistakes)
}

fn block_entry<'a>(
    object: &Nested<'a>,
    block: &'a pb::NestedBlock,
    nested: &mut VecDeque<Nested<'a>>,
    mistakes: &mut Vec<String>,
) -> Entry {
    let path = below(object, &block.type_name);
    let mut words = vec![match block.nesting() {
        pb::nested_block::NestingMode::List => "Block List".to_owned(),
        pb::nested_block::NestingMode::Set => "Block Set".to_owned(),
        pb::nested_block::NestingMode::Map => "Block Map".to_owned(),
        _ => "Block".to_owned(),
    }];
    words.extend((block.min_items > 0).then(|| format!("Min: {}", block.min_items)));
    words.extend((block.max_items > 0).then(|| format!("Max: {}", block.max_items)));
    let group = if block.min_items > 0 { Group::Required } else { Group::Optional };
    let Some(content) = &block.block else {
        mistakes.push(format!("`{path}` is a block without content"));
        return entry(&block.type_name, &path, group, &words, "", None, mistakes);
    };
    nested.push_back(Nested { path: path.clone(), attributes: &content.attributes, blocks: &content.block_types });
    entry(&block.type_name, &path, group, &words, &content.description, Some(&path), mistakes)
}

fn entry(
    name: &str,
    path: &str,
    group: Group,
    words: &[String],
    says: &str,
    see: Option<&String>,
    mistakes: &mut Vec<String>,
) -> Entry {
    if says.trim().is_empty() {
        mistakes.push(format!("`{path}` has no description"));
    }
    let mut line = format!("- `{name}` ({}) {}", words.join(", "), says.trim());
    if let Some(path) = see {
        let _ = write!(line, " See [below](#{}).", anchor(&heading(path)));
    }
    Entry { name: name.to_owned(), group, line: wrap(&line, "  ") }
}
