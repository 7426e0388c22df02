//! Digits, decimals and header values.

use serde_json::Value;

/// The value of a header: its lines joined, if every byte may stand in it.
pub(crate) fn header(response: &Value, name: &str) -> Option<String> {
    let lines = response["headers"].as_array().into_iter().flatten();
    let of_name = lines.filter(|line| line[0].as_str().is_some_and(|given| given.eq_ignore_ascii_case(name)));
    let values: Vec<_> =
        of_name.map(|line| line[1].as_str().unwrap_or_default().trim_matches([' ', '\t'])).collect();
    let value = values.join(", ");
    let is_plain = value.bytes().all(|byte| byte == b'\t' || (0x20..=0x7e).contains(&byte));
    (!values.is_empty() && value.len() <= 1024 && is_plain).then_some(value)
}

/// 1 to 15 digits.
pub(crate) fn digits(text: &str) -> Option<u64> {
    let is_digits = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

/// A decimal in billionths, cut off there.
pub(crate) fn decimal(text: &str) -> Option<u128> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut billionths = u128::from(digits(whole)?) * 1_000_000_000;
    if let Some(fraction) = fraction {
        if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let padded: String = fraction.chars().chain("000000000".chars()).take(9).collect();
        billionths += padded.parse::<u128>().ok()?;
    }
    Some(billionths)
}

/// A number of exactly `width` digits, from `least` to `most`.
pub(crate) fn fixed(text: &str, width: usize, least: u64, most: u64) -> Option<u64> {
    digits(text).filter(|number| text.len() == width && (least..=most).contains(number))
}
