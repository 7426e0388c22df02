//! Switches that break one rule each, so that tests can show that they would fail.
//!
//! Owns the list of mutants and which one is on in this thread. Without the feature `mutants` none can be on, and the
//! compiler removes the question. Knows nothing of the rules themselves: each rule asks whether it is broken.

/// One rule that a test may break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// Permits of a window are granted from its start on, without waiting for the clock error.
    NoStartGuard,
    /// Permits of a window are granted, and live, to its end.
    NoEndGuard,
    /// A client counts a lease's life from the receipt of the answer.
    DeadlineFromReceipt,
    /// A write whose outcome is unknown counts as a success.
    UnknownIsSuccess,
    /// After a hand-over whose outcome is unknown the giver goes on granting.
    GrantAfterUnknownReturn,
    /// The store puts without comparing the version.
    BlindPut,
    /// A new owner starts with no marks.
    NewOwnerStartsAtZero,
    /// Clean-up deletes marks and does not keep what they stood for.
    CleanUpForgetsPast,
    /// A retry is answered with the life that its lease had at first.
    RetryWithOldLife,
    /// A new owner forgets what was learned.
    LearnedForgottenOnRestart,
    /// A new owner grants a capped team its whole cap again.
    TakeOverIgnoresCaps,
    /// Windows of a limit that was changed continue with the marks of its former windows of the same name, and ignore all others.
    FormerWindowsIgnored,
    /// What was learned of a limit is applied to another one of the same name.
    LearnedOfAnotherLimit,
    /// Leases that were granted before a limit was added or changed are not charged to its windows.
    LeasesOfFormerLimitsIgnored,
    /// A window that counts as spent is so in memory only.
    ExhaustedInMemoryOnly,
    /// A team that is moved, or created again, has its cap again in the same window.
    CapStartsWithTheTeam,
    /// A booking does not compare the claim of its shard.
    BookWithoutClaim,
    /// A booking does not compare the revision of its policy.
    BookWithoutPolicy,
    /// Permits go back by a write of their own after the shard was handed over, which compares nothing.
    GiveBackAfterHandOver,
    /// A node that handed a shard over grants requests from it that another node passes on.
    DeposedGrantsForwarded,
    /// After the store failed, a write that its cache still shows counts as durable.
    GrantAfterIoError,
}

#[cfg(feature = "mutants")]
mod switch {
    use super::Mutant;
    use std::cell::Cell;

    thread_local! {
        static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Puts the former switch back, also when the test inside panics.
    struct Former(Option<Mutant>);

    impl Drop for Former {
        fn drop(&mut self) {
            ACTIVE.set(self.0);
        }
    }

    /// Runs `body` with one rule broken in this thread.
    pub fn with<R>(mutant: Mutant, body: impl FnOnce() -> R) -> R {
        let _former = Former(ACTIVE.replace(Some(mutant)));
        body()
    }

    /// Whether this rule is broken in this thread.
    pub fn active(mutant: Mutant) -> bool {
        ACTIVE.get() == Some(mutant)
    }
}

#[cfg(feature = "mutants")]
pub use switch::{active, with};

/// Whether this rule is broken: never, without the feature `mutants`.
#[cfg(not(feature = "mutants"))]
pub const fn active(_mutant: Mutant) -> bool {
    false
}
