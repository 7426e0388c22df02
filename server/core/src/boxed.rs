//! A value that takes no memory of its own while it is empty.

use std::ops::{Deref, DerefMut};

/// A type whose empty value can be shared.
pub(crate) trait Empty: Default + 'static {
    /// The empty value.
    fn empty() -> &'static Self;
}

/// A value on the heap, allocated when it is first changed.
#[derive(Clone, Debug)]
pub(crate) struct Boxed<T>(Option<Box<T>>);

impl<T> Default for Boxed<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Empty> Boxed<T> {
    /// Empties the value and frees its memory.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

impl<T: Empty> Deref for Boxed<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::empty())
    }
}

impl<T: Empty> DerefMut for Boxed<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}
