//! Why a call of etcd failed, and whether it may have been carried out all the same.

use std::error::Error;
use thiserror::Error;
use tonic::{Code, ConnectError, Status};

/// What etcd says where its database is full.
const NO_SPACE: &str = "database space exceeded";
/// What a member says that knows of no leader, before it looks at the request.
const NO_LEADER: &str = "etcdserver: no leader";
/// What etcd says where users, roles or their rights changed since a token was given out.
const OLD_TOKEN: &str = "revision of auth store is old";
/// What etcd says of a revision whose past it has forgotten.
const COMPACTED: &str = "required revision has been compacted";

/// Why a call failed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum EtcdError {
    /// No member was reached that has a leader: nothing was carried out.
    #[error("no member of etcd can be reached that has a leader: {0}")]
    Unreachable(String),
    /// etcd refused it: nothing was carried out.
    #[error("etcd refused it: {0}")]
    Refused(String),
    /// The database of etcd is full: nothing was carried out.
    #[error(
        "etcd has raised the alarm NOSPACE, and takes no writes: compact and defragment it, or raise its quota, then disarm the alarm"
    )]
    NoSpace,
    /// The credential is not valid any more: nothing was carried out.
    #[error("etcd does not accept the token: {0}")]
    Token(String),
    /// The past of this revision is forgotten.
    #[error("etcd has compacted the revisions that were asked for")]
    Compacted,
    /// What is in etcd is not what this process saw before: another cluster answers, or a backup was restored.
    #[error("etcd has another history than before: {0}")]
    OtherHistory(String),
    /// It may have been carried out, or not.
    #[error("etcd gave no clear answer: {0}")]
    Unknown(String),
}

impl EtcdError {
    /// Whether it is certain that nothing was carried out, and nothing of it will be.
    pub fn is_certain(&self) -> bool {
        !matches!(self, Self::Unknown(_) | Self::OtherHistory(_))
    }

    pub(crate) fn of(status: &Status) -> Self {
        let text = || format!("{} ({:?})", status.message(), status.code());
        if was_not_sent(status) || status.message() == NO_LEADER {
            return Self::Unreachable(text());
        }
        match status.code() {
            Code::ResourceExhausted if status.message().contains(NO_SPACE) => Self::NoSpace,
            Code::OutOfRange if status.message().contains(COMPACTED) => Self::Compacted,
            Code::Unauthenticated => Self::Token(text()),
            Code::InvalidArgument if status.message().contains(OLD_TOKEN) => Self::Token(text()),
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented => Self::Refused(text()),
            _ => Self::Unknown(text()),
        }
    }
}

/// Whether there was no connection to send it on.
fn was_not_sent(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_etcd_refuses_is_certain_not_to_have_been_carried_out() {
        let of = |code, text: &str| EtcdError::of(&Status::new(code, text));
        let certain = [
            of(Code::Unavailable, NO_LEADER),
            of(Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded"),
            of(Code::InvalidArgument, "etcdserver: request is too large"),
            of(Code::Unauthenticated, "etcdserver: invalid auth token"),
            of(Code::InvalidArgument, "etcdserver: revision of auth store is old"),
            of(Code::PermissionDenied, "etcdserver: permission denied"),
        ];
        assert!(certain.iter().all(EtcdError::is_certain), "{certain:?}");
        assert_eq!(certain[1], EtcdError::NoSpace);
        assert!(matches!(certain[4], EtcdError::Token(_)));
        let open = [
            of(Code::Unavailable, "etcdserver: request timed out"),
            of(Code::Unavailable, "etcdserver: request timed out, possibly due to previous leader failure"),
            of(Code::Unknown, "transport error"),
            of(Code::Cancelled, "operation was canceled"),
            of(Code::Internal, "h2 protocol error"),
            of(Code::DeadlineExceeded, "context deadline exceeded"),
        ];
        assert!(!open.iter().any(EtcdError::is_certain), "{open:?}");
    }
}
