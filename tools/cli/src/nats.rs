//! Streams of NATS JetStream: how they are reached, and the copies of them that verbs work on.
//!
//! Leaves what is done with a copy to the verbs. Always: a secret comes from a file or the environment, never from the command line,
//! which others on the machine can read; a copy has one writer at a time, and is never taken for the copy of something else.

use crate::output::Output;
use crate::progress::{self, Unit};
use crate::{exit, files, stores};
use anyhow::{Context, Result};
use etcetera::BaseStrategy;
use indicatif::ProgressDrawTarget;
use redraft::jetstream::{JetStream, Stream};
use redraft::replica::{Beginning, Directory, Node, Source};
use redraft::{Error, Mirror, Options, Replica, Value};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What stands above these options in the help of a verb.
const HEADING: &str = "Where it is a stream of NATS JetStream";
/// Where what shows who connects is looked for.
const TOKEN: &str = "REDRAFT_NATS_TOKEN";
const USER: &str = "REDRAFT_NATS_USER";
const PASSWORD: &str = "REDRAFT_NATS_PASSWORD";
/// How long a copy is waited for that another command is working on.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a change is waited for that is under way.
const HEARD_OF_IN: Duration = Duration::from_secs(10);
const BREATH: Duration = Duration::from_millis(50);
/// What takes longer shows how far it is.
const UNSHOWN: Duration = Duration::from_secs(1);
/// Names of files may be as long as this, and a little longer.
const NAME_CHARS_MAX: usize = 200;

/// What shows a server of NATS who connects, and what shows that it is the right one.
#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    /// Show the credentials in this file, as nsc makes them (otherwise the token in REDRAFT_NATS_TOKEN, or REDRAFT_NATS_USER and
    /// REDRAFT_NATS_PASSWORD, if they are set).
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    nats_creds: Option<PathBuf>,
    /// Trust servers whose certificate this CA signed, and no others.
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    nats_ca: Option<PathBuf>,
}

/// The same, and where the copy is.
#[derive(Debug, clap::Args)]
pub(crate) struct Reach {
    /// Keep the copy in this directory (otherwise in one below the user's cache directory, named after stream and servers).
    #[arg(long, value_name = "DIR", help_heading = HEADING)]
    cache: Option<PathBuf>,
    /// Ask no server: work on the copy as it is.
    #[arg(long, help_heading = HEADING)]
    offline: bool,
    #[command(flatten)]
    login: Login,
}

impl Login {
    /// The stream at an address, of which nothing is asked yet. One that is not there is not made.
    pub(crate) fn settings(&self, url: &str) -> Result<JetStream> {
        let senseless = |error: Error| {
            let why =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            exit::Usage(format!("the address of a stream is nats://HOST:PORT?stream=NAME: {why}"))
        };
        let mut settings = JetStream::from_url(url).map_err(senseless)?.create(false);
        if let Some(ca) = &self.nats_ca {
            settings = settings.ca(ca);
        }
        let variable = |name| std::env::var(name).ok().filter(|text: &String| !text.is_empty());
        Ok(match (&self.nats_creds, variable(TOKEN), variable(USER)) {
            (Some(file), _, _) => settings.credentials_file(file),
            (None, Some(token), _) => settings.token(token),
            (None, None, Some(user)) => settings.user(user, variable(PASSWORD).unwrap_or_default()),
            (None, None, None) => settings,
        })
    }

    /// The stream at an address, which has to be there.
    pub(crate) fn open(&self, url: &str) -> Result<Stream> {
        Ok(self.settings(url)?.open()?)
    }
}

/// Says what an acknowledgement is worth, where it is less than a store's.
pub(crate) fn told_what_it_is_worth(stream: &Stream) {
    // It is a remark: a server that does not answer is heard of by what comes next.
    if let Ok(promise) = stream.promise()
        && !promise.survives_power_loss()
    {
        stores::note(&format!(
            "a change of this stream is {promise}; docs/jetstream.md tells what to do about it"
        ));
    }
}

/// Whether there is no such stream, or nothing was ever in it.
fn is_nothing_yet(error: &Error) -> bool {
    match error {
        Error::Unreachable { source, .. } => source.kind() == ErrorKind::NotFound,
        Error::Altered { sequence, .. } => *sequence == 0,
        _ => false,
    }
}

impl Reach {
    pub(crate) fn is_offline(&self) -> bool {
        self.offline
    }

    /// The stream at an address, which has to be there.
    pub(crate) fn stream(&self, url: &str) -> Result<Stream> {
        self.login.open(url)
    }

