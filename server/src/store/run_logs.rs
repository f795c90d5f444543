//! The logs of runs: what scripts print, in pieces. Of a long log the beginning and the end are kept.

use justiam_sdk::api::ids::RunId;
use serde::Serialize;

use super::active_runs::Claimed;
use super::{Error, Result, Tx, given, locked, on, rows};

/// How many bytes of the beginning are kept, and at most a piece more.
pub const HEAD: u64 = 64 << 10;
/// How many bytes of the end are kept, and at most a piece more.
pub const TAIL: u64 = 64 << 10;

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins, in bytes. Where it begins after the end of the one before, what is between was left out.
    pub at: u64,
    /// What was printed.
    pub text: String,
}

impl Piece {
    /// Where it ends.
    pub fn end(&self) -> u64 {
        self.at + self.text.len() as u64
    }

    /// The part that begins at `from`, or with the next character.
    #[must_use]
    pub(crate) fn from(&self, from: u64) -> Self {
        let skipped = usize::try_from(from.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let skipped = self.text.ceil_char_boundary(skipped);
        Self { at: self.at + skipped as u64, text: self.text[skipped..].to_owned() }
    }
}

/// What is to be added to the log of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// The run.
    pub run: RunId,
    /// What is new.
    pub pieces: Vec<Piece>,
    /// Where the end begins that is kept: what is neither there nor in the beginning goes.
    pub tail_from: u64,
    /// Where the log ends now.
    pub end: u64,
}

/// Whether a run is still at work in this attempt. If so, nobody else can end it before the transaction does.
pub async fn hold(tx: &mut Tx, run: &Claimed) -> Result<bool> {
    let sql = locked!(
        tx,
        ["SELECT turn FROM active_runs WHERE id = $1 AND attempt = $2 AND status = 'running'"],
        "FOR KEY SHARE"
    );
    let turn: Option<i64> = on!(tx, conn => sqlx::query_scalar(sql)
        .bind(run.id.to_string()).bind(i64::from(run.attempt)).fetch_optional(conn).await?);
    Ok(turn.is_some())
}

/// Adds to logs. What was added before, by a transaction whose answer was lost, is written again. The caller knows that the runs
/// are its own.
pub async fn append(tx: &mut Tx, additions: &[&Addition]) -> Result<()> {
    if additions.is_empty() {
        return Ok(());
    }
    let (new, long) = (given_pieces(additions), given_long(additions));
    let sql = given!(
        tx,
        (run_id text, at bigint, text text),
        "INSERT INTO run_logs (run_id, at, text) SELECT run_id, at, text FROM given WHERE TRUE \
         ON CONFLICT (run_id, at) DO UPDATE SET text = excluded.text"
    );
    on!(tx, conn => sqlx::query(sql).bind(new).execute(conn).await?.rows_affected());
    if long == "[]" {
        return Ok(());
    }
    // Up to the piece in which the end begins.
    let sql = given!(
        tx,
        (run_id text, tail_from bigint),
        "DELETE FROM run_logs WHERE run_id IN (SELECT run_id FROM given) AND at >= $2 AND at < \
         (SELECT max(k.at) FROM run_logs k JOIN given g ON g.run_id = k.run_id \
         WHERE k.run_id = run_logs.run_id AND k.at <= g.tail_from)"
    );
    let head = i64::try_from(HEAD).unwrap_or(i64::MAX);
    on!(tx, conn => sqlx::query(sql).bind(long).bind(head).execute(conn).await?.rows_affected());
    Ok(())
}

fn given_pieces(additions: &[&Addition]) -> String {
    #[derive(Serialize)]
    struct Given<'a> {
        run_id: String,
        at: u64,
        text: &'a str,
    }
    rows(additions.iter().flat_map(|addition| {
        let run_id = addition.run.to_string();
        addition.pieces.iter().map(move |piece| Given { run_id: run_id.clone(), at: piece.at, text: &piece.text })
    }))
}

/// Those of which something may have to go.
fn given_long(additions: &[&Addition]) -> String {
    #[derive(Serialize)]
    struct Given {
        run_id: String,
        tail_from: u64,
    }
    let long = additions.iter().filter(|addition| addition.tail_from > HEAD);
    rows(long.map(|addition| Given { run_id: addition.run.to_string(), tail_from: addition.tail_from }))
}

/// Reads the log of a run from a place on.
pub async fn read(tx: &mut Tx, run: RunId, from: u64) -> Result<Vec<Piece>> {
    let found: Vec<(i64, String)> = on!(tx, conn => sqlx::query_as(
        "SELECT at, text FROM run_logs WHERE run_id = $1 \
         AND at >= COALESCE((SELECT max(k.at) FROM run_logs k WHERE k.run_id = $1 AND k.at <= $2), 0) ORDER BY at",
    ).bind(run.to_string()).bind(i64::try_from(from).unwrap_or(i64::MAX)).fetch_all(conn).await?);
    let mut pieces = Vec::with_capacity(found.len());
    let mut from = from;
    for (at, text) in found {
        let at = at.try_into().map_err(|_| Error::Corrupt { column: "run_logs.at" })?;
        // A piece that was written again may overlap the next.
        let piece = Piece { at, text }.from(from);
        if !piece.text.is_empty() {
            from = piece.end();
            pieces.push(piece);
        }
    }
    Ok(pieces)
}
