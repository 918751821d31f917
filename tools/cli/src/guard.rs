//! Who may ask a server that a verb starts, and how it shows who it is: the arguments that all such verbs have.
//!
//! Always: tokens come from a file or the environment, never from the command line, which others on the machine can read.

use anyhow::{Context, Result};
use redraft::http::{Access, Tls, Tokens};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Guard {
    /// Only those with a token in this file may ask; nobody else may be able to read it.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Encrypt, with this certificate.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Only clients with a certificate of this CA may connect.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// A name that clients call this server by, besides its address; may be given again.
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// An origin whose pages may ask, like https://app.example; may be given again.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
}

impl Guard {
    pub(crate) fn access(&self) -> Result<Access> {
        let mut tokens = Tokens::from_environment().context("the tokens in the environment")?;
        if let Some(file) = &self.token_file {
            tokens = tokens.and(Tokens::from_file(file)?);
        }
        let access = self.allow_host.iter().fold(Access::new().tokens(tokens), Access::host);
        Ok(self.allow_origin.iter().fold(access, Access::origin))
    }

    pub(crate) fn tls(&self) -> Result<Option<Tls>> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        Ok(Some(Tls::from_files(certificate, key, self.client_ca.as_deref())?))
    }
}
