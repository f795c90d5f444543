//! Pages of tasks.
//!
//! A page is found by ids alone, which an index has, and then read: its place in a table of many tasks costs next to nothing. Where nothing
//! is asked of the tasks, the statements ask nothing either; a condition that is always true would have every task read.

use justiam_sdk::api::values::{TaskType, Words};
use serde::Serialize;

use super::{Row, TaskRow, select_tasks};
use crate::store::{Result, Tx, contains, given, on, page, rows};

/// Which tasks to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Exactly this name.
    pub name: Option<String>,
    /// A part of the name, in any letter case.
    pub search: Option<String>,
    /// This type.
    pub task_type: Option<TaskType>,
    /// Enabled or disabled.
    pub enabled: Option<bool>,
    /// Whether scripts are wanted. Without them the rows have none.
    pub script: bool,
    /// Whether config is wanted. Without it that of the rows is empty.
    pub config: bool,
    /// Whether config entries are wanted. Without them the rows have none.
    pub task_config: bool,
}

impl Filter {
    fn takes_all(&self) -> bool {
        self.name.is_none() && self.search.is_none() && self.task_type.is_none() && self.enabled.is_none()
    }
}

/// The tasks that fit. `by_name`: there is a name, and so one of them at the most.
macro_rules! fitting {
    (by_name) => {
        concat!("FROM tasks t WHERE t.name = $1 AND ", fitting!(@rest))
    };
    (all) => {
        concat!("FROM tasks t WHERE CAST($1 AS TEXT) IS NULL AND ", fitting!(@rest))
    };
    (@rest) => {
        "(CAST($2 AS TEXT) IS NULL OR t.name_folded LIKE $2 ESCAPE '\\') \
         AND (CAST($3 AS TEXT) IS NULL OR t.task_type = $3) AND (CAST($4 AS BOOLEAN) IS NULL OR t.enabled = $4)"
    };
}

/// One page of tasks in the order of their creation, and how many there are on all pages.
pub async fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<TaskRow>, u64)> {
    let (total, ids) = if filter.takes_all() {
        ids_of_all(tx, offset, limit).await?
    } else {
        ids_of_fitting(tx, filter, offset, limit).await?
    };
    let sql = given!(
        tx,
        (id text),
        select_tasks!(
            "CASE WHEN $2 THEN t.script END AS script, CASE WHEN $3 THEN t.config ELSE '{}' END AS config, \
             CASE WHEN $4 THEN t.task_config ELSE '{}' END AS task_config ",
            "WHERE t.id IN (SELECT id FROM given) ORDER BY t.id"
        )
    );
    let found: Vec<Row> = if ids.is_empty() {
        Vec::new()
    } else {
        let given = rows(ids.into_iter().map(|id| Given { id }));
        on!(tx, conn => page::read(sqlx::query_as(sql)
            .bind(given).bind(filter.script).bind(filter.config).bind(filter.task_config).fetch(conn)).await?)
    };
    let tasks = found.into_iter().map(TaskRow::try_from).collect::<Result<_>>()?;
    Ok((tasks, total.try_into().unwrap_or_default()))
}

impl page::Long for Row {
    fn length(&self) -> usize {
        self.script.as_ref().map_or(0, String::len) + self.config.len() + self.task_config.len()
    }
}

#[derive(Serialize)]
struct Given {
    id: String,
}

/// In any order.
async fn ids_of_all(tx: &mut Tx, offset: i64, limit: i64) -> Result<(i64, Vec<String>)> {
    let total: i64 = on!(tx, conn => sqlx::query_scalar("SELECT count(*) FROM tasks").fetch_one(conn).await?);
    let limit = limit.min(total.saturating_sub(offset)).max(0);
    // The way to a page is as long as what lies before it, so it is begun at the nearer end.
    let behind = total.saturating_sub(offset).saturating_sub(limit).max(0);
    let (sql, skipped) = if behind < offset {
        ("SELECT id FROM tasks ORDER BY id DESC LIMIT $1 OFFSET $2", behind)
    } else {
        ("SELECT id FROM tasks ORDER BY id LIMIT $1 OFFSET $2", offset)
    };
    let ids = on!(tx, conn => sqlx::query_scalar(sql).bind(limit).bind(skipped).fetch_all(conn).await?);
    Ok((total, ids))
}

async fn ids_of_fitting(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(i64, Vec<String>)> {
    let search = filter.search.as_deref().map(contains);
    let task_type = filter.task_type.as_ref().map(Words::as_str);
    let (count, page) = if filter.name.is_some() {
        (
            concat!("SELECT count(*) ", fitting!(by_name)),
            concat!("SELECT t.id ", fitting!(by_name), " ORDER BY t.id LIMIT $5 OFFSET $6"),
        )
    } else {
        (
            concat!("SELECT count(*) ", fitting!(all)),
            concat!("SELECT t.id ", fitting!(all), " ORDER BY t.id LIMIT $5 OFFSET $6"),
        )
    };
    let total = on!(tx, conn => sqlx::query_scalar(count)
        .bind(&filter.name).bind(&search).bind(task_type).bind(filter.enabled).fetch_one(conn).await?);
    let ids = on!(tx, conn => sqlx::query_scalar(page)
        .bind(&filter.name).bind(&search).bind(task_type).bind(filter.enabled).bind(limit).bind(offset)
        .fetch_all(conn).await?);
    Ok((total, ids))
}
