//! Others use the provider's budget too: what is left to them, and what is granted here, over many seeds.

use apportion_tests::describe::seeds;
use apportion_tests::neighbour::{Counted, LIMIT, Neighbour, Town};
use apportion_tests::random::Random;

const SEEDS: u64 = 1_000;
/// Windows of every run.
const WINDOWS: u64 = 12;
/// The first window in which others call.
const COME: u64 = 2;
/// From this window on, what others use is known.
const KNOWN: usize = 4;

/// What became of many runs, summed up by window.
#[derive(Debug, Default)]
struct Sums {
    /// Windows of runs whose workers asked for all that there was before others came.
    busy: u64,
    windows: Vec<Counted>,
    /// The seed and the number of every window in which a worker was throttled though others were known.
    throttled: Vec<(u64, usize)>,
}

impl Sums {
    /// Permits that were used of a window, by whomever, in thousandths of its budget.
    fn used(&self, window: usize) -> u64 {
        let Counted { ours, theirs, .. } = self.windows[window];
        (ours + theirs) * 1_000 / (LIMIT * self.busy)
    }

    /// How many of a thousand windows a worker was throttled in.
    fn part_throttled(&self, windows: std::ops::Range<usize>) -> u64 {
        let of = self.throttled.iter().filter(|(_, k)| windows.contains(k)).count();
        of as u64 * 1_000 / (windows.len() as u64 * seeds(SEEDS))
    }

    /// What is used on average, in thousandths, in the third window with others and in the later ones.
    fn nearly_all_is_used(&self, third: u64, later: u64) {
        for k in KNOWN..self.windows.len() {
            let least = if k == KNOWN { third } else { later };
            assert!(self.used(k) >= least, "{} of window {k}: {self:?}", self.used(k));
        }
    }

    fn add(&mut self, seed: u64, run: &[Counted]) {
        self.windows.resize(run.len(), Counted::default());
        // Few workers that wait long for their reports cannot ask for all.
        let busy = run[0].ours >= LIMIT - 3;
        self.busy += u64::from(busy);
        for (k, (sum, window)) in self.windows.iter_mut().zip(run).enumerate() {
            sum.ours_throttled += window.ours_throttled;
            sum.theirs_throttled += window.theirs_throttled;
            if busy {
                sum.ours += window.ours;
                sum.theirs += window.theirs;
            }
            if k >= KNOWN && window.ours_throttled > 0 {
                self.throttled.push((seed, k));
            }
        }
    }
}

fn runs(holdback: bool, neighbour: fn(&mut Random) -> Neighbour) -> Sums {
    let mut sums = Sums::default();
    for seed in 0..seeds(SEEDS) {
        sums.add(seed, &Town::new(seed, COME, holdback, neighbour).run(WINDOWS));
    }
    println!("{:?}\n{:?}", sums.windows, (0..sums.windows.len()).map(|k| sums.used(k)).collect::<Vec<_>>());
    sums
}

fn even(random: &mut Random) -> Neighbour {
    Neighbour::Even { part: random.from_to(3, 60), jitter: 0 }
}

fn uneven(random: &mut Random) -> Neighbour {
    Neighbour::Even { part: random.from_to(3, 60), jitter: 30 }
}

fn by_chance(random: &mut Random) -> Neighbour {
    Neighbour::Poisson { part: random.from_to(3, 60) }
}

fn in_bursts(random: &mut Random) -> Neighbour {
    Neighbour::Burst { part: random.from_to(3, 60) }
}

fn on_and_off(random: &mut Random) -> Neighbour {
    Neighbour::OnOff { part: random.from_to(3, 60), windows: random.one_of(&[1, 2, 4]) }
}

#[test]
fn steady_use_by_others_throttles_nobody_from_the_third_window_on() {
    for neighbour in [even, uneven] {
        let sums = runs(true, neighbour);
        assert_eq!(sums.throttled, []);
        let theirs: u64 = sums.windows[KNOWN..].iter().map(|window| window.theirs_throttled).sum();
        assert!(theirs <= seeds(SEEDS) / 50, "{sums:?}");
        sums.nearly_all_is_used(950, 975);
    }
}

/// Where nothing makes workers come back later in a window, it may be over before they see anybody.
#[test]
fn without_a_holdback_others_are_found_later() {
    let sums = runs(false, even);
    assert!(sums.part_throttled(KNOWN..sums.windows.len()) <= 25, "{sums:?}");
    assert!(sums.part_throttled(10..sums.windows.len()) <= 10, "{sums:?}");
    sums.nearly_all_is_used(950, 975);
}

#[test]
fn others_that_come_as_chance_has_it_throttle_few() {
    let sums = runs(true, by_chance);
    assert!(sums.part_throttled(KNOWN..sums.windows.len()) <= 50, "{sums:?}");
    sums.nearly_all_is_used(950, 975);
}

#[test]
fn bursts_of_others_throttle_nobody_and_waste_little() {
    let sums = runs(true, in_bursts);
    assert_eq!(sums.throttled, []);
    sums.nearly_all_is_used(920, 920);
}

/// Others come and go every one, two or four windows; there is no telling when they come.
#[test]
fn what_others_leave_is_used_in_the_window_in_which_they_stop() {
    let sums = runs(true, on_and_off);
    assert!(sums.part_throttled(KNOWN..sums.windows.len()) <= 150, "{sums:?}");
    sums.nearly_all_is_used(940, 940);
}
