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
            let Ok(answer) = tokio::time::timeout(patience, answer).await else {
                panic!("{}", given_up(&rpc, patience))
            };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::plugin::grpc_stdio_client::GrpcStdioClient;
    use crate::wire::tfplugin6::provider_client::ProviderClient;
    use crate::wire::tfplugin6::stop_provider;

    const SOON: Duration = Duration::from_millis(100);

    #[tokio::test]
    #[should_panic(expected = "StopProvider did not answer within 100ms")]
    async fn a_call_that_hangs_is_given_up() {
        // The other side takes everything, and says nothing.
        let (client, mut server) = tokio::io::duplex(1 << 16);
        let reader = tokio::spawn(async move { tokio::io::copy(&mut server, &mut tokio::io::sink()).await });
        let transport = Transport::over(client, SOON).await.unwrap();
        let _ = ProviderClient::new(transport).stop_provider(stop_provider::Request {}).await;
        reader.abort();
    }

    /// The answer begins, and never goes on.
    struct Silent;

    impl http_body::Body for Silent {
        type Data = Bytes;
        type Error = tonic::Status;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    #[should_panic(expected = "StreamStdio did not answer within 100ms")]
    async fn a_stream_that_hangs_is_given_up() {
        let service = tower::service_fn(|request: Request<Body>| {
            let rpc = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
            let body = Body::new(Bounded::new(rpc, SOON, Body::new(Silent)));
            std::future::ready(Ok::<_, tonic::Status>(Response::new(body)))
        });
        let mut stream = GrpcStdioClient::new(service).stream_stdio(()).await.unwrap().into_inner();
        let _ = stream.message().await;
    }
}
