//! What Envoy says of a request: keys and values, read as its domain says, and how many hits it adds or gives back.

use super::domain::DomainPolicy;
use super::field::count;
use super::lease::DEFAULT_NAME;
use crate::error::FieldError;
use apportion_core::ids::{CallerId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::priority::Priority;
use apportion_envoy::ratelimit::{RateLimitDescriptor, RateLimitRequest};

/// Most descriptors of one request.
const DESCRIPTORS_MAX: usize = 16;
/// Most entries of one descriptor.
const ENTRIES_MAX: usize = 64;

/// Whom a request is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Described {
    /// The team that it names; none where it names none, or what cannot be one.
    pub(crate) team: Option<TeamId>,
    /// The priority that it names.
    pub(crate) priority: Option<Priority>,
    /// The caller that it names, or `default`.
    pub(crate) caller: CallerId,
}

/// What a descriptor asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hits {
    /// To take so many permits.
    Take(Permits),
    /// To be told whether one permit could be taken.
    Check,
    /// To give so many permits back.
    GiveBack(Permits),
}

/// Whom keys and values are for. What comes out of a header of a client of Envoy never fails a call, which Envoy might let pass then:
/// what cannot be read counts as not named. Of a key that comes twice, the last value counts, which Envoy's configuration added.
pub(crate) fn described<'a>(
    domain: &DomainPolicy,
    entries: impl Iterator<Item = (&'a str, &'a str)>,
) -> Described {
    let (mut team, mut priority, mut caller) = (None, None, None);
    for (key, value) in entries {
        if key == domain.team_key {
            team = TeamId::new(value).ok();
        } else if key == domain.priority_key {
            priority = named_priority(value);
        } else if key == domain.caller_key {
            caller = CallerId::new(value).ok();
        }
    }
    Described { team, priority, caller: caller.unwrap_or_else(default_caller) }
}

fn default_caller() -> CallerId {
    CallerId::new(DEFAULT_NAME).unwrap_or_else(|_| unreachable!("it is a name"))
}

fn named_priority(name: &str) -> Option<Priority> {
    let known = [
        ("critical", Priority::Critical),
        ("default", Priority::Default),
        ("sheddable", Priority::Sheddable),
    ];
    known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, priority)| priority)
}

/// What each descriptor of a request asks for, and of whom.
///
/// # Errors
/// [`FieldError`] where there is no descriptor, one without entries, or there are too many.
pub(crate) fn descriptors(
    domain: &DomainPolicy,
    request: &RateLimitRequest,
) -> Result<Vec<(Described, Hits)>, FieldError> {
    count("descriptors", request.descriptors.len(), 1, DESCRIPTORS_MAX)?;
    let descriptor = |(place, descriptor): (usize, &RateLimitDescriptor)| {
        count(&format!("descriptors[{place}].entries"), descriptor.entries.len(), 1, ENTRIES_MAX)?;
        let entries = descriptor.entries.iter().map(|entry| (&*entry.key, &*entry.value));
        Ok((described(domain, entries), hits(request, descriptor)))
    };
    request.descriptors.iter().enumerate().map(descriptor).collect()
}

fn hits(request: &RateLimitRequest, descriptor: &RateLimitDescriptor) -> Hits {
    let number = descriptor.hits_addend.unwrap_or_else(|| u64::from(request.hits_addend.max(1)));
    // More than any budget is too many, however many it is.
    let permits = u32::try_from(number).ok().and_then(Permits::new).unwrap_or(Permits::MAX);
    match (permits.is_zero(), descriptor.is_negative_hits) {
        (true, _) => Hits::Check,
        (false, false) => Hits::Take(permits),
        (false, true) => Hits::GiveBack(permits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::domain::domain_policy;
    use apportion_envoy::ratelimit::rate_limit_descriptor::Entry;
    use apportion_proto::v1;

    fn domain() -> DomainPolicy {
        domain_policy(&v1::Domain { workspace: "workspaces/eu".into(), ..Default::default() })
            .expect("a domain")
    }

    fn descriptor(entries: &[(&str, &str)]) -> RateLimitDescriptor {
        let entry = |&(key, value): &(&str, &str)| Entry { key: key.into(), value: value.into() };
        RateLimitDescriptor { entries: entries.iter().map(entry).collect(), ..Default::default() }
    }

    fn whom(entries: &[(&str, &str)]) -> Described {
        described(&domain(), entries.iter().copied())
    }

    #[test]
    fn the_domain_says_which_key_names_what() {
        let named = whom(&[("x", "y"), ("team", "sync"), ("priority", "CRITICAL"), ("caller", "pod-1")]);
        assert_eq!(named.team.as_ref().map(TeamId::as_str), Some("sync"));
        assert_eq!((named.priority, named.caller.as_str()), (Some(Priority::Critical), "pod-1"));
        let renamed = DomainPolicy { team_key: "x".into(), ..domain() };
        let named = described(&renamed, [("x", "sync"), ("team", "other")].into_iter());
        assert_eq!(named.team.as_ref().map(TeamId::as_str), Some("sync"));
    }

    #[test]
    fn what_cannot_be_read_counts_as_not_named() {
        let none = Described { team: None, priority: None, caller: default_caller() };
        assert_eq!(whom(&[("other", "x")]), none);
        let long = "c".repeat(200);
        assert_eq!(whom(&[("team", "a/b"), ("priority", "urgent"), ("caller", &long)]), none);
        assert_eq!(whom(&[("team", ""), ("caller", "a b")]), none);
    }

    #[test]
    fn hits_of_a_descriptor_replace_those_of_the_request_and_may_be_none_or_negative() {
        let of = |request: u32, own: Option<u64>, is_negative_hits: bool| {
            let descriptor =
                RateLimitDescriptor { hits_addend: own, is_negative_hits, ..descriptor(&[("k", "v")]) };
            let request = RateLimitRequest {
                hits_addend: request,
                descriptors: vec![descriptor],
                ..Default::default()
            };
            descriptors(&domain(), &request).expect("it is allowed")[0].1
        };
        let n = |n| Permits::new(n).expect("a number");
        assert_eq!([of(0, None, false), of(7, None, false)], [Hits::Take(n(1)), Hits::Take(n(7))]);
        assert_eq!([of(7, Some(3), false), of(7, Some(0), false)], [Hits::Take(n(3)), Hits::Check]);
        assert_eq!([of(2, None, true), of(7, Some(0), true)], [Hits::GiveBack(n(2)), Hits::Check]);
        assert_eq!(of(0, Some(u64::MAX), false), Hits::Take(Permits::MAX));
    }

    #[test]
    fn no_descriptor_an_empty_one_and_too_many_are_refused_by_name() {
        let refused = |descriptors: Vec<RateLimitDescriptor>| {
            let request = RateLimitRequest { descriptors, ..Default::default() };
            super::descriptors(&domain(), &request).expect_err("refused").to_string()
        };
        assert_eq!(refused(vec![]), "descriptors: must have between 1 and 16 elements, got 0");
        let empty = vec![descriptor(&[("k", "v")]), descriptor(&[])];
        assert_eq!(refused(empty), "descriptors[1].entries: must have between 1 and 64 elements, got 0");
        assert!(refused(vec![descriptor(&[("k", "v")]); 17]).ends_with("got 17"));
        let wide = descriptor(&[("k", "v"); 65]);
        assert!(refused(vec![wide]).starts_with("descriptors[0].entries: "));
    }
}
