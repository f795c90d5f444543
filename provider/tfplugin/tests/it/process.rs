//! The life of the process, from the first line to the last connection.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use rustix::process::Signal;
use tfplugin_client::{Identity, connect, is_let_in};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::launch;

#[test]
fn pitfall_01_one_line_with_six_fields() {
    let plugin = launch().start();
    let fields = plugin.fields();
    assert!(plugin.line().ends_with('\n'));
    assert_eq!(fields.len(), 6, "{}", plugin.line());
    assert_eq!((fields[0], fields[1], fields[2], fields[4]), ("1", "6", "unix", "grpc"));
    assert!(plugin.certificate().len() > 50 && !fields[5].contains('='));
}

#[test]
fn pitfall_02_started_by_hand_it_says_what_it_is() {
    let output = launch().by_hand().output();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("This is a Terraform provider. It is started by Terraform"), "{text}");
}

#[test]
fn pitfall_02_without_protocol_6_it_refuses() {
    for versions in ["5", "4,5", "", "66,16"] {
        let output = launch().env("PLUGIN_PROTOCOL_VERSIONS", versions).output();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("speaks version 6 of the plugin protocol"), "{text}");
    }
    let plugin = launch().env("PLUGIN_PROTOCOL_VERSIONS", "6,5").start();
    assert_eq!(plugin.fields()[1], "6");
}

#[test]
fn a_malformed_certificate_is_refused() {
    for certificate in ["", "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n"] {
        let output = launch().env("PLUGIN_CLIENT_CERT", certificate).output();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        assert!(String::from_utf8(output.stderr).unwrap().contains("PLUGIN_CLIENT_CERT"));
    }
}

#[test]
fn pitfall_03_the_socket_is_private_and_gone_in_the_end() {
    let mut plugin = launch().start();
    let directory = plugin.socket().parent().unwrap().to_owned();
    assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert!(directory.starts_with(plugin.temp().canonicalize().unwrap()));
    plugin.signal(Signal::TERM);
    assert!(plugin.ended().success());
    assert!(!directory.exists());
}

#[test]
fn pitfall_03_a_path_that_is_too_long_is_avoided() {
    let temp = tempfile::TempDir::new().unwrap();
    let long = temp.path().join("d".repeat(120));
    std::fs::create_dir(&long).unwrap();
    let mut plugin = launch().env("PLUGIN_UNIX_SOCKET_DIR", &long).start();
    let socket = plugin.socket();
    assert!(!socket.starts_with(temp.path()) && socket.as_os_str().len() < 104, "{}", socket.display());
    plugin.signal(Signal::TERM);
    assert!(plugin.ended().success());
    assert!(!socket.parent().unwrap().exists());
}

#[tokio::test]
async fn pitfall_04_a_silent_client_keeps_nobody_waiting() {
    let identity = Identity::new(1);
    let plugin = launch().identity(&identity).start();
    let silent = UnixStream::connect(plugin.socket()).unwrap();
    let plain = UnixStream::connect(plugin.socket()).unwrap();
    std::io::Write::write_all(&mut &plain, b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(is_let_in(&plugin.socket(), plugin.certificate(), Some(&identity)).await);
    drop(silent);
}

#[tokio::test]
async fn only_the_announced_client_is_let_in() {
    let identity = Identity::new(1);
    let stranger = Identity::new(2);
    let thief = identity.with_key_of(&stranger);
    let plugin = launch().identity(&identity).start();
    let socket = plugin.socket();
    assert!(!is_let_in(&socket, plugin.certificate(), None).await, "a client without a certificate");
    assert!(!is_let_in(&socket, plugin.certificate(), Some(&stranger)).await, "another certificate");
    assert!(!is_let_in(&socket, plugin.certificate(), Some(&thief)).await, "the right certificate, not its key");
    assert!(is_let_in(&socket, plugin.certificate(), Some(&identity)).await, "the right client");
}

#[tokio::test]
async fn pitfall_05_ctrl_c_is_ignored() {
    let identity = Identity::new(1);
    let mut plugin = launch().identity(&identity).start();
    plugin.signal(Signal::INT);
    plugin.signal(Signal::INT);
    assert!(is_let_in(&plugin.socket(), plugin.certificate(), Some(&identity)).await);
    assert!(plugin.is_running());
}

/// Begins to speak HTTP/2, and waits until the other side has taken note of it.
async fn greet(connection: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    const SETTINGS: u8 = 4;
    const ACKNOWLEDGED: u8 = 1;
    connection.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    while (head[3], head[4]) != (SETTINGS, ACKNOWLEDGED) {
        connection.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        connection.read_exact(&mut vec![0; usize::try_from(length).unwrap()]).await.unwrap();
    }
}

#[tokio::test]
async fn pitfall_07_it_ends_when_its_last_connection_has_closed() {
    let identity = Identity::new(1);
    let mut plugin = launch().identity(&identity).start();
    let first = connect(&plugin.socket(), plugin.certificate(), Some(&identity)).await.unwrap();
    let mut second = connect(&plugin.socket(), plugin.certificate(), Some(&identity)).await.unwrap();
    drop(first);
    greet(&mut second).await;
    assert!(plugin.is_running());
    drop(second);
    assert!(plugin.ended().success());
}

#[test]
fn what_the_author_prints_is_in_the_log_and_not_in_the_handshake() {
    let mut plugin = launch().env("THING_CHATTY", "1").start();
    assert_eq!(plugin.fields().len(), 6, "{}", plugin.line());
    plugin.signal(Signal::TERM);
    assert!(plugin.ended().success());
    assert!(plugin.stderr().contains("A word before the handshake."), "{}", plugin.stderr());
}

#[test]
fn pitfall_20_debug_prints_what_to_set_and_ends_with_ctrl_c() {
    let mut plugin = launch().by_hand().arg("-debug").spawn();
    plugin.next_line();
    let line = plugin.next_line();
    let json = line.trim().strip_prefix("TF_REATTACH_PROVIDERS='").and_then(|line| line.strip_suffix('\'')).unwrap();
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let entry = &json["example/thing"];
    assert_eq!((&entry["Protocol"], &entry["ProtocolVersion"]), (&"grpc".into(), &6.into()));
    let socket = entry["Addr"]["String"].as_str().unwrap().to_owned();

    let workspace = crate::workspace::Workspace::new("resource \"thing_thing\" \"a\" {\n  name = \"debugged\"\n}\n");
    workspace
        .terraform_with(&["apply", "-auto-approve"], |command| command.env("TF_REATTACH_PROVIDERS", json.to_string()))
        .ok();
    assert!(workspace.has_thing("id-debugged"));
    assert_eq!(workspace.providers(), [], "Terraform has started a process of its own");

    plugin.next_line();
    plugin.signal(Signal::INT);
    assert!(plugin.ended().success());
    assert!(!std::path::Path::new(&socket).exists());
}
