//! Why a server cannot be reached, as human-readable text: the innermost cause, and what to do about it if known.

use std::error::Error;
use std::iter::successors;

/// Words of a cause, and what to do about it. The first match counts.
const ADVICE: &[(&str, &str)] = &[
    ("alert: CertificateRequired", "it requires a client certificate: use --cert-file and --key-file"),
    ("alert: CertificateExpired", "the client certificate in --cert-file has expired"),
    ("alert: UnknownCA", "it does not trust the CA of the client certificate in --cert-file"),
    ("alert: DecryptError", "it does not trust the CA of the client certificate in --cert-file"),
    ("InvalidContentType", "it does not use TLS: use http://"),
    (
        "UnknownIssuer",
        "its certificate is not signed by a CA in --ca-file or, without it, by one that the system trusts",
    ),
    ("certificate expired", "its certificate has expired"),
    ("not valid for name", "its certificate is for another host name"),
];
/// The advice for a connection that ends without an answer. A server that rejects a client certificate sends an alert, but that may be
/// lost when it closes the connection.
const CUT_OFF: &str = "it sent no answer; if it uses TLS, use https:// with --ca-file, and a client certificate \
                       if it requires one";

/// The error where `server` cannot be connected to.
pub(super) fn unreached(server: &str, error: &(dyn Error + 'static)) -> String {
    let (advice, why) = told(error);
    match advice {
        Some(advice) => format!("cannot connect to {server}: {advice} ({why})"),
        None => format!("cannot connect to {server}: {why}"),
    }
}

/// The error where a connection ended before an answer.
pub(super) fn cut_off(error: &(dyn Error + 'static)) -> String {
    let (advice, why) = told(error);
    format!("the connection failed: {} ({why})", advice.unwrap_or(CUT_OFF))
}

/// What to do about it, where that is known, and the innermost cause.
fn told(error: &(dyn Error + 'static)) -> (Option<&'static str>, String) {
    let causes: Vec<String> =
        successors(Some(error), |&error| error.source()).map(ToString::to_string).collect();
    let all = causes.join(": ");
    let advice = ADVICE.iter().find(|(words, _)| all.contains(words)).map(|(_, advice)| *advice);
    (advice, causes.last().cloned().unwrap_or_default())
}
