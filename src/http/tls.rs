//! [`Tls`]: the certificate a server shows, and whose certificates it wants to see.
//!
//! All cryptography is rustls' and ring's. Always: a key is not printed, not even by `Debug`.

use super::listen::ServeError;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// How connections are encrypted, and who may make one.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    asks_clients: bool,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("asks_clients", &self.asks_clients).finish_non_exhaustive()
    }
}

impl Tls {
    /// Shows the certificates in a PEM file, the server's own first, of which `key` is the key. With `client_ca`, a PEM file of
    /// certificates too, only clients that show one signed by one of those can connect. Reads the files; TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// [`ServeError::Tls`] naming the file.
    ///
    /// ```no_run
    /// use redraft::http::Tls;
    ///
    /// let tls = Tls::from_files("server.pem", "server.key", None)?;
    /// # Ok::<(), redraft::http::ServeError>(())
    /// ```
    pub fn from_files(
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
        client_ca: Option<&Path>,
    ) -> Result<Tls, ServeError> {
        let (certificate, key) = (certificate.as_ref(), key.as_ref());
        let own = certificates(certificate)?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| refused(key, error))?;
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(certificate, error))?;
        let config = match client_ca {
            None => config.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(roots(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                config.with_client_cert_verifier(verifier.map_err(|error| refused(path, error))?)
            }
        };
        let mut config = config.with_single_cert(own, secret).map_err(|error| refused(key, error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { config: Arc::new(config), asks_clients: client_ca.is_some() })
    }

    /// Whether clients need a certificate.
    pub(super) fn asks_clients(&self) -> bool {
        self.asks_clients
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    let found = CertificateDer::pem_file_iter(path).map_err(|error| refused(path, error))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| refused(path, error))?;
    match found.is_empty() {
        true => Err(refused(path, std::io::Error::other("there is no certificate in it"))),
        false => Ok(found),
    }
}

fn roots(path: &Path) -> Result<RootCertStore, ServeError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| refused(path, error))?;
    }
    Ok(roots)
}

fn refused(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> ServeError {
    ServeError::Tls { path: path.into(), source: Box::new(source) }
}
