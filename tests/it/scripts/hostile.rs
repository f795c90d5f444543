//! Scripts that try what is forbidden: each is told why it could not, and nothing comes of it.
//!
//! Every attempt is bounded and harmless, also where nothing prevents it.

use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use justiam_server::driver::execute::script::{End, Network};

use super::support::{Lab, go, success};

/// Packages for [`attempts`].
const IMPORTS: [&str; 5] = ["errors", "fmt", "os", "strings", "time"];

/// Runs a script with a list of Go expressions of type `error` and says what each came to.
async fn attempts(lab: &Lab, imports: &[&str], expressions: &[&str]) -> Vec<String> {
    let mut body = String::from("var out []string\nsay := func(err error) { out = append(out, fmt.Sprint(err)) }\n");
    body += "_ = errors.New; _ = os.Args; _ = time.Now\n";
    for expression in expressions {
        body.extend(["say(", expression, ")\n"]);
    }
    body += "return strings.Join(out, `\n`), nil";
    let imports = [&IMPORTS, imports].concat();
    let outcome = lab.run(&go(&imports, &body)).await;
    match outcome.end {
        End::Success { output } => output.lines().map(String::from).collect(),
        end => panic!("{end:?}"),
    }
}

/// Tries each expression and looks for a part of what it must come to.
async fn assert_refused(lab: &Lab, imports: &[&str], cases: &[(&str, &str)]) {
    let expressions: Vec<&str> = cases.iter().map(|(expression, _)| *expression).collect();
    let said = attempts(lab, imports, &expressions).await;
    assert_eq!(said.len(), cases.len(), "{said:?}");
    let wrong: Vec<String> = cases
        .iter()
        .zip(said)
        .filter(|((_, expected), said)| !said.contains(expected))
        .map(|((expression, expected), said)| format!("{expression}\n  said {said}\n  expected {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const DENIED: &str = "permission denied";
const FORBIDDEN: &str = "operation not permitted";

#[tokio::test]
async fn no_process_is_started_by_whatever_way() {
    let lab = Lab::new();
    let start = |program: &str| {
        format!(
            "func() error {{ p, err := os.StartProcess(`{program}`, []string{{`sleep`, `1`}}, &os.ProcAttr{{}}); \
             if err == nil {{ p.Wait() }}; return err }}()"
        )
    };
    let by_reflection = |field: &str, set: &str| {
        format!(
            "func() error {{ attr := &os.ProcAttr{{}}; sys := reflect.ValueOf(attr).Elem().FieldByName(`Sys`); \
             sys.Set(reflect.New(sys.Type().Elem())); sys.Elem().FieldByName(`{field}`).{set}; \
             p, err := os.StartProcess(`/bin/sleep`, []string{{`sleep`, `1`}}, attr); \
             if err == nil {{ p.Wait() }}; return err }}()"
        )
    };
    assert_refused(
        &lab,
        &["net/http/cgi", "net/http/httptest", "reflect"],
        &[
            (&start("/bin/sleep"), FORBIDDEN),
            (&start("/proc/self/exe"), FORBIDDEN),
            (&start("/usr/bin/yaegi"), FORBIDDEN),
            // A daemon: it would leave its session and its parent.
            (&by_reflection("Setsid", "SetBool(true)"), FORBIDDEN),
            // A user's own namespace, in which it would be root.
            (&by_reflection("Cloneflags", "SetUint(0x10000000)"), FORBIDDEN),
            (&by_reflection("Ptrace", "SetBool(true)"), FORBIDDEN),
            (
                "func() error { w := httptest.NewRecorder(); h := cgi.Handler{Path: `/bin/true`}; \
                 h.ServeHTTP(w, httptest.NewRequest(`GET`, `/`, nil)); return fmt.Errorf(`status %d`, w.Code) }()",
                "status 500",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_fork_bomb_starts_nothing() {
    let body = r#"
started, last := 0, ""
for i := 0; i < 300; i++ {
    p, err := os.StartProcess("/bin/sleep", []string{"sleep", "2"}, &os.ProcAttr{})
    if err == nil { started++; defer p.Wait() } else { last = err.Error() }
}
return fmt.Sprint(started, " ", last), nil"#;
    let outcome = Lab::new().run(&go(&["fmt", "os"], body)).await;
    assert_eq!(outcome.end, success("0 fork/exec /bin/sleep: operation not permitted"));
}

#[tokio::test]
async fn packages_that_lead_out_are_not_there() {
    let lab = Lab::new();
    for package in ["os/exec", "syscall", "unsafe", "plugin"] {
        let expected = format!("script.go:2:8: the package \"{package}\" is not available to scripts");
        let source = format!("package task\nimport _ \"{package}\"\nfunc Run() (string, error) {{ return ``, nil }}");
        assert_eq!(lab.message(&source).await, expected);
    }
}

#[tokio::test]
async fn nothing_of_the_server_or_the_machine_can_be_read() {
    let lab = Lab::new();
    let data = lab.data();
    for name in ["justiam.db", "jwt-secret"] {
        fs::write(data.join(name), "canary").unwrap();
    }
    let other = lab.scripts().join("other-run");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("main.go"), "canary").unwrap();
    let read = |path: &str| format!("func() error {{ _, err := os.ReadFile(`{path}`); return err }}()");
    let list = |path: &str| format!("func() error {{ _, err := os.ReadDir(`{path}`); return err }}()");
    let of_parent = |name: &str| {
        format!("func() error {{ _, err := os.ReadFile(fmt.Sprintf(`/proc/%d/{name}`, os.Getppid())); return err }}()")
    };
    let absolute = data.display().to_string();
    let cases = [
        read(&format!("{absolute}/justiam.db")),
        read(&format!("{absolute}/jwt-secret")),
        read("../../../justiam.db"),
        read("../../lock"),
        list("../.."),
        // As another run's folder, whose name can be guessed.
        read("../../other-run/main.go"),
        list("../../other-run"),
        list("../../.."),
        of_parent("environ"),
        of_parent("mem"),
        of_parent("cmdline"),
        of_parent("maps"),
        list("/proc"),
        read("/proc/self/environ"),
        read("/proc/self/mem"),
        list("/proc/self/fd"),
        read("/etc/passwd"),
        read("/etc/shadow"),
        read("/bin/sh"),
        list("/"),
        list("/tmp"),
        list("/root"),
        list("/dev/shm"),
        read("/dev/zero"),
        read("/sys/kernel/notes"),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|case| (case.as_str(), DENIED)).collect();
    assert_refused(&lab, &[], &cases).await;
}

#[tokio::test]
async fn nothing_outside_its_folder_can_be_written_or_changed() {
    let lab = Lab::new();
    let file = lab.data().join("justiam.db");
    fs::write(&file, "canary").unwrap();
    let before = fs::metadata(&file).unwrap();
    let path = file.display();
    let write = |path: &str| format!("os.WriteFile(`{path}`, []byte(`x`), 0600)");
    let cases = [
        (write(&path.to_string()), DENIED),
        (write("../main.go"), DENIED),
        (write("../src/task/script.go"), DENIED),
        (write("../other"), DENIED),
        (write("../../run-99"), DENIED),
        (write("/tmp/hostile-script-was-here"), DENIED),
        (write("/dev/shm/hostile-script-was-here"), DENIED),
        ("os.Mkdir(`../other`, 0700)".into(), DENIED),
        ("os.Remove(`../main.go`)".into(), DENIED),
        ("os.RemoveAll(`../src`)".into(), DENIED),
        (format!("os.Remove(`{path}`)"), DENIED),
        (format!("os.Rename(`{path}`, `mine`)"), DENIED),
        ("os.Rename(`../main.go`, `mine`)".into(), DENIED),
        // Rights, owners, times and lengths are none of Landlock's business, or were not always.
        (format!("os.Chmod(`{path}`, 0666)"), FORBIDDEN),
        (format!("os.Chown(`{path}`, 1, 1)"), FORBIDDEN),
        (format!("os.Lchown(`{path}`, 1, 1)"), FORBIDDEN),
        (format!("os.Chtimes(`{path}`, time.Unix(0, 0), time.Unix(0, 0))"), FORBIDDEN),
        (format!("os.Truncate(`{path}`, 0)"), FORBIDDEN),
        ("os.Chmod(`..`, 0777)".into(), FORBIDDEN),
        // Names that lead elsewhere.
        ("os.Symlink(`/etc/passwd`, `link`)".into(), DENIED),
        ("os.Symlink(`..`, `link`)".into(), DENIED),
        (format!("os.Link(`{path}`, `link`)"), "cross-device"),
        // Which of two reasons it is depends on the user.
        ("os.Link(`/etc/hosts`, `link`)".into(), "link /etc/hosts link: "),
        ("os.Link(`../main.go`, `link`)".into(), "cross-device"),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(case, expected)| (case.as_str(), *expected)).collect();
    assert_refused(&lab, &[], &cases).await;
    let after = fs::metadata(&file).unwrap();
    assert_eq!((before.permissions(), before.modified().unwrap()), (after.permissions(), after.modified().unwrap()));
    assert_eq!(fs::read_to_string(&file).unwrap(), "canary");
}

#[tokio::test]
async fn other_processes_get_no_signal() {
    // Signal 0 does nothing where it arrives.
    let signal = "reflect.New(reflect.TypeOf(os.Interrupt)).Elem().Interface().(os.Signal)";
    let to = |pid: &str| format!("(&os.Process{{Pid: {pid}}}).Signal({signal})");
    let cases = [(to("os.Getppid()"), FORBIDDEN), (to("1"), FORBIDDEN), (to("os.Getpid()"), "<nil>")];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(case, expected)| (case.as_str(), *expected)).collect();
    assert_refused(&Lab::new(), &["reflect"], &cases).await;
}

#[tokio::test]
async fn sockets_of_the_machine_are_out_of_reach_in_every_mode() {
    for network in [Network::All, Network::Fetch, Network::None] {
        let lab = Lab::with(|settings| settings.network = network);
        // As a database listens: by a path, or by a name without a file.
        let path = lab.data().join("database.socket");
        let by_path = UnixListener::bind(&path).unwrap();
        let name = format!("justiam-hostile-{}-{network:?}", std::process::id());
        let abstractly = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name.as_bytes()).unwrap()).unwrap();
        let dial = |kind: &str, address: &str| {
            format!(
                "func() error {{ c, err := net.DialTimeout(`{kind}`, `{address}`, time.Second); \
                 if err == nil {{ c.Close() }}; return err }}()"
            )
        };
        let path = path.display().to_string();
        let cases = [
            dial("unix", &path),
            dial("unix", &format!("@{name}")),
            dial("unixgram", &path),
            dial("ip4:1", "127.0.0.1"),
            "func() error { _, err := net.Listen(`tcp`, `127.0.0.1:0`); return err }()".to_owned(),
            "func() error { _, err := net.Listen(`unix`, `mine`); return err }()".to_owned(),
            "func() error { _, err := net.ListenPacket(`udp`, `127.0.0.1:0`); return err }()".to_owned(),
        ];
        let cases: Vec<(&str, &str)> = cases.iter().map(|case| (case.as_str(), FORBIDDEN)).collect();
        assert_refused(&lab, &["net"], &cases).await;
        for listener in [by_path, abstractly] {
            listener.set_nonblocking(true).unwrap();
            assert!(listener.accept().is_err(), "{network:?}");
        }
    }
}

#[tokio::test]
async fn without_a_network_nothing_is_dialled_and_with_one_it_is_said_that_nothing_is_filtered() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = server.local_addr().unwrap().to_string();
    let dial = |kind: &str, address: &str| {
        format!(
            "func() error {{ c, err := net.DialTimeout(`{kind}`, `{address}`, time.Second); \
             if err == nil {{ c.Close() }}; return err }}()"
        )
    };
    for network in [Network::Fetch, Network::None] {
        let lab = Lab::with(|settings| settings.network = network);
        let cases = [
            dial("tcp", "169.254.169.254:80"),
            dial("udp", "169.254.169.254:53"),
            dial("tcp", "[fd00:ec2::254]:80"),
            dial("tcp", &here),
            dial("udp", &here),
        ];
        let cases: Vec<(&str, &str)> =
            cases.iter().map(|case| (case.as_str(), "socket: operation not permitted")).collect();
        assert_refused(&lab, &["net"], &cases).await;
        let web = "func() error { _, err := http.Get(`http://169.254.169.254/latest/meta-data/`); return err }()";
        assert_refused(&lab, &["net/http"], &[(web, FORBIDDEN)]).await;
    }
    let lab = Lab::new();
    assert_refused(&lab, &["net"], &[(&dial("tcp", &here), "<nil>"), (&dial("udp", &here), "<nil>")]).await;
    let isolation = lab.run(&go(&[], "return ``, nil")).await.isolation.unwrap();
    assert!(isolation.ends_with("network all (raw destinations are not filtered)"), "{isolation}");
}

#[tokio::test]
async fn the_transport_gives_no_more_than_the_packages_do() {
    let lab = Lab::new();
    let cases = [
        ("host.Call(`helper.isolated`, map[string]int{`landlock`: 99}, nil)", "knows no method"),
        ("host.Call(`secrets.list`, nil, nil)", "knows no method"),
        ("host.Call(`/etc/passwd`, nil, nil)", "knows no method"),
    ];
    assert_refused(&lab, &["justiam/host"], &cases).await;
    // Nobody but the helper can say how a run is isolated.
    let lies = r#"socket.File.WriteString("{\"method\":\"helper.isolated\",\"params\":{\"landlock\":99,\"seccomp\":true}}\n"); select {}"#;
    let outcome = lab.run(&go(&["justiam/socket"], lies)).await;
    assert!(!outcome.isolation.unwrap().contains("99"));
    // Nor what is wrong with the server.
    for step in ["sandbox", "landlock", "anything"] {
        let lies = format!(
            r#"socket.File.WriteString("{{\"method\":\"helper.failed\",\"params\":{{\"step\":\"{step}\",\"error\":\"nothing\"}}}}\n"); select {{}}"#
        );
        let expected = "the script was stopped: it sent the server what only the server's own helper may say over the host channel";
        assert_eq!(lab.message(&go(&["justiam/socket"], &lies)).await, expected);
    }
}
