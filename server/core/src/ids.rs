//! Names: what they may look like is checked once, where they come in.

use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// The name has no character.
    #[error("a name must not be empty")]
    Empty,
    /// The name is longer than its kind allows.
    #[error("a name of {length} bytes is too long: at most {longest}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The longest allowed, in bytes.
        longest: usize,
    },
    /// A character that the kind does not allow.
    #[error("the character {character:?} at byte {at} is not allowed: {allowed}")]
    Character {
        /// The first such character.
        character: char,
        /// Its position, in bytes.
        at: usize,
        /// What is allowed.
        allowed: &'static str,
    },
}

/// Letters, digits, `-`, `_` and `.`, the first a letter or a digit: safe in a path, a label, a URL.
fn plain(name: &str, longest: usize) -> Result<(), NameError> {
    check(name, longest, "letters, digits, '-', '_' and '.', the first a letter or a digit", |at, c| {
        c.is_ascii_alphanumeric() || (at > 0 && matches!(c, '-' | '_' | '.'))
    })
}

/// Any printable ASCII: what services call themselves and their requests.
fn printable(name: &str, longest: usize) -> Result<(), NameError> {
    check(name, longest, "printable ASCII without spaces", |_, c| c.is_ascii_graphic())
}

fn check(
    name: &str,
    longest: usize,
    allowed: &'static str,
    may: impl Fn(usize, char) -> bool,
) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > longest {
        return Err(NameError::TooLong { length: name.len(), longest });
    }
    match name.char_indices().find(|&(at, c)| !may(at, c)) {
        Some((at, character)) => Err(NameError::Character { character, at, allowed }),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $longest:literal, $rule:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The longest such name, in bytes.
            pub const LONGEST: usize = $longest;

            /// Checks and takes a name.
            ///
            /// # Errors
            /// [`NameError`] where it is empty, too long, or has a character that is not allowed.
            pub fn new(name: &str) -> Result<Self, NameError> {
                $rule(name, $longest)?;
                Ok(Self(name.into()))
            }

            /// The bare name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A workspace: an account at a provider whose budget is shared.
    WorkspaceId, 63, plain
}
name! {
    /// One limit of a workspace, such as `per-10s`.
    LimitId, 63, plain
}
name! {
    /// A team of a workspace.
    TeamId, 63, plain
}
name! {
    /// A service or instance inside a team.
    CallerId, 128, printable
}
name! {
    /// What a client calls one request of its own, so that a repeat is known as such.
    RequestId, 128, printable
}
impl RequestId {
    /// Before every request id in order, and none itself.
    pub(crate) fn least() -> Self {
        Self("".into())
    }
}
name! {
    /// One server process, across its restarts.
    NodeId, 63, plain
}
