//! Connected systems, and their run profiles.

use futures::Stream;
use reqwest::Method;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::connected_systems::{
    ConnectedSystem, ConnectedSystemQuery, NewConnectedSystem, NewRunProfile, RunProfile, RunProfileRun,
};
use crate::api::page::Items;
use crate::api::paths;

/// Connected systems: create, read, change, delete.
#[derive(Clone, Copy)]
#[must_use]
pub struct ConnectedSystems<'a>(pub(super) &'a Transport);

impl<'a> ConnectedSystems<'a> {
    /// Creates a connected system.
    pub async fn create(&self, system: &NewConnectedSystem) -> Result<ConnectedSystem, Error> {
        self.0.send_body(Method::POST, &paths::connected_systems(), system).await
    }

    /// Reads a connected system.
    pub async fn get(&self, id: i64) -> Result<ConnectedSystem, Error> {
        self.0.get(&paths::connected_system(id)).await
    }

    /// Reads one page of connected systems, ordered by name.
    pub async fn page(&self, query: &ConnectedSystemQuery) -> Result<Items<ConnectedSystem>, Error> {
        self.0.get_with(&paths::connected_systems(), query).await
    }

    /// All connected systems that fit, ordered by name, page by page as they are asked for.
    pub fn list(&self, query: ConnectedSystemQuery) -> impl Stream<Item = Result<ConnectedSystem, Error>> + Unpin + 'a {
        let systems = ConnectedSystems(self.0);
        pages::all_items(move |page| {
            let query = ConnectedSystemQuery { page: Some(page), ..query.clone() };
            async move { systems.page(&query).await }
        })
    }

    /// The connected system with this name, if there is one.
    pub async fn find(&self, name: &str) -> Result<Option<ConnectedSystem>, Error> {
        let page = self.page(&ConnectedSystemQuery::named(name)).await?;
        // Not every server may know this filter.
        Ok(page.items.into_iter().find(|system| system.name == name))
    }

    /// Replaces the definition of a connected system. What the body leaves out returns to its default.
    pub async fn replace(&self, id: i64, system: &NewConnectedSystem) -> Result<ConnectedSystem, Error> {
        self.0.send_body(Method::PUT, &paths::connected_system(id), system).await
    }

    /// Deletes a connected system with its run profiles.
    pub async fn delete(&self, id: i64) -> Result<(), Error> {
        self.0.delete(&paths::connected_system(id)).await
    }

    /// The run profiles of a connected system.
    pub fn run_profiles(&self, system: i64) -> RunProfiles<'a> {
        RunProfiles { transport: self.0, system }
    }
}

/// The run profiles of one connected system: create, read, change, delete, execute.
#[derive(Clone, Copy)]
#[must_use]
pub struct RunProfiles<'a> {
    transport: &'a Transport,
    system: i64,
}

impl RunProfiles<'_> {
    /// Creates a run profile.
    pub async fn create(&self, profile: &NewRunProfile) -> Result<RunProfile, Error> {
        self.transport.send_body(Method::POST, &paths::run_profiles(self.system), profile).await
    }

    /// Reads a run profile.
    pub async fn get(&self, id: i64) -> Result<RunProfile, Error> {
        self.transport.get(&paths::run_profile(self.system, id)).await
    }

    /// All run profiles of the connected system.
    pub async fn list(&self) -> Result<Vec<RunProfile>, Error> {
        self.transport.get(&paths::run_profiles(self.system)).await
    }

    /// The run profile with this name, if there is one.
    pub async fn find(&self, name: &str) -> Result<Option<RunProfile>, Error> {
        Ok(self.list().await?.into_iter().find(|profile| profile.name == name))
    }

    /// Replaces a run profile. What the body leaves out returns to its default.
    pub async fn replace(&self, id: i64, profile: &NewRunProfile) -> Result<RunProfile, Error> {
        self.transport.send_body(Method::PUT, &paths::run_profile(self.system, id), profile).await
    }

    /// Deletes a run profile.
    pub async fn delete(&self, id: i64) -> Result<(), Error> {
        self.transport.delete(&paths::run_profile(self.system, id)).await
    }

    /// Executes a run profile now. [`Activities::wait`](super::Activities::wait) tells how that ended.
    pub async fn execute(&self, id: i64) -> Result<RunProfileRun, Error> {
        self.transport.post(&paths::run_profile_execute(self.system, id)).await
    }
}
