//! Where a store is that a verb works on: a directory, or a stream of NATS JetStream, of which a copy is kept on this machine.
//!
//! The one place that tells them apart, and both from a server of one over HTTP, which few verbs ask. Leaves streams to [`nats`], and
//! changes to [`writing`]. Always: a verb that reads gets a directory that has all that the stream had when it was asked, or, told
//! to be offline, one that is said to be what it is; the address of a server is never taken for the name of a directory.

use crate::output::Output;
use crate::writing::Target;
use crate::{exit, nats, stores};
use anyhow::Result;
use redraft::{Reader, Value};
use std::path::{Path, PathBuf};

/// A store, and how it is reached.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The store: a directory, or nats://HOST:PORT?stream=NAME (tls:// demands TLS).
    #[arg(value_name = "STORE", value_hint = clap::ValueHint::DirPath)]
    store: PathBuf,
    #[command(flatten)]
    reach: nats::Reach,
}

impl Place {
    /// As it was given.
    pub(crate) fn name(&self) -> String {
        self.store.display().to_string()
    }

    /// The address, where it is a stream.
    pub(crate) fn stream(&self) -> Option<(&str, &nats::Reach)> {
        Some((address(&self.store)?, &self.reach))
    }

    /// The directory that has it, brought up to date first where that is a copy.
    pub(crate) fn directory(&self, output: &Output) -> Result<PathBuf> {
        match self.stream() {
            None => Ok(self.path()?.to_owned()),
            Some((url, reach)) => reach.up_to_date(url, output),
        }
    }

    /// Opens it for reading, beside a writer if there is one.
    pub(crate) fn read(&self, output: &Output) -> Result<Reader<Value>> {
        stores::read(&self.directory(output)?)
    }

    /// Opens it for changes. There has to be one.
    pub(crate) fn write(&self, output: &Output) -> Result<Target> {
        match self.stream() {
            None => Ok(Target::Store(Box::new(stores::write(self.path()?)?))),
            Some((url, reach)) => reach.node_of_one_who_writes(url, output).map(Target::from),
        }
    }

    /// The directory, for a verb that has made sure that this is no stream.
    pub(crate) fn path(&self) -> Result<&Path> {
        must_be_a_path(&self.store)?;
        Ok(&self.store)
    }
}

/// The address, if this is that of a stream and no directory.
pub(crate) fn address(place: &Path) -> Option<&str> {
    place.to_str().filter(|text| text.starts_with("nats://") || text.starts_with("tls://"))
}

/// Whether this is the address of a server of a store over HTTP, and no directory.
pub(crate) fn is_server(place: &str) -> bool {
    place.starts_with("http://") || place.starts_with("https://")
}

/// Refuses an address that is none of a stream where a verb wants a store, and says what to do with one of a server.
pub(crate) fn must_be_a_path(place: &Path) -> Result<()> {
    let asked = "this works on a directory, and that is the address of a server: redraft follow ADDRESS DIR keeps a copy of its store; \
                compare, inspect and top ask it as it is";
    let unknown = "a store is a directory, or a stream at nats://HOST:PORT?stream=NAME (tls:// demands TLS); a directory that is called so is ./NAME";
    let told = match place.to_str() {
        Some(text) if is_server(text) => asked,
        Some(text) if has_scheme(text) && address(place).is_none() => unknown,
        _ => return Ok(()),
    };
    Err(exit::Usage(told.into()).into())
}

/// Whether this looks like an address: a word, a colon and two slashes, or a word that begins addresses.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_word = scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let is_known = ["nats", "tls", "http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    is_word && (is_known || rest.starts_with("//"))
}

/// Refuses a stream, and a server, where a verb works on the files of a store, and says what to do instead.
pub(crate) fn must_be_a_directory(place: &Path, instead: &str) -> Result<()> {
    must_be_a_path(place)?;
    // The address is not repeated: it may have a secret in it, which belongs into no log.
    match address(place) {
        Some(_) => Err(exit::Usage(format!("this works on a directory, not on a stream: {instead}")).into()),
        None => Ok(()),
    }
}
