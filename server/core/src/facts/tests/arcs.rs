//! Intervals on a circle, held against every offset of a small one.

use crate::facts::arc::Arc;
use crate::time::Span;

const LENGTH: u64 = 7;

fn arc(start: u64, width: u64) -> Arc {
    Arc::new(Span::from_ns(LENGTH), Span::from_ns(start), Span::from_ns(width))
}

fn offsets(arc: Arc) -> Vec<u64> {
    let mut all: Vec<_> = (0..=arc.width.as_ns()).map(|more| (arc.start.as_ns() + more) % LENGTH).collect();
    all.sort_unstable();
    all
}

#[test]
fn the_common_part_holds_every_common_offset_and_lies_in_one_of_both() {
    for code in 0..LENGTH.pow(4) {
        let digit = |place: u32| code / LENGTH.pow(place) % LENGTH;
        let (one, other) = (arc(digit(0), digit(1)), arc(digit(2), digit(3)));
        let both: Vec<_> = offsets(one).into_iter().filter(|o| offsets(other).contains(o)).collect();
        match one.common(other, Span::from_ns(LENGTH)) {
            None => assert!(both.is_empty(), "{one:?} {other:?}"),
            Some(common) if common == one || common == other => {
                assert!(both.iter().all(|o| offsets(common).contains(o)), "{one:?} {other:?}");
            }
            Some(common) => assert_eq!(offsets(common), both, "{one:?} {other:?}"),
        }
    }
}
