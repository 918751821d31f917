//! Whom a client trusts over TLS, and what it shows of itself: PEM files made into what rustls takes.
//!
//! Leaves connecting to `http` and `jetstream`. Always: it computes with ring, whatever else the program has compiled in; nothing of a key
//! is told in an error.

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Trusts who is signed by one of the certificates in the file `ca`, or, without one, whom the system trusts; shows the certificate in
/// the first file of `identity`, whose key is in the second.
pub(crate) fn client(ca: Option<&Path>, identity: Option<&(PathBuf, PathBuf)>) -> io::Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let config = match ca {
        None => config.with_platform_verifier().map_err(io::Error::other)?,
        Some(path) => config.with_root_certificates(roots(path)?),
    };
    match identity {
        None => Ok(config.with_no_client_auth()),
        Some((certificate, key)) => {
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
            config
                .with_client_auth_cert(certificates(certificate)?, secret)
                .map_err(|error| unusable(certificate, &error))
        }
    }
}

fn unusable(path: &Path, error: &dyn fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("cannot use {}: {error}", path.display()))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_file_iter(path).map_err(|error| unusable(path, &error))?;
    found.collect::<std::result::Result<_, _>>().map_err(|error| unusable(path, &error))
}

fn roots(path: &Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(path, &error))?;
    }
    if roots.is_empty() { Err(unusable(path, &"there is no certificate in it")) } else { Ok(roots) }
}
