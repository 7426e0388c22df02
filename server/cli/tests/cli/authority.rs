//! An authority for tests, and the certificates that it signs, as files.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType, date_time_ymd,
};
use std::path::PathBuf;
use std::time::Duration;

/// Signs certificates. Each authority is one of its own.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: tempfile::TempDir,
}

/// Two files that belong together.
pub(crate) struct Pair {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let this = Self { issuer, directory: tempfile::tempdir().expect("a directory") };
        this.write("ca.pem", &this.issuer.pem());
        this
    }

    /// The file of its own certificate.
    pub(crate) fn ca(&self) -> String {
        self.path("ca.pem").display().to_string()
    }

    /// A certificate with one name: an address, a URI or a DNS name.
    pub(crate) fn sign(&self, name: &str) -> Pair {
        self.sign_until(name, 4000)
    }

    /// A certificate that is valid until a year begins.
    pub(crate) fn sign_until(&self, name: &str, year: i32) -> Pair {
        let until = date_time_ymd(year, 1, 1).unix_timestamp();
        self.sign_until_second(name, until)
    }

    /// A certificate that is valid until a second of Unix time is over.
    pub(crate) fn sign_until_second(&self, name: &str, second: i64) -> Pair {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "leaf");
        (params.not_before, params.not_after) = (
            date_time_ymd(2000, 1, 1),
            date_time_ymd(1970, 1, 1) + Duration::from_secs(second.unsigned_abs()),
        );
        params.subject_alt_names = vec![match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) if name.contains(':') => SanType::URI(name.try_into().expect("ASCII")),
            Err(_) => SanType::DnsName(name.try_into().expect("ASCII")),
        }];
        let key = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, &self.issuer).expect("a certificate");
        let file: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let cert = self.write(&format!("{file}-{second}.pem"), &signed.pem());
        let key = self.write(&format!("{file}-{second}.key"), &key.serialize_pem());
        Pair { cert, key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("it is written");
        self.path(name).display().to_string()
    }
}
