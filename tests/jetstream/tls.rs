//! Over TLS the same is read, by who trusts the server and has a certificate where one is asked for.

use crate::appending::read;
use crate::servers::{Server, append, there_are_servers};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use redraft::ErrorKind;
use redraft::jetstream::JetStream;
use std::path::{Path, PathBuf};

/// A CA in `dir`, and a certificate for each name, as `NAME.pem` and `NAME.key`.
fn certificates(dir: &Path, names: &[&str]) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(dir.join("ca.pem"), issuer.pem()).unwrap();
    for name in names {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![(*name).to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        std::fs::write(dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

#[test]
fn a_stream_is_reached_over_tls_by_who_may_and_by_nobody_else() {
    if !there_are_servers() {
        return;
    }
    let (office, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    certificates(office.path(), &["127.0.0.1", "ann"]);
    certificates(other.path(), &["ann"]);
    let at = |name: &str| office.path().join(name);
    let text = |path: PathBuf| path.display().to_string();
    let (ca, certificate, key) = (text(at("ca.pem")), text(at("127.0.0.1.pem")), text(at("127.0.0.1.key")));
    let tls = ["--tlsverify", "--tlscacert", &ca, "--tlscert", &certificate, "--tlskey", &key];
    let server = Server::with(&tls);
    let address = server.url().replace("nats://", "tls://");
    let settings = JetStream::new([&address], "board").timeout(std::time::Duration::from_secs(5));
    let stream = settings.clone().ca(at("ca.pem")).identity(at("ann.pem"), at("ann.key")).open().unwrap();
    append(&stream, &[b"one"]);
    assert_eq!(read(&stream, 0), [b"one".to_vec()]);
    for refused in [
        settings.clone(),
        settings.clone().ca(at("ca.pem")),
        settings.clone().ca(other.path().join("ca.pem")).identity(at("ann.pem"), at("ann.key")),
        settings
            .clone()
            .ca(at("ca.pem"))
            .identity(other.path().join("ann.pem"), other.path().join("ann.key")),
        settings.ca(at("missing.pem")),
    ] {
        let error = refused.open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error:?}");
    }
}
