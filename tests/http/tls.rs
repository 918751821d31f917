//! Over TLS the same is answered, and with a CA for clients nobody is heard who has no certificate of it.

use crate::client::Client;
use crate::server::Running;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use redraft::http::{Access, ServeError, Served, Server, Tls};
use redraft::{Store, Value};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A CA, and certificates that it has signed, as files.
pub(crate) struct Office {
    dir: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Office {
    pub(crate) fn new() -> Office {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let office = Office { dir: tempfile::tempdir().unwrap(), issuer };
        office.write("ca.pem", &office.issuer.pem());
        office
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A certificate for a name, and its key, as `NAME.pem` and `NAME.key`.
    pub(crate) fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let files = (format!("{name}.pem"), format!("{name}.key"));
        (self.write(&files.0, &certificate.pem()), self.write(&files.1, &key.serialize_pem()))
    }
}

fn served(tls: Tls) -> (Running, Arc<Store<Value>>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::<Value>::open(dir.path()).unwrap());
    store.produce(|doc| doc["n"] = 1.into()).unwrap();
    (Running::new(Server::new(Served::from(Arc::clone(&store))).tls(tls)), store, dir)
}

/// Asks for the state as a client that trusts this CA. Nothing if no connection comes about.
fn state(running: &Running, trusted: &Office, own: Option<(PathBuf, PathBuf)>) -> Option<serde_json::Value> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted.at("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let certificate = vec![CertificateDer::from_pem_file(certificate).unwrap()];
            config.with_client_auth_cert(certificate, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
        }
    };
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(running.address).unwrap();
    let mut client = Client::over(StreamOwned::new(connection, stream), "localhost");
    let request = "GET /v1/state HTTP/1.1\r\nhost: localhost\r\n\r\n";
    std::io::Write::write_all(client.stream.get_mut(), request.as_bytes()).ok()?;
    client.try_answer(false).map(|answer| answer.with(200))
}

#[test]
fn over_tls_the_same_is_answered() {
    let (office, other) = (Office::new(), Office::new());
    let (certificate, key) = office.sign("localhost");
    let (running, _store, _dir) = served(Tls::from_files(certificate, key, None).unwrap());
    assert_eq!(state(&running, &office, None), Some(json!({ "n": 1 })));
    // A client that does not trust the server's CA does not talk to it.
    assert_eq!(state(&running, &other, None), None);
    // Nor is anybody heard who does not encrypt.
    let mut plain = running.client();
    plain.begin("GET", "/v1/state", &[], "");
    assert!(plain.try_answer(false).is_none());
    assert_eq!(state(&running, &office, None), Some(json!({ "n": 1 })));
}

#[test]
fn with_a_ca_for_clients_only_they_are_heard() {
    let (office, other) = (Office::new(), Office::new());
    let (certificate, key) = office.sign("localhost");
    let tls = Tls::from_files(certificate, key, Some(&office.at("ca.pem"))).unwrap();
    let (running, _store, _dir) = served(tls);
    assert_eq!(state(&running, &office, Some(office.sign("ann"))), Some(json!({ "n": 1 })));
    assert_eq!(state(&running, &office, None), None);
    assert_eq!(state(&running, &office, Some(other.sign("ann"))), None);
}

#[test]
fn files_that_are_no_certificates_are_refused_by_name() {
    let office = Office::new();
    let (certificate, key) = office.sign("localhost");
    let (_, other_key) = office.sign("other");
    let empty = office.write("empty.pem", "");
    let missing = office.at("missing.pem");
    let cases = [
        (&empty, &key, None, &empty),
        (&missing, &key, None, &missing),
        (&certificate, &empty, None, &empty),
        (&certificate, &certificate, None, &certificate),
        (&certificate, &other_key, None, &other_key),
        (&certificate, &key, Some(empty.as_path()), &empty),
    ];
    for (certificate, key, ca, named) in cases {
        match Tls::from_files(certificate, key, ca).unwrap_err() {
            ServeError::Tls { path, .. } => assert_eq!(path, *named),
            other => panic!("{other:?}"),
        }
    }
    let tls = Tls::from_files(&certificate, &key, None).unwrap();
    assert!(format!("{tls:?}").len() < 40, "{tls:?}");
}

/// Which addresses need to know who asks, and what is enough for that.
#[test]
fn an_address_that_others_reach_is_not_opened_to_everybody() {
    let office = Office::new();
    let (certificate, key) = office.sign("localhost");
    let tls = |ca| Tls::from_files(&certificate, &key, ca).unwrap();
    let ca = office.at("ca.pem");
    let tokens = redraft::http::Tokens::parse("read 0123456789abcdef").unwrap();
    let bind = |address: &str, access: Access, tls: Option<Tls>| {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::new(Store::<Value>::open(dir.path()).unwrap()).access(access);
        let server = match tls {
            Some(tls) => server.tls(tls),
            None => server,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(server.bind(address.parse().unwrap())).map(drop)
    };
    let is_open = |answer| matches!(answer, Err(ServeError::Open { .. }));
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        assert!(is_open(bind(address, Access::new(), None)), "{address}");
        assert!(is_open(bind(address, Access::new(), Some(tls(None)))), "{address} with TLS alone");
        assert!(is_open(bind(address, Access::new().read_only(true), None)), "{address} to read");
        assert!(is_open(bind(address, Access::new().host("a.example").origin("https://a.example"), None)));
    }
    bind("0.0.0.0:0", Access::new().tokens(tokens), None).unwrap();
    bind("0.0.0.0:0", Access::new(), Some(tls(Some(&ca)))).unwrap();
    for address in ["127.0.0.1:0", "127.9.9.9:0"] {
        bind(address, Access::new(), None).unwrap();
    }
}
