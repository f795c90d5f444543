//! Whether the source of a script can be parsed and compiled. Whoever can start the interpreter looks at it; use cases only ask.

use futures::future::BoxFuture;

use super::App;

/// What a look at a script found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// It compiles.
    Sound,
    /// What is wrong with it: each as `line:column: message`, or a message about the script as a whole.
    Wrong(Vec<String>),
    /// Nobody could look, for this reason.
    Unknown(String),
}

/// Whether a message begins with line and column.
pub fn has_place(message: &str) -> bool {
    message.starts_with(|char: char| char.is_ascii_digit())
}

/// What was found beside a wrong header, if that has been `told`: a message without a place is about the script's `Run`, as is what
/// a look at the header finds.
pub fn beside_header(found: Vec<String>, told: bool) -> impl Iterator<Item = String> {
    found.into_iter().filter(move |message| !told || has_place(message))
}

/// Looks at a source, within a limit of its own.
pub type SyntaxCheck = Box<dyn Fn(String) -> BoxFuture<'static, Checked> + Send + Sync>;

impl App {
    /// Tells the use cases how to look at scripts. The first one told stays.
    pub(crate) fn check_syntax_with(&self, check: SyntaxCheck) {
        let _ = self.syntax.set(check);
    }

    pub(super) async fn syntax(&self, source: String) -> Checked {
        match self.syntax.get() {
            Some(check) => check(source).await,
            None => Checked::Unknown("this server does not run scripts".to_owned()),
        }
    }
}
