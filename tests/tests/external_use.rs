//! Another consumer uses the provider's budget, too: how much it gets, and how much is granted here, over many seeds.

use apportion_tests::external_use::{LIMIT, Simulation, Traffic, Usage};
use apportion_tests::random::Random;
use apportion_tests::seeds::seeds;

const SEEDS: u64 = 1_000;
/// Windows of every run.
const WINDOWS: u64 = 12;
/// The first window with external use.
const FIRST_EXTERNAL: u64 = 2;
/// The first window in which external use is known.
const KNOWN: usize = 4;

/// The sums of many runs, by window.
#[derive(Debug, Default)]
struct Sums {
    /// Runs whose workers used nearly the whole budget before there was external use.
    busy: u64,
    windows: Vec<Usage>,
    /// The seed and the number of every window in which a worker was throttled although external use was known.
    throttled: Vec<(u64, usize)>,
}

impl Sums {
    /// The used part of a window's budget, external use included, in thousandths.
    fn used(&self, window: usize) -> u64 {
        let Usage { own, external, .. } = self.windows[window];
        (own + external) * 1_000 / (LIMIT * self.busy)
    }

    /// The part of windows in which a worker was throttled, in thousandths.
    fn part_throttled(&self, windows: std::ops::Range<usize>) -> u64 {
        let count = self.throttled.iter().filter(|(_, k)| windows.contains(k)).count();
        count as u64 * 1_000 / (windows.len() as u64 * seeds(SEEDS))
    }

    /// Fails unless the used part is at least `third` in the third window with external use, and `later` in later ones, in thousandths.
    fn nearly_all_is_used(&self, third: u64, later: u64) {
        for k in KNOWN..self.windows.len() {
            let least = if k == KNOWN { third } else { later };
            assert!(self.used(k) >= least, "{} of window {k}: {self:?}", self.used(k));
        }
    }

    fn add(&mut self, seed: u64, run: &[Usage]) {
        self.windows.resize(run.len(), Usage::default());
        // Few workers whose reports take long cannot use the whole budget.
        let is_busy = run[0].own >= LIMIT - 3;
        self.busy += u64::from(is_busy);
        for (k, (sum, window)) in self.windows.iter_mut().zip(run).enumerate() {
            sum.own_throttled += window.own_throttled;
            sum.external_throttled += window.external_throttled;
            if is_busy {
                sum.own += window.own;
                sum.external += window.external;
            }
            if k >= KNOWN && window.own_throttled > 0 {
                self.throttled.push((seed, k));
            }
        }
    }
}

fn runs(has_holdback: bool, traffic: fn(&mut Random) -> Traffic) -> Sums {
    let mut sums = Sums::default();
    for seed in 0..seeds(SEEDS) {
        sums.add(seed, &Simulation::new(seed, FIRST_EXTERNAL, has_holdback, traffic).run(WINDOWS));
    }
    println!("{:?}\n{:?}", sums.windows, (0..sums.windows.len()).map(|k| sums.used(k)).collect::<Vec<_>>());
    sums
}

fn even(random: &mut Random) -> Traffic {
    Traffic::Even { percent: random.from_to(3, 60), jitter: 0 }
}

fn uneven(random: &mut Random) -> Traffic {
    Traffic::Even { percent: random.from_to(3, 60), jitter: 30 }
}

fn poisson(random: &mut Random) -> Traffic {
    Traffic::Poisson { percent: random.from_to(3, 60) }
}

fn in_bursts(random: &mut Random) -> Traffic {
    Traffic::Burst { percent: random.from_to(3, 60) }
}

fn on_and_off(random: &mut Random) -> Traffic {
    Traffic::OnOff { percent: random.from_to(3, 60), windows: random.one_of(&[1, 2, 4]) }
}

#[test]
fn steady_external_use_throttles_no_worker_from_the_third_window_on() {
    for traffic in [even, uneven] {
        let sums = runs(true, traffic);
        assert_eq!(sums.throttled, []);
        let external: u64 = sums.windows[KNOWN..].iter().map(|window| window.external_throttled).sum();
        assert!(external <= seeds(SEEDS) / 50, "{sums:?}");
        sums.nearly_all_is_used(950, 975);
    }
}

/// Without a holdback the window may be used up before a response shows external use.
#[test]
fn without_a_holdback_external_use_is_noticed_later() {
    let sums = runs(false, even);
    assert!(sums.part_throttled(KNOWN..sums.windows.len()) <= 25, "{sums:?}");
    assert!(sums.part_throttled(10..sums.windows.len()) <= 10, "{sums:?}");
    sums.nearly_all_is_used(950, 975);
}

#[test]
fn random_external_use_throttles_few() {
    let sums = runs(true, poisson);
    assert!(sums.part_throttled(KNOWN..sums.windows.len()) <= 50, "{sums:?}");
    sums.nearly_all_is_used(950, 975);
}

#[test]
fn bursts_of_external_use_throttle_no_worker_and_waste_little() {
    let sums = runs(true, in_bursts);
    assert_eq!(sums.throttled, []);
    sums.nearly_all_is_used(920, 920);
}

/// It starts and stops every one, two or four windows, and nothing announces it.
#[test]
fn when_external_use_stops_its_part_is_used_in_the_same_window() {
    let sums = runs(true, on_and_off);
    assert!(sums.part_throttled(KNOWN..sums.windows.len()) <= 150, "{sums:?}");
    sums.nearly_all_is_used(940, 940);
}
