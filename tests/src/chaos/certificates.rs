//! The certificates that nodes show each other: an authority of the cluster, and one that it signed for each node.

use std::net::IpAddr;
use std::path::Path;

use rcgen::SanType;

use crate::process::authority::Authority;

/// Writes an authority and a certificate for each host into a directory. Returns the flags of the node at each host.
pub(super) fn write(directory: &Path, hosts: &[IpAddr]) -> Vec<Vec<String>> {
    let authority = Authority::new("cluster", directory);
    let of = |(number, host): (usize, &IpAddr)| {
        let signed = authority.sign(&number.to_string(), [SanType::IpAddress(*host)]);
        let flags = [
            ["--peer-tls-cert", &signed.certificate],
            ["--peer-tls-key", &signed.key],
            ["--peer-tls-ca", &signed.ca],
        ];
        flags.as_flattened().iter().map(ToString::to_string).collect()
    };
    hosts.iter().enumerate().map(of).collect()
}
