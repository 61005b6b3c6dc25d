//! The certificate that a server of `https` shows: the user's own, or one that is made here and kept.
//!
//! One that is made names this machine only (`localhost`, the loopback addresses, and the address that is served on), so that
//! whoever trusts it trusts nobody else. It is kept, so that a browser asks only once. Whoever connects speaks HTTP/1.1, as
//! with `wrangler dev`: no other protocol is agreed to.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::base::clock::Timestamp;

/// How long a certificate that is made is valid, days: the most that all browsers take.
const VALID_DAYS: u64 = 825;
/// How old a kept certificate may be, days, before another one is made.
const KEPT_DAYS: i64 = 730;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// The first year of a certificate's validity: clocks of other machines may be wrong.
const VALID_SINCE: (i32, u8, u8) = (2025, 1, 1);

/// Which certificate is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// The one in these files, in PEM: the certificate, or a chain of them, and its key.
    Given {
        /// The certificate.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// One that is kept in this directory, made if there is none.
    Kept(PathBuf),
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be used.
    #[error("cannot read the {what} in `{}`: {error}", .path.display())]
    Unreadable {
        /// What the file is to have.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: String,
    },
    /// The two do not belong together.
    #[error("the certificate in `{}` cannot be used with the key in `{}`: {error}", .certificate.display(), .key.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// In what way.
        error: rustls::Error,
    },
    /// None can be made.
    #[error("cannot make a certificate: {0}")]
    Made(#[from] rcgen::Error),
    /// The one that was made cannot be kept.
    #[error("cannot keep the certificate in `{}`: {error}", .directory.display())]
    Unkept {
        /// Where.
        directory: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

impl Certificate {
    /// What accepts connections with it on `ip`, today being `now`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn acceptor(&self, ip: IpAddr, now: Timestamp) -> Result<TlsAcceptor, CertificateError> {
        match self {
            Self::Given { certificate, key } => acceptor_of(certificate, key),
            Self::Kept(directory) => {
                let files = [directory.join("cert.pem"), directory.join("key.pem")];
                let [certificate, key] = &files;
                if is_fresh(certificate, now)
                    && is_for(&directory.join("address"), ip)
                    && let Ok(acceptor) = acceptor_of(certificate, key)
                {
                    return Ok(acceptor);
                }
                make(directory, ip, now)?;
                acceptor_of(certificate, key)
            }
        }
    }
}

fn acceptor_of(certificate: &Path, key: &Path) -> Result<TlsAcceptor, CertificateError> {
    let unreadable = |what, path: &Path, error: String| CertificateError::Unreadable {
        what,
        path: path.to_owned(),
        error,
    };
    let of_certificate =
        |error: rustls::pki_types::pem::Error| unreadable("certificate", certificate, said(&error));
    let chain = CertificateDer::pem_file_iter(certificate).map_err(of_certificate)?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(of_certificate)?;
    if chain.is_empty() {
        return Err(unreadable("certificate", certificate, "there is none in PEM form".to_owned()));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("key", key, said(&error)))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret));
    let mismatch = |error| CertificateError::Mismatch {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        error,
    };
    Ok(TlsAcceptor::from(Arc::new(config.map_err(mismatch)?)))
}

fn said(error: &rustls::pki_types::pem::Error) -> String {
    match error {
        rustls::pki_types::pem::Error::Io(error) => error.to_string(),
        rustls::pki_types::pem::Error::NoItemsFound => "there is none in PEM form".to_owned(),
        error => error.to_string(),
    }
}

/// Whether the certificate in `path` was made lately.
fn is_fresh(path: &Path, now: Timestamp) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    let made = modified.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let made_ms = made.and_then(|since| i64::try_from(since.as_millis()).ok());
    made_ms.is_some_and(|made_ms| now.0.saturating_sub(made_ms) < KEPT_DAYS * DAY_MS)
}

