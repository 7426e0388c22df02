//! Signals in files and messages, and at fault.

use super::*;
use crate::error::FieldError;

fn read(text: &str) -> v1::Signals {
    let table: SignalsTable = toml::from_str(text).expect("it can be read");
    (&table).into()
}

fn limits() -> Vec<v1::Limit> {
    vec![v1::Limit { limit_id: "per-10s".into(), ..Default::default() }]
}

fn refused(text: &str) -> String {
    check(&read(text), &limits()).expect_err(text).to_string()
}

/// One of everything.
const ALL: &str = r#"
[[limits]]
limit = "per-10s"
headers = [{ header = "X-Bucket", values = ["a", "b"] }, { header = "X-Other" }]
limit_permits = { header = "X-Limit", form = "USED_OF_LIMIT" }
remaining_permits = { header = "RateLimit", parameter = "r", item = "burst", form = "INTEGER" }
reset = { header = "X-Reset", form = "UNIX_SECONDS", precision = "0.5s" }
[[throttles]]
limit = "per-10s"
effect = "PAUSED"
default_retry_after = "60s"
[throttles.response]
statuses = [403, 429]
headers = [{ header = "X-Limit", values = ["0"] }]
body = [{ path = "errors[0].code", equals = "x" }, { path = "[1].a-b", contains = "ü" }]
[[retry_after]]
header = "Retry-After"
form = "HTTP_DATE"
[[uncounted]]
statuses = [304]
"#;

#[test]
fn signals_come_back_from_a_file_and_from_a_message_as_they_went_in() {
    let signals = read(ALL);
    assert_eq!(check(&signals, &limits()), Ok(()));
    let json = serde_json::to_string(&SignalsTable::from(&signals)).expect("it can be written");
    let back: SignalsTable = serde_json::from_str(&json).expect("it can be read");
    assert_eq!(v1::Signals::from(&back), signals);
    assert_eq!((signals.limits.len(), signals.throttles.len(), signals.uncounted.len()), (1, 1, 1));
    let signal = &signals.limits[0];
    assert_eq!(signal.limit_permits.as_ref().map(v1::CountSource::form), Some(v1::CountForm::UsedOfLimit));
    assert_eq!(signals.throttles[0].effect(), v1::ThrottleEffect::Paused);
}

#[test]
fn equal_signals_have_one_version_and_others_another_and_none_is_0() {
    let version_of = |text: &str| version(&read(text));
    assert_eq!(version_of(ALL), version_of(ALL));
    assert_ne!(version_of(ALL), version_of(&ALL.replace("60s", "61s")));
    assert_ne!(version(&v1::Signals::default()), 0);
}

#[test]
fn a_key_a_value_or_a_table_that_is_unknown_is_refused_with_its_line() {
    for (text, reported) in [
        ("[[limit]]\n", "unknown field `limit`"),
        ("[[limits]]\nreset = { header = \"X\", form = \"UNIX\" }", "expected one of UNIX_SECONDS"),
        ("[[limits]]\nreset = { header = \"X\", form = \"UNSPECIFIED\" }", "is not known"),
        ("[[limits]]\nreset = { header = \"X\", precision = \"1 day\" }", "is not a duration"),
        (
            "[[throttles]]\nresponse = { body = [{ path = \"a\", equals = \"x\", contains = \"y\" }] }",
            "either",
        ),
        ("[[throttles]]\nresponse = { statuses = [-1] }", "u32"),
    ] {
        let error = toml::from_str::<SignalsTable>(text).expect_err(text).to_string();
        assert!(error.contains(reported) && error.contains("line"), "{error}");
    }
}

