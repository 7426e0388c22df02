//! The secret of a new token, and the hash of it that the server keeps.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// 256 random bits, with a prefix that secret scanners recognize.
pub(super) fn new_secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(format!("apt_{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The SHA-256 of a secret.
pub(super) fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}
