//! What a provider can offer, and where the registry looks for it.

/// A kind of page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Provider,
    Resource,
    DataSource,
    Ephemeral,
    List,
    Action,
    Function,
}

impl Kind {
    pub(super) const ALL: [Self; 7] =
        [Self::Provider, Self::Resource, Self::DataSource, Self::Ephemeral, Self::List, Self::Action, Self::Function];

    /// The folder in `docs`, `examples` and the templates; the provider's own page has none.
    pub(super) fn folder(self) -> Option<&'static str> {
        match self {
            Self::Provider => None,
            Self::Resource => Some("resources"),
            Self::DataSource => Some("data-sources"),
            Self::Ephemeral => Some("ephemeral-resources"),
            Self::List => Some("list-resources"),
            Self::Action => Some("actions"),
            Self::Function => Some("functions"),
        }
    }

    /// What it is called in titles.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Provider => "Provider",
            Self::Resource => "Resource",
            Self::DataSource => "Data Source",
            Self::Ephemeral => "Ephemeral Resource",
            Self::List => "List Resource",
            Self::Action => "Action",
            Self::Function => "function",
        }
    }

    /// How the names of example files begin and end.
    pub(super) fn example(self) -> (&'static str, &'static str) {
        match self {
            Self::Provider => ("provider", ".tf"),
            Self::Resource => ("resource", ".tf"),
            Self::DataSource => ("data-source", ".tf"),
            Self::Ephemeral => ("ephemeral-resource", ".tf"),
            Self::List => ("list-resource", ".tfquery.hcl"),
            Self::Action => ("action", ".tf"),
            Self::Function => ("function", ".tf"),
        }
    }

    /// What is needed for it, where the oldest version that the provider works with does not know it.
    pub(super) fn needs(self) -> Option<&'static str> {
        match self {
            Self::Provider | Self::Resource | Self::DataSource => None,
            Self::Function => Some("Functions of providers need Terraform 1.8 or later."),
            Self::Ephemeral => Some("Ephemeral resources need Terraform 1.10 or later."),
            Self::Action => Some("Actions need Terraform 1.14 or later."),
            Self::List => Some(
                "List resources are for `terraform query`, in files that end with `.tfquery.hcl`, and need Terraform 1.14 or later.",
            ),
        }
    }
}
