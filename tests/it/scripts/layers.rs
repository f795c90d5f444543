//! What the kernel lacks, what is then on record, and that the lists miss nothing that scripts need.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use justiam_server::driver::execute::script::{Demand, End, Layers, Network};

use super::support::{Lab, go, host, success};

/// As on a kernel without one of them.
const NO_LANDLOCK: Layers = Layers { landlock: false, seccomp: true, kill_unknown_calls: false };
const NO_SECCOMP: Layers = Layers { landlock: true, seccomp: false, kill_unknown_calls: false };

#[tokio::test]
async fn what_was_achieved_is_on_record() {
    let source = go(&["os"], "_, err := os.ReadFile(`/etc/passwd`); return ``, err");
    let denied = End::Error { message: "open /etc/passwd: permission denied".to_owned() };
    for (layers, expected, end) in [
        (Layers::default(), "sandbox: landlock ", denied.clone()),
        (NO_LANDLOCK, "partial: no landlock, seccomp, no capabilities, memory 512 MiB, network none", success("")),
        (NO_SECCOMP, "partial: landlock ", denied),
    ] {
        let lab = Lab::with(|settings| (settings.layers, settings.network) = (layers, Network::None));
        let outcome = lab.run(&source).await;
        let isolation = outcome.isolation.unwrap();
        assert!(isolation.starts_with(expected), "{isolation}");
        assert_eq!(outcome.end, end, "{isolation}");
    }
}

#[tokio::test]
async fn a_server_that_demands_a_sandbox_runs_nothing_without_one() {
    let source = go(&[], "return `ran`, nil");
    for (layers, missing) in [(NO_LANDLOCK, "Landlock"), (NO_SECCOMP, "seccomp")] {
        let lab = Lab::with(|settings| (settings.layers, settings.demand) = (layers, Demand::Sandbox));
        let expected = format!(
            "scripts are not run on this server: it demands a sandbox (--script-isolation sandbox), and its kernel gives no {missing}"
        );
        assert_eq!(lab.message(&source).await, expected);
        assert!(!lab.runner.probe().await.unwrap().whole);
    }
    let lab = Lab::with(|settings| settings.demand = Demand::Sandbox);
    assert_eq!(lab.run(&source).await.end, success("ran"));
}

#[tokio::test]
async fn a_probe_tries_what_is_forbidden() {
    let probe = async |layers| {
        let lab = Lab::with(|settings| (settings.layers, settings.network) = (layers, Network::Fetch));
        let probed = lab.runner.probe().await.unwrap();
        lab.assert_clean();
        probed
    };
    let whole = probe(Layers::default()).await;
    assert!(whole.whole && whole.isolation.starts_with("sandbox: landlock "), "{whole:?}");
    assert_eq!(whole.possible, Vec::<String>::new());
    let files =
        ["reading /etc/passwd", "listing the folder of all runs", "writing outside the folder for temporary files"];
    assert_eq!(probe(NO_LANDLOCK).await.possible[..3], files);
    // Signals and ports are Landlock's business as well, of newer versions.
    let calls = probe(NO_SECCOMP).await.possible;
    assert!(calls.starts_with(&["starting a process".to_owned(), "making a Unix socket".to_owned()]), "{calls:?}");
    let all = probe(Layers { landlock: false, ..NO_SECCOMP }).await.possible;
    for what in ["sending the server a signal", "listening on a port", "dialling"] {
        assert!(all.iter().any(|possible| possible == what), "{what}: {all:?}");
    }
    // Root's scripts have none of its special rights, with which it looks into other processes.
    assert_eq!(
        all.contains(&"reading the server's environment".to_owned()),
        !rustix::process::geteuid().is_root(),
        "{all:?}"
    );
}

#[tokio::test]
async fn what_nobody_could_try_is_told_apart_from_what_does_not_hold() {
    let lab = Lab::with(|settings| settings.yaegi = "no-such-yaegi".into());
    let missing = "the Go interpreter `no-such-yaegi` was not found; install yaegi on the server, or set JUSTIAM_YAEGI to its path";
    assert_eq!(lab.runner.probe().await.unwrap_err(), missing);
    assert_eq!(lab.runner.try_interpreter().await.unwrap_err(), missing);
}

