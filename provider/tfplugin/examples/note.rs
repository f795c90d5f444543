//! A complete provider: notes, each in a file of its own.

use std::path::PathBuf;
use std::{fs, io};

use tfplugin::{
    Attr, Attribute, Catalog, Check, Configure, Context, Import, Message, Provider, Read, Resource, Schema,
    async_trait, model,
};

model! {
    struct Config { directory: Attr<String> }
    struct Note { name: Attr<String>, text: Attr<String> }
}

struct Notes;

#[async_trait]
impl Provider for Notes {
    const ADDRESS: &'static str = "example/note";
    type Config = Config;
    type Client = PathBuf;

    fn schema(&self) -> Schema {
        Schema::new().attribute(Attribute::string("directory").required())
    }

    fn register(&self, catalog: &mut Catalog<PathBuf>) {
        catalog.resource(NoteResource);
    }

    async fn configure(&self, config: Config, _: Configure<'_>) -> Option<PathBuf> {
        config.directory.into_known().map(PathBuf::from)
    }
}

struct NoteResource;

#[async_trait]
impl Resource for NoteResource {
    const TYPE_NAME: &'static str = "note_note";
    type Client = PathBuf;
    type State = Note;

    fn schema(&self) -> Schema {
        let message = Message::new("Invalid name", "Only letters, digits and dashes.");
        let letters = Check::regex("^[A-Za-z0-9-]{1,100}$", message);
        Schema::new().markdown("A note.").attributes([
            Attribute::string("name").required().requires_replace().check(letters),
            Attribute::string("text").default(""),
        ])
    }

    async fn create(&self, note: Note, _: Note, context: &mut Context<'_, PathBuf>) -> Option<Note> {
        let written = fs::write(context.client.join(note.name.as_str()?), note.text.as_str()?);
        context.diagnostics.ok("Could not write the note", written).map(|()| note)
    }

    async fn read(&self, note: Note, context: &mut Context<'_, PathBuf>) -> Read<Note> {
        let text = fs::read_to_string(context.client.join(note.name.as_str().unwrap_or_default()));
        if text.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Read::Gone;
        }
        let text = context.diagnostics.ok("Could not read the note", text);
        text.map_or(Read::Failed, |text| Read::Found(Note { text: Attr::Known(text), ..note }))
    }

    async fn update(&self, _: Note, note: Note, config: Note, context: &mut Context<'_, PathBuf>) -> Option<Note> {
        self.create(note, config, context).await
    }

    async fn delete(&self, note: Note, context: &mut Context<'_, PathBuf>) {
        let removed = fs::remove_file(context.client.join(note.name.as_str().unwrap_or_default()));
        context.diagnostics.ok("Could not remove the note", removed);
    }

    async fn import(&self, import: Import<'_>, _: &mut Context<'_, PathBuf>) -> Option<Note> {
        Some(Note { name: Attr::known(import.id_or("name")?), ..Note::default() })
    }
}

fn main() -> std::process::ExitCode {
    tfplugin::serve(Notes)
}
