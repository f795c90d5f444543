//! Whether the source of a script can be read. Whoever can start the interpreter looks at it; use cases only ask.

use futures::future::BoxFuture;

use super::App;

/// What is known of the syntax of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Syntax {
    /// Nothing is wrong with it.
    Right,
    /// What is wrong with it, each as `line:column: message`.
    Wrong(Vec<String>),
    /// Nobody could look, for this reason.
    Unknown(String),
}

/// Looks at the syntax of a source, within a limit of its own.
pub type SyntaxCheck = Box<dyn Fn(String) -> BoxFuture<'static, Syntax> + Send + Sync>;

impl App {
    /// Tells the use cases how to look at the syntax of scripts. The first one told stays.
    pub(crate) fn check_syntax_with(&self, check: SyntaxCheck) {
        let _ = self.syntax.set(check);
    }

    pub(super) async fn syntax(&self, source: String) -> Syntax {
        match self.syntax.get() {
            Some(check) => check(source).await,
            None => Syntax::Unknown("this server does not run scripts".to_owned()),
        }
    }
}
