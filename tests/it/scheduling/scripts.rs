//! What becomes of scripts that go wrong, and of the secrets in what they say, from trigger to history.

use justiam_sdk::api::runs::Run;
use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::RunStatus;
use justiam_server::driver::execute::script::{Demand, Network};
use justiam_tests::server::TestServer;

/// A script of some imports and the body of `Run`.
fn go(imports: &[&str], body: &str) -> String {
    let imports: String = imports.iter().flat_map(|import| ["import \"", import, "\"\n"]).collect();
    format!("package task\n{imports}\nfunc Run() (string, error) {{\n{body}\n}}\n")
}

async fn run(server: &TestServer, new: &NewTask) -> Run {
    let task = server.client.tasks().create(new).await.unwrap();
    let run = server.client.tasks().run(task.id).await.unwrap();
    let run = server.ended(run.id).await;
    server.client.tasks().delete(task.id).await.unwrap();
    run
}

#[tokio::test]
async fn every_bad_end_is_an_error_that_says_what_happened() {
    let server = TestServer::start().await;
    for (source, expected) in [
        (go(&["errors"], "\treturn \"lost\", errors.New(\"no such domain\")"), "no such domain"),
        (go(&["fmt"], "\treturn fmt.Sprint(1), fmt.Errorf(\"code %d\", 7)"), "code 7"),
        (go(&[], "\tpanic(\"boom\")"), "panic: boom\n    near script.go:4:2"),
        (go(&[], "\treturn undefined, nil"), "script.go:4:9: undefined: undefined"),
        (
            go(&["strings"], "\treturn strings.Repeat(\"x\", 10000000), nil"),
            "the script returned 10,000,000 bytes of output; the limit is 1,048,576 (1 MiB): return a summary",
        ),
        (
            go(&["os"], "\tos.Exit(3)\n\treturn ``, nil"),
            "the script called os.Exit(3); it should return an error, or nil, instead\n    near script.go:5:2",
        ),
    ] {
        let run = run(&server, &NewTask::triggered_script("T", source.clone())).await;
        assert_eq!((run.status, run.error.as_deref()), (RunStatus::Error, Some(expected)), "{source}");
        assert_eq!(run.output, None, "{source}");
        assert!(run.isolation.unwrap().contains("no capabilities, memory 512 MiB"), "{source}");
    }
}

#[tokio::test]
async fn a_megabyte_of_output_is_kept_whole() {
    let server = TestServer::start().await;
    let source = go(&["strings"], "\treturn strings.Repeat(\"x\", 1<<20), nil");
    let run = run(&server, &NewTask::triggered_script("T", source)).await;
    assert_eq!((run.status, run.output.map(|output| output.len())), (RunStatus::Success, Some(1 << 20)));
}

#[tokio::test]
async fn secrets_are_taken_out_of_output_and_errors() {
    let server = TestServer::start().await;
    let secrets = [
        ("LONG", "token-abcdef-0123"),
        // A part of the one above, and sorted before it.
        ("A_PART", "abcdef"),
        ("LINES", "one\ntwo"),
        ("SHORT", "on"),
        ("EMPTY", ""),
    ];
    let get = |key: &str| format!("secrets.Get(\"{key}\")");
    let all = format!("{} + \"|\" + {} + \"|\" + {} + \"|on\"", get("LONG"), get("A_PART"), get("LINES"));
    let expected = "****|****|****|on";
    for (source, succeeds) in [
        (go(&["secrets"], &format!("\treturn {all}, nil")), true),
        (go(&["errors", "secrets"], &format!("\treturn ``, errors.New({all})")), false),
    ] {
        let mut new = NewTask::triggered_script("T", source);
        new.secrets = Some(secrets.map(|(key, value)| (key.to_owned(), value.into())).into());
        let run = run(&server, &new).await;
        let told = if succeeds { run.output } else { run.error };
        assert_eq!(told.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn config_and_secrets_reach_the_script_as_the_documentation_says() {
    let server = TestServer::start().await;
    let source = go(
        &["config", "fmt", "secrets"],
        "return fmt.Sprintf(\"%q %q %v %v %d %d|%d %q\", config.Get(\"domain\"), config.GetList(\"ids\"), config.GetBool(\"yes\"), \
         config.GetBool(\"no\"), config.GetInt(\"n\"), config.GetInt(\"domain\"), len(secrets.Get(\"KEY\")), secrets.Get(\"NONE\")), nil",
    );
    let mut new = NewTask::triggered_script("T", source);
    let config = [("domain", "example.com"), ("ids", "a, b"), ("yes", "yes"), ("no", "no"), ("n", "3")];
    new.task_config = Some(config.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    new.secrets = Some([("KEY".to_owned(), "hunter2".into())].into());
    let run = run(&server, &new).await;
    assert_eq!(run.output.as_deref(), Some(r#""example.com" ["a" "b"] true false 3 0|7 """#), "{:?}", run.error);
}

#[tokio::test]
async fn runs_and_the_server_say_how_scripts_are_isolated() {
    let server = TestServer::start_with(|config| {
        (config.script_network, config.script_memory_mib) = (Network::None, 256);
    })
    .await;
    let run = run(&server, &NewTask::triggered_script("T", go(&[], "\treturn ``, nil"))).await;
    assert_eq!(run.isolation, Some(server.isolation()));
    assert!(server.isolation().ends_with(", no capabilities, memory 256 MiB, network none"), "{}", server.isolation());
}

#[tokio::test]
async fn a_server_that_demands_a_sandbox_refuses_scripts_on_a_kernel_without() {
    let server = TestServer::start_with(|config| {
        (config.script_isolation, config.script_layers.landlock) = (Demand::Sandbox, false);
    })
    .await;
    let run = run(&server, &NewTask::triggered_script("T", go(&[], "\treturn `ran`, nil"))).await;
    let expected = "scripts are not run on this server: it demands a sandbox (--script-isolation sandbox), and its kernel gives no Landlock";
    assert_eq!((run.status, run.output, run.error.as_deref()), (RunStatus::Error, None, Some(expected)));
    assert!(run.isolation.unwrap().starts_with("partial: no landlock, seccomp, "));
}
