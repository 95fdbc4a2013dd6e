//! Whom to believe: platform roots, an account's own pins, or its user; the handshake itself and the connection are `engine`'s.

use super::certificate;
use crate::config::BridgeConfig;
use crate::error::StartError;
use crate::id::{AccountId, RequestId};
use crate::model::Certificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;

/// An open question about a certificate.
pub(crate) type AskId = RequestId;

/// What the policy asks of those who know accounts and users. All of it on the libpurple thread; none of it may wait.
pub(crate) trait TrustHooks {
    /// The name that the certificate has to prove when `account` connects to `host` (what libpurple would check; NULL is `None`): the account's
    /// domain, where `host` is its chat server, whatever name that was reached by (RFC 6120, 13.7.2.1). `None` for anything else the
    /// account connects to, as the host of an upload or an avatar: those have to prove `host` itself.
    fn domain(&self, account: AccountId, host: Option<&str>) -> Option<String>;
    /// Fingerprints that its user trusts for this account.
    fn pins(&self, account: AccountId) -> Vec<String>;
    /// Asks the account's user. The answer may come at once, late or never; dropping it unanswered is a no. `None` when nobody can be asked.
    fn ask(&self, account: AccountId, certificate: Certificate, answer: Box<dyn FnOnce(bool)>) -> Option<AskId>;
    /// The question is moot.
    fn withdraw(&self, question: AskId);
    /// Its user said yes: trust this for this account from now on.
    fn pin(&self, account: AccountId, fingerprint: String);
}

/// The name that is to be proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// As people write it.
    pub(super) shown: String,
    /// As TLS wants it, also for SNI; `None` when there is no usable name, so that no certificate can prove it.
    pub(super) server: Option<ServerName<'static>>,
    /// It is the account's own domain.
    pub(super) own: bool,
}

impl Reference {
    pub(super) fn new(host: Option<&str>, domain: Option<String>) -> Self {
        let own = domain.is_some();
        let shown = domain.or_else(|| host.map(str::to_owned)).unwrap_or_default();
        Self { server: server_name(&shown), shown, own }
    }

    /// For sentences.
    pub(super) fn host(&self) -> &str {
        if self.shown.is_empty() { "the server" } else { &self.shown }
    }
}

/// Addresses as they are, domain names in their ASCII form (RFC 5890).
fn server_name(text: &str) -> Option<ServerName<'static>> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<std::net::IpAddr>() {
        return Some(ServerName::IpAddress(address.into()));
    }
    let ascii = idna::domain_to_ascii(text.strip_suffix('.').unwrap_or(text)).ok()?;
    ServerName::try_from(ascii).ok()
}

/// What the policy makes of a certificate.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Go on.
    Trusted,
    /// The user has to say.
    Doubtful(Box<Certificate>),
}

/// Shared by all connections.
pub(super) struct Policy {
    pub(super) client: Arc<ClientConfig>,
    /// `None` without any trust root: nothing is trusted by itself.
    roots: Option<Arc<WebPkiServerVerifier>>,
    /// Those of the configuration, which may be servers' own.
    extra: Vec<CertificateDer<'static>>,
}

impl Policy {
    pub(super) fn new(config: &BridgeConfig) -> Result<Self, StartError> {
        let native = rustls_native_certs::load_native_certs();
        for error in &native.errors {
            log::warn!(target: "bridge", "trust roots of the platform: {error}");
        }
        let mut roots = RootCertStore::empty();
        let (_, unusable) = roots.add_parsable_certificates(native.certs);
        if unusable > 0 {
            log::debug!(target: "bridge", "{unusable} trust roots of the platform are of no use for TLS");
        }
        let mut extra = Vec::new();
        if let Some(path) = &config.extra_roots {
            extra = read_roots(path).map_err(StartError::Tls)?;
            for certificate in extra.iter().cloned() {
                roots.add(certificate).map_err(|error| StartError::Tls(format!("{}: {error}", path.display())))?;
            }
        }
        Self::with_roots(roots, extra)
    }

    fn with_roots(roots: RootCertStore, extra: Vec<CertificateDer<'static>>) -> Result<Self, StartError> {
        let provider = Arc::new(ring::default_provider());
        let refused = |error: &dyn std::fmt::Display| StartError::Tls(error.to_string());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| refused(&error))?.dangerous();
        let mut client = builder.with_custom_certificate_verifier(Arc::new(SignatureOnly(Arc::clone(&provider)))).with_no_client_auth();
        // Its cache would be shared among accounts: a server could tell that two users are of one site, and one's trust would serve another.
        client.resumption = Resumption::disabled();
        let roots = if roots.is_empty() {
            log::warn!(target: "bridge", "no trust roots found (install ca-certificates): every certificate will be asked about");
            None
        } else {
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
            Some(verifier.map_err(|error| refused(&error))?)
        };
        Ok(Self { client: Arc::new(client), roots, extra })
    }

    /// `pins` are of the account that connects.
    pub(super) fn judge(&self, name: &Reference, chain: &[CertificateDer<'static>], pins: &[String]) -> Verdict {
        let (leaf, others) = match chain.split_first() {
            Some((leaf, others)) => (leaf.as_ref(), others),
            None => (&[][..], &[][..]),
        };
        let error = match (&self.roots, &name.server) {
            (Some(roots), Some(server)) => match roots.verify_server_cert(&leaf.into(), others, server, &[], UnixTime::now()) {
                Ok(_) => return Verdict::Trusted,
                Err(_) if self.vouched_for(leaf, server) => return Verdict::Trusted,
                Err(error) => error,
            },
            (None, _) => CertificateError::UnknownIssuer.into(),
            (Some(_), None) => CertificateError::NotValidForName.into(),
        };
        log::debug!(target: "bridge", "the certificate of {}: {error:?}", name.shown);
        let fingerprint = certificate::fingerprint(leaf);
        if pins.iter().any(|pin| pin.eq_ignore_ascii_case(&fingerprint)) {
            return Verdict::Trusted;
        }
        let reason = if name.own && !pins.is_empty() { "changed" } else { reason(&error, leaf) };
        Verdict::Doubtful(Box::new(certificate::describe(leaf, &name.shown, reason)))
    }
}

