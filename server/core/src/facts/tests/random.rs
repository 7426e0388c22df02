//! Random responses of a provider that contradicts itself, over many seeds.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

const SEEDS: u64 = 300;
const RESPONSES: u32 = 300;

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn permits(&mut self) -> Permits {
        const VALUES: [u32; 7] = [0, 1, 90, 100, 166, 332, 1 << 28];
        let place = usize::try_from(self.below(7)).unwrap();
        permits(VALUES[place])
    }

    fn maybe(&mut self) -> bool {
        self.below(2) == 0
    }

    fn instant(&mut self, now: Timestamp) -> Timestamp {
        match self.below(12) {
            0 => Timestamp::ZERO,
            1 => Timestamp::MAX,
            2 => now + Span::from_secs(86_400),
            3..=5 => now + Span::from_ms(self.below(25_000)) - Span::from_secs(12),
            _ => Timestamp::from_ns((now.as_ns() / 10_000_000_000 + self.below(3)) * 10_000_000_000),
        }
    }

    fn response(&mut self, now: Timestamp, window: Window) -> Response {
        let mut response = under(self.below(5));
        response.known = self.below(4) != 0;
        response.lease_window = self.maybe().then_some(window);
        let observation = &mut response.observation;
        observation.permits = self.maybe().then(|| self.permits());
        observation.remaining = self.maybe().then(|| self.permits());
        observation.throttled = self.below(8) == 0;
        observation.retry_at = (self.below(8) == 0).then(|| self.instant(now));
        let within = [Span::ZERO, Span::from_ms(50), Span::from_secs(1), Span::MAX];
        let within = within[usize::try_from(self.below(4)).unwrap()];
        observation.reset = self.maybe().then(|| Reset { at: self.instant(now), within });
        response
    }
}

#[test]
fn whatever_a_provider_says_the_budget_is_what_policy_or_two_leases_said() {
    let (mut learned, mut lowered, mut moved) = (0, 0, 0);
    for seed in 1..=SEEDS {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut service = Service::remembering(u32::try_from(seed % 5).unwrap());
        let mut said: BTreeMap<Permits, BTreeSet<u64>> = BTreeMap::new();
        let mut ms = 0;
        for _ in 0..RESPONSES {
            ms += random.below(3_000);
            service.time_is(ms);
            service.grants(u32::try_from(random.below(20)).unwrap());
            let response = random.response(service.now, service.window);
            let (before, in_force) = (service.facts.learned(), service.budget);
            let (grid, known) = (service.facts.grid(), response.known);
            let (lease, limit) = (response.observation.lease, response.observation.permits);
            let finding = service.receives(response);
            if let (Some(LeaseId(lease)), Some(limit), true) = (lease, limit, known) {
                said.entry(limit).or_default().insert(lease);
            }

            let budget = service.facts.budget();
            let agreed = said.get(&budget).is_some_and(|leases| leases.len() >= 2);
            assert!(budget == permits(166) || agreed, "seed {seed}: {budget:?} of {said:?}");
            assert!(!budget.is_zero(), "seed {seed}");
            assert!(finding.budget.is_none_or(|lower| lower < in_force), "seed {seed}: {finding:?}");
            assert_eq!(finding.durable, before != service.facts.learned(), "seed {seed}");
            assert_eq!(finding.grid_changed, grid != service.facts.grid(), "seed {seed}");
            if finding.ignored.is_some() {
                let ignored = Finding { ignored: finding.ignored, ..Finding::default() };
                assert_eq!((finding, before), (ignored, service.facts.learned()), "seed {seed}");
            }
            if !known {
                assert!(!finding.grid_changed, "seed {seed}");
                assert_eq!(before.permits, service.facts.learned().permits, "seed {seed}");
                assert_eq!(before.external_use, service.facts.learned().external_use, "seed {seed}");
            }
            learned += u32::from(before.permits != service.facts.learned().permits);
            lowered += u32::from(finding.budget.is_some());
            moved += u32::from(finding.grid_changed);
        }
        let restarted = Service::restarted(&service.facts.learned(), u32::try_from(seed % 5).unwrap());
        assert_eq!(restarted.facts.budget(), service.facts.budget(), "seed {seed}");
        assert_eq!(restarted.facts.grid(), service.facts.grid(), "seed {seed}");
    }
    assert!(learned > 0 && lowered > 0 && moved > 0, "the responses changed nothing");
}
