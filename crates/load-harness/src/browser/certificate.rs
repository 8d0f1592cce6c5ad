//! The fingerprint with which Chromium accepts exactly one self-signed certificate: base64 of the SHA-256 of
//! its SubjectPublicKeyInfo, in the form of pins (RFC 7469 §2.4).
//!
//! rustls already parses certificates for the lab's own subscribers and exposes this part of them, so no other
//! X.509 parser is needed.

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    pki_types::{CertificateDer, pem::PemObject},
    server::ParsedCertificate,
};
use sha2::{Digest, Sha256};

/// A certificate in PEM that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the certificate that the server announced cannot be read: {0}")]
pub(crate) struct UnreadableCertificate(String);

/// The fingerprint of a certificate's public key.
pub(crate) fn key_fingerprint(pem: &str) -> Result<String, UnreadableCertificate> {
    let unreadable = |error: &dyn std::fmt::Display| UnreadableCertificate(error.to_string());
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| unreadable(&error))?;
    let parsed = ParsedCertificate::try_from(&certificate).map_err(|error| unreadable(&error))?;
    Ok(STANDARD.encode(Sha256::digest(parsed.subject_public_key_info())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made once by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost`.
    const PEM: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBfzCCASWgAwIBAgIUVx9496KSNm6a34ruHEfkaBMV/IkwCgYIKoZIzj0EAwIw\n\
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTE3NDE1OVoYDzIxMjYxMDI4\n\
MTc0MTU5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n\
PQMBBwNCAARBgJTBFxo4tCefG2KuH9TXT6LIvqY7FYgEAn8MQXOuT8x4HX2IpbiW\n\
XItl0bGf8aOuQ575YDeoHDtOkyoA7XIdo1MwUTAdBgNVHQ4EFgQUlQ+sygiWH7Xc\n\
X7NvNmm88A2J6wwwHwYDVR0jBBgwFoAUlQ+sygiWH7XcX7NvNmm88A2J6wwwDwYD\n\
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAxl62DJc0BuG0VwW7pD0V\n\
iv3Gu0rKKXGB39aNPtPdUJQCIHw3ae1yImmzzFLMDiku5/yXFVsdxAyHoWNmzY7D\n\
Hpq8\n\
-----END CERTIFICATE-----\n";

    #[test]
    fn the_fingerprint_is_the_one_that_openssl_computes() {
        // openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
        assert_eq!(key_fingerprint(PEM).unwrap(), "kgV/5mbaBE+Yh1F1h+m8+U9nwPUw5BBCfILwd7ZWqJ4=");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(key_fingerprint(pem).is_err(), "{pem}");
        }
    }
}
