//! Pages of lists.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Items on a page of tasks or messages, where the caller names no number.
pub const DEFAULT_LIMIT: u32 = 20;
/// Items on a page of runs or of the audit log, where the caller names no number.
pub const DEFAULT_RUN_LIMIT: u32 = 50;
/// The most items that one page may hold.
pub const MAX_LIMIT: u32 = 1000;
/// How many items may lie before the end of a page, by its number and the most that it may hold. To find it, the server counts them.
pub const MAX_DEPTH: u32 = 10_000_000;
/// How long the scripts, configurations and entries on a page of tasks, or the outputs and errors on one of runs may be in all, in bytes.
/// A longer page is refused: ask for fewer items, or for fewer parts of tasks.
pub const MAX_PAGE_BYTES: usize = 64 << 20;

/// The longest text that can be searched for, in characters.
pub const MAX_SEARCH: usize = 200;

/// A page of a list without filters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PageQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_DEPTH))]
    pub page: Option<u32>,
    /// Items on a page: from 1 to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
}

impl PageQuery {
    /// The first page.
    pub fn new() -> Self {
        Self::default()
    }

    /// The page with a number, from 1.
    pub fn number(page: u32) -> Self {
        Self { page: Some(page), limit: None }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The items of this page.
    pub data: Vec<T>,
    /// How many items there are on all pages.
    pub total: u64,
    /// The number of this page, from 1.
    #[schemars(range(min = 1))]
    pub page: u32,
    /// How many items a page holds at the most.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: u32,
}

/// One page of a list of schedules, executions, connected systems or activities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}Items")]
pub struct Items<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// How many items there are on all pages.
    #[schemars(range(min = 0))]
    pub total_count: i64,
    /// The number of this page, from 1.
    #[schemars(range(min = 1))]
    pub page: i64,
    /// How many items a page holds at the most.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub page_size: i64,
    /// How many pages there are; 0 where there is no item.
    #[schemars(range(min = 0))]
    pub total_pages: i64,
    /// Whether a page comes after this one.
    pub has_next_page: bool,
    /// Whether a page comes before this one.
    pub has_previous_page: bool,
}

impl<T> Items<T> {
    /// A page; `page` and `page_size` are at least 1.
    pub fn new(items: Vec<T>, total_count: i64, page: i64, page_size: i64) -> Self {
        let total_pages = total_count / page_size + i64::from(total_count % page_size != 0);
        Self {
            items,
            total_count,
            page,
            page_size,
            total_pages,
            has_next_page: page < total_pages,
            has_previous_page: page > 1,
        }
    }
}
