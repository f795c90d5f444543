//! The provider's pages in the registry's layout: what the provider says of itself, put into hand-written templates.
//!
//! A page is its template (`provider/templates/<kind>/<name>.md`) with four places filled: `{{ head }}`, `{{ example }}`, `{{ schema }}`
//! and `{{ import }}`, each on a line of its own. What has no template gets these in this order.

mod function;
mod kind;
mod page;
mod schema;
mod text;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use kind::Kind;
use page::{Offer, Parts};
use tfplugin_client::Session;
use tfplugin_client::wire::tfplugin6::{self as pb, get_provider_schema, get_resource_identity_schemas};

/// As large as the registry takes a page, in bytes.
const LARGEST_PAGE: usize = 500_000;

/// All pages: the text of each by its path within the repository.
pub type Pages = BTreeMap<String, String>;

/// Starts the provider, asks it for all that it offers and makes the pages; `root` has the templates and the examples.
///
/// # Errors
/// Everything that keeps a page from being made: each text names the file or the attribute.
pub async fn generate(provider: &Path, root: &Path) -> Result<Pages, Vec<String>> {
    let session = Session::start(provider).await;
    let schemas = session.provider().get_provider_schema(get_provider_schema::Request {}).await;
    let request = get_resource_identity_schemas::Request {};
    let identities = session.provider().get_resource_identity_schemas(request).await;
    let answers = schemas.and_then(|schemas| Ok((schemas.into_inner(), identities?.into_inner())));
    let (schemas, identities) = answers.map_err(|status| vec![format!("the provider does not tell: {status}")])?;
    session.shutdown().await;

    let mut mistakes = Vec::new();
    let mut pages = Pages::new();
    for offer in offers(&schemas, &identities) {
        match page::render(&offer, root) {
            Ok(text) if text.len() > LARGEST_PAGE => {
                mistakes.push(format!(
                    "{}: {} bytes, but the registry takes {LARGEST_PAGE} at most",
                    offer.page(),
                    text.len()
                ));
            }
            Ok(text) => {
                pages.insert(offer.page(), text);
            }
            Err(found) => mistakes.extend(found.into_iter().map(|mistake| format!("{}: {mistake}", offer.page()))),
        }
    }
    for stray in files(root, "provider/templates").difference(&templates(&pages)) {
        mistakes.push(format!("{stray}: the provider offers nothing of this name"));
    }
    if mistakes.is_empty() { Ok(pages) } else { Err(mistakes) }
}

/// What differs between the pages and the files below `root`, a line for each page; nothing if all are the same.
pub fn differences(pages: &Pages, root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in pages {
        match fs::read_to_string(root.join(path)) {
            Ok(there) if there == *text => {}
            Ok(there) => {
                let same = there.lines().zip(text.lines()).take_while(|(there, here)| there == here).count();
                found.push(format!("{path} differs from line {} on", same + 1));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => found.push(format!("{path} is missing")),
            Err(error) => found.push(format!("{path} cannot be read: {error}")),
        }
    }
    found.extend(
        strays(pages, root).into_iter().map(|path| format!("{path}: the provider offers nothing of this name")),
    );
    found
}

/// Writes the pages below `root`, and removes those of what the provider does not offer any more.
///
/// # Errors
/// A file cannot be written or removed.
pub fn write(pages: &Pages, root: &Path) -> io::Result<()> {
    for (path, text) in pages {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
    }
    for stray in strays(pages, root) {
        fs::remove_file(root.join(stray))?;
    }
    Ok(())
}

/// All that the provider offers, each of which is a page.
fn offers<'a>(
    schemas: &'a get_provider_schema::Response,
    identities: &'a get_resource_identity_schemas::Response,
) -> Vec<Offer<'a>> {
    let mut offers = vec![Offer { kind: Kind::Provider, name: "justiam", parts: Parts::of(schemas.provider.as_ref()) }];
    let mut add = |kind, name: &'a str, schema: Option<&'a pb::Schema>| {
        let identity = if kind == Kind::Resource { identities.identity_schemas.get(name) } else { None };
        offers.push(Offer { kind, name, parts: Parts::Schema { schema, identity } });
    };
    schemas.resource_schemas.iter().for_each(|(name, schema)| add(Kind::Resource, name, Some(schema)));
    schemas.data_source_schemas.iter().for_each(|(name, schema)| add(Kind::DataSource, name, Some(schema)));
    schemas.ephemeral_resource_schemas.iter().for_each(|(name, schema)| add(Kind::Ephemeral, name, Some(schema)));
    schemas.list_resource_schemas.iter().for_each(|(name, schema)| add(Kind::List, name, Some(schema)));
    schemas.action_schemas.iter().for_each(|(name, action)| add(Kind::Action, name, action.schema.as_ref()));
    let functions = schemas.functions.iter();
    offers.extend(functions.map(|(name, function)| Offer {
        kind: Kind::Function,
        name,
        parts: Parts::Function(function),
    }));
    offers
}

/// Pages of things that the provider does not offer.
fn strays(pages: &Pages, root: &Path) -> BTreeSet<String> {
    let folders = Kind::ALL.iter().filter_map(|kind| kind.folder());
    let there: BTreeSet<String> = folders.flat_map(|folder| files(root, &format!("docs/{folder}"))).collect();
    there.into_iter().filter(|path| !pages.contains_key(path)).collect()
}

/// Where the templates of these pages are, or would be.
fn templates(pages: &Pages) -> BTreeSet<String> {
    pages.keys().map(|page| page.replacen("docs/", "provider/templates/", 1)).collect()
}

/// The paths of all Markdown files in a folder and below it; none where there is no such folder.
fn files(root: &Path, folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found.extend(files(root, &path));
        } else if entry.path().extension().is_some_and(|ending| ending == "md") {
            found.insert(path);
        }
    }
    found
}
