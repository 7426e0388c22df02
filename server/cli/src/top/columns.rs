//! The columns of the table: what stands in them, and which of them stay where the terminal is narrow.

use super::model::TeamRow;
use super::text::{count, cut, time};

/// The gap between two columns.
const GAP: usize = 2;
/// The minimum width of team names.
const NAME_LEAST: usize = 8;
/// The maximum width of team names while other columns need the space.
const NAME_MOST: usize = 24;

/// A column besides the names.
struct Column {
    head: &'static str,
    width: usize,
    /// Columns with a higher rank are hidden first.
    rank: usize,
    cell: fn(&TeamRow) -> String,
}

/// The columns, from left to right.
const COLUMNS: [Column; 11] = [
    Column { head: "PRIORITY", width: 10, rank: 6, cell: |team| team.priorities.clone() },
    Column { head: "WEIGHT", width: 6, rank: 4, cell: |team| count(team.weight.into()) },
    Column { head: "RESERV", width: 6, rank: 5, cell: |team| some(u64::from(team.reserved)) },
    Column { head: "CAP", width: 6, rank: 9, cell: |team| optional(team.cap, |cap| count(cap.into())) },
    Column { head: "GRANTED", width: 7, rank: 0, cell: |team| count(team.granted.into()) },
    Column { head: "SHARE", width: 6, rank: 2, cell: |team| some(u64::from(team.share)) },
    Column { head: "WAITING", width: 7, rank: 1, cell: |team| some(team.waiting) },
    Column { head: "KEPT", width: 6, rank: 10, cell: |team| some(u64::from(team.expected)) },
    Column { head: "P50", width: 6, rank: 7, cell: |team| optional(team.p50, time) },
    Column { head: "P99", width: 6, rank: 3, cell: |team| optional(team.p99, time) },
    Column { head: "REFUSED", width: 7, rank: 8, cell: |team| some(team.refused) },
];

/// A count, or `-` for zero.
fn some(number: u64) -> String {
    if number == 0 { "-".into() } else { count(number) }
}

fn optional<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "-".into(), text)
}

/// The columns that fit a width, and the width of the names.
pub(super) struct Table {
    name: usize,
    columns: Vec<&'static Column>,
}

impl Table {
    /// Selects columns by rank while they fit beside the names of these teams; the names get the rest.
    pub(super) fn new(teams: &[TeamRow], width: usize) -> Self {
        let longest = teams.iter().map(|team| name(team).chars().count()).max().unwrap_or(0).max(NAME_LEAST);
        let mut ranked: Vec<_> = COLUMNS.iter().collect();
        ranked.sort_by_key(|column| column.rank);
        let (mut taken, mut left) = (0, width.saturating_sub(longest.min(NAME_MOST)));
        for column in &ranked {
            let Some(after) = left.checked_sub(GAP + column.width) else { break };
            left = after;
            taken = column.rank + 1;
        }
        let columns: Vec<_> = COLUMNS.iter().filter(|column| column.rank < taken).collect();
        let others: usize = columns.iter().map(|column| GAP + column.width).sum();
        Self { name: longest.min(width.saturating_sub(others)), columns }
    }

    /// The width at which no column and no name is cut.
    pub(super) fn whole(teams: &[TeamRow]) -> usize {
        let longest = teams.iter().map(|team| name(team).chars().count()).max().unwrap_or(0).max(NAME_LEAST);
        longest + COLUMNS.iter().map(|column| GAP + column.width).sum::<usize>()
    }

    /// The header line.
    pub(super) fn head(&self) -> String {
        self.line("TEAM", |column| column.head.into())
    }

    /// The line of a team.
    pub(super) fn row(&self, team: &TeamRow) -> String {
        self.line(&name(team), |column| (column.cell)(team))
    }

    fn line(&self, name: &str, cell: impl Fn(&Column) -> String) -> String {
        let width = self.name;
        let mut line = format!("{:width$}", cut(name, width));
        for column in &self.columns {
            let width = GAP + column.width;
            line += &format!("{:>width$}", cell(column));
        }
        line
    }
}

fn name(team: &TeamRow) -> String {
    format!("{}{}", "  ".repeat(team.depth), team.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn columns_go_by_rank_as_the_width_shrinks_and_the_names_last() {
        let team = TeamRow { id: "a-team-with-a-long-name-of-63-characters".into(), ..TeamRow::default() };
        let heads = |width| {
            let head = Table::new(std::slice::from_ref(&team), width).head();
            assert!(head.chars().count() <= width, "{head}");
            head.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let all = "TEAM PRIORITY WEIGHT RESERV CAP GRANTED SHARE WAITING KEPT P50 P99 REFUSED";
        assert_eq!(heads(Table::whole(std::slice::from_ref(&team))), all);
        assert_eq!(heads(80), "TEAM WEIGHT RESERV GRANTED SHARE WAITING P99");
        assert_eq!(heads(60), "TEAM GRANTED SHARE WAITING P99");
        assert_eq!(heads(40), "TEAM GRANTED");
        assert_eq!(heads(20), "TEAM");
        assert_eq!(heads(3), "TE…");
        assert_eq!(heads(0), "");
    }

    #[test]
    fn the_largest_numbers_fit_their_columns() {
        let (most, long) = (u32::MAX, Some(Duration::from_secs(u64::from(u32::MAX))));
        let team = TeamRow {
            id: "x".repeat(63),
            depth: 3,
            priorities: "shed..crit".into(),
            weight: most,
            reserved: most,
            cap: Some(most),
            granted: most,
            share: most,
            waiting: u64::MAX,
            expected: most,
            refused: u64::MAX,
            p50: long,
            p99: long,
        };
        let teams = [team];
        let table = Table::new(&teams, Table::whole(&teams));
        let (head, row) = (table.head(), table.row(&teams[0]));
        assert_eq!(head.chars().count(), row.chars().count(), "{row}");
        assert!(row.ends_with("  18.4E"), "{row}");
    }
}
