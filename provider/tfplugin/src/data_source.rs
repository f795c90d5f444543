//! What the author of a data source writes.

use async_trait::async_trait;

use crate::context::Call;
use crate::convert::IntoValue as _;
use crate::diagnostics::Diagnostics;
use crate::erased::{Typed, model};
use crate::model::Model;
use crate::schema::Schema;
use crate::value::Value;

/// One type of data source: something that is looked up and never changed.
///
/// ```
/// use tfplugin::{Attr, Attribute, Call, DataSource, Schema, async_trait, model};
///
/// model! {
///     /// A file's text.
///     struct Text {
///         file: Attr<String>,
///         text: Attr<String>,
///     }
/// }
///
/// struct TextSource;
///
/// #[async_trait]
/// impl DataSource for TextSource {
///     const TYPE_NAME: &'static str = "note_text";
///     type Client = ();
///     type State = Text;
///
///     fn schema(&self) -> Schema {
///         Schema::new().attributes([Attribute::string("file").required(), Attribute::string("text").computed()])
///     }
///
///     async fn read(&self, wanted: Text, call: &mut Call<'_, ()>) -> Option<Text> {
///         let text = std::fs::read_to_string(wanted.file.as_str()?);
///         let text = call.diagnostics.ok("Could not read the text", text)?;
///         Some(Text { text: Attr::Known(text), ..wanted })
///     }
/// }
/// ```
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// The name of the type in a configuration, with the provider's prefix: `scheduler_job`. A resource may have the
    /// same name.
    const TYPE_NAME: &'static str;

    /// What the provider hands to its data sources.
    type Client: Clone + Send + Sync + 'static;
    /// The struct of the schema: what is asked for, and what is found.
    type State: Model;

    /// The schema; asked once.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the attributes' own checks do. Anything may still be unknown.
    async fn validate(&self, config: &Self::State, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Looks the data up and returns `wanted`, the configuration with defaults, with everything unknown filled in.
    /// That nothing is found is an error, unless the data source is a list.
    async fn read(&self, wanted: Self::State, call: &mut Call<'_, Self::Client>) -> Option<Self::State>;
}

/// [`DataSource`] without its types.
#[async_trait]
pub(crate) trait Erased<C>: Send + Sync {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> Schema;
    fn fields(&self) -> &'static [&'static str];
    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics);
    async fn read(&self, wanted: Value, call: &mut Call<'_, C>) -> Option<Value>;
}

#[async_trait]
impl<D: DataSource> Erased<D::Client> for Typed<D> {
    fn type_name(&self) -> &'static str {
        D::TYPE_NAME
    }

    fn schema(&self) -> Schema {
        self.0.schema()
    }

    fn fields(&self) -> &'static [&'static str] {
        D::State::FIELDS
    }

    async fn validate(&self, config: Value, diagnostics: &mut Diagnostics) {
        if let Some(config) = model(config, diagnostics) {
            self.0.validate(&config, diagnostics).await;
        }
    }

    async fn read(&self, wanted: Value, call: &mut Call<'_, D::Client>) -> Option<Value> {
        let wanted = model(wanted, call.diagnostics)?;
        Some(self.0.read(wanted, call).await?.into_value())
    }
}
