//! Activities.

use std::time::Duration;

use futures::Stream;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::activities::{Activity, ActivityQuery};
use crate::api::ids::ActivityId;
use crate::api::page::Items;
use crate::api::paths;

/// The pauses between two looks at an activity that is being waited for.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LATER_LOOKS: Duration = Duration::from_secs(2);

/// What steps and run profiles did, in detail.
#[derive(Clone, Copy)]
#[must_use]
pub struct Activities<'a>(pub(super) &'a Transport);

impl<'a> Activities<'a> {
    /// Reads one activity.
    pub async fn get(&self, id: ActivityId) -> Result<Activity, Error> {
        self.0.get(&paths::activity(id)).await
    }

    /// Reads one page of activities, newest first.
    pub async fn page(&self, query: &ActivityQuery) -> Result<Items<Activity>, Error> {
        self.0.get_with(&paths::activities(), query).await
    }

    /// All activities that fit, newest first, page by page as they are asked for.
    pub fn list(&self, query: ActivityQuery) -> impl Stream<Item = Result<Activity, Error>> + Unpin + 'a {
        let activities = Activities(self.0);
        pages::all_items(move |page| {
            let query = ActivityQuery { page: Some(page), ..query.clone() };
            async move { activities.page(&query).await }
        })
    }

    /// Looks at an activity until it has ended. Put a time-out around it where waiting for ever is no option.
    pub async fn wait(&self, id: ActivityId) -> Result<Activity, Error> {
        let mut pause = FIRST_LOOK;
        loop {
            let activity = self.get(id).await?;
            if activity.status.is_terminal() {
                return Ok(activity);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LATER_LOOKS);
        }
    }
}
