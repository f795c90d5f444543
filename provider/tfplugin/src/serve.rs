//! The life of the process: start, serve, end.

mod connection;
mod host;
mod listener;
mod socket;

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::handshake::{self, Launch};
use crate::provider::Provider;
use crate::service::Calls;
use crate::stop::Stops;
use crate::tls;
use crate::wire::plugin::grpc_controller_server::GrpcControllerServer;
use crate::wire::plugin::grpc_stdio_server::GrpcStdioServer;
use crate::wire::tfplugin6::provider_server::ProviderServer;
use crate::{guard, log};

use connection::Connections;
use host::{Controller, Stdio};
use listener::Transport;
use socket::Socket;

/// Terraform's own limit. The default of gRPC, 4 MiB, is soon too small for a state.
const MAX_MESSAGE: usize = 256 << 20;

/// Terraform kills the process two seconds after it has asked it to end.
const GRACE_AFTER_SHUTDOWN: Duration = Duration::from_millis(500);

/// How long running calls may take to end after SIGTERM, when nobody is about to kill the process.
const GRACE_AFTER_SIGTERM: Duration = Duration::from_secs(10);

/// How long the process waits for a first connection; Terraform itself gives up after a minute.
const FIRST_CONNECTION: Duration = Duration::from_mins(1);

/// How long it waits for another one after the last has closed: Terraform holds one all its life.
const ORPHANED: Duration = Duration::from_secs(3);

