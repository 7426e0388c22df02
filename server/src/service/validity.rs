//! Until when a certificate is valid, as its issuer wrote it. Knows no names and no signatures.

use apportion_core::time::{Span, Timestamp};

/// The tags of DER that lead there.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The first instant at which a certificate in DER is not valid any more; none where it cannot be read.
pub(super) fn end(certificate: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = content(certificate, SEQUENCE)?;
    let (mut fields, _) = content(certificate, SEQUENCE)?;
    if let Some((_, rest)) = content(fields, VERSION) {
        fields = rest;
    }
    // The serial number, the algorithm and the issuer.
    for _ in 0..3 {
        (_, _, fields) = element(fields)?;
    }
    let (validity, _) = content(fields, SEQUENCE)?;
    let (_, _, not_after) = element(validity)?;
    let (tag, text, _) = element(not_after)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// What is in the element that starts here, where it has this tag, and what follows it.
fn content(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(bytes)?;
    (found == tag).then_some((content, rest))
}

/// The tag and the content of the element that starts here, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        // The length of the length; four bytes hold that of every certificate.
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The instant behind the last second of a time as RFC 5280 allows it.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z').filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let text = match (tag, text.len()) {
        (UTC_TIME, 12) if text < "50" => format!("20{text}"),
        (UTC_TIME, 12) => format!("19{text}"),
        (GENERALIZED_TIME, 14) => text.to_owned(),
        _ => return None,
    };
    let [date, day] = [&text[..4], &text[4..]];
    let text = format!("{date}-{}-{}T{}:{}:{}Z", &day[..2], &day[2..4], &day[4..6], &day[6..8], &day[8..]);
    let last: prost_types::Timestamp = text.parse().ok()?;
    let seconds = u64::try_from(last.seconds).unwrap_or(0);
    Some(Timestamp::from_ns(seconds.saturating_mul(1_000_000_000)) + Span::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    fn of(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(["a.example.org".to_owned()]).expect("a name");
        params.not_after = date_time_ymd(year, 1, 1);
        let signed = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
        signed.der().to_vec()
    }

    #[test]
    fn the_end_is_that_of_the_certificate() {
        let second = |seconds: u64| Some(Timestamp::from_ns((seconds + 1) * 1_000_000_000));
        assert_eq!(end(&of(2020)), second(1_577_836_800));
        assert_eq!(end(&of(2100)), second(4_102_444_800));
        assert!(end(&of(4000)).is_some_and(|end| end > Timestamp::from_ns(u64::MAX / 2)));
    }

    #[test]
    fn what_is_cut_off_or_no_certificate_has_none_and_nothing_panics() {
        let whole = of(2030);
        for length in 0..whole.len() - 1 {
            assert_eq!(end(&whole[..length]), None, "{length} bytes");
        }
        for bytes in [&b"\x30\x80"[..], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], b"no certificate", &[]] {
            assert_eq!(end(bytes), None);
        }
        assert_eq!(time(UTC_TIME, "991332000000Z"), None);
        assert_eq!(time(UTC_TIME, "\u{661}11111111111Z"), None);
    }
}
