//! A store to be followed or compared: a directory, an address where one is served, or a stream.
//!
//! Always: a token comes from a file or the environment, never from the command line, which others on the machine can read.

use crate::{files, nats, places};
use anyhow::{Context, Result};
use redraft::http::RemoteOptions;
use redraft::replica::{Directory, Source};
use std::path::PathBuf;
use std::sync::Arc;

/// Where a token is looked for.
const TOKEN: &str = "REDRAFT_TOKEN";

/// How a store is reached that is served elsewhere.
#[derive(Debug, clap::Args)]
pub(crate) struct Reach {
    /// Show the token in this file (otherwise the one in REDRAFT_TOKEN, if there is one).
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Trust servers whose certificate this CA signed, and no others.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Show this certificate.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The certificate's key.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    #[command(flatten)]
    login: nats::Login,
}

impl Reach {
    /// The store at `place`, which is read only.
    pub(crate) fn open(&self, place: &str) -> Result<Arc<dyn Source>> {
        if places::address(place.as_ref()).is_some() {
            return Ok(Arc::new(self.login.open(place)?));
        }
        if !places::is_server(place) {
            places::must_be_a_path(place.as_ref())?;
            return Ok(Arc::new(Directory::open(place)?));
        }
        let mut options = RemoteOptions::new();
        if let Some(token) = self.token()? {
            options = options.token(token);
        }
        if let Some(ca) = &self.ca {
            options = options.ca(ca);
        }
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            options = options.identity(cert, key);
        }
        Ok(Arc::new(options.open(place)?))
    }

    /// The last word of the file's first line that says something: the file of a server may be used as it is.
    fn token(&self) -> Result<Option<String>> {
        let Some(file) = &self.token_file else { return Ok(std::env::var(TOKEN).ok()) };
        let text = String::from_utf8_lossy(&files::read(file)?).into_owned();
        let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let token = line.and_then(|line| line.split_whitespace().last());
        token
            .map(|token| Some(token.to_owned()))
            .with_context(|| format!("there is no token in {}", file.display()))
    }
}
