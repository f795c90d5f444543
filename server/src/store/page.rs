//! Pages of rows whose texts may be long.

use std::pin::pin;

use futures::{Stream, TryStreamExt as _};
use justiam_sdk::api::page::MAX_PAGE_BYTES;

use super::{Error, Result};

/// A row with texts that may be long.
pub(super) trait Long {
    /// How long they are in all, in bytes.
    fn length(&self) -> usize;
}

/// Reads rows one by one, and gives up on a page as soon as it is too long: it would be in memory several times.
pub(super) async fn read<T: Long>(rows: impl Stream<Item = sqlx::Result<T>>) -> Result<Vec<T>> {
    let mut rows = pin!(rows);
    let (mut page, mut length) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        length += row.length();
        if length > MAX_PAGE_BYTES {
            return Err(Error::LongPage);
        }
        page.push(row);
    }
    Ok(page)
}
