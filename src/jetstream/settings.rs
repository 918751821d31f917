//! [`JetStream`]: where a stream is, how it is reached, and what it has to be like.
//!
//! Leaves talking to `line`, and what a stream must be like to `shape`. Always: a secret is in no address, and is printed nowhere; what
//! cannot be used is refused before anybody is asked.

use super::stream::Stream;
use crate::error::{Error, IoContext, Result};
use crate::io::{Access, Env, read_full_at};
use crate::layout::StoreId;
use crate::replica::Place;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// How long it may take until something is answered.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The longest file with a secret that is read.
const SECRET_BYTES_MAX: usize = 64 << 10;
/// As long as a name may be, so that those made of it are good as well.
const NAME_BYTES_MAX: usize = 64;

/// A stream of NATS JetStream that holds a log, and how it is reached.
///
/// ```no_run
/// use redraft::jetstream::JetStream;
/// use redraft::{Options, Replica, Value, replica::Beginning};
/// use std::sync::Arc;
///
/// let stream = JetStream::new(["nats://a.example", "nats://b.example", "nats://c.example"], "board")
///     .replicas(3)
///     .credentials_file("board.creds")
///     .open()?;
/// let replica: Replica<Value> = Options::new().replica_of(Arc::new(stream), "copy", Beginning::Oldest)?;
/// # Ok::<(), redraft::Error>(())
/// ```
#[derive(Clone)]
pub struct JetStream {
    pub(super) servers: Vec<String>,
    pub(super) stream: String,
    pub(super) replicas: usize,
    pub(super) create: bool,
    pub(super) timeout: Duration,
    pub(super) ca: Option<PathBuf>,
    pub(super) identity: Option<(PathBuf, PathBuf)>,
    pub(super) secret: Secret,
    pub(super) birth: Option<Birth>,
    pub(super) synced: bool,
    #[cfg(feature = "http")]
    pub(super) monitors: Vec<String>,
}

/// What shows who connects.
#[derive(Clone, Default)]
pub(super) enum Secret {
    #[default]
    None,
    Token(String),
    TokenFile(PathBuf),
    Password(String, String),
    Credentials(PathBuf),
}

/// Whose history a new stream is to hold, and where in it that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Birth {
    pub(super) store: StoreId,
    pub(super) epoch: u32,
    pub(super) place: Place,
}

impl fmt::Debug for JetStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One that was not looked at yet may hold what it must not.
        let shown = |server: &String| server.rsplit_once('@').map_or(server.clone(), |(_, host)| host.into());
        f.debug_struct("JetStream")
            .field("servers", &self.servers.iter().map(shown).collect::<Vec<String>>())
            .field("stream", &self.stream)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

impl JetStream {
    /// The stream of that name at any of these servers, which are one cluster: `nats://host:4222`, or `tls://host:4222` where nothing is to
    /// be said in the clear. Nothing is asked yet.
    pub fn new(servers: impl IntoIterator<Item = impl Into<String>>, stream: impl Into<String>) -> JetStream {
        JetStream {
            servers: servers.into_iter().map(Into::into).collect(),
            stream: stream.into(),
            replicas: 1,
            create: true,
            timeout: PATIENCE,
            ca: None,
            identity: None,
            secret: Secret::None,
            birth: None,
            synced: false,
            #[cfg(feature = "http")]
            monitors: Vec::new(),
        }
    }

