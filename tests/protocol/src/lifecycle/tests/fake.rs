//! A provider that says what a test tells it to say.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use prost::bytes::{Buf as _, BufMut as _};
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};
use tonic::server::{Grpc, NamedService};
use tonic::{Code, Status};

use crate::wire::tfplugin6::provider_client::ProviderClient;
use crate::{PATIENCE, Transport};

/// A message on the wire.
type Message = Vec<u8>;

/// Answers that wait for their calls, and the calls that came. Clones are the same provider.
#[derive(Clone, Default)]
pub(super) struct Fake {
    answers: Arc<Mutex<HashMap<&'static str, VecDeque<Message>>>>,
    asked: Arc<Mutex<Vec<(String, Message)>>>,
}

impl Fake {
    /// Adds an answer to a call. What has no answer is not implemented.
    pub(super) fn answer(&self, rpc: &'static str, answer: &impl prost::Message) {
        self.answers.lock().unwrap().entry(rpc).or_default().push_back(answer.encode_to_vec());
    }

    /// The calls that came.
    pub(super) fn asked<Q: prost::Message + Default>(&self, rpc: &str) -> Vec<Q> {
        let asked = self.asked.lock().unwrap();
        let of_rpc = asked.iter().filter(|(name, _)| name == rpc);
        of_rpc.map(|(_, bytes)| Q::decode(&bytes[..]).unwrap()).collect()
    }

    /// A client of it.
    pub(super) async fn client(&self) -> ProviderClient<Transport> {
        let (client, server) = tokio::io::duplex(1 << 16);
        let incoming = tokio_stream(server);
        tokio::spawn(tonic::transport::Server::builder().add_service(self.clone()).serve_with_incoming(incoming));
        ProviderClient::new(Transport::over(client, PATIENCE).await.unwrap())
    }
}

/// One connection, and never another.
fn tokio_stream<T>(one: T) -> impl futures::Stream<Item = std::io::Result<T>> {
    futures::StreamExt::chain(futures::stream::iter([Ok(one)]), futures::stream::pending())
}

impl NamedService for Fake {
    const NAME: &'static str = "tfplugin6.Provider";
}

impl Service<Request<Body>> for Fake {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let rpc = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let Self { answers, asked } = self.clone();
        let handler = tower::service_fn(move |request: tonic::Request<Vec<u8>>| {
            asked.lock().unwrap().push((rpc.clone(), request.into_inner()));
            let answer = answers.lock().unwrap().get_mut(rpc.as_str()).and_then(VecDeque::pop_front);
            let status = Status::new(Code::Unimplemented, format!("no answer to {rpc}"));
            std::future::ready(answer.map(tonic::Response::new).ok_or(status))
        });
        Box::pin(async move { Ok(Grpc::new(Raw).unary(handler, request).await) })
    }
}

/// Messages as bytes.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut item);
        Ok(Some(item))
    }
}
