//! What every plugin offers its host beside its own service.

use std::path::Path;

use futures::stream;
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use crate::wire::plugin::grpc_controller_server::GrpcController;
use crate::wire::plugin::grpc_stdio_server::GrpcStdio;
use crate::wire::plugin::{Empty, StdioData};

/// Ends the process when Terraform asks. Without it, Terraform waits two seconds and kills.
pub(super) struct Controller(pub(super) CancellationToken);

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.0.cancel();
        Ok(Response::new(Empty {}))
    }
}

/// Would carry what the process prints. It prints nothing, but the stream stays open: it tells both sides that the
/// other is there, and keeps an idle connection from being closed.
pub(super) struct Stdio(pub(super) CancellationToken);

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<BoxStream<StdioData>>, Status> {
        let shutdown = self.0.clone();
        let nothing = stream::unfold(shutdown, async |shutdown| {
            shutdown.cancelled().await;
            None
        });
        Ok(Response::new(Box::pin(nothing)))
    }
}

/// The value of `TF_REATTACH_PROVIDERS` that makes Terraform use this process.
pub(super) fn reattach(address: &str, socket: &Path) -> serde_json::Value {
    serde_json::json!({
        address: {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": std::process::id(),
            "Test": true,
            "Addr": { "Network": "unix", "String": socket },
        }
    })
}
