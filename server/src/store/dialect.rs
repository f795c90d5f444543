//! The few words in which the two databases differ.

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// A statement over rows that are bound as one JSON array, `$1`: a table `given` with these columns. One statement for a
/// whole batch, whatever its length.
macro_rules! given {
    ($tx:expr, ($first:ident $first_kind:ident $(, $column:ident $kind:ident)* $(,)?), $($sql:tt)+) => {
        match $tx.dialect() {
            $crate::store::dialect::Dialect::Sqlite => concat!(
                "WITH given AS (SELECT value ->> '", stringify!($first), "' AS ", stringify!($first),
                $(", value ->> '", stringify!($column), "' AS ", stringify!($column),)*
                " FROM json_each($1)) ", $($sql)+
            ),
            $crate::store::dialect::Dialect::Postgres => concat!(
                "WITH given AS (SELECT * FROM json_to_recordset(CAST($1 AS json)) AS g (",
                stringify!($first), " ", $crate::store::dialect::kind!($first_kind),
                $(", ", stringify!($column), " ", $crate::store::dialect::kind!($kind),)*
                ")) ", $($sql)+
            ),
        }
    };
}

/// The name of a column's type on PostgreSQL.
macro_rules! kind {
    (text) => {
        "text COLLATE \"C\""
    };
    (bigint) => {
        "bigint"
    };
    (boolean) => {
        "boolean"
    };
}

/// A statement with a clause that locks rows on PostgreSQL. SQLite has one writer, and a write transaction is it.
macro_rules! locked {
    ($tx:expr, [$($before:tt)+], $clause:literal $(, [$($after:tt)+])?) => {
        match $tx.dialect() {
            $crate::store::dialect::Dialect::Sqlite => concat!($($before)+ $(, " ", $($after)+)?),
            $crate::store::dialect::Dialect::Postgres => {
                concat!($($before)+, " ", $clause $(, " ", $($after)+)?)
            }
        }
    };
}

pub(super) use {given, kind, locked};
