//! Why a server cannot be reached, for people: the innermost cause, and what to do about it where that is known.

use std::error::Error;
use std::iter::successors;

/// Words of a cause, and what to do about it. The first that matches counts.
const ADVICE: &[(&str, &str)] = &[
    ("alert: CertificateRequired", "it wants a client certificate: give --cert-file and --key-file"),
    ("alert: CertificateExpired", "the client certificate of --cert-file has expired"),
    ("alert: UnknownCA", "it does not know who signed the client certificate of --cert-file"),
    ("alert: DecryptError", "it does not know who signed the client certificate of --cert-file"),
    ("InvalidContentType", "it does not speak TLS: write http://"),
    (
        "UnknownIssuer",
        "its certificate is not signed by the authority in --ca-file, or without it by none that the system trusts",
    ),
    ("certificate expired", "its certificate has expired"),
    ("not valid for name", "its certificate is for another name than that of the address"),
];
/// What may be done about a connection that ends without an answer. A server that refuses a client certificate says so, but its word
/// may be lost when it closes the connection.
const CUT_OFF: &str = "it gave no answer; if it has TLS, write https:// and give --ca-file, \
                       and a client certificate that it knows where it asks for one";

/// Says that `server` cannot be connected to, and why.
pub(super) fn unreached(server: &str, error: &(dyn Error + 'static)) -> String {
    let (advice, why) = told(error);
    match advice {
        Some(advice) => format!("{server} cannot be reached: {advice} ({why})"),
        None => format!("{server} cannot be reached: {why}"),
    }
}

/// Says why a connection ended before an answer came.
pub(super) fn cut_off(error: &(dyn Error + 'static)) -> String {
    let (advice, why) = told(error);
    format!("the server cannot be asked: {} ({why})", advice.unwrap_or(CUT_OFF))
}

/// What to do about it, where that is known, and the innermost cause.
fn told(error: &(dyn Error + 'static)) -> (Option<&'static str>, String) {
    let causes: Vec<String> =
        successors(Some(error), |&error| error.source()).map(ToString::to_string).collect();
    let all = causes.join(": ");
    let advice = ADVICE.iter().find(|(words, _)| all.contains(words)).map(|(_, advice)| *advice);
    (advice, causes.last().cloned().unwrap_or_default())
}
