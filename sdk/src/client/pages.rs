//! Lists as streams.

use std::future::Future;

use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};

use super::error::Error;
use crate::api::page::{Items, Page};

/// Turns a function that reads one page (numbered from 1) into a stream of all items.
pub(super) fn all<T, F, P>(read: F) -> impl Stream<Item = Result<T, Error>> + Unpin
where
    F: Fn(u32) -> P,
    P: Future<Output = Result<Page<T>, Error>>,
{
    Box::pin(
        stream::try_unfold((Some(1_u32), read), |(number, read)| async move {
            let Some(number) = number else { return Ok(None) };
            let page = read(number).await?;
            let seen = u64::from(page.page) * u64::from(page.limit);
            let more = !page.data.is_empty() && seen < page.total;
            let next = if more { number.checked_add(1) } else { None };
            Ok(Some((stream::iter(page.data).map(Ok), (next, read))))
        })
        .try_flatten(),
    )
}

/// The same over pages that say themselves whether there is one more.
pub(super) fn all_items<T, F, P>(read: F) -> impl Stream<Item = Result<T, Error>> + Unpin
where
    F: Fn(i64) -> P,
    P: Future<Output = Result<Items<T>, Error>>,
{
    Box::pin(
        stream::try_unfold((Some(1_i64), read), |(number, read)| async move {
            let Some(number) = number else { return Ok(None) };
            let page = read(number).await?;
            let more = !page.items.is_empty() && page.has_next_page;
            let next = if more { number.checked_add(1) } else { None };
            Ok(Some((stream::iter(page.items).map(Ok), (next, read))))
        })
        .try_flatten(),
    )
}
