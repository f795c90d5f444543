//! Which database this is, whatever it was called by whoever connected.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;

use super::db::Db;
use super::{Error, Result};

/// A database by what it is and not by what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A file.
    Sqlite {
        /// The device that it is on.
        device: u64,
        /// Its number there, which all its names share.
        inode: u64,
    },
    /// A database of a PostgreSQL server.
    Postgres {
        /// The number that its cluster got when it was made, where one may ask for it.
        cluster: Option<i64>,
        /// When its server was started, in microseconds.
        started: i64,
        /// Its number in the cluster.
        database: i64,
    },
}

impl Origin {
    /// Of a file.
    pub(crate) fn of_file(path: &Path) -> std::io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self::Sqlite { device: metadata.dev(), inode: metadata.ino() })
    }

    /// Of the database behind a connection to PostgreSQL, outside of any transaction. Names are whole, so that nothing in the database
    /// can take their place.
    pub(crate) async fn of_postgres(connection: &mut PgConnection) -> std::result::Result<Self, sqlx::Error> {
        let (started, database) = sqlx::query_as(
            "SELECT CAST(pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) OPERATOR(pg_catalog.*) 1000000 \
             AS pg_catalog.int8), CAST(oid AS pg_catalog.int8) \
             FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()",
        )
        .fetch_one(&mut *connection)
        .await?;
        // By default everybody may ask; where not, the time of the start has to do.
        let cluster = sqlx::query_scalar("SELECT system_identifier FROM pg_catalog.pg_control_system()");
        let cluster = match cluster.fetch_one(connection).await {
            Ok(cluster) => Some(cluster),
            Err(sqlx::Error::Database(_)) => None,
            Err(error) => return Err(error),
        };
        Ok(Self::Postgres { cluster, started, database })
    }

    /// Whether two are the same database, or one is a copy of the other's whole cluster, such as a replica.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Postgres { cluster: Some(own), database, .. },
                Self::Postgres { cluster: Some(other), database: other_database, .. },
            ) => own == other && database == other_database,
            (
                Self::Postgres { started, database, .. },
                Self::Postgres { started: other, database: other_database, .. },
            ) => started == other && database == other_database,
            (own, other) => own == other,
        }
    }
}

impl Db {
    /// Which database this is.
    pub async fn origin(&self) -> Result<Origin> {
        if let Some(file) = self.file() {
            return Origin::of_file(&file).map_err(|error| Error::Unavailable(error.into()));
        }
        let mut connection = self.connection().await?;
        Ok(Origin::of_postgres(&mut connection).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn a_database_is_known_by_its_cluster_else_by_the_start_of_its_server() {
        let postgres = |cluster, started, database| Origin::Postgres { cluster, started, database };
        let own = postgres(Some(7), 100, 1);
        assert!(own.is(&postgres(Some(7), 100, 1)));
        // Started again, or a replica.
        assert!(own.is(&postgres(Some(7), 200, 1)));
        assert!(own.is(&postgres(None, 100, 1)));
        assert!(!own.is(&postgres(None, 200, 1)));
        assert!(!own.is(&postgres(Some(8), 100, 1)));
        assert!(!own.is(&postgres(Some(7), 100, 2)));
        let file = |inode| Origin::Sqlite { device: 1, inode };
        assert!(file(3).is(&file(3)) && !file(3).is(&file(4)) && !file(3).is(&own));
    }
}
