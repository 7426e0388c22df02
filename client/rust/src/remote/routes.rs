//! Which node is called next, as a function of what happened so far. Does no I/O.

use super::address::Address;
use crate::clock::BootInstant;
use std::time::Duration;

/// How long a hint is ignored after the node that it names has failed.
const IGNORED: Duration = Duration::from_secs(10);

/// The configured addresses, which of them is used, and the node that serves the workspace, if one was named.
#[derive(Debug)]
pub(super) struct Routes {
    configured: Vec<Address>,
    current: usize,
    owner: Option<Address>,
    /// A node that failed, and until when hints of it are ignored.
    ignored: Option<(Address, BootInstant)>,
}

impl Routes {
    /// Starts with the first of the addresses, of which there must be one.
    pub(super) fn new(configured: Vec<Address>) -> Self {
        Self { configured, current: 0, owner: None, ignored: None }
    }

    pub(super) fn configured(&self) -> &[Address] {
        &self.configured
    }

    /// The address to call next.
    pub(super) fn next(&self) -> &Address {
        self.owner.as_ref().unwrap_or(&self.configured[self.current])
    }

    /// Notes that a call to an address failed. Returns whether calls go elsewhere now.
    pub(super) fn failed(&mut self, address: &Address, now: BootInstant) -> bool {
        if self.next() != address {
            return true; // Another call has noticed it before.
        }
        if self.owner.take().is_some() {
            self.ignored = Some((address.clone(), now.after(IGNORED)));
        }
        if &self.configured[self.current] == address {
            self.current = (self.current + 1) % self.configured.len();
        }
        self.next() != address
    }

    /// Notes that an address named the node that serves the workspace. Returns whether calls go elsewhere now.
    pub(super) fn hinted(&mut self, owner: Address, now: BootInstant) -> bool {
        let is_ignored = self.ignored.as_ref().is_some_and(|(node, until)| *node == owner && now < *until);
        if is_ignored || *self.next() == owner {
            return false;
        }
        self.owner = Some(owner);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(n: u16) -> Address {
        Address::parse(&format!("http://127.0.0.1:{n}")).expect("an address")
    }

    fn routes(nodes: u16) -> Routes {
        Routes::new((1..=nodes).map(node).collect())
    }

    const NOW: BootInstant = BootInstant::from_nanos(1);

    #[test]
    fn when_an_address_fails_the_next_one_is_called_and_after_the_last_the_first() {
        let mut routes = routes(3);
        for (failing, next) in [(1, 2), (2, 3), (3, 1)] {
            assert!(routes.failed(&node(failing), NOW));
            assert_eq!(*routes.next(), node(next));
        }
    }

    #[test]
    fn many_calls_that_fail_together_move_on_once() {
        let mut routes = routes(3);
        assert!(routes.failed(&node(1), NOW) && routes.failed(&node(1), NOW));
        assert_eq!(*routes.next(), node(2));
    }

    #[test]
    fn a_single_address_stays() {
        let mut routes = routes(1);
        assert!(!routes.failed(&node(1), NOW), "there is no other");
        assert_eq!(*routes.next(), node(1));
    }

    #[test]
    fn the_named_node_is_called_until_it_fails_and_then_ignored_for_a_while() {
        let mut routes = routes(2);
        assert!(routes.hinted(node(9), NOW));
        assert!(!routes.hinted(node(9), NOW), "it is called already");
        assert_eq!(*routes.next(), node(9));
        assert!(routes.failed(&node(9), NOW));
        assert_eq!(*routes.next(), node(1));
        assert!(!routes.hinted(node(9), NOW));
        assert!(routes.hinted(node(8), NOW), "another node is believed");
        assert!(routes.hinted(node(9), NOW.after(IGNORED)));
    }

    #[test]
    fn a_configured_node_that_was_named_and_fails_is_not_called_next() {
        let mut routes = routes(2);
        assert!(!routes.hinted(node(1), NOW));
        assert!(routes.hinted(node(2), NOW));
        assert!(routes.failed(&node(2), NOW));
        assert_eq!(*routes.next(), node(1));
    }
}
