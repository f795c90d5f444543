//! One page: its template, and what goes into the places of the template.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use tfplugin_client::wire::tfplugin6 as pb;

use super::kind::Kind;
use super::text::{blocks, wrap};
use super::{function, schema, types};

/// Something that the provider offers.
pub(super) struct Offer<'a> {
    pub(super) kind: Kind,
    /// Its name in configurations.
    pub(super) name: &'a str,
    pub(super) parts: Parts<'a>,
}

/// What the provider says of it.
pub(super) enum Parts<'a> {
    Schema { schema: Option<&'a pb::Schema>, identity: Option<&'a pb::ResourceIdentitySchema> },
    Function(&'a pb::Function),
}

impl<'a> Parts<'a> {
    /// A schema and nothing else.
    pub(super) fn of(schema: Option<&'a pb::Schema>) -> Self {
        Self::Schema { schema, identity: None }
    }
}

impl Offer<'_> {
    /// The path of its page. The names of files go without the provider's.
    pub(super) fn page(&self) -> String {
        self.path("docs")
    }

    fn path(&self, top: &str) -> String {
        match self.kind.folder() {
            None => format!("{top}/index.md"),
            Some(folder) => format!("{top}/{folder}/{}.md", self.name.trim_start_matches("justiam_")),
        }
    }

    /// The folder with its examples.
    fn examples(&self) -> String {
        match self.kind.folder() {
            None => "examples/provider".to_owned(),
            Some(folder) => format!("examples/{folder}/{}", self.name),
        }
    }

    fn description(&self) -> &str {
        match &self.parts {
            Parts::Schema { schema, .. } => {
                let block = schema.and_then(|schema| schema.block.as_ref());
                block.map_or("", |block| block.description.trim())
            }
            Parts::Function(function) => function.description.trim(),
        }
    }
}

/// The text of a page.
pub(super) fn render(offer: &Offer<'_>, root: &Path) -> Result<String, Vec<String>> {
    let mut mistakes = Vec::new();
    let schema = match &offer.parts {
        Parts::Schema { schema: Some(pb::Schema { block: Some(block), .. }), .. } => {
            schema::section(block, &mut mistakes)
        }
        Parts::Schema { .. } => {
            mistakes.push("the provider sends no schema".to_owned());
            String::new()
        }
        Parts::Function(function) => function::sections(offer.name, function, &mut mistakes),
    };
    let places = [
        ("{{ head }}", head(offer, &mut mistakes)),
        ("{{ example }}", example(offer, root, &mut mistakes)),
        ("{{ schema }}", schema),
        ("{{ import }}", import(offer, root, &mut mistakes)),
    ];
    let path = offer.path("provider/templates");
    let template = fs::read_to_string(root.join(&path)).unwrap_or_else(|_| plain(&places));
    let text = fill(&template, &places, &mut mistakes);
    if mistakes.is_empty() { Ok(text) } else { Err(mistakes) }
}

/// The template of what has none.
fn plain(places: &[(&str, String); 4]) -> String {
    let import = if places[3].1.is_empty() { "" } else { "\n## Import\n\n{{ import }}\n" };
    format!("{{{{ head }}}}\n\n{{{{ example }}}}\n\n{{{{ schema }}}}\n{import}")
}

/// Puts each part into its place. Every part must have one, and every place a part.
fn fill(template: &str, places: &[(&str, String)], mistakes: &mut Vec<String>) -> String {
    for (place, part) in places {
        let times = template.lines().filter(|line| line == place).count();
        if times != usize::from(!part.is_empty()) {
            let there = if part.is_empty() { "nothing" } else { "one part" };
            mistakes.push(format!("the template has `{place}` {times} times, and there is {there} for it"));
        }
    }
    let mut text = String::new();
    for line in template.lines() {
        let part = places.iter().find(|(place, _)| *place == line).map(|(_, part)| part.as_str());
        if part.is_none() && line.trim_start().starts_with("{{") {
            mistakes.push(format!("the template has the line `{line}`, which is no place for anything"));
        }
        text += part.unwrap_or(line);
        text.push('\n');
    }
    text
}

/// Front matter, title and description.
fn head(offer: &Offer<'_>, mistakes: &mut Vec<String>) -> String {
    let description = offer.description();
    if description.is_empty() {
        mistakes.push("there is no description".to_owned());
    }
    let noun = offer.kind.noun();
    let (title, subcategory, heading) = match offer.kind {
        Kind::Provider => ("Provider: JustIAM".to_owned(), "", "JustIAM Provider".to_owned()),
        Kind::Function => {
            (format!("{} {noun} - JustIAM", offer.name), "subcategory: \"\"\n", format!("{noun}: {}", offer.name))
        }
        _ => (format!("{} {noun} - JustIAM", offer.name), "subcategory: \"\"\n", format!("{} ({noun})", offer.name)),
    };
    let short = match &offer.parts {
        Parts::Function(function) if !function.summary.trim().is_empty() => function.summary.trim(),
        _ => description.split("\n\n").next().unwrap_or_default(),
    };
    let mut text = format!(
        "---\npage_title: \"{title}\"\n{subcategory}description: |-\n  {}\n---\n\n# {heading}",
        wrap(short, "  ")
    );
    // The template of the provider's own page says at length what the front matter says in a sentence.
    if offer.kind != Kind::Provider {
        for paragraph in [description].into_iter().chain(offer.kind.needs()) {
            let _ = write!(text, "\n\n{}", blocks(paragraph));
        }
    }
    text
}