impl Policy {
    /// The admin listed this very certificate. `openssl req -x509` marks what it makes as an authority's, and webpki takes no authority for a
    /// server.
    fn vouched_for(&self, leaf: &[u8], server: &ServerName<'static>) -> bool {
        self.extra.iter().any(|extra| extra.as_ref() == leaf)
            && certificate::is_current(leaf)
            && ParsedCertificate::try_from(&leaf.into()).is_ok_and(|parsed| verify_server_name(&parsed, server).is_ok())
    }
}

fn reason(error: &Error, leaf: &[u8]) -> &'static str {
    let Error::InvalidCertificate(error) = error else { return "unsupported" };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "not_yet_valid",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "wrong_host",
        // webpki has its own word for one that signed itself and may sign others, too; a bad signature is that of an issuer who only bears the
        // name of a trusted one, and so is one that another sort of key would have made.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
        | CertificateError::Other(_)
            if certificate::is_self_issued(leaf) =>
        {
            "self_signed"
        }
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => "unknown_issuer",
        _ => "unsupported",
    }
}

fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let told = |error: &dyn std::fmt::Display| format!("cannot read the trust roots in {}: {error}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| told(&error))?;
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(|error| told(&error))?;
    if certificates.is_empty() { Err(told(&"it holds no PEM certificate")) } else { Ok(certificates) }
}

/// During the handshake: the server has the key of the certificate that it shows. Whether that is to be believed is judged right after it.
#[derive(Debug)]
struct SignatureOnly(Arc<CryptoProvider>);

impl ServerCertVerifier for SignatureOnly {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_has_to_be_proved() {
        let name = |host: Option<&str>, domain: Option<&str>| Reference::new(host, domain.map(str::to_owned));
        let dns = |text: &'static str| Some(ServerName::try_from(text).unwrap());
        assert_eq!(name(Some("xmpp1.host.example"), Some("example.org")).server, dns("example.org"));
        assert_eq!(name(Some("example.org."), None).server, dns("example.org"));
        assert_eq!(name(None, Some("müller.example")).server, dns("xn--mller-kva.example"));
        assert_eq!(name(None, Some("müller.example")).shown, "müller.example");
        assert_eq!(name(Some("[2001:db8::1]"), None).server, dns("2001:db8::1"));
        assert_eq!(name(Some("192.0.2.1"), None).server, dns("192.0.2.1"));
        assert_eq!(name(None, None).server, None);
        assert_eq!(name(Some("not a name"), None).server, None);
    }

    #[test]
    fn a_servers_own_certificate_may_be_an_extra_root() {
        let made = |authority: bool, until: i32| {
            let mut parameters = rcgen::CertificateParams::new(vec!["chat.example.org".to_owned()]).unwrap();
            if authority {
                parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            }
            parameters.not_after = rcgen::date_time_ymd(until, 1, 1);
            parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().clone()
        };
        for authority in [true, false] {
            let (listed, old, other) = (made(authority, 2090), made(authority, 2020), made(authority, 2090));
            let mut roots = RootCertStore::empty();
            roots.add(listed.clone()).unwrap();
            roots.add(old.clone()).unwrap();
            let policy = Policy::with_roots(roots, vec![listed.clone(), old.clone()]).unwrap();
            let judge = |host, leaf: &CertificateDer<'static>| match policy.judge(
                &Reference::new(Some(host), None),
                std::slice::from_ref(leaf),
                &[],
            ) {
                Verdict::Trusted => "trusted".to_owned(),
                Verdict::Doubtful(certificate) => certificate.reason,
            };
            assert_eq!(judge("chat.example.org", &listed), "trusted");
            assert_ne!(judge("other.example.org", &listed), "trusted");
            assert_eq!(judge("chat.example.org", &old), "expired");
            assert_ne!(judge("chat.example.org", &other), "trusted");
        }
    }

    #[test]
    fn extra_roots_must_hold_certificates() {
        let missing = read_roots(Path::new("/nonexistent/roots.pem")).unwrap_err();
        assert!(missing.contains("/nonexistent/roots.pem"), "{missing}");
        assert!(read_roots(Path::new("/dev/null")).unwrap_err().contains("no PEM certificate"));
    }
}
