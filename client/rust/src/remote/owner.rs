//! The node that serves a workspace, as the other nodes name it, and when that is believed.
//!
//! A hint decides where a token goes next, so a node that lies must not be able to redirect it to anyone.

use super::address::Address;

/// The key of the response metadata that names the node, as `host:port`.
pub(super) const OWNER_KEY: &str = "apportion-owner";
/// The longest hint that is read.
const HINT_MAX: usize = 255;

/// What protects calls to an address that is not configured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HintTrust {
    /// The certificate of every node is checked against a configured authority or server name, so whoever answers is a node.
    Certificate,
    /// Nothing is sent that could be stolen.
    NoToken,
    /// A token is sent unencrypted, as far as the loopback.
    Loopback,
    /// Nothing: only configured addresses are called.
    Configured,
}

/// Returns the address that the hint names, if it may be called.
pub(super) fn followed(hint: &str, configured: &[Address], trust: HintTrust) -> Option<Address> {
    let scheme = configured.first()?.scheme();
    if hint.len() > HINT_MAX || hint.contains('/') {
        return None;
    }
    let address = Address::parse(&format!("{scheme}://{hint}")).ok()?;
    let is_trusted = match trust {
        HintTrust::Certificate | HintTrust::NoToken => true,
        HintTrust::Loopback => address.is_loopback(),
        HintTrust::Configured => false,
    };
    (is_trusted || configured.contains(&address)).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).expect("an address")
    }

    fn is_followed(hint: &str, configured: &str, trust: HintTrust) -> bool {
        followed(hint, &[address(configured), address("https://other:1")], trust).is_some()
    }

    #[test]
    fn a_configured_address_is_always_followed_and_another_one_if_it_is_trusted() {
        let ours = "https://node-1:7420";
        assert!(is_followed("node-1:7420", ours, HintTrust::Configured));
        assert!(is_followed("other:1", ours, HintTrust::Configured), "any configured one");
        assert!(!is_followed("node-2:7420", ours, HintTrust::Configured));
        assert!(is_followed("node-2:7420", ours, HintTrust::Certificate));
        assert!(is_followed("10.0.0.2:7420", "http://10.0.0.1:7420", HintTrust::NoToken));
    }

    #[test]
    fn an_unencrypted_token_is_not_redirected_beyond_the_loopback() {
        let ours = "http://127.0.0.1:7420";
        assert!(is_followed("127.0.0.1:7421", ours, HintTrust::Loopback));
        assert!(!is_followed("10.0.0.2:7420", ours, HintTrust::Loopback));
        assert!(!is_followed("127.0.0.1.evil:7420", ours, HintTrust::Loopback));
    }

    #[test]
    fn a_hint_has_the_scheme_of_the_configuration_and_no_other_parts() {
        let followed = |hint| followed(hint, &[address("https://a:1")], HintTrust::Certificate);
        assert_eq!(followed("b:2").map(|address| address.to_string()), Some("https://b:2".into()));
        for odd in ["http://b:2", "b:2/x", "u@b:2", "", ":2", "b:0", "b:99999", "b c", &"x".repeat(256)] {
            assert!(followed(odd).is_none(), "{odd}");
        }
    }
}
