//! Sees the scripts at work: each comes, says which task it is of, and stays until it ends.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// How long the end of a script that was killed may take to be seen here.
const GRACE: Duration = Duration::from_millis(500);

/// What a script does for a task with the entries `witness`, `name` and `millis`.
pub(super) const SCRIPT: &str = r#"package task

import (
	"config"
	"fmt"
	"net"
	"time"
)

func Run() (string, error) {
	witness, err := net.Dial("tcp", config.Get("witness"))
	if err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(witness, config.Get("name")); err != nil {
		return "", err
	}
	time.Sleep(time.Duration(config.GetInt("millis")) * time.Millisecond)
	return "done", nil
}
"#;

#[derive(Default)]
struct Seen {
    visits: usize,
    /// The scripts at work, by their task.
    present: HashMap<String, Vec<usize>>,
    complaints: Vec<String>,
}

/// Sees the scripts, and complains when two of a task that forbids it are at work at the same time.
pub(super) struct Witness {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Witness {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let all = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((visitor, _)) = listener.accept().await {
                tokio::spawn(attend(visitor, Arc::clone(&all)));
            }
        });
        Self { address, seen }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many scripts came.
    pub(super) fn visits(&self) -> usize {
        lock(&self.seen).visits
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        lock(&self.seen).complaints.clone()
    }
}

async fn attend(visitor: TcpStream, seen: Arc<Mutex<Seen>>) {
    let mut visitor = BufReader::new(visitor);
    let mut name = String::new();
    if visitor.read_line(&mut name).await.is_err() || name.is_empty() {
        return;
    }
    let name = name.trim_end().to_owned();
    let (number, others) = {
        let mut seen = lock(&seen);
        seen.visits += 1;
        let number = seen.visits;
        let present = seen.present.entry(name.clone()).or_default();
        let others = present.clone();
        present.push(number);
        (number, others)
    };
    let gone = async {
        while visitor.read_u8().await.is_ok() {}
        if let Some(present) = lock(&seen).present.get_mut(&name) {
            present.retain(|other| *other != number);
        }
    };
    let look = async {
        sleep(GRACE).await;
        let mut seen = lock(&seen);
        let still = seen.present.get(&name).is_some_and(|present| others.iter().any(|other| present.contains(other)));
        if still && !name.starts_with("allow") {
            seen.complaints.push(format!("two scripts of the task `{name}` were at work at the same time"));
        }
    };
    tokio::join!(gone, look);
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
