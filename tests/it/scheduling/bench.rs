//! `justiam-server bench` measures what happened, and leaves nothing behind.

use justiam_tests::postgres;
use justiam_tests::programs::program;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use tokio::process::Command;

const WORKLOADS: [&[&str]; 12] = [
    &["burn-down", "--runs", "300"],
    &["latency", "--rate", "50", "--seconds", "1"],
    &["storm", "--tasks", "60"],
    &["rest", "--tasks", "20", "--seconds", "1"],
    &["connector", "--rows", "1200"],
    &["scripts", "--runs", "10"],
    &["script-latency", "--runs", "2"],
    &["script-calls", "--calls", "100"],
    &["script-crowd", "--scripts", "2", "--rate", "5", "--seconds", "1"],
    &["script-crowd", "--scripts", "2", "--rate", "5", "--seconds", "1", "--calls"],
    &["api", "--tasks", "40", "--connections", "8", "--seconds", "1"],
    &["soak", "--minutes", "0.05", "--connections", "10", "--tasks", "10"],
];

/// Runs one workload on a database and returns its report.
async fn measured(workload: &[&str], url: Option<&str>, folder: &std::path::Path) -> Value {
    let mut command = Command::new(program("justiam-server"));
    command.arg("bench").args(workload).arg("--json").arg("--folder").arg(folder);
    match url {
        Some(url) => command.env("DATABASE_URL", url),
        None => command.env_remove("DATABASE_URL"),
    };
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{workload:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn check(workload: &[&str], database: &str, report: &Value) {
    assert_eq!(report["database"], database);
    if matches!(workload[0], "api" | "soak") {
        return check_requests(workload, report);
    }
    let rows = match workload[0] {
        "burn-down" => 300,
        "latency" => 50,
        "storm" => 60,
        "scripts" => 10,
        // Five of them to get going.
        "script-latency" | "script-crowd" => 7,
        "script-calls" => 1,
        _ => 0,
    };
    assert_eq!(
        (&report["rows"], &report["lost"], &report["doubled"]),
        (&rows.into(), &0.into(), &0.into()),
        "{report}"
    );
    assert!(report["cpu_seconds"].is_number() && report["memory_mb"].as_f64().unwrap() > 1.0, "{report}");
    match workload[0] {
        "burn-down" | "scripts" => assert!(report["runs_per_second"].as_f64().unwrap() > 0.1, "{report}"),
        "script-calls" => assert!(report["calls_per_second"].as_f64().unwrap() > 1.0, "{report}"),
        "script-latency" => {
            check_lag(report, "trigger_to_end");
            check_lag(report, "bare");
        }
        "rest" => {}
        "connector" => assert_eq!(report["phases"].as_array().unwrap().len(), 4, "{report}"),
        _ => check_lag(report, "lag"),
    }
}

fn check_requests(workload: &[&str], report: &Value) {
    assert_eq!((&report["errors"], &report["first_error"]), (&0.into(), &Value::Null), "{report}");
    let kinds = if workload[0] == "api" {
        let phases = report["phases"].as_array().unwrap();
        assert_eq!(
            (phases.len(), &phases[0]["kinds"][0]["count"], &report["tasks"]),
            (5, &40.into(), &40.into()),
            "{report}"
        );
        assert!(report["rest_mb"].as_f64().unwrap() > 1.0, "{report}");
        phases.iter().flat_map(|phase| phase["kinds"].as_array().unwrap().clone()).collect()
    } else {
        assert!(report["samples"].as_array().unwrap().len() >= 16, "{report}");
        report["requests"]["kinds"].as_array().unwrap().clone()
    };
    assert!(kinds.len() >= 10, "{report}");
    for kind in &kinds {
        check_lag(kind, "lag");
    }
    assert!(report["peak_mb"].as_f64().unwrap() > 1.0, "{report}");
}

fn check_lag(report: &Value, which: &str) {
    let lag = ["p50_ms", "p95_ms", "p99_ms", "max_ms"].map(|name| report[which][name].as_f64().unwrap());
    assert!(lag[0] >= 0.0 && lag.is_sorted(), "{report}");
}

#[tokio::test]
async fn each_workload_counts_its_rows_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    for workload in WORKLOADS {
        check(workload, "SQLite", &measured(workload, None, folder.path()).await);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was left behind");
}

#[tokio::test]
async fn each_workload_counts_its_rows_on_postgres() {
    let (folder, url) = (tempfile::tempdir().unwrap(), postgres::own_cluster().url());
    for workload in WORKLOADS {
        check(workload, "PostgreSQL", &measured(workload, Some(&url), folder.path()).await);
    }
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let sql = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'justiam_bench%'";
    let left: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    assert_eq!(left, 0, "a schema was left behind");
}
