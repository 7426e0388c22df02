//! A small source of random numbers (SplitMix64): a seed always gives the same ones.

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `least` to `most`, both included.
    pub fn from_to(&mut self, least: u32, most: u32) -> u32 {
        assert!(least <= most, "no number from {least} to {most}");
        let many = u64::from(most - least) + 1;
        least + u32::try_from(self.any() % many).expect("below a u32")
    }

    /// True with a probability of `percent` in a hundred.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.from_to(0, 99) < percent
    }

    /// A place in a list of `length`, which is not empty.
    pub fn index(&mut self, length: usize) -> usize {
        let most = u32::try_from(length - 1).expect("few values");
        self.from_to(0, most) as usize
    }

    /// One of some values.
    pub fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.index(values.len())]
    }

    /// Puts values into a random order.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for k in (1..values.len()).rev() {
            values.swap(k, self.index(k + 1));
        }
    }
}