/// Why the process ended badly.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Handshake(#[from] handshake::Error),
    #[error("the async runtime could not be started")]
    Runtime(#[source] io::Error),
    #[error("signals could not be set up")]
    Signals(#[source] io::Error),
    #[error("the socket could not be made")]
    Socket(#[source] io::Error),
    #[error(transparent)]
    Tls(#[from] tls::Error),
    #[error("the handshake line could not be written")]
    Stdout(#[source] io::Error),
    #[error("the gRPC server failed")]
    Server(#[source] tonic::transport::Error),
}

/// Serves a provider: the whole `main` of its program.
///
/// Started by Terraform, it serves until Terraform is done. With `-debug` it serves in the foreground, and prints
/// what to set so that Terraform uses this process: it can run under a debugger. Started in any other way, it says
/// what it is and ends with exit code 1.
///
/// Standard output belongs to the protocol: what else is printed there goes to standard error. For logs use `tracing`.
///
/// ```no_run
/// # use tfplugin::*;
/// # model! { struct Config {} }
/// # struct Scheduler;
/// # #[async_trait]
/// # impl Provider for Scheduler {
/// #     type Config = Config;
/// #     type Client = ();
/// #     const ADDRESS: &'static str = "example/scheduler";
/// #     fn register(&self, _: &mut Catalog<()>) {}
/// #     async fn configure(&self, _: Config, _: Configure<'_>) -> Option<()> { Some(()) }
/// # }
/// fn main() -> std::process::ExitCode {
///     tfplugin::serve(Scheduler)
/// }
/// ```
pub fn serve(provider: impl Provider) -> ExitCode {
    let environment = |name: &str| std::env::var(name).ok();
    log::install(log::level(environment));
    guard::install_hook();
    let debug = std::env::args().skip(1).any(|argument| argument == "-debug" || argument == "--debug");
    // Kept to the end: Terraform reads until it is closed.
    let result = claim_stdout().and_then(|mut stdout| {
        if debug { run_debug(provider, &mut stdout) } else { run(provider, &mut stdout, environment) }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says on stderr why the process ends, with all causes.
fn complain(error: &Error) {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |&error| error.source());
    let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    // Nothing can be done about a closed stderr.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Serves Terraform, which has started the process.
fn run(provider: impl Provider, stdout: &mut File, environment: impl Fn(&str) -> Option<String>) -> Result<(), Error> {
    let launch = Launch::from_environment(environment)?;
    let identity = tls::identity(launch.client)?;
    runtime()?.block_on(async {
        let socket = Socket::bind(launch.socket_dir.as_deref()).map_err(Error::Socket)?;
        let line = handshake::line(socket.path(), &identity.certificate);
        let serving = Serving::new(provider)?;
        stdout.write_all(line.as_bytes()).map_err(Error::Stdout)?;
        serving.until_done(socket, Transport::Tls(identity.config.into()), Mode::Plugin).await
    })
}

/// Serves whoever is told the address, in the foreground, until Ctrl-C.
fn run_debug<P: Provider>(provider: P, stdout: &mut File) -> Result<(), Error> {
    runtime()?.block_on(async {
        let socket = Socket::bind(None).map_err(Error::Socket)?;
        let variable = host::reattach(P::ADDRESS, socket.path());
        let serving = Serving::new(provider)?;
        let text = format!("Set this, and Terraform uses this process:\n\n\tTF_REATTACH_PROVIDERS='{variable}'\n\n");
        stdout.write_all(text.as_bytes()).map_err(Error::Stdout)?;
        serving.until_done(socket, Transport::Plain, Mode::Debug).await
    })
}

/// Takes stdout away from everybody else: Terraform takes the first line for the handshake, whoever prints it. What the
/// author's code or a library prints goes to stderr, and so to Terraform's log.
fn claim_stdout() -> Result<File, Error> {
    let stdout = io::stdout().as_fd().try_clone_to_owned().map_err(Error::Stdout)?;
    rustix::stdio::dup2_stdout(io::stderr()).map_err(|error| Error::Stdout(error.into()))?;
    Ok(stdout.into())
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    // Terraform works on ten objects at once, and nearly all of that is waiting.
    Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(Error::Runtime)
}

/// Who decides when the process ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plugin,
    Debug,
}

/// A provider about to be served.
struct Serving<P: Provider> {
    calls: Calls<P>,
    stops: Stops,
    shutdown: CancellationToken,
    interrupt: Signal,
    terminate: Signal,
}

impl<P: Provider> Serving<P> {
    /// Made before the process announces itself: from then on, a signal may come at any time.
    fn new(provider: P) -> Result<Self, Error> {
        let stops = Stops::default();
        Ok(Self {
            calls: Calls::new(provider, stops.clone()),
            stops,
            shutdown: CancellationToken::new(),
            // To have it is enough to survive Ctrl-C. Terraform gets it as well, sends StopProvider, and waits for
            // results: ended by the signal, the process would take them with it.
            interrupt: signal(SignalKind::interrupt()).map_err(Error::Signals)?,
            terminate: signal(SignalKind::terminate()).map_err(Error::Signals)?,
        })
    }

    async fn until_done(self, socket: Socket, transport: Transport, mode: Mode) -> Result<(), Error> {
        let Self { calls, stops, shutdown, mut interrupt, mut terminate } = self;
        let connections = Connections::default();
        let incoming = listener::incoming(socket.listener, transport, connections.clone(), shutdown.clone());
        let provider =
            ProviderServer::new(calls).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
        let serving = Server::builder()
            .add_service(GrpcControllerServer::new(Controller(shutdown.clone())))
            .add_service(GrpcStdioServer::new(Stdio(shutdown.clone())))
            .add_service(provider)
            .serve_with_incoming_shutdown(incoming, shutdown.clone().cancelled_owned());

        let ended = async {
            let grace = tokio::select! {
                () = shutdown.cancelled() => GRACE_AFTER_SHUTDOWN,
                () = connections.orphaned(FIRST_CONNECTION, ORPHANED), if mode == Mode::Plugin => {
                    tracing::info!("Terraform has gone");
                    GRACE_AFTER_SHUTDOWN
                }
                _ = terminate.recv() => GRACE_AFTER_SIGTERM,
                _ = interrupt.recv(), if mode == Mode::Debug => GRACE_AFTER_SHUTDOWN,
            };
            stops.request();
            shutdown.cancel();
            // The wait is bounded: a connection that its owner keeps open must not keep the process alive.
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            result = serving => result.map_err(Error::Server),
            () = ended => Ok(()),
        }
    }
}
