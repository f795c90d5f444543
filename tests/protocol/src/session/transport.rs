//! A gRPC channel on which no call takes forever.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::Frame;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{Bytes, Service};
use tonic::transport::{Channel, Endpoint, Error};

/// A channel whose calls fail the test, with the call's name, when the other side does not answer in time.
#[derive(Clone)]
pub struct Transport {
    channel: Channel,
    patience: Duration,
}

impl Transport {
    /// Speaks gRPC over a stream.
    pub(crate) async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        patience: Duration,
    ) -> Result<Self, Error> {
        let mut stream = Some(TokioIo::new(stream));
        let connector = tower::service_fn(move |_| std::future::ready(stream.take().ok_or("only one connection")));
        let channel = Endpoint::from_static("http://localhost").connect_with_connector(connector).await?;
        Ok(Self { channel, patience })
    }
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let rpc = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let patience = self.patience;
        let answer = self.channel.call(request);
        Box::pin(async move {
            let Ok(answer) = tokio::time::timeout(patience, answer).await else { panic!("{}", given_up(&rpc, patience)) };
            Ok(answer?.map(|body| Body::new(Bounded::new(rpc, patience, body))))
        })
    }
}

fn given_up(rpc: &str, patience: Duration) -> String {
    format!("{rpc} did not answer within {patience:?}")
}

/// The body of an answer, each part of which comes in time.
struct Bounded {
    rpc: String,
    patience: Duration,
    body: Body,
    deadline: Pin<Box<Sleep>>,
}

impl Bounded {
    fn new(rpc: String, patience: Duration, body: Body) -> Self {
        Self { rpc, patience, body, deadline: Box::pin(tokio::time::sleep(patience)) }
    }
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_ready() {
            let next = Instant::now() + self.patience;
            self.deadline.as_mut().reset(next);
        } else if self.deadline.as_mut().poll(context).is_ready() {
            panic!("{}", given_up(&self.rpc, self.patience));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
