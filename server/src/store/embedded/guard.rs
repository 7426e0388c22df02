//! A database that panics, as redb does with damaged pages: here that is an error like any other.

use super::super::error::StoreError;
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught here, and returned as an error instead.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does something with a database. A panic in it becomes [`StoreError::Damaged`]: what the database believes is wrong, so it must
/// not be used any more.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, StoreError> {
    keep_quiet();
    let outer = GUARDED.replace(true);
    // The caller drops everything that was used inside.
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    done.map_err(|panic| StoreError::Damaged(format!("a page makes no sense: {}", message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason was given")
}

/// The operator reads the error; a trace of the database's own code is of no use beside it.
fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                usual(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_what_the_panic_said() {
        let error = guarded(|| panic!("no page {}", 7)).expect_err("it panicked");
        assert_eq!(error, StoreError::Damaged("a page makes no sense: no page 7".into()));
        assert_eq!(guarded(|| 5), Ok(5));
        assert!(!GUARDED.get());
    }
}
