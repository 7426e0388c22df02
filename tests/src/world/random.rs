//! Numbers out of one seed (SplitMix64), so that a seed reproduces a whole run. Knows nothing of the world.

/// A source of numbers that look random.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The source that `seed` stands for.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Any number of twice the width.
    pub fn wide(&mut self) -> u128 {
        (u128::from(self.any()) << 64) | u128::from(self.any())
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.any() % (most - least + 1)
    }

    /// A place in a list of `count`.
    pub fn place(&mut self, count: usize) -> usize {
        usize::try_from(self.between(0, u64::try_from(count - 1).expect("a small count"))).expect("a place")
    }

    /// Yes in so many of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.any() % 100 < percent
    }
}
