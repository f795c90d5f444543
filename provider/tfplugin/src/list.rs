//! What the author of a list of objects writes.

use std::fmt;
use std::marker::PhantomData;

use async_trait::async_trait;
use tokio::sync::mpsc::Sender;

use crate::context::Call;
use crate::convert::IntoValue;
use crate::diagnostics::Diagnostics;
use crate::erased::{Typed, model};
use crate::model::Model;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::value::Value;

/// Finds the objects of one managed resource, so that users can take them over: `list` blocks, Terraform 1.14 and
/// later. The resource must have an [identity](Resource::identity).
///
/// ```
/// use tfplugin::{
///     Attr, Attribute, Call, Found, IdentityAttribute, IdentitySchema, List, Resource, Schema, Type, async_trait,
///     model,
/// };
/// # use tfplugin::{Context, Read};
/// # model! { struct Note { name: Attr<String>, text: Attr<String> } }
/// # struct NoteResource;
///
/// #[async_trait]
/// impl Resource for NoteResource {
/// #     const TYPE_NAME: &'static str = "note_note";
/// #     type Client = std::path::PathBuf;
/// #     type State = Note;
/// #     fn schema(&self) -> Schema {
/// #         Schema::new().attributes([Attribute::string("name").required(), Attribute::string("text").optional()])
/// #     }
///     // Beside all else: an object is known by its name.
///     fn identity(&self) -> Option<IdentitySchema> {
///         Some(IdentitySchema::new([IdentityAttribute::required("name", Type::String)]))
///     }
/// #     async fn create(&self, n: Note, _: Note, _: &mut Context<'_, Self::Client>) -> Option<Note> { Some(n) }
/// #     async fn read(&self, n: Note, _: &mut Context<'_, Self::Client>) -> Read<Note> { Read::Found(n) }
/// #     async fn update(&self, _: Note, n: Note, _: Note, _: &mut Context<'_, Self::Client>) -> Option<Note> { Some(n) }
/// #     async fn delete(&self, _: Note, _: &mut Context<'_, Self::Client>) {}
/// }
///
/// model! {
///     /// Which notes.
///     struct Filter {
///         prefix: Attr<String>,
///     }
/// }
///
/// struct Notes;
///
/// #[async_trait]
/// impl List for Notes {
///     type Resource = NoteResource;
///     type Config = Filter;
///
///     fn schema(&self) -> Schema {
///         Schema::new().attribute(Attribute::string("prefix").optional())
///     }
///
///     async fn list(&self, filter: Filter, found: &mut Found<Note>, call: &mut Call<'_, std::path::PathBuf>) {
///         let prefix = filter.prefix.as_str().unwrap_or_default();
///         let Some(files) = call.diagnostics.ok("Could not list the notes", call.client.read_dir()) else { return };
///         for file in files.flatten() {
///             let name = file.file_name().to_string_lossy().into_owned();
///             if name.starts_with(prefix) {
///                 // The name is the identity; the text takes a look into the file.
///                 let text = found.wants_state().then(|| std::fs::read_to_string(file.path()).ok()).flatten();
///                 let note = Note { name: name.as_str().into(), text: text.into() };
///                 if !found.push(name, note).await {
///                     return;
///                 }
///             }
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait List: Send + Sync + 'static {
    /// The resource whose objects are listed.
    type Resource: Resource;
    /// The struct of the schema: what narrows the list down.
    type Config: Model;

    /// The schema of the `config` in a `list` block; asked once. Nothing in it is computed.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the attributes' own checks do. Anything may still be unknown.
    async fn validate(&self, config: &Self::Config, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Finds the objects and hands over each as soon as it is known. Errors end the list; what was found before them
    /// is shown nevertheless.
    async fn list(
        &self,
        config: Self::Config,
        found: &mut Found<<Self::Resource as Resource>::State>,
        call: &mut Call<'_, <Self::Resource as Resource>::Client>,
    );
}

/// Takes the objects that a list finds.
pub struct Found<S> {
    objects: Sender<(String, Value)>,
    left: usize,
    wants_state: bool,
    state: PhantomData<fn(S)>,
}

impl<S: IntoValue> Found<S> {
    /// Takes at most `limit` objects and passes them on. The framework makes it; tests of lists may.
    pub fn new(objects: Sender<(String, Value)>, limit: usize, wants_state: bool) -> Self {
        Self { objects, left: limit, wants_state, state: PhantomData }
    }

    /// How many more objects are wanted. It tells how large the pages of a remote list should be.
    pub fn wanted(&self) -> usize {
        self.left
    }

    /// Whether the whole state is wanted. Otherwise the attributes that make the identity are enough, and what would
    /// take another request can be left null.
    pub fn wants_state(&self) -> bool {
        self.wants_state
    }

    /// Hands over an object, with a name that tells it from others. `false` if no more are wanted.
    pub async fn push(&mut self, display_name: impl Into<String>, state: S) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        self.objects.send((display_name.into(), state.into_value())).await.is_ok() && self.left > 0
    }
}

impl<S> fmt::Debug for Found<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found")
            .field("left", &self.left)
            .field("wants_state", &self.wants_state)
            .finish_non_exhaustive()
    }
}

/// [`List`] without its types.
#[async_trait]
pub(crate) trait Erased<C>: Send + Sync {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> Schema;
    fn fields(&self) -> &'static [&'static str];
    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics);
    async fn list(&self, config: Value, found: Found<Value>, call: &mut Call<'_, C>);
}

#[async_trait]
impl<L: List> Erased<<L::Resource as Resource>::Client> for Typed<L> {
    fn type_name(&self) -> &'static str {
        L::Resource::TYPE_NAME
    }

    fn schema(&self) -> Schema {
        self.0.schema()
    }

    fn fields(&self) -> &'static [&'static str] {
        L::Config::FIELDS
    }

    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics) {
        if let Some(config) = model(config, diagnostics) {
            self.0.validate(&config, diagnostics).await;
        }
    }

    async fn list(&self, config: Value, found: Found<Value>, call: &mut Call<'_, <L::Resource as Resource>::Client>) {
        if let Some(config) = model(config, call.diagnostics) {
            let Found { objects, left, wants_state, .. } = found;
            self.0.list(config, &mut Found::new(objects, left, wants_state), call).await;
        }
    }
}