    /// The same from one line: `nats://host:4222,host2?stream=NAME&replicas=3`, or with `tls://`.
    ///
    /// ```
    /// use redraft::jetstream::JetStream;
    ///
    /// let settings = JetStream::from_url("nats://a.example:4222,b.example?stream=board&replicas=3")?;
    /// assert!(format!("{settings:?}").contains("nats://b.example"));
    /// assert!(JetStream::from_url("nats://ann:secret@a.example?stream=board").is_err());
    /// # Ok::<(), redraft::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`] when it is no such address, or holds a secret.
    pub fn from_url(url: &str) -> Result<JetStream> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| senseless("it has no scheme"))?;
        if !matches!(scheme, "nats" | "tls") {
            return Err(senseless("it begins with neither nats:// nor tls://"));
        }
        let (hosts, query) = rest.split_once('?').unwrap_or((rest, ""));
        let servers = hosts.trim_end_matches('/').split(',').map(|host| format!("{scheme}://{host}"));
        let mut settings = JetStream::new(servers, "");
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "stream" => settings.stream = value.into_owned(),
                "replicas" => {
                    settings.replicas =
                        value.parse().map_err(|_| senseless("its number of replicas is none"))?;
                }
                _ => return Err(senseless("it says more than stream and replicas; a secret goes elsewhere")),
            }
        }
        settings.checked()?;
        Ok(settings)
    }

    /// On how many servers each message has to be, before it counts: 1, 3 or 5. A stream that has fewer is refused, one that is made gets
    /// as many. 1 at first.
    #[must_use]
    pub fn replicas(mut self, count: usize) -> JetStream {
        self.replicas = count;
        self
    }

    /// Whether a stream is made where there is none, or one that holds nothing is begun. It is, unless told otherwise; a program that
    /// has followed the stream before should say no.
    #[must_use]
    pub fn create(mut self, create: bool) -> JetStream {
        self.create = create;
        self
    }

    /// A new stream is to hold the history of this store from `place` on, instead of one that begins now.
    #[must_use]
    pub fn begin_with(mut self, store: StoreId, epoch: u32, place: Place) -> JetStream {
        self.birth = Some(Birth { store, epoch, place });
        self
    }

    /// Shows this token.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> JetStream {
        self.secret = Secret::Token(token.into());
        self
    }

    /// Shows the token in this file.
    #[must_use]
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> JetStream {
        self.secret = Secret::TokenFile(path.into());
        self
    }

    /// Shows a name and a password.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> JetStream {
        self.secret = Secret::Password(name.into(), password.into());
        self
    }

    /// Shows what is in a file of credentials, as `nsc` makes them.
    #[must_use]
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> JetStream {
        self.secret = Secret::Credentials(path.into());
        self
    }

    /// Trusts servers whose certificate is signed by one of those in this PEM file, and no others.
    #[must_use]
    pub fn ca(mut self, path: impl Into<PathBuf>) -> JetStream {
        self.ca = Some(path.into());
        self
    }

    /// Shows the certificate in one PEM file, whose key is in another.
    #[must_use]
    pub fn identity(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> JetStream {
        self.identity = Some((certificate.into(), key.into()));
        self
    }

    /// Whether a stream is refused unless what is acknowledged is known to be synced to the disks of at least three servers. It is not,
    /// unless told so: then it is said as a warning what an acknowledgement is worth.
    #[must_use]
    pub fn require_synced(mut self, required: bool) -> JetStream {
        self.synced = required;
        self
    }

    /// Asks at this address of a server's monitoring port (`http://host:8222`) when that server syncs, which the protocol of clients does not
    /// tell. To be said once for each server of a cluster: of one that is not asked, nothing is known. Servers before 2.10 do not tell it
    /// there either.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn monitor(mut self, url: impl Into<String>) -> JetStream {
        self.monitors.push(url.into());
        self
    }

    /// How long each question may take until it is answered; ten seconds at first.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> JetStream {
        self.timeout = timeout;
        self
    }

    /// Connects, makes the stream where there is none, and sees whether it can be relied on. Starts a thread; a handful of questions.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when no server answers, or refuses what is shown to it; [`Error::StreamSetting`] when the stream could lose or
    /// reorder what is written to it; [`Error::Altered`] when it holds something else; [`Error::Newer`].
    pub fn open(&self) -> Result<Stream> {
        self.checked()?;
        Stream::open(self)
    }

    /// The same without asking anybody yet: whoever uses the stream first connects, and as long as no server answers, whatever is asked of it is
    /// [`Error::Unreachable`]. So a [`Node`](crate::replica::Node) opens, shows what it has and has its changes wait, before there is anybody
    /// to reach. Starts a thread.
    ///
    /// # Errors
    /// When the settings make no sense; [`Error::Unreachable`] when no thread can be started.
    pub fn open_later(&self) -> Result<Stream> {
        self.checked()?;
        Stream::later(self)
    }

    /// What to call it in messages.
    pub(super) fn name(&self) -> String {
        format!("{}?stream={}", self.servers.join(","), self.stream)
    }

    /// Refuses what is no address, or holds a secret.
    fn checked(&self) -> Result<()> {
        if self.servers.is_empty() {
            return Err(senseless("it names no server"));
        }
        for server in &self.servers {
            let url = Url::parse(server).map_err(|error| senseless(&error.to_string()))?;
            if !matches!(url.scheme(), "nats" | "tls") || url.host_str().is_none_or(str::is_empty) {
                return Err(senseless("it is not nats:// or tls:// and the name of a machine"));
            }
            if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
                return Err(senseless(
                    "a secret does not belong in an address, which is logged on the way; there are token, user and credentials_file",
                ));
            }
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=NAME_BYTES_MAX).contains(&self.stream.len()) || !self.stream.bytes().all(is_plain) {
            return Err(senseless("a stream's name is 1 to 64 letters, digits, - and _"));
        }
        Ok(())
    }
}

impl Secret {
    /// The text that a file holds, where it is in one.
    pub(super) fn from_file(path: &Path) -> Result<String> {
        let file = Env::real().disk.open(path, Access::Read).during("open secret", path)?;
        let mut bytes = vec![0; SECRET_BYTES_MAX];
        let count = read_full_at(&*file, &mut bytes, 0).during("read secret", path)?;
        bytes.truncate(count);
        let text = String::from_utf8(bytes).map_err(|_| invalid("it is no text"));
        text.map(|text| text.trim().to_owned()).during("read secret", path)
    }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.to_owned())
}

fn senseless(why: &str) -> Error {
    Error::Unreachable {
        from: "an address".into(),
        operation: "make sense of it and read",
        source: invalid(why),
    }
}
