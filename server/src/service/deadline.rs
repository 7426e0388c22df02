//! The deadline of a call, from gRPC's `grpc-timeout` header.

use apportion_core::time::Span;
use hyper::HeaderMap;
use tonic::metadata::MetadataMap;

/// Reserved for the way back of the answer.
const MARGIN: Span = Span::from_ms(20);

/// How long a call with these headers may take; nothing where the caller set no deadline, or one that cannot be read.
pub(crate) fn of_call(headers: &HeaderMap) -> Option<Span> {
    span(headers.get("grpc-timeout")?.to_str().ok()?)
}

fn remaining(metadata: &MetadataMap) -> Option<Span> {
    span(metadata.get("grpc-timeout")?.to_str().ok()?)
}

fn span(text: &str) -> Option<Span> {
    let unit = text.chars().last()?;
    let digits = &text[..text.len() - unit.len_utf8()];
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let of: u64 = match unit {
        'H' => 3_600_000_000_000,
        'M' => 60_000_000_000,
        'S' => 1_000_000_000,
        'm' => 1_000_000,
        'u' => 1_000,
        'n' => 1,
        _ => return None,
    };
    Some(Span::from_ns(digits.parse::<u64>().ok()?.saturating_mul(of)))
}

/// How long a request may wait under the deadline of its call: what is left, less the way back. Nothing without a deadline.
pub(super) fn longest_wait(metadata: &MetadataMap) -> Option<Span> {
    remaining(metadata).map(|left| Span::from_ns(left.as_ns().saturating_sub(MARGIN.as_ns())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(timeout: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", timeout.parse().expect("a header"));
        metadata
    }

    #[test]
    fn every_unit_is_read_and_nothing_else() {
        let read = |text: &str| remaining(&metadata(text)).map(Span::as_ns);
        assert_eq!(read("1H"), Some(3_600_000_000_000));
        assert_eq!(read("2M"), Some(120_000_000_000));
        assert_eq!(read("3S"), Some(3_000_000_000));
        assert_eq!(read("4m"), Some(4_000_000));
        assert_eq!(read("5u"), Some(5_000));
        assert_eq!(read("99999999n"), Some(99_999_999));
        for bad in ["", "S", "1", "1s", "-1S", "1.5S", "123456789S", "+1S", "1 S"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(remaining(&MetadataMap::new()), None);
    }

    #[test]
    fn a_margin_is_kept_for_the_way_back() {
        assert_eq!(longest_wait(&metadata("5S")), Some(Span::from_ms(4_980)));
        assert_eq!(longest_wait(&metadata("1m")), Some(Span::ZERO));
        assert_eq!(longest_wait(&MetadataMap::new()), None);
    }
}
