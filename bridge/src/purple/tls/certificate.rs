//! A certificate in words, for the question about it; nothing here says whether to trust it.

use crate::model::Certificate;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// Names shown; a certificate may hold thousands.
const NAMES: usize = 50;
/// Characters shown of a text.
const TEXT: usize = 256;

/// SHA-256 over the certificate, as `AB:CD:…`.
pub(super) fn fingerprint(der: &[u8]) -> String {
    let mut text = String::with_capacity(96);
    for byte in Sha256::digest(der) {
        if !text.is_empty() {
            text.push(':');
        }
        let _ = write!(text, "{byte:02X}");
    }
    text
}

/// Issuer and subject are the same.
pub(super) fn is_self_issued(der: &[u8]) -> bool {
    X509Certificate::from_der(der).is_ok_and(|(_, certificate)| certificate.subject().as_raw() == certificate.issuer().as_raw())
}

/// Neither expired nor not yet valid.
pub(super) fn is_current(der: &[u8]) -> bool {
    X509Certificate::from_der(der).is_ok_and(|(_, certificate)| certificate.validity().is_valid())
}

/// The certificate for the person who has to decide about it. One that cannot be read is `unsupported`, with nothing but its fingerprint.
pub(super) fn describe(der: &[u8], host: &str, reason: &str) -> Certificate {
    let mut told = Certificate {
        host: host.to_owned(),
        fingerprint: fingerprint(der),
        names: Vec::new(),
        subject: String::new(),
        issuer: String::new(),
        not_before: None,
        not_after: None,
        reason: reason.to_owned(),
    };
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        "unsupported".clone_into(&mut told.reason);
        return told;
    };
    told.subject = shown(&certificate.subject().to_string());
    told.issuer = shown(&certificate.issuer().to_string());
    told.not_before = Timestamp::from_seconds(certificate.validity().not_before.timestamp());
    told.not_after = Timestamp::from_seconds(certificate.validity().not_after.timestamp());
    if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
        told.names = alternatives.value.general_names.iter().filter_map(name).take(NAMES).collect();
    }
    if told.names.is_empty() {
        let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        told.names = common.map(shown).take(NAMES).collect();
    }
    told
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(shown(name)),
        GeneralName::IPAddress(octets) => {
            let four = <[u8; 4]>::try_from(*octets).map(|four| std::net::IpAddr::from(four).to_string());
            four.or_else(|_| <[u8; 16]>::try_from(*octets).map(|sixteen| std::net::IpAddr::from(sixteen).to_string())).ok()
        }
        _ => None,
    }
}

/// Strangers write certificates: no control characters, no characters that turn the direction of writing, no endless texts.
fn shown(text: &str) -> String {
    let turning = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().take(TEXT).map(|c| if c.is_control() || turning(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_in_full() {
        let mut parameters = rcgen::CertificateParams::new(vec!["chat.example.org".to_owned(), "192.0.2.7".to_owned()]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "a\u{202e}b\nc");
        parameters.not_before = rcgen::date_time_ymd(2020, 2, 3);
        parameters.not_after = rcgen::date_time_ymd(2021, 2, 3);
        let certificate = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let told = describe(certificate.der(), "example.org", "expired");
        assert_eq!(told.names, ["chat.example.org", "192.0.2.7"]);
        assert!(told.subject.contains("a\u{fffd}b") && !told.subject.contains('\n'), "{}", told.subject);
        assert_eq!(told.subject, told.issuer);
        assert!(is_self_issued(certificate.der()));
        assert_eq!(told.not_before.map(|at| at.to_string()).as_deref(), Some("2020-02-03T00:00:00.000Z"));
        assert_eq!(told.not_after.map(|at| at.to_string()).as_deref(), Some("2021-02-03T00:00:00.000Z"));
        assert_eq!(told.fingerprint.len(), 95);
        assert!(told.fingerprint.split(':').all(|byte| byte.len() == 2 && u8::from_str_radix(byte, 16).is_ok()));
    }

    #[test]
    fn what_is_no_certificate_has_a_fingerprint_all_the_same() {
        let told = describe(b"abc", "h", "unknown_issuer");
        assert_eq!(told.reason, "unsupported");
        let known = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
        assert_eq!(told.fingerprint, known);
        assert!(!is_self_issued(b"abc"));
    }
}
