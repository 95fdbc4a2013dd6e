//! A certificate authority of the test's own, and certificates with a chosen flaw. It must not write outside the directory it is given.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use time::{Duration, OffsetDateTime};

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing: signed by the authority, for the right host, valid now.
    None,
    /// Its time ended yesterday.
    Expired,
    /// Signed by itself.
    SelfSigned,
    /// Signed by the authority, for another host.
    WrongHost,
}

/// Paths of a certificate (with its chain) and its key, in PEM.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate, followed by the authority's.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The authority; the daemon is told to trust [`Authority::pem`].
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// Makes a new one, valid for a day on either side of now.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Bellflower test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, -1, 1);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a self-signed authority") }
    }

    /// The authority's own certificate.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Writes `NAME.crt` and `NAME.key` for `host` into `directory`, replacing what is there.
    pub fn issue(&self, directory: &Path, name: &str, host: &str, flaw: Flaw) -> Certificate {
        let subject = if flaw == Flaw::WrongHost { "elsewhere.invalid" } else { host };
        let mut params = CertificateParams::new(vec![subject.to_owned()]).expect("a host name");
        params.distinguished_name.push(DnType::CommonName, subject);
        if flaw == Flaw::Expired {
            set_validity(&mut params, -3, -1)
        } else {
            set_validity(&mut params, -1, 1)
        }
        let key = KeyPair::generate().expect("a key");
        let pem = if flaw == Flaw::SelfSigned {
            params.self_signed(&key).expect("a self-signed certificate").pem()
        } else {
            params.signed_by(&key, &self.issuer).expect("a signed certificate").pem() + &self.pem()
        };
        let written = Certificate { chain: directory.join(format!("{name}.crt")), key: directory.join(format!("{name}.key")) };
        std::fs::write(&written.chain, pem).expect("writing a certificate");
        std::fs::write(&written.key, key.serialize_pem()).expect("writing a key");
        written
    }
}

fn set_validity(params: &mut CertificateParams, from_days: i64, to_days: i64) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now + Duration::days(from_days);
    params.not_after = now + Duration::days(to_days);
}
