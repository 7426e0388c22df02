//! The certificates that nodes show each other: an authority of the cluster, and one that it signed for each node.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};

/// Writes an authority and a certificate for each host into a directory. Returns the flags of the node at each host.
pub(super) fn write(directory: &Path, hosts: &[IpAddr]) -> Vec<Vec<String>> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "cluster");
    let authority =
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
    let file = |name: String, text: &str| {
        let path = directory.join(name);
        fs::write(&path, text).expect("the file is written");
        path.display().to_string()
    };
    let ca = file("ca.pem".into(), &authority.pem());
    let of = |(number, host): (usize, &IpAddr)| {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::IpAddress(*host)];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, &authority).expect("signed").pem();
        let cert = file(format!("{number}.pem"), &signed);
        let key = file(format!("{number}.key"), &key.serialize_pem());
        let flags = ["--peer-tls-cert", &cert, "--peer-tls-key", &key, "--peer-tls-ca", &ca];
        flags.map(String::from).to_vec()
    };
    hosts.iter().enumerate().map(of).collect()
}
