//! A server on a shared PostgreSQL database whose clock is wrong: `replica FOLDER SHIFT_MS FOLLOW HELPER`, with the database's
//! address in `DATABASE_URL`. Writes its own address to `FOLDER/address`, and its first token to `FOLDER/token`.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs, io};

use jiff::SignedDuration;
use justiam_server::Server;
use justiam_server::config::Config;
use justiam_server::lifecycle::Shutdown;
use justiam_server::telemetry::{self, LogFormat};
use justiam_tests::clock::ShiftedClock;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, folder, shift_ms, follow, helper] = arguments.as_slice() else {
        return Err("usage: replica FOLDER SHIFT_MS FOLLOW HELPER".into());
    };
    telemetry::start("info", LogFormat::Text)?;
    let folder = Path::new(folder);
    let mut config = Config::new(folder.join("data"));
    config.database_url = Some(env::var("DATABASE_URL")?.into());
    config.jwt_secret = Some("the secret that the replicas share".into());
    config.follow_database_clock = follow.parse()?;
    config.helper = helper.into();
    // Thousands of tasks are made at once.
    config.limits.request_burst = 1_000_000;
    let clock = ShiftedClock(SignedDuration::from_millis(shift_ms.parse()?));
    let server = Server::open(config, Arc::new(clock)).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    if let Some(first) = server.bootstrap_token().await? {
        write_whole(&folder.join("token"), first.token.expose())?;
    }
    write_whole(&folder.join("address"), &format!("http://{}", listener.local_addr()?))?;
    let shutdown = Shutdown::new();
    tokio::spawn(shutdown.clone().on_signals());
    Ok(server.serve(listener, shutdown).await?)
}

/// Whoever waits for a file must never read half of it.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let aside = file.with_extension("new");
    fs::write(&aside, text)?;
    fs::rename(aside, file)
}
