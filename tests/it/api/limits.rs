//! What is just allowed, and what is one too many.

use justiam_tests::soon;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::support::{Api, NOBODY, SCRIPT, body, path};

/// A script of exactly so many bytes.
fn script(bytes: usize) -> String {
    format!("{SCRIPT}//{}", "x".repeat(bytes - SCRIPT.len() - 2))
}

/// So many entries.
fn entries(count: usize) -> Value {
    (0..count).map(|index| (format!("key {index}"), json!("v"))).collect::<Map<_, _>>().into()
}

#[tokio::test]
async fn every_limit_of_a_task_is_exact() {
    let api = Api::start().await;
    let at = |expr: &str, length: usize| format!("{expr}{}", " ".repeat(length - expr.len()));
    let cases: [(&str, Value, Value, &str); 11] = [
        ("name", json!("🦀".repeat(200)), json!("🦀".repeat(201)), "name"),
        ("description", json!("ü".repeat(4000)), json!("ü".repeat(4001)), "description"),
        ("script", json!(script(256 << 10)), json!(script((256 << 10) + 1)), "script"),
        ("cron_expr", json!(at("@daily", 512)), json!(at("@daily", 513)), "cron_expr"),
        ("timeout_seconds", json!(30), json!(31), "timeout_seconds"),
        ("timeout_seconds", json!(1), json!(0), "timeout_seconds"),
        (
            "task_config",
            json!({ "k": "x".repeat(64 << 10) }),
            json!({ "k": "x".repeat((64 << 10) + 1) }),
            "task_config.k",
        ),
        ("secrets", json!({ "k": "x".repeat(64 << 10) }), json!({ "k": "x".repeat((64 << 10) + 1) }), "secrets.k"),
        ("task_config", entries(1000), entries(1001), "task_config"),
        ("secrets", entries(1000), entries(1001), "secrets"),
        ("config", json!({ "x": "y".repeat(900 << 10) }), json!([]), "config"),
    ];
    for (index, (field, good, wrong, path)) in cases.into_iter().enumerate() {
        let mut fine = body(&json!({ "name": format!("task {index}") }));
        fine[field] = good;
        api.create(&fine).await;
        fine[field] = wrong;
        let errors = api.send("POST", "/api/v1/tasks", &fine).await.wrong_fields(&[path]);
        assert!(errors.to_string().len() < 400, "{errors}");
    }
}

#[tokio::test]
async fn all_secrets_of_a_task_may_be_1_mib_long() {
    let api = Api::start().await;
    let task = api.task("T").await;
    let path = format!("{}/secrets", path(&task));
    let half = |keys: std::ops::Range<usize>| {
        let set: Map<_, _> = keys.map(|key| (format!("key {key}"), json!("x".repeat(64 << 10)))).collect();
        json!({ "set": set })
    };
    api.send("PATCH", &path, &half(0..8)).await.expect(200);
    api.send("PATCH", &path, &half(8..16)).await.expect(200);
    let errors =
        api.send("PATCH", &path, &json!({ "set": { "one": "x", "two": "" } })).await.wrong_fields(&["secrets"]);
    let expected = "the values would be 1048577 bytes long together; all secrets of a task may be 1048576 at the most";
    assert_eq!(errors["secrets"], json!([expected]));
    // What is replaced or removed does not count.
    let swapped = json!({ "set": { "key 0": "", "one": "x".repeat(32 << 10), "two": "x".repeat(64 << 10) }, "remove": ["key 1"] });
    api.send("PATCH", &path, &swapped).await.expect(200);
}

#[tokio::test]
async fn keys_may_be_256_bytes_long() {
    let api = Api::start().await;
    for field in ["task_config", "secrets"] {
        let key = |bytes: usize| format!("{}{}", "ü".repeat(bytes / 2), "x".repeat(bytes % 2));
        api.create(&body(&json!({ "name": field, field: { key(256): "v" } }))).await;
        let shown: String = key(257).chars().take(80).collect();
        let answer = api.send("POST", "/api/v1/tasks", &body(&json!({ field: { key(257): "v" } }))).await;
        answer.wrong_fields(&[&format!("{field}.{shown}")]);
    }
}

#[tokio::test]
async fn the_thousandth_secret_is_the_last_one_also_for_a_patch() {
    let api = Api::start().await;
    let task = api.create(&body(&json!({ "secrets": entries(999) }))).await;
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    let secrets = format!("{path}/secrets");
    api.send("PATCH", &secrets, &json!({ "set": { "last": "v", "key 5": "again" } })).await.expect(200);
    api.send("PATCH", &secrets, &json!({ "set": { "more": "v" } })).await.wrong_fields(&["secrets"]);
    api.send("PATCH", &path, &json!({ "secrets": { "set": { "more": "v" } } })).await.wrong_fields(&["secrets"]);
    api.send("PATCH", &secrets, &json!({ "set": { "more": "v" }, "remove": ["last"] })).await.expect(200);
    api.send("PUT", &secrets, &entries(1001)).await.wrong_fields(&["secrets"]);
    assert_eq!(api.get(&secrets).await.json()["keys"].as_array().unwrap().len(), 1000);
}

/// Sends bytes as they are and returns the beginning of the answer.
async fn raw(api: &Api, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(api.server.endpoint.trim_start_matches("http://")).await.unwrap();
    let token = &api.server.token;
    let head = format!(
        "POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let mut answer = [0; 64];
    let send = async {
        // The server may close before it has got everything.
        let _ = write.write_all(body.as_bytes()).await;
        futures::future::pending::<()>().await;
    };
    tokio::select! {
        () = send => unreachable!("it waits"),
        count = soon("an answer", read.read(&mut answer)) => {
            let text = String::from_utf8_lossy(&answer[..count.unwrap()]).into_owned();
            text.lines().next().unwrap_or_default().to_owned()
        }
    }
}

#[tokio::test]
async fn a_body_may_have_a_mebibyte() {
    let api = Api::start().await;
    let of = |bytes: usize| {
        let text = body(&json!({ "config": { "x": "" } })).to_string();
        text.replace("\"x\":\"\"", &format!("\"x\":\"{}\"", "y".repeat(bytes - text.len())))
    };
    api.text("POST", "/api/v1/tasks", of((1 << 20) + 1)).await.refused(413, "PAYLOAD_TOO_LARGE");
    let run = format!("/api/v1/tasks/{NOBODY}/run");
    api.text("POST", &run, "x".repeat((1 << 20) + 1)).await.refused(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(api.count().await, 0);
    api.text("POST", "/api/v1/tasks", of(1 << 20)).await.expect(201);
}

#[tokio::test]
async fn a_body_in_chunks_is_counted_while_it_comes() {
    let api = Api::start().await;
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let chunked = "Transfer-Encoding: chunked";
    let small = chunk(&body(&json!({})).to_string()) + "0\r\n\r\n";
    assert_eq!(raw(&api, chunked, &small).await, "HTTP/1.1 201 Created");
    // It never ends, so an answer shows that nobody waits for the rest.
    let endless = chunk(&"x".repeat(1 << 19)).repeat(3);
    assert_eq!(raw(&api, chunked, &endless).await, "HTTP/1.1 413 Payload Too Large");
}

#[tokio::test]
async fn an_announced_giant_is_refused_before_it_comes() {
    let api = Api::start().await;
    assert_eq!(raw(&api, "Content-Length: 5000000000", "{").await, "HTTP/1.1 413 Payload Too Large");
    assert_eq!(raw(&api, "Content-Length: 5", "{\"a\"}").await, "HTTP/1.1 400 Bad Request");
}
