//! The rules and the dashboard: they say what they are meant to, of metrics that a server has.

use std::collections::BTreeSet;

use apportion_proto::v1::AcquireLeaseRequest;
use apportion_tests::etcd::{Etcd, EtcdShape};
use apportion_tests::process::nodes::Nodes;
use apportion_tests::process::wire::Client;
use serde_json::Value;

use crate::files::{read, target, words};
use crate::prometheus::promtool;

const DASHBOARD: &str = "deploy/monitoring/dashboard.json";
const RULES: &str = "deploy/monitoring/apportion.rules.yml";

/// The names of the series that a node of a cluster shows, each as Prometheus stores it.
async fn series() -> BTreeSet<String> {
    let etcd = Etcd::start(EtcdShape::default()).await;
    let nodes = Nodes::start(&etcd, 1).await;
    let asked = Client::new(nodes.channel(0)).acquire_lease(AcquireLeaseRequest::default()).await;
    asked.expect("a lease");
    let page = nodes.server(0).page("/metrics").await;
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let series = types.flat_map(|(name, kind)| {
        let ends: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_count", "_sum"],
            _ => &[""],
        };
        ends.iter().map(move |end| format!("{name}{end}"))
    });
    series.collect()
}

/// What Prometheus is asked by the panels and variables of the dashboard.
fn queries(of: &Value) -> Vec<String> {
    match of {
        Value::Object(fields) => {
            let own = fields.get("expr").and_then(Value::as_str).map(String::from);
            own.into_iter().chain(fields.values().flat_map(queries)).collect()
        }
        Value::Array(items) => items.iter().flat_map(queries).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_alert_is_raised_by_what_it_is_about() {
    promtool(&["check", "rules", "apportion.rules.yml"]);
    promtool(&["test", "rules", "apportion.test.yml"]);
    let (rules, played) = (read(RULES), read("deploy/monitoring/apportion.test.yml"));
    let raised: BTreeSet<_> = crate::files::after(&played, "- alertname:").into_iter().collect();
    let alerts: BTreeSet<_> = crate::files::after(&rules, "- alert:").into_iter().collect();
    assert_eq!(alerts, raised, "alerts, and those that a test raises");
}

#[test]
fn prometheus_understands_every_query_of_the_dashboard() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("JSON");
    let queries = queries(&dashboard);
    assert!(queries.len() > 20, "the queries were not found: {queries:?}");
    let rules = queries.iter().enumerate().map(|(number, query)| {
        let query = query.replace("$__rate_interval", "1m").replace("$job", ".*").replace("$workspace", ".*");
        assert!(!query.contains('$'), "a variable that the dashboard does not have: {query}");
        serde_json::json!({ "record": format!("query:{number}"), "expr": query })
    });
    let file = serde_json::json!({ "groups": [{ "name": "queries", "rules": rules.collect::<Vec<_>>() }] });
    let home = tempfile::tempdir_in(target()).expect("a directory");
    // JSON is YAML too.
    let path = home.path().join("queries.yml");
    std::fs::write(&path, file.to_string()).expect("it is written");
    promtool(&["check", "rules", path.to_str().expect("a path in UTF-8")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_dashboard_and_documentation_name_the_metrics_that_a_server_has() {
    let series = series().await;
    for path in [DASHBOARD, RULES, "deploy/monitoring/apportion.test.yml", "docs/runbook.md"] {
        let text = read(path);
        let named = words(&text, "apportion_");
        let unknown: Vec<_> = named.into_iter().filter(|name| !series.contains(*name)).collect();
        assert!(unknown.is_empty(), "{path} names metrics that no server has: {unknown:?}");
    }
    let page = read("docs/metrics.md");
    let documented = words(&page, "apportion_");
    let real: BTreeSet<_> = series
        .iter()
        .filter(|name| !name.ends_with("_count") && !name.ends_with("_sum"))
        .map(|name| name.strip_suffix("_bucket").unwrap_or(name))
        .collect();
    assert_eq!(documented, real, "docs/metrics.md, and what a server has");
}
