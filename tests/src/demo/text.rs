//! Quantities as people read them.

/// A duration: milliseconds below one second.
pub fn duration(seconds: f64) -> String {
    if seconds < 0.0995 {
        format!("{:.1} ms", seconds * 1000.0)
    } else if seconds < 0.9995 {
        format!("{:.0} ms", seconds * 1000.0)
    } else {
        format!("{seconds:.1} s")
    }
}

/// A part of a whole.
pub fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_that_fits() {
        let texts = [0.0012, 0.0199, 0.25, 0.9996, 12.34].map(duration);
        assert_eq!(texts, ["1.2 ms", "19.9 ms", "250 ms", "1.0 s", "12.3 s"]);
    }
}
