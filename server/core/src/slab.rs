//! A slab: values keep their place, and free places are reused.

/// A place in a [`Slab`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Slot(u32);

impl Slot {
    /// No place.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// The place of that number.
    pub(crate) const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// Whether this is no place.
    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    fn at(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Values in numbered places. Reading a free place is a bug and panics.
#[derive(Debug, Clone)]
pub(crate) struct Slab<T> {
    entries: Vec<Entry<T>>,
    /// The place that was freed last.
    free: Slot,
    live: u32,
}

#[derive(Debug, Clone)]
enum Entry<T> {
    Live(T),
    /// Free, and the place that was freed before.
    Free(Slot),
}

impl<T> Entry<T> {
    fn live(&self) -> Option<&T> {
        match self {
            Self::Live(value) => Some(value),
            Self::Free(_) => None,
        }
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<T> Slab<T> {
    /// One without values.
    pub(crate) const EMPTY: Self = Self { entries: Vec::new(), free: Slot::NONE, live: 0 };

    /// Puts a value into a free place.
    pub(crate) fn insert(&mut self, value: T) -> Slot {
        self.live += 1;
        if let Some(entry) = self.entries.get_mut(self.free.at()) {
            let slot = self.free;
            if let Entry::Free(before) = std::mem::replace(entry, Entry::Live(value)) {
                self.free = before;
            }
            return slot;
        }
        let slot = Slot(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        assert!(!slot.is_none(), "a slab is full");
        self.entries.push(Entry::Live(value));
        slot
    }

    /// Takes a value out; its place is free from then on. The memory goes when the last value has gone.
    pub(crate) fn remove(&mut self, slot: Slot) -> Option<T> {
        let entry = self.entries.get_mut(slot.at())?;
        entry.live()?;
        let Entry::Live(value) = std::mem::replace(entry, Entry::Free(self.free)) else { return None };
        self.free = slot;
        self.live -= 1;
        if self.live == 0 && self.entries.len() > 64 {
            *self = Self::default();
        }
        Some(value)
    }

    /// The value in a place, if there is one.
    #[inline]
    pub(crate) fn find(&self, slot: Slot) -> Option<&T> {
        self.entries.get(slot.at())?.live()
    }

    /// All values, in order of their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        (0..).map(Slot).zip(&self.entries).filter_map(|(slot, entry)| Some((slot, entry.live()?)))
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.live).unwrap_or(usize::MAX)
    }
}

impl<T> std::ops::Index<Slot> for Slab<T> {
    type Output = T;
    #[inline]
    fn index(&self, slot: Slot) -> &T {
        self.entries[slot.at()].live().expect("a live place of a slab")
    }
}

impl<T> std::ops::IndexMut<Slot> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, slot: Slot) -> &mut T {
        match &mut self.entries[slot.at()] {
            Entry::Live(value) => value,
            Entry::Free(_) => panic!("a live place of a slab"),
        }
    }
}
