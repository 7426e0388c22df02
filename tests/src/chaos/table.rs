//! The table at the end.

use super::verdict::Row;

/// Prints a row for each scenario.
pub fn print(rows: &[Row]) {
    println!(
        "\n{:<44} {:>4} {:>8} {:>8} {:>6} {:>5} {:>6} {:>12}  verdict",
        "scenario", "runs", "p50 ms", "p99 ms", "wasted", "over", "errors", "calm use"
    );
    for row in rows {
        let number = |number: Option<String>| number.unwrap_or_else(|| "-".into());
        let calm =
            row.calm.map(|(count, permille)| format!("{}.{} % of {count}", permille / 10, permille % 10));
        let verdict =
            if row.missed.is_empty() { "ok".into() } else { format!("MISSED: {}", row.missed.join("; ")) };
        println!(
            "{:<44} {:>4} {:>8} {:>8} {:>6} {:>5} {:>6} {:>12}  {verdict}",
            row.name,
            row.runs,
            number(row.next_ms(50).map(|ms| ms.to_string())),
            number(row.next_ms(99).map(|ms| ms.to_string())),
            number(row.wasted.map(|wasted| wasted.to_string())),
            row.over,
            row.errors.values().sum::<usize>(),
            number(calm),
        );
    }
}