#[test]
fn every_fault_is_refused_by_its_path() {
    let many = |text: &str, n: usize| text.repeat(n);
    let throttle = |response: &str| format!("[[throttles]]\nresponse = {{ {response} }}\n");
    let reset = |rest: &str| format!("[[limits]]\nreset = {{ header = \"X\", {rest} }}\n");
    let cases = [
        ("[[limits]]\n".into(), "signals.limits[0].limit_permits: must not be absent"),
        (reset("precision = \"1s\""), "signals.limits[0].reset.form: must not be absent"),
        (
            reset("form = \"SECONDS\", precision = \"3601s\""),
            "signals.limits[0].reset.precision: must be between",
        ),
        (reset("form = \"SECONDS\", item = \"a\""), "signals.limits[0].reset.item: must not be set without"),
        (
            reset("form = \"SECONDS\", parameter = \"T\""),
            "signals.limits[0].reset.parameter: must be at most 64",
        ),
        (
            "[[limits]]\nlimit_permits = { header = \"\" }".into(),
            "signals.limits[0].limit_permits.header: must not",
        ),
        ("[[limits]]\nlimit_permits = { header = \"a b\" }".into(), "header: must be the name of a header"),
        (
            "[[limits]]\nlimit = \"x\"\nlimit_permits = { header = \"a\" }".into(),
            "\"x\" is no limit of the workspace",
        ),
        (
            many("[[limits]]\nlimit_permits = { header = \"a\" }\n", 17),
            "signals.limits: must have between 0 and 16",
        ),
        (throttle(""), "signals.throttles[0].response.statuses: must not be absent"),
        (
            throttle("headers = [{ header = \"a\" }]"),
            "signals.throttles[0].response.statuses: must not be absent",
        ),
        (
            throttle("statuses = [600]"),
            "signals.throttles[0].response.statuses[0]: must be between 100 and 599",
        ),
        (throttle("statuses = [1, 2, 3, 4, 5, 6, 7, 8, 9]"), "statuses: must have between 0 and 8"),
        (
            throttle("statuses = [429], headers = [{ header = \"a\", values = [\"\"] }]"),
            "headers[0].values[0]: must be",
        ),
        (
            throttle("statuses = [429], headers = [{ header = \"a\", values = [\"\\n\"] }]"),
            "values[0]: must be 1 to",
        ),
        (
            throttle("statuses = [429], body = [{ path = \"a\", equals = \"\" }]"),
            "body[0].equals: must be 1 to 128",
        ),
        (
            "[[retry_after]]\nheader = \"a\"\nform = \"SECONDS\"\nprecision = \"1s\"".into(),
            "signals.retry_after[0].prec",
        ),
        (many("[[retry_after]]\nheader = \"a\"\nform = \"SECONDS\"\n", 5), "signals.retry_after: must have"),
        ("[[uncounted]]\n".into(), "signals.uncounted[0].statuses: must not be absent"),
        (
            "[[uncounted]]\nstatuses = [200]\nbody = [{ path = \"a\", equals = \"x\" }]".into(),
            "signals.uncounted[0].body: is not allowed here",
        ),
    ];
    for (text, reported) in cases {
        let error = refused(&text);
        assert!(error.contains(reported), "{text}: {error}");
    }
}

#[test]
fn a_path_into_a_body_is_names_and_indices_and_short() {
    let refused_path = |path: &str| {
        let body = v1::BodyMatch { path: path.into(), text: Some(v1::body_match::Text::Equals("x".into())) };
        let response = v1::ResponseMatch { statuses: vec![429], headers: vec![], body: vec![body] };
        let throttle = v1::ThrottleSignal { response: Some(response), ..Default::default() };
        check(&v1::Signals { throttles: vec![throttle], ..Default::default() }, &[]).is_err()
    };
    for path in ["a", "errors[0].code", "[0]", "[0][99].a-b_C9", "a.b.c.d.e.f.g.h", &"a".repeat(64)] {
        assert!(!refused_path(path), "{path}");
    }
    for path in [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a[",
        "a[]",
        "a[100]",
        "a[01]",
        "a[-1]",
        "a[+1]",
        "a[0]b",
        "a b",
        "ä",
        "$.a",
        "a[*]",
        "a.b.c.d.e.f.g.h.i",
        "[99999999999999999999]",
        &"a".repeat(65),
        &"ab.".repeat(60),
    ] {
        assert!(refused_path(path), "{path}");
    }
}

#[test]
fn what_is_longer_than_all_signals_may_be_is_refused_whatever_it_holds() {
    let value = "v".repeat(100);
    let header = v1::HeaderMatch { header: "a".into(), values: vec![value; 8] };
    let response = v1::ResponseMatch { statuses: vec![429], headers: vec![header; 4], body: vec![] };
    let throttle = v1::ThrottleSignal { response: Some(response), ..Default::default() };
    let of = |n: usize| v1::Signals { throttles: vec![throttle.clone(); n], ..Default::default() };
    assert_eq!(check(&of(2), &[]), Ok(()));
    let error: FieldError = check(&of(3), &[]).expect_err("too long");
    assert_eq!(error.path(), "signals");
}
