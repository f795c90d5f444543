//! Follows the log of a run.

use std::collections::VecDeque;

use futures::stream::{self, Stream};
use reqwest::Response;

use super::error::Error;
use super::sse::{Parser, TooLong};
use super::transport::{Failure, Transport};
use crate::api::ids::RunId;
use crate::api::paths;
use crate::api::run_logs::LogEvent;

/// A log that is followed.
struct Following<'a> {
    transport: &'a Transport,
    path: String,
    /// Where the log goes on.
    at: u64,
    connection: Option<(Response, Parser)>,
    events: VecDeque<LogEvent>,
    /// Failures since something new came.
    failures: u32,
    over: bool,
}

pub(super) fn follow(
    transport: &Transport,
    run: RunId,
) -> impl Stream<Item = Result<LogEvent, Error>> + Unpin + use<'_> {
    let following = Following {
        transport,
        path: paths::run_log(run),
        at: 0,
        connection: None,
        events: VecDeque::new(),
        failures: 0,
        over: false,
    };
    Box::pin(stream::unfold(following, |mut following| async move {
        if following.over {
            return None;
        }
        let next = following.next().await;
        following.over = matches!(next, Ok(LogEvent::End(_)) | Err(_));
        Some((next, following))
    }))
}

impl Following<'_> {
    async fn next(&mut self) -> Result<LogEvent, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let Err(failure) = self.read().await else { continue };
            self.connection = None;
            if !failure.may_pass || self.failures >= self.transport.retry().max_retries {
                return Err(failure.error);
            }
            let pause = self.transport.retry().pause(self.failures, failure.retry_after);
            self.failures += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// Takes in what comes next, over a new connection where there is none.
    async fn read(&mut self) -> Result<(), Failure> {
        let (response, parser) = if let Some(connection) = &mut self.connection {
            connection
        } else {
            let response = self.transport.open_events(&self.path, self.at).await?;
            self.connection.insert((response, Parser::default()))
        };
        let chunk = self.transport.chunk(&self.path, response).await?;
        let events = parser.feed(&chunk).map_err(|TooLong| self.transport.not_events(&self.path))?;
        for event in events {
            let url = || self.transport.url(&self.path).to_string();
            let event = match event.kind.as_str() {
                "log" => LogEvent::Log(Failure::decoded(url, &event.data)?),
                "end" => LogEvent::End(Failure::decoded(url, &event.data)?),
                // A later server may have more to say.
                _ => continue,
            };
            if let LogEvent::Log(piece) = &event {
                self.at = piece.end();
            }
            self.failures = 0;
            self.events.push_back(event);
        }
        Ok(())
    }
}
