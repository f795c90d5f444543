//! A way to a server that a test can count on, slow down and break.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// What happens to a request instead of its answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The server never sees it; this is the answer.
    Answer {
        /// The status, such as `502`.
        status: u16,
        /// Header lines, such as `Retry-After: 0`.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// The server never sees it; the answer shows the request's body, as debugging proxies and firewalls do.
    Echo {
        /// The status, such as `400`.
        status: u16,
        /// The type of the answer's body.
        kind: &'static str,
        /// What stands before the request's body, and after it.
        around: [&'static str; 2],
    },
    /// The connection ends before the server sees it.
    Reset,
    /// The server does it, and the connection ends before the answer.
    LostAnswer,
    /// The server does it, and the connection ends in the middle of the answer's body.
    TruncatedAnswer,
    /// The server never sees it, and there is never an answer.
    Silence,
}

impl Fault {
    /// An answer of somebody who is not the server.
    pub fn html(status: u16) -> Self {
        let headers = vec![("Content-Type".into(), "text/html; charset=utf-8".into())];
        Self::Answer { status, headers, body: "<html>\n<head><title>Sign in</title></head>\n</html>".into() }
    }

    /// An answer of the server's own kind.
    pub fn problem(status: u16, code: &str, message: &str) -> Self {
        let headers =
            vec![("Content-Type".into(), "application/json".into()), ("X-Request-Id".into(), "req-of-a-fault".into())];
        let body = serde_json::json!({
            "code": code, "message": message, "details": null, "validationErrors": {}, "timestamp": "2026-01-01T00:00:00Z",
        });
        Self::Answer { status, headers, body: body.to_string() }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }
}

/// A request that has come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST` …
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// The body, as text.
    pub body: String,
}

#[derive(Debug)]
struct Rule {
    method: &'static str,
    part: String,
    fault: Fault,
    left: usize,
}

#[derive(Debug, Default)]
struct State {
    delay: Duration,
    rules: Vec<Rule>,
    seen: Vec<Seen>,
    hit: usize,
    now: usize,
    most: usize,
}

/// Stands between a client and a server of HTTP/1.1, on a port that the system chooses.
#[derive(Debug, Clone)]
pub struct Faults {
    /// The address for clients, such as `http://127.0.0.1:40123`.
    pub endpoint: String,
    state: Arc<Mutex<State>>,
}

impl Faults {
    /// An open way to the server at this address.
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = server.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let faults = Self { endpoint, state: Arc::default() };
        let own = faults.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, faults) = (server.clone(), own.clone());
                tokio::spawn(async move { carry(client, &server, &faults).await });
            }
        });
        faults
    }

    /// Every request takes this much longer.
    pub fn delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// The next `times` requests of this method whose target or body contains `part` meet this fault. Earlier rules go first.
    pub fn inject(&self, method: &'static str, part: &str, times: usize, fault: Fault) {
        self.state().rules.push(Rule { method, part: part.to_owned(), fault, left: times });
    }

    /// From now on everything gets through.
    pub fn heal(&self) {
        self.state().rules.clear();
    }

    /// How many requests have met a fault.
    pub fn hit(&self) -> usize {
        self.state().hit
    }

    /// The most requests that were under way at one moment.
    pub fn most_at_once(&self) -> usize {
        self.state().most
    }

    /// The requests that have come by since this was last asked.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state().seen)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request, and says what becomes of it.
    fn judge(&self, seen: Seen) -> (Duration, Option<Fault>) {
        let mut state = self.state();
        let rule = state.rules.iter_mut().find(|rule| {
            let meant = [&seen.target, &seen.body].iter().any(|text| text.contains(&rule.part));
            rule.left > 0 && rule.method == seen.method && meant
        });
        let fault = rule.map(|rule| {
            rule.left -= 1;
            rule.fault.clone()
        });
        state.hit += usize::from(fault.is_some());
        state.seen.push(seen);
        state.now += 1;
        state.most = state.most.max(state.now);
        (state.delay, fault)
    }
}

/// One connection: a request, an answer, and so on.
async fn carry(mut client: TcpStream, server: &str, faults: &Faults) -> Option<()> {
    let mut upstream = TcpStream::connect(server).await.ok()?;
    for socket in [&client, &upstream] {
        socket.set_nodelay(true).ok()?;
    }
    let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
    loop {
        let request = message(&mut client, &mut from_client).await?;
        let line = String::from_utf8_lossy(&request.bytes[..request.line]).into_owned();
        let mut words = line.split(' ').map(str::to_owned);
        let (method, target) = (words.next()?, words.next()?);
        let body = String::from_utf8_lossy(&request.bytes[request.head..]).into_owned();
        let (delay, fault) = faults.judge(Seen { method, target, body: body.clone() });
        let _under_way = UnderWay(faults);
        if !delay.is_zero() {
            sleep(delay).await;
        }
        match &fault {
            Some(Fault::Reset) => return None,
            Some(Fault::Silence) => {
                // Until the client gives up.
                let mut rest = [0; 64];
                while client.read(&mut rest).await.ok()? > 0 {}
                return None;
            }
            Some(Fault::Answer { status, headers, body }) => {
                let mut answer = format!("HTTP/1.1 {status} Fault\r\nContent-Length: {}\r\n", body.len());
                for (name, value) in headers {
                    let _ = write!(answer, "{name}: {value}\r\n");
                }
                client.write_all(format!("{answer}\r\n{body}").as_bytes()).await.ok()?;
                continue;
            }
            Some(Fault::Echo { status, kind, around: [before, after] }) => {
                let text = format!("{before}{body}{after}");
                let head =
                    format!("HTTP/1.1 {status} Fault\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", text.len());
                client.write_all(format!("{head}\r\n{text}").as_bytes()).await.ok()?;
                continue;
            }
            Some(Fault::LostAnswer | Fault::TruncatedAnswer) | None => {}
        }
        upstream.write_all(&request.bytes).await.ok()?;
        let answer = message(&mut upstream, &mut from_server).await?;
        match fault {
            Some(Fault::LostAnswer) => return None,
            Some(Fault::TruncatedAnswer) => {
                let middle = answer.head + (answer.bytes.len() - answer.head) / 2;
                client.write_all(&answer.bytes[..middle]).await.ok()?;
                return None;
            }
            _ => client.write_all(&answer.bytes).await.ok()?,
        }
    }
}

/// Counts down when a request has its answer, or will have none.
struct UnderWay<'a>(&'a Faults);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.state().now -= 1;
    }
}

/// A request or an answer.
struct Message {
    bytes: Vec<u8>,
    /// Where its first line ends.
    line: usize,
    /// Where its body begins.
    head: usize,
}

/// Reads one message. Both sides say how long their bodies are; an answer without a length has none.
async fn message(from: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Message> {
    let head = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
        if from.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(Some(0), |length| length.trim().parse().ok())?;
    while buffer.len() < head + length {
        if from.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let rest = buffer.split_off(head + length);
    let bytes = std::mem::replace(buffer, rest);
    let line = find(&bytes, b"\r\n")?;
    Some(Message { bytes, line, head })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