#[tokio::test]
async fn the_interpreter_is_tried_as_well() {
    assert_eq!(Lab::new().runner.try_interpreter().await, Ok(()));
    // A program that is there, and is no interpreter.
    let lab = Lab::with(|settings| settings.yaegi = "/usr/bin/env".into());
    assert!(lab.runner.probe().await.unwrap().possible.is_empty());
    let why = lab.runner.try_interpreter().await.unwrap_err();
    assert!(why.starts_with("the script's process ended with exit code "), "{why}");
}

/// Answers one request.
fn web_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        }
    });
    address
}

/// A bit of everything that scripts do.
const BROAD: &str = r#"
base := config.Get("server")
dir, err := os.MkdirTemp("", "work")
if err != nil { return "", err }
path := filepath.Join(dir, "a.txt")
if err := os.WriteFile(path, []byte("one\n"), 0644); err != nil { return "", err }
f, err := os.OpenFile(path, os.O_APPEND|os.O_RDWR, 0)
if err != nil { return "", err }
f.WriteString("two\n"); f.Sync(); f.Truncate(6); f.Seek(0, 0)
text, _ := io.ReadAll(f)
f.Close()
if err := os.Rename(path, filepath.Join(dir, "b.txt")); err != nil { return "", err }
if err := os.MkdirAll(filepath.Join(dir, "x/y"), 0755); err != nil { return "", err }
names := 0
filepath.WalkDir(dir, func(string, fs.DirEntry, error) error { names++; return nil })
if err := os.RemoveAll(dir); err != nil { return "", err }
var zipped bytes.Buffer
z := gzip.NewWriter(&zipped); z.Write(text); z.Close()
roots, err := x509.SystemCertPool()
if err != nil { return "", err }
client := http.Client{Timeout: 5 * time.Second}
answer, err := client.Get("http://" + base)
if err != nil { return "", err }
body, _ := io.ReadAll(answer.Body)
answer.Body.Close()
addresses, err := net.LookupHost("localhost")
if err != nil { return "", err }
zone, err := time.LoadLocation("America/New_York")
if err != nil { return "", err }
var group sync.WaitGroup
var total int64
for i := 0; i < 500; i++ { i := i; group.Add(1); go func() { defer group.Done(); atomic.AddInt64(&total, int64(i)) }() }
group.Wait()
for i := 0; i < 20; i++ { _ = make([]byte, 8<<20) }
runtime.GC()
context, cancel := context.WithTimeout(context.Background(), 10 * time.Millisecond)
defer cancel()
<-context.Done()
signals := make(chan os.Signal, 1)
signal.Notify(signals, os.Interrupt)
signal.Stop(signals)
key, err := rsa.GenerateKey(rand.Reader, 1024)
if err != nil { return "", err }
sum := sha256.Sum256(text)
if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]); err != nil { return "", err }
host, _ := os.Hostname()
reader, writer := io.Pipe()
go func() { fmt.Fprint(writer, "piped"); writer.Close() }()
piped, _ := io.ReadAll(reader)
return fmt.Sprintf("%q %d %v %v %s %v %s %d %v %s %d", text, names, zipped.Len() > 0, len(roots.Subjects()) > 0, body,
    len(addresses) > 0, time.Unix(0, 0).In(zone).Format(time.RFC3339), total, host != "", piped, os.Getuid()), nil"#;

#[tokio::test]
async fn a_broad_script_needs_no_call_that_the_lists_do_not_know() {
    let imports = [
        "bytes",
        "compress/gzip",
        "config",
        "context",
        "crypto",
        "crypto/rand",
        "crypto/rsa",
        "crypto/sha256",
        "crypto/x509",
        "fmt",
        "io",
        "io/fs",
        "net",
        "net/http",
        "os",
        "os/signal",
        "path/filepath",
        "runtime",
        "sync",
        "sync/atomic",
        "time",
    ];
    let uid = rustix::process::getuid().as_raw();
    let expected = format!(r#""one\ntw" 4 true true hello true 1969-12-31T19:00:00-05:00 124750 true piped {uid}"#);
    for kill_unknown_calls in [false, true] {
        let lab = Lab::with(|settings| settings.layers.kill_unknown_calls = kill_unknown_calls);
        let outcome = lab.run_with(host(&[], &[("server", &web_server())]), &go(&imports, BROAD)).await;
        assert_eq!(outcome.end, success(&expected), "{}", String::from_utf8_lossy(&outcome.log));
    }
}
