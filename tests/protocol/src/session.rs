//! A started provider and a connection to it.

mod transport;

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use serde_json::Value as Json;
use tokio::sync::OnceCell;
pub use transport::Transport;

use crate::plugin::Plugin;
use crate::tls::connect;
use crate::wire::plugin::Empty;
use crate::wire::plugin::grpc_controller_client::GrpcControllerClient;
use crate::wire::plugin::grpc_stdio_client::GrpcStdioClient;
use crate::wire::tfplugin6::provider_client::ProviderClient;
use crate::wire::tfplugin6::{self as pb, Diagnostic};
use crate::{Identity, Lifecycle, Schemas, TERRAFORM_VERSION, answered, diagnostics};

/// As large as Terraform's own limit, in bytes.
const LARGEST_MESSAGE: usize = 256 << 20;

/// A connection to a provider, over which any call can be made.
#[derive(Clone)]
pub struct Connection(Transport);

impl Connection {
    async fn open(socket: &Path, server: CertificateDer<'static>, identity: &Identity, patience: Duration) -> Self {
        let connected = async {
            let stream = connect(socket, server, Some(identity)).await.map_err(|error| error.to_string())?;
            Transport::over(stream, patience).await.map_err(|error| format!("{error:?}"))
        };
        let late = |_| Err(format!("nothing happened within {patience:?}"));
        let transport = tokio::time::timeout(patience, connected).await.unwrap_or_else(late);
        Self(transport.unwrap_or_else(|error: String| panic!("there is no connection to the provider: {error}")))
    }

    /// All calls of the provider protocol. Messages may have 256 MiB either way.
    pub fn provider(&self) -> ProviderClient<Transport> {
        ProviderClient::new(self.0.clone())
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE)
    }

    /// The service that ends the process.
    pub fn controller(&self) -> GrpcControllerClient<Transport> {
        GrpcControllerClient::new(self.0.clone())
    }

    /// The stream of what the plugin prints.
    pub fn stdio(&self) -> GrpcStdioClient<Transport> {
        GrpcStdioClient::new(self.0.clone())
    }
}

/// A started provider with a connection to it.
///
/// Nothing is waited for longer than [`PATIENCE`](crate::PATIENCE), or what the [`Launch`](crate::Launch) says: the test then fails
/// with the name of the call.
pub struct Session {
    /// The process.
    pub plugin: Plugin,
    connection: Connection,
    schemas: OnceCell<Schemas>,
}

impl Session {
    /// Starts a program as Terraform does, and connects to it.
    ///
    /// # Panics
    /// As [`Launch::start`](crate::Launch::start) does, or when there is no connection.
    pub async fn start(program: &Path) -> Self {
        Plugin::builder(program).connect().await
    }

    /// Connects to a provider that was started for this client.
    ///
    /// # Panics
    /// There is no connection.
    pub async fn new(plugin: Plugin) -> Self {
        let connection = connection_to(&plugin).await;
        Self { plugin, connection, schemas: OnceCell::new() }
    }

    /// A second connection, of the same client.
    ///
    /// # Panics
    /// There is no connection.
    pub async fn again(&self) -> Connection {
        connection_to(&self.plugin).await
    }

    /// All calls of the provider protocol.
    pub fn provider(&self) -> ProviderClient<Transport> {
        self.connection.provider()
    }

    /// The service that ends the process.
    pub fn controller(&self) -> GrpcControllerClient<Transport> {
        self.connection.controller()
    }

    /// The stream of what the plugin prints.
    pub fn stdio(&self) -> GrpcStdioClient<Transport> {
        self.connection.stdio()
    }

    /// The provider's schemas, which are asked for once.
    ///
    /// # Panics
    /// The provider has none, or Terraform would refuse them.
    pub async fn schemas(&self) -> &Schemas {
        self.schemas.get_or_init(async || Schemas::fetch(&mut self.provider()).await).await
    }

    /// Validates the provider's own configuration and, if there is no error, sets the provider up with it. Returns the
    /// problems of both steps.
    ///
    /// # Panics
    /// `config` does not fit the schema, or a call fails.
    pub async fn configure(&self, config: Json) -> Vec<Diagnostic> {
        let schema = &self.schemas().await.provider;
        let config = Some(schema.encode(&schema.object(config)));
        let request = pb::validate_provider_config::Request { config: config.clone() };
        let answer = self.provider().validate_provider_config(request).await;
        let mut problems = answered("ValidateProviderConfig", answer).diagnostics;
        if diagnostics::has_errors(&problems) {
            return problems;
        }
        let request = pb::configure_provider::Request {
            terraform_version: TERRAFORM_VERSION.to_owned(),
            config,
            client_capabilities: Some(crate::capabilities()),
        };
        let answer = self.provider().configure_provider(request).await;
        problems.extend(answered("ConfigureProvider", answer).diagnostics);
        problems
    }

    /// The life of objects of one resource type.
    ///
    /// # Panics
    /// The provider has no such resource.
    pub async fn resource(&self, type_name: &str) -> Lifecycle<'_> {
        let schemas = self.schemas().await;
        Lifecycle::new(self.provider(), type_name, schemas.resource(type_name), schemas)
    }

    /// Ends the provider as Terraform does, and waits for its end.
    ///
    /// # Panics
    /// It does not end in time, or has printed something.
    pub async fn shutdown(mut self) -> ExitStatus {
        answered("Shutdown", self.controller().shutdown(Empty {}).await);
        let patience = self.plugin.patience();
        // The connection is served meanwhile, so that it can be closed in good order.
        let gone = async {
            let mut look = tokio::time::interval(Duration::from_millis(5));
            while self.plugin.is_running() {
                look.tick().await;
            }
        };
        assert!(tokio::time::timeout(patience, gone).await.is_ok(), "Shutdown did not end the provider");
        self.plugin.ended()
    }
}

async fn connection_to(plugin: &Plugin) -> Connection {
    Connection::open(&plugin.socket(), plugin.certificate(), plugin.identity(), plugin.patience()).await
}
