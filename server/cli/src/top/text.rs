//! Numbers, times and names as short texts.

use std::time::Duration;

/// A count in at most 6 characters: whole up to 99999, then rounded down to three digits with a unit.
pub(super) fn count(number: u64) -> String {
    const UNITS: [(u64, &str); 6] = [
        (1_000_000_000_000_000_000, "E"),
        (1_000_000_000_000_000, "P"),
        (1_000_000_000_000, "T"),
        (1_000_000_000, "G"),
        (1_000_000, "M"),
        (1_000, "k"),
    ];
    if number < 100_000 {
        return number.to_string();
    }
    let unit = UNITS.iter().find(|(size, _)| number >= *size);
    let Some(&(size, unit)) = unit else { return number.to_string() };
    match (number / size, number / (size / 100) % 100) {
        (whole @ 0..=9, part) => format!("{whole}.{part:02}{unit}"),
        (whole @ 10..=99, part) => format!("{whole}.{}{unit}", part / 10),
        (whole, _) => format!("{whole}{unit}"),
    }
}

/// A time in at most 6 characters, rounded down: `420us`, `17ms`, `3.2s`, `4m05s`, `2h07m`, `12d3h`.
pub(super) fn time(time: Duration) -> String {
    let (seconds, micros) = (time.as_secs(), time.as_micros());
    match seconds {
        0 if micros == 0 => "0s".into(),
        0 if micros < 1_000 => format!("{micros}us"),
        0 => format!("{}ms", micros / 1_000),
        1..=59 => format!("{}.{}s", seconds, time.subsec_millis() / 100),
        60..=3_599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..=86_399 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ if seconds < 100 * 86_400 => format!("{}d{}h", seconds / 86_400, seconds / 3_600 % 24),
        _ if seconds < 10_000 * 86_400 => format!("{}d", seconds / 86_400),
        _ => ">9999d".into(),
    }
}

/// A text cut to `width` characters; where it is longer, its end is `…`.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.into();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    if width == 0 { kept } else { kept + "…" }
}

/// A bar of `width` characters, so many of a whole filled; rounded down, so that it is full only when all is.
pub(super) fn bar(part: Duration, whole: Duration, width: usize) -> String {
    let filled = part.min(whole).as_nanos() * width as u128 / whole.as_nanos().max(1);
    let filled = usize::try_from(filled).unwrap_or(width).min(width);
    "█".repeat(filled) + &"░".repeat(width - filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_never_takes_more_than_six_characters() {
        for (number, text) in [
            (0, "0"),
            (99_999, "99999"),
            (100_000, "100k"),
            (999_999, "999k"),
            (1_000_000, "1.00M"),
            (12_345_678, "12.3M"),
            (268_435_456, "268M"),
            (4_294_967_295, "4.29G"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn a_time_never_takes_more_than_six_characters() {
        for (millis, text) in [
            (0, "0s"),
            (17, "17ms"),
            (999, "999ms"),
            (3_270, "3.2s"),
            (59_999, "59.9s"),
            (245_000, "4m05s"),
            (7_620_000, "2h07m"),
            (1_047_600_000, "12d3h"),
            (31_622_400_000, "366d"),
        ] {
            assert_eq!(time(Duration::from_millis(millis)), text);
        }
        assert_eq!([time(Duration::from_micros(420)), time(Duration::MAX)], ["420us", ">9999d"]);
    }

    #[test]
    fn a_text_is_cut_where_it_does_not_fit() {
        assert_eq!([cut("abcd", 4), cut("abcd", 3), cut("ab", 1), cut("ab", 0)], ["abcd", "ab…", "…", ""]);
    }

    #[test]
    fn a_bar_is_full_only_at_the_end() {
        let second = Duration::from_secs(1);
        assert_eq!(bar(second / 2, second, 4), "██░░");
        assert_eq!(bar(second - Duration::from_nanos(1), second, 4), "███░");
        assert_eq!([bar(second * 2, second, 2), bar(second, Duration::ZERO, 2)], ["██", "░░"]);
    }
}