    /// Where the copy is, or would be.
    pub(crate) fn directory(&self, url: &str) -> Result<PathBuf> {
        if let Some(dir) = &self.cache {
            return Ok(dir.clone());
        }
        let base = etcetera::choose_base_strategy().context(
            "there is no directory for caches here: say where the copy of the stream is to be, with --cache",
        )?;
        files::make_private(&base.cache_dir().join("redraft"))?;
        Ok(base.cache_dir().join("redraft").join(name_of(url)))
    }

    /// Makes the stream at an address, or begins the history of one that holds nothing yet.
    pub(crate) fn begin(&self, url: &str) -> Result<()> {
        self.must_be_online(url)?;
        let settings = self.login.settings(url)?;
        let stream = match settings.open() {
            Ok(stream) => {
                let (store, head) = (stream.store()?, stream.status()?.head);
                anyhow::bail!("there is a history in it already, of store {store}, up to version {head}");
            }
            Err(error) if is_nothing_yet(&error) => {
                self.must_be_free(url)?;
                settings.create(true).open()?
            }
            Err(error) => return Err(error.into()),
        };
        told_what_it_is_worth(&stream);
        Ok(())
    }

    /// Refuses to begin a stream where there is a copy of what was there before.
    fn must_be_free(&self, url: &str) -> Result<()> {
        let dir = self.directory(url)?;
        match version_of(&dir) {
            None => Ok(()),
            Some(version) => anyhow::bail!(
                "there is a copy in {} of a stream that was there, up to version {version}: redraft mirror puts it back, or take \
                 another directory with --cache",
                dir.display()
            ),
        }
    }

    /// Refuses to write without asking anybody, and an address that is none before that.
    pub(crate) fn must_be_online(&self, url: &str) -> Result<()> {
        drop(self.login.settings(url)?);
        if self.offline {
            let told = "the stream has to be asked for this: --offline is for verbs that read";
            return Err(exit::Usage(told.into()).into());
        }
        Ok(())
    }

    /// The directory of the copy, with all that the stream has now; or as it is, where nobody is to be asked.
    pub(crate) fn up_to_date(&self, url: &str, output: &Output) -> Result<PathBuf> {
        // Before anything else: an address that is none is wrong, online or not.
        let settings = self.login.settings(url)?;
        let dir = self.directory(url)?;
        drop(settings);
        if self.offline {
            return Ok(as_it_is(dir)?);
        }
        let stream = self.opened(url, &dir)?;
        caught_up(&stream, &dir, output).map_err(|error| explained(error, &dir))?;
        Ok(dir)
    }

    /// A node in the directory of the copy, which has all that the stream has now; and that directory.
    pub(crate) fn node(&self, url: &str, output: &Output) -> Result<(Node<Value>, PathBuf)> {
        self.must_be_online(url)?;
        let dir = self.directory(url)?;
        let stream = Arc::new(self.login.open(url)?);
        caught_up(&stream, &dir, output).map_err(|error| explained(error, &dir))?;
        let node = patiently(&dir, || Options::new().open_node(stream.clone(), &dir), || Ok(None));
        let node = node.map_err(|error| explained(error.into(), &dir))?.patience(HEARD_OF_IN);
        Ok((node, dir))
    }

    /// The same for who makes a change: what waits there from before is in the stream by then.
    pub(crate) fn node_of_one_who_writes(
        &self,
        url: &str,
        output: &Output,
    ) -> Result<(Node<Value>, PathBuf)> {
        let (node, dir) = self.node(url, output)?;
        let waiting = node.writer().pending();
        if waiting > 0 {
            stores::note(&format!("{waiting} made here before, which waited for the stream, go first"));
            gone(&node, &dir)?;
        }
        Ok((node, dir))
    }

    /// A replica in the directory of the copy, which has all that the stream has now.
    pub(crate) fn replica(&self, url: &str, output: &Output) -> Result<Replica<Value>> {
        let dir = self.directory(url)?;
        let stream = self.opened(url, &dir)?;
        caught_up(&stream, &dir, output).map_err(|error| explained(error, &dir))?;
        let open = || Options::new().replica_of(stream.clone(), &dir, Beginning::Oldest);
        patiently(&dir, open, || Ok(None)).map_err(|error| explained(error.into(), &dir))
    }

    /// The stream, for who only reads: the copy would do as well.
    fn opened(&self, url: &str, dir: &Path) -> Result<Arc<Stream>> {
        let heard = [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::InvalidInput];
        self.login.open(url).map(Arc::new).map_err(|error| {
            let io = error.downcast_ref::<Error>().and_then(Error::io);
            match version_of(dir).filter(|_| io.is_some_and(|io| !heard.contains(&io.kind()))) {
                Some(version) => error.context(format!(
                    "with --offline you get what {} has of it, up to version {version}",
                    dir.display()
                )),
                None => error,
            }
        })
    }
}

