//! Page, alerts and dashboard against a real answer of `/metrics`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use justiam_tests::server::TestServer;
use serde_json::Value;

/// A metric: its type and its labels.
type Metric = (String, BTreeSet<String>);

fn document(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/server").join(name);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

async fn scrape() -> String {
    let server = TestServer::start().await;
    let http = reqwest::Client::new();
    let mut text = String::new();
    // The second one tells of the first.
    for _ in 0..2 {
        let request = http.get(format!("{}/metrics", server.endpoint)).bearer_auth(&server.token);
        text = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
    }
    text
}

/// The name of a metric as its samples begin.
fn base(name: &str, kind: &str) -> String {
    if kind == "counter" { format!("{name}_total") } else { name.to_owned() }
}

/// The metrics of an answer by their names, and the names of all samples.
fn metrics(text: &str) -> (BTreeMap<String, Metric>, BTreeSet<String>) {
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    let mut samples = BTreeSet::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            current = base(name, kind);
            let known = metrics.insert(current.clone(), (kind.to_owned(), BTreeSet::new()));
            assert!(known.is_none(), "{name} comes twice");
            let suffixes = if kind == "histogram" { &["_bucket", "_sum", "_count"][..] } else { &[""] };
            samples.extend(suffixes.iter().map(|suffix| format!("{current}{suffix}")));
        } else if !line.starts_with('#') {
            let (name, labels) = line.split_once(['{', ' ']).unwrap();
            assert!(samples.contains(name), "{line} stands below {current}");
            let labels = labels.split_once("} ").map_or("", |(labels, _)| labels);
            let labels = labels.split("\",").filter_map(|label| Some(label.split_once("=\"")?.0.to_owned()));
            metrics.get_mut(&current).unwrap().1.extend(labels.filter(|label| label != "le"));
        }
    }
    (metrics, samples)
}

/// The metrics that the page describes.
fn described(page: &str) -> BTreeMap<String, Metric> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|row| {
        let (name, rest) = row.split_once("` | ")?;
        let (kind, rest) = rest.split_once(" | ")?;
        let (unit, meaning) = rest.split_once(" | ")?;
        assert!(!unit.is_empty() && meaning.len() > 10, "{row}");
        let (name, labels) = name.split_once('{').unwrap_or((name, ""));
        let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
        Some((name.to_owned(), (kind.to_owned(), labels.map(str::to_owned).collect())))
    });
    rows.filter(|(_, (kind, _))| ["counter", "gauge", "histogram"].contains(&kind.as_str())).collect()
}

/// What looks like the name of a metric.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    words.filter(|word| word.starts_with("justiam_") || word.starts_with("process_")).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_page_describes_every_metric_and_no_other_the_alerts_and_the_dashboard_name_real_ones() {
    let (metrics, samples) = metrics(&scrape().await);
    let page = document("metrics.md");
    assert_eq!(described(&page), metrics);
    let lines = samples.len();
    assert!(lines > 40, "{lines}");

    let alerts = document("alerts.yml");
    let unknown: Vec<_> = named(&alerts).into_iter().filter(|name| !samples.contains(name)).collect();
    assert!(unknown.is_empty(), "alerts.yml names {unknown:?}");
    let names = |text: &str, before: &str| -> BTreeSet<String> {
        let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix(before));
        lines.map(|rest| rest.split(['`', ' ']).next().unwrap().to_owned()).collect()
    };
    let rules = names(&alerts, "- alert: ");
    assert!(rules.len() > 5);
    let explained: BTreeSet<String> =
        names(&page, "| `").into_iter().filter(|name| name.starts_with("Justiam")).collect();
    assert_eq!(rules, explained);
    assert_eq!(alerts.matches("expr:").count(), rules.len());

    let dashboard: Value = serde_json::from_str(&document("grafana-dashboard.json")).unwrap();
    for field in ["uid", "title", "schemaVersion", "templating", "time", "panels"] {
        assert!(!dashboard[field].is_null(), "{field}");
    }
    let mut ids = BTreeSet::new();
    let mut shown = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{panel}");
        if panel["type"] == "row" {
            continue;
        }
        assert!(["stat", "timeseries"].contains(&panel["type"].as_str().unwrap()), "{panel}");
        assert!(!panel["title"].as_str().unwrap().is_empty());
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let names = named(query);
            assert!(!names.is_empty(), "{query}");
            shown.extend(names);
            let balance = |open, close| query.matches(open).count() == query.matches(close).count();
            assert!(balance('(', ')') && balance('{', '}') && balance('[', ']'), "{query}");
        }
    }
    let unknown: Vec<_> = shown.iter().filter(|name| !samples.contains(*name)).collect();
    assert!(unknown.is_empty(), "the dashboard names {unknown:?}");
    assert!(shown.len() > 20, "{shown:?}");
}

#[tokio::test]
async fn a_fresh_server_has_a_moderate_number_of_series() {
    let text = scrape().await;
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!((150..=400).contains(&series), "{series}");
}
