//! TLS failures in words for the person whose account it is; it decides nothing.

use super::stream::Stop;
use purple_sys::PurpleSslErrorType;
use rustls::{AlertDescription, Error, PeerIncompatible};

/// Why a connection failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// What libpurple's three cases make of it; a network failure is tried again, a refused certificate is not.
    pub(super) kind: PurpleSslErrorType,
    /// For programs: `network`, `encryption` or `certificate`.
    pub(super) code: &'static str,
    /// A sentence.
    pub(super) message: String,
}

impl Failure {
    pub(super) fn certificate(message: impl Into<String>) -> Self {
        Self { kind: PurpleSslErrorType::PURPLE_SSL_CERTIFICATE_INVALID, code: "certificate", message: message.into() }
    }

    fn network(message: String) -> Self {
        Self { kind: PurpleSslErrorType::PURPLE_SSL_CONNECT_FAILED, code: "network", message }
    }

    pub(super) fn of_handshake(stop: &Stop, host: &str) -> Self {
        match stop {
            Stop::Closed => Self::network(format!("{host} hung up during the TLS handshake.")),
            Stop::Io(error) => Self::network(format!("The connection to {host} broke during the TLS handshake: {error}")),
            Stop::Tls(error) => Self::of_tls(error, host),
        }
    }

    pub(super) fn of_tls(error: &Error, host: &str) -> Self {
        let kind = PurpleSslErrorType::PURPLE_SSL_HANDSHAKE_FAILED;
        Self { kind, code: "encryption", message: sentence(error, host) }
    }
}

fn sentence(error: &Error, host: &str) -> String {
    match error {
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        )
        | Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            format!("{host} speaks only TLS older than 1.2, which is not safe any more and not supported.")
        }
        Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity) => {
            format!(
                "{host} offers no encryption that is still safe (methods without forward secrecy, with CBC and SHA-1, or with old curves are not \
                 supported): {error}"
            )
        }
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            format!("The server says that it is not {host}; check the domain and the server's name.")
        }
        Error::AlertReceived(AlertDescription::CertificateRequired | AlertDescription::BadCertificate | AlertDescription::UnknownCA) => {
            format!("{host} wants a client certificate, which is not supported: {error}")
        }
        Error::AlertReceived(alert) => format!("{host} refused the TLS connection: {alert:?}"),
        Error::InvalidMessage(_) => {
            format!("What {host} answers is not TLS; the port may be one without encryption, or one that begins without it.")
        }
        Error::InvalidCertificate(_) | Error::NoCertificatesPresented => {
            format!(
                "The certificate of {host} is of a kind that is not supported (as X.509 version 1, RSA below 2048 bits, or SHA-1 are): {error}"
            )
        }
        other => format!("The TLS of {host} does not work: {other}"),
    }
}
