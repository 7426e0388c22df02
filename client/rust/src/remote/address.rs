//! Where a node is.

use crate::config::ConfigError;
use http::Uri;
use std::fmt::{self, Display, Formatter};

/// A URL of scheme, host and port.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Address {
    is_https: bool,
    /// In brackets if it is an IPv6 address.
    host: String,
    port: u16,
}

impl Address {
    /// # Errors
    /// [`ConfigError::Address`] if the text is not such a URL.
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let invalid = |why: &str| ConfigError::Address(text.into(), why.into());
        let uri: Uri = text.parse().map_err(|error: http::uri::InvalidUri| invalid(&error.to_string()))?;
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(invalid("its scheme is neither http nor https")),
        };
        let authority = uri.authority().ok_or_else(|| invalid("it has no host"))?;
        if authority.as_str().contains('@') || uri.path().len() > 1 || uri.query().is_some() {
            return Err(invalid("it may have a scheme, a host and a port only"));
        }
        let host = authority.host().to_ascii_lowercase();
        let port = match &authority.as_str()[host.len()..] {
            "" if is_https => 443,
            "" => 80,
            port => port[1..].parse().map_err(|_| invalid("its port is not a number up to 65535"))?,
        };
        if host.is_empty() || port == 0 {
            return Err(invalid("it has no host, or its port is 0"));
        }
        Ok(Self { is_https, host, port })
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }

    pub(super) fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost" || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme(), self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        Address::parse(text).map_or_else(|error| error.to_string(), |address| address.to_string())
    }

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        assert_eq!(parsed("http://Node-1:7420/"), "http://node-1:7420");
        assert_eq!(parsed("https://a.example"), "https://a.example:443");
        assert_eq!(parsed("http://[::1]:1"), "http://[::1]:1");
        for invalid in [
            "",
            "x",
            "ftp://x",
            "http://",
            "http://a:0",
            "http://a:99999",
            "http://a:",
            "http://u@a",
            "http://a/b",
            "http://a?b",
        ] {
            assert!(Address::parse(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn loopback_is_told_from_other_hosts() {
        let is_loopback = |text| Address::parse(text).expect("an address").is_loopback();
        assert!(["http://127.9.9.9", "http://[::1]:9", "http://localhost"].into_iter().all(is_loopback));
        assert!(
            !["http://10.0.0.1", "http://localhost.evil", "http://127.0.0.1.evil"]
                .into_iter()
                .any(is_loopback)
        );
    }
}
