//! Where in a configuration something is.

use std::fmt;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into an attribute of an object.
    Attribute(String),
    /// Into an entry of a map.
    Key(String),
    /// Into an element of a list.
    Index(usize),
}

/// The way from a whole resource or provider configuration to one part of it.
///
/// Elements of a set have no address: a path into a set ends at the set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributePath(Vec<Step>);

impl AttributePath {
    /// The path of a top-level attribute.
    pub fn of(attribute: impl Into<String>) -> Self {
        Self::default().attribute(attribute)
    }

    /// One step further, into an attribute.
    #[must_use]
    pub fn attribute(self, name: impl Into<String>) -> Self {
        self.step(Step::Attribute(name.into()))
    }

    /// One step further, into the entry of a map.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        self.step(Step::Key(key.into()))
    }

    /// One step further, into the element of a list.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    /// One step further.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    /// All steps, outermost first.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// This path with `inner`, which starts where this one ends.
    #[must_use]
    pub fn join(mut self, inner: &Self) -> Self {
        self.0.extend(inner.0.iter().cloned());
        self
    }
}

impl From<&str> for AttributePath {
    fn from(attribute: &str) -> Self {
        Self::of(attribute)
    }
}

impl FromIterator<Step> for AttributePath {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

/// The way a user would write it: `steps[0].options["retries"]`.
impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => write!(f, "{name}")?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
