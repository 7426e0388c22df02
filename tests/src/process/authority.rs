//! A certificate authority, and what it signs: files in PEM.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};

/// Signs certificates. Each authority is one of its own, whatever its name.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: PathBuf,
    name: String,
    ca: String,
}

/// The files of a certificate, of its key, and of the authority that signed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// The certificate of the authority.
    pub ca: String,
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Authority {
    /// A new one, which writes into a directory.
    pub fn new(name: &str, directory: &Path) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("signed");
        let ca = write(directory, &format!("{name}.ca.pem"), &issuer.pem());
        Self { issuer, directory: directory.to_owned(), name: name.into(), ca }
    }

    /// Signs a certificate for the loopback address.
    pub fn sign_loopback(&self, title: &str) -> Signed {
        self.sign(title, [SanType::IpAddress(Ipv4Addr::LOCALHOST.into())])
    }

    /// Signs a certificate for addresses and names, of a server and of a client. Another one of the same title replaces its files.
    pub fn sign(&self, title: &str, subjects: impl IntoIterator<Item = SanType>) -> Signed {
        let mut params = CertificateParams::default();
        params.subject_alt_names = subjects.into_iter().collect();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed").pem();
        let file =
            |end: &str, text: &str| write(&self.directory, &format!("{}.{title}.{end}", self.name), text);
        Signed {
            ca: self.ca.clone(),
            certificate: file("pem", &certificate),
            key: file("key", &key.serialize_pem()),
        }
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("ca", &self.ca).finish_non_exhaustive()
    }
}

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("the file is written");
    path.display().to_string()
}