/// The newest version in a directory, if there is a copy in it.
fn version_of(dir: &Path) -> Option<u64> {
    Directory::open(dir).and_then(|copy| copy.status()).ok().map(|status| status.head)
}

/// A copy that nobody is asked about, which is said.
fn as_it_is(dir: PathBuf) -> Result<PathBuf, exit::NotThere> {
    match version_of(&dir) {
        Some(version) => {
            stores::note(&format!(
                "offline: this is the copy in {}, up to version {version}; the stream may have more",
                dir.display()
            ));
            Ok(dir)
        }
        None => Err(exit::NotThere(format!(
            "there is no copy of the stream in {}: it has to be read once without --offline",
            dir.display()
        ))),
    }
}

/// Copies what the stream has and the directory has not. While another command has the directory, that may do it.
fn caught_up(stream: &Arc<Stream>, dir: &Path, output: &Output) -> Result<()> {
    let wanted = stream.status()?.head;
    let open = || Options::new().mirror_of(stream.clone(), dir, Beginning::Oldest).map(Some);
    let done = || Ok(version_of(dir).filter(|version| *version >= wanted).map(|_| None));
    let Some(mirror) = patiently(dir, open, done)? else { return Ok(()) };
    shown(mirror, wanted, output)
}

fn shown(mut mirror: Mirror, wanted: u64, output: &Output) -> Result<()> {
    let (bar, begun) = (progress::bar(Unit::Of(wanted, "changes"), true), Instant::now());
    let answer = mirror.catch_up_with(|step| {
        if begun.elapsed() >= UNSHOWN && bar.is_hidden() && !output.is_json() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_length(step.source_version);
        bar.set_position(step.version);
    });
    bar.finish_and_clear();
    let closed = mirror.close();
    answer?;
    Ok(closed?)
}

/// Tries again for as long as another command has the directory, unless that made it unnecessary.
fn patiently<T>(
    dir: &Path,
    open: impl Fn() -> redraft::Result<T>,
    instead: impl Fn() -> redraft::Result<Option<T>>,
) -> redraft::Result<T> {
    let until = Instant::now() + PATIENCE;
    let mut is_said = false;
    loop {
        match open() {
            Err(Error::Locked { .. }) if Instant::now() < until => {
                if until - Instant::now() + UNSHOWN < PATIENCE && !std::mem::replace(&mut is_said, true) {
                    stores::note(&format!(
                        "another command has the copy in {}: waiting up to {} s for that; with --cache this one has its own",
                        dir.display(),
                        PATIENCE.as_secs()
                    ));
                }
                if let Some(done) = instead()? {
                    return Ok(done);
                }
                thread::sleep(BREATH);
            }
            answer => return answer,
        }
    }
}

/// Returns once nothing waits any longer.
fn gone(node: &Node<Value>, dir: &Path) -> Result<()> {
    let still = || format!("what was made before still waits in {}; nothing was made now", dir.display());
    node.flush().with_context(still)
}

/// Says what to do about a copy that cannot be used.
pub(crate) fn explained(error: anyhow::Error, dir: &Path) -> anyhow::Error {
    let dir = dir.display();
    let told = match error.downcast_ref::<Error>() {
        Some(Error::Foreign { .. }) => format!(
            "{dir} has a copy of another history than the stream: it may be another stream, or made anew since. Nothing was \
             changed: take another directory with --cache, or put this one aside"
        ),
        Some(Error::Diverged { .. }) => format!(
            "{dir} and the stream do not agree. If the stream lost what is here, redraft mirror {dir} nats://.. puts it back; \
             otherwise take another directory with --cache"
        ),
        Some(Error::Role { .. }) => {
            format!("the copy of a stream is not a store: take another directory with --cache than {dir}")
        }
        Some(Error::Locked { .. }) => {
            format!(
                "another command has the copy in {dir} for longer; this one can have its own, with --cache"
            )
        }
        Some(Error::NotAStore { .. }) => {
            format!("there is no copy of a stream in {dir}")
        }
        _ => return error,
    };
    error.context(told)
}

/// The directory of a stream's copy: its name, and where its servers are.
fn name_of(url: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let (hosts, query) = rest.split_once('?').unwrap_or((rest, ""));
    let stream = query.split('&').find_map(|part| part.strip_prefix("stream=")).unwrap_or_default();
    let plain = |text: &str| -> String {
        let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        text.chars().map(|c| if kept(c) { c } else { '_' }).collect()
    };
    let name = format!("{}@{}", plain(stream), plain(hosts.trim_end_matches('/')));
    if name.len() <= NAME_CHARS_MAX { name } else { digest(&name) }
}

fn digest(name: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect()
}