/// The section with all examples, the plain one first.
fn example(offer: &Offer<'_>, root: &Path, mistakes: &mut Vec<String>) -> String {
    let (begins, ends) = offer.kind.example();
    let folder = offer.examples();
    let mut names: Vec<String> = fs::read_dir(root.join(&folder))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(begins) && name.ends_with(ends))
        .collect();
    names.sort_by_key(|name| (name.len(), name.clone()));
    if names.is_empty() {
        mistakes.push(format!("there is no example: {folder}/{begins}{ends}"));
    }
    let mut text = "## Example Usage".to_owned();
    for name in names {
        match fs::read_to_string(root.join(&folder).join(&name)) {
            Ok(code) => text += &fenced("terraform", &code),
            Err(error) => mistakes.push(format!("{folder}/{name} cannot be read: {error}")),
        }
    }
    text
}

/// How a resource is imported, in all ways of which there are examples; nothing for what is no resource.
fn import(offer: &Offer<'_>, root: &Path, mistakes: &mut Vec<String>) -> String {
    let Parts::Schema { identity, .. } = &offer.parts else { return String::new() };
    let folder = offer.examples();
    let read = |name: &str| fs::read_to_string(root.join(&folder).join(name)).ok();
    let mut ways: Vec<String> = Vec::new();
    if let Some(code) = read("import.sh") {
        ways.push(fenced("shell", &code).trim_start().to_owned());
    }
    if let Some(code) = read("import-by-string-id.tf") {
        let says = "With Terraform 1.5 or later, an `import` block does the same:";
        ways.push(format!("{says}{}", fenced("terraform", &code)));
    }
    match (identity, read("import-by-identity.tf")) {
        (Some(identity), Some(code)) => {
            let says = "With Terraform 1.12 or later, an `import` block can name the object by its identity:";
            ways.push(format!("{says}{}", fenced("terraform", &code)));
            ways.push(identity_attributes(identity, mistakes));
        }
        (Some(_), None) => mistakes.push(format!("it has an identity, but no example {folder}/import-by-identity.tf")),
        (None, Some(_)) => mistakes.push(format!("{folder}/import-by-identity.tf is there, but it has no identity")),
        (None, None) => {}
    }
    ways.join("\n\n")
}

fn identity_attributes(identity: &pb::ResourceIdentitySchema, mistakes: &mut Vec<String>) -> String {
    let mut attributes: Vec<_> = identity.identity_attributes.iter().collect();
    attributes.sort_by_key(|attribute| (attribute.optional_for_import, attribute.name.clone()));
    let mut text = "### Identity Schema".to_owned();
    let mut group = "";
    for attribute in attributes {
        let ty = types::read(&attribute.r#type, &attribute.name).unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            serde_json::Value::Null
        });
        let own = if attribute.required_for_import { "Required" } else { "Optional" };
        if own != group {
            let _ = write!(text, "\n\n{own}:\n");
            group = own;
        }
        if attribute.description.trim().is_empty() {
            mistakes.push(format!("`{}` of the identity has no description", attribute.name));
        }
        let line = format!("- `{}` ({}) {}", attribute.name, types::in_words(&ty), attribute.description.trim());
        let _ = write!(text, "\n{}", wrap(&line, "  "));
    }
    text
}

fn fenced(language: &str, code: &str) -> String {
    format!("\n\n```{language}\n{}\n```", code.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_needs_its_place_and_each_place_its_part() {
        let places = [("{{ head }}", "H".to_owned()), ("{{ import }}", String::new())];
        let mut mistakes = Vec::new();
        assert_eq!(fill("{{ head }}\n\nText {{ head }}\n", &places, &mut mistakes), "H\n\nText {{ head }}\n");
        assert_eq!(mistakes, Vec::<String>::new());
        fill("{{ import }}\n{{ haed }}\n", &places, &mut mistakes);
        assert_eq!(
            mistakes,
            [
                "the template has `{{ head }}` 0 times, and there is one part for it",
                "the template has `{{ import }}` 1 times, and there is nothing for it",
                "the template has the line `{{ haed }}`, which is no place for anything",
            ]
        );
    }
}
