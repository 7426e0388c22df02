//! Exact weighted shares by water-filling: `min(high, max(low, weight · level))` at the level that uses the amount up.
//!
//! Amounts are whole numbers of 2^-32 of a permit, products are u128; every part is rounded down to this unit.

use std::cmp::Ordering;

/// One permit.
pub(crate) const PERMIT: u128 = 1 << 32;

/// One part of a division.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// Its weight, at least 1.
    pub(crate) weight: u32,
    /// The least it gets; not above `high`.
    pub(crate) low: u128,
    /// The most it gets.
    pub(crate) high: u128,
}

/// A level at which a part starts or stops growing.
struct Bend {
    at: u128,
    weight: u128,
    stops: bool,
}

/// Divides an amount. Where it is less than all lows together, each gets the same share of its low.
pub(crate) fn divide(amount: u128, parts: &[Part]) -> Vec<u128> {
    let high: u128 = parts.iter().map(|part| part.high).sum();
    if high <= amount {
        return parts.iter().map(|part| part.high).collect();
    }
    let low: u128 = parts.iter().map(|part| part.low).sum();
    if low >= amount {
        return parts.iter().map(|part| part.low * amount / low.max(1)).collect();
    }
    let (growing, weights) = level(amount, low, parts);
    let share = |part: &Part| (growing * u128::from(part.weight) / weights).clamp(part.low, part.high);
    parts.iter().map(share).collect()
}

/// What the parts that still grow share, and their weights together: the level is the quotient.
fn level(amount: u128, low: u128, parts: &[Part]) -> (u128, u128) {
    let bend = |part: &Part, at, stops| Bend { at, weight: part.weight.into(), stops };
    let mut bends: Vec<_> =
        parts.iter().flat_map(|part| [bend(part, part.low, false), bend(part, part.high, true)]).collect();
    bends.sort_by(|a, b| order(a, b).then(a.stops.cmp(&b.stops)));
    let (mut fixed, mut weights) = (low, 0);
    for bend in &bends {
        if weights > 0 && fixed * bend.weight + weights * bend.at >= amount * bend.weight {
            break;
        }
        if bend.stops {
            (fixed, weights) = (fixed + bend.at, weights - bend.weight);
        } else {
            (fixed, weights) = (fixed - bend.at, weights + bend.weight);
        }
    }
    (amount.saturating_sub(fixed), weights.max(1))
}

fn order(a: &Bend, b: &Bend) -> Ordering {
    (a.at * b.weight).cmp(&(b.at * a.weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(amount: u128, parts: &[(u32, u128, u128)]) -> Vec<u128> {
        let part = |&(weight, low, high): &(u32, u128, u128)| Part {
            weight,
            low: low * PERMIT,
            high: high * PERMIT,
        };
        let parts: Vec<_> = parts.iter().map(part).collect();
        divide(amount * PERMIT, &parts).into_iter().map(|share| (share * 10 + PERMIT / 2) / PERMIT).collect()
    }

    #[test]
    fn shares_follow_weights_within_reservation_and_demand() {
        assert_eq!(shares(166, &[(3, 0, 999), (1, 0, 999)]), [1245, 415]);
        assert_eq!(shares(166, &[(1, 50, 999), (9, 0, 999)]), [500, 1160]);
        assert_eq!(shares(166, &[(1, 0, 20), (1, 0, 999)]), [200, 1460]);
        assert_eq!(shares(166, &[(1, 0, 20), (1, 0, 30)]), [200, 300]);
        assert_eq!(shares(50, &[(1, 60, 99), (1, 40, 99), (1, 0, 99)]), [300, 200, 0]);
        assert_eq!(shares(10, &[]), [0_u128; 0]);
    }
}
