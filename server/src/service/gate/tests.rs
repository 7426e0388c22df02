//! The gate: who is let in, and who is not.

use super::*;
use apportion_proto::v1;

const NOW: Timestamp = Timestamp::from_ns(5_000_000_000);

fn token(name: &str, secret: &str, ends_in_seconds: Option<i64>) -> KeptToken {
    let expire_time = ends_in_seconds.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
    let token =
        v1::Token { name: name.into(), role: v1::Role::Admin.into(), expire_time, ..v1::Token::default() };
    KeptToken { token, secret_sha256: hash(secret) }
}

fn name(gate: &Gate, header: Option<&str>) -> Option<String> {
    let request = header.map_or_else(|| Request::new(()), bearing);
    gate.identity(&request, || NOW).ok().map(|identity| identity.name.clone())
}

fn bearing(header: &str) -> Request<()> {
    let mut request = Request::new(());
    request.metadata_mut().insert("authorization", header.parse().expect("a header"));
    request
}

#[test]
fn an_open_gate_lets_everybody_in_but_a_wrong_token() {
    let gate = Gate::open();
    assert_eq!(name(&gate, None).as_deref(), Some("loopback"));
    assert_eq!(name(&gate, Some("Bearer x")), None);
}

#[test]
fn a_closed_gate_wants_a_token_that_is_known_and_has_not_expired() {
    let gate = Gate::certified(Bindings::default());
    gate.admit(&token("tokens/a", "secret", None));
    gate.admit(&token("tokens/old", "past", Some(5)));
    gate.admit(&token("tokens/new", "future", Some(6)));
    assert_eq!(name(&gate, Some("Bearer secret")).as_deref(), Some("tokens/a"));
    assert_eq!(name(&gate, Some("bearer future")).as_deref(), Some("tokens/new"));
    for bad in
        [None, Some("Bearer"), Some("Bearer "), Some("secret"), Some("Basic secret"), Some("Bearer past")]
    {
        assert_eq!(name(&gate, bad), None, "{bad:?}");
    }
    gate.dismiss("tokens/a");
    assert_eq!(name(&gate, Some("Bearer secret")), None);
}

#[test]
fn who_guesses_is_not_looked_at_and_who_was_let_in_before_still_is() {
    let gate = Gate::open();
    gate.admit(&token("tokens/a", "secret", None));
    gate.admit(&token("tokens/b", "other", None));
    assert_eq!(name(&gate, Some("Bearer secret")).as_deref(), Some("tokens/a"));
    for number in 0..BURST + 20 {
        assert_eq!(name(&gate, Some(&format!("Bearer guess-{number}"))), None);
    }
    let refused = gate.identity(&bearing("Bearer other"), || NOW).expect_err("it is not looked at");
    assert!(matches!(refused, Error::ServerFull { what: WRONG_TOKENS, .. }), "{refused}");
    assert_eq!(name(&gate, Some("Bearer secret")).as_deref(), Some("tokens/a"));
    assert!(gate.guesses().count(CredentialFault::Unchecked) >= 10);
}

#[test]
fn the_first_token_closes_the_gate_and_the_last_one_does_not_open_it() {
    let gate = Gate::open();
    let loopback = gate.identity(&Request::new(()), || NOW).expect("everybody comes in");
    assert!(loopback.is_valid(NOW) && !gate.is_closed());
    gate.admit(&token("tokens/a", "secret", None));
    assert!(!loopback.is_valid(NOW), "a stream that was open is nobody's any more");
    assert_eq!(name(&gate, None), None);
    let holder = gate.identity(&bearing("Bearer secret"), || NOW).expect("it is known");
    gate.dismiss("tokens/a");
    assert!(!holder.is_valid(NOW));
    assert_eq!((name(&gate, None), gate.is_closed()), (None, true));
}

#[test]
fn an_administrator_counts_whose_token_does_not_end() {
    let gate = Gate::open();
    gate.admit(&token("tokens/soon", "brief", Some(6)));
    assert!(!gate.has_administrator());
    gate.admit(&token("tokens/a", "secret", None));
    assert!(gate.has_administrator());
    assert!(!gate.has_own_administrator(), "a token of the store may be deleted through another server");
    gate.admit(&token(ENVIRONMENT_TOKEN, "other", None));
    assert!(gate.has_own_administrator());
}