/// Whether the certificate that was made names `ip`; `path` has the address beside the loopback ones.
fn is_for(path: &Path, ip: IpAddr) -> bool {
    is_named_anyway(ip) || fs::read_to_string(path).is_ok_and(|text| text == ip.to_string())
}

fn is_named_anyway(ip: IpAddr) -> bool {
    ip.is_unspecified() || [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].contains(&ip)
}

/// Makes a certificate and its key in `directory`.
fn make(directory: &Path, ip: IpAddr, now: Timestamp) -> Result<(), CertificateError> {
    let mut names = vec!["localhost".to_owned(), "*.localhost".to_owned()];
    names.extend([IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].map(|ip| ip.to_string()));
    if !is_named_anyway(ip) {
        names.push(ip.to_string());
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.distinguished_name.push(DnType::OrganizationName, "dodev, on this machine");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let (year, month, day) = VALID_SINCE;
    params.not_before = rcgen::date_time_ymd(year, month, day);
    let days = u64::try_from(now.0 / DAY_MS).unwrap_or(0) + VALID_DAYS;
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(days * 24 * 60 * 60);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let keep = || {
        fs::create_dir_all(directory)?;
        write(directory, "key.pem", &key.serialize_pem())?;
        write(directory, "address", &ip.to_string())?;
        write(directory, "cert.pem", &certificate.pem())
    };
    keep().map_err(|error| CertificateError::Unkept { directory: directory.to_owned(), error })
}

/// Writes the file `name`, which only this user reads where systems know that; another server may do so at the same time.
fn write(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    let fresh = directory.join(format!("{name}.{}", std::process::id()));
    // What an earlier process left may have other permissions.
    drop(fs::remove_file(&fresh));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&fresh, directory.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_certificate_is_made_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let (kept, now) = (Certificate::Kept(directory.path().join("https")), Clock::system().now());
        let read = || fs::read(directory.path().join("https/cert.pem")).unwrap();
        kept.acceptor(LOCAL, now).unwrap();
        let first = read();
        kept.acceptor(LOCAL, now).unwrap();
        assert_eq!(read(), first);
        // Another address, a long time, or a file that is none: another certificate.
        kept.acceptor([192, 168, 1, 2].into(), now).unwrap();
        let second = read();
        assert_ne!(second, first);
        kept.acceptor([192, 168, 1, 2].into(), now.plus_ms(KEPT_DAYS * DAY_MS + DAY_MS)).unwrap();
        assert_ne!(read(), second);
        fs::write(directory.path().join("https/key.pem"), "nothing").unwrap();
        kept.acceptor(LOCAL, now).unwrap();
        assert!(fs::read_to_string(directory.path().join("https/key.pem")).unwrap().contains("PRIVATE KEY"));
    }

    #[test]
    fn files_that_are_no_certificate_are_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        Certificate::Kept(directory.path().join("a")).acceptor(LOCAL, now).unwrap();
        Certificate::Kept(directory.path().join("b")).acceptor(LOCAL, now).unwrap();
        fs::write(directory.path().join("none"), "no PEM").unwrap();
        for (certificate, key, words) in [
            ("missing", "a/key.pem", "cannot read the certificate in"),
            ("a/cert.pem", "missing", "cannot read the key in"),
            ("none", "a/key.pem", "there is none in PEM form"),
            ("a/cert.pem", "none", "there is none in PEM form"),
            ("a/cert.pem", "b/key.pem", "cannot be used with the key"),
            ("a/cert.pem", "a/key.pem", ""),
        ] {
            let [certificate, key] = [certificate, key].map(|name| directory.path().join(name));
            match (Certificate::Given { certificate, key }).acceptor(LOCAL, now) {
                Ok(_) => assert_eq!(words, ""),
                Err(error) => {
                    let text = error.to_string();
                    assert!(!words.is_empty() && text.contains(words), "{text}");
                }
            }
        }
    }
}
