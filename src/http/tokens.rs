//! [`Tokens`]: secrets that say what whoever sends them may do. Read from a file or the environment, compared in constant time.
//!
//! Leaves requests to `access`. Always: no token is printed, not even by `Debug` or in an error, and how long a comparison takes
//! tells nothing of what a token is.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use subtle::{Choice, ConstantTimeEq};

/// The fewest characters a token may have: fewer can be guessed.
const LENGTH_MIN: usize = 16;
/// The longest file of tokens that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The environment's names for a token of each scope.
const ENVIRONMENT: [(&str, Scope); 2] =
    [("REDRAFT_READ_TOKEN", Scope::Read), ("REDRAFT_WRITE_TOKEN", Scope::Write)];

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// To read everything.
    Read,
    /// To read, and to submit changes.
    Write,
}

/// The tokens that a server takes. Empty at first: nobody needs one then.
///
/// ```
/// use redraft::http::Tokens;
///
/// let tokens = Tokens::parse("# for the dashboard\nread 6f1d8a02c9e4b753\n\nwrite 90ab3cf17e5d2846\n")?;
/// assert!(format!("{tokens:?}").contains("2")); // how many, and nothing else
/// assert!(Tokens::parse("write short").is_err());
/// # Ok::<(), redraft::http::TokensError>(())
/// ```
#[derive(Clone, Default)]
pub struct Tokens(Vec<(Scope, Box<[u8]>)>);

/// Why tokens were not taken. Nothing of a token is told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokensError {
    /// The file cannot be read.
    #[error("cannot read the tokens in {path}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// Others than its owner may read or write the file, or it is no plain file.
    #[error("the tokens in {path} are open to others (mode {mode:03o}); chmod 600 it, and replace them if others were there", path = .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A line is not `read TOKEN`, `write TOKEN`, a comment or empty.
    #[error("line {line} of the tokens {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A variable of the environment holds no token.
    #[error("the token in {name} {reason}")]
    Environment {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no token in it, so that everybody would be let in.
    #[error("there is no token in {path}: a line is \"read TOKEN\" or \"write TOKEN\"", path = .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

impl Tokens {
    /// Reads lines of `read TOKEN` or `write TOKEN`; those that are empty or begin with `#` say nothing. A token has at least 16
    /// characters, none of them a space. O(length).
    ///
    /// # Errors
    /// [`TokensError::Line`].
    pub fn parse(text: &str) -> Result<Tokens, TokensError> {
        let mut tokens = Tokens::default();
        for (index, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
            if !line.is_empty() && !line.starts_with('#') {
                tokens.0.push(token(line).map_err(|reason| TokensError::Line { line: index, reason })?);
            }
        }
        Ok(tokens)
    }

    /// [Reads](Tokens::parse) a file, which nobody but its owner may read or write.
    ///
    /// # Errors
    /// [`TokensError::Exposed`], [`TokensError::Empty`], [`TokensError::Line`], [`TokensError::Io`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Tokens, TokensError> {
        let path = path.as_ref();
        let text = private(path)?;
        match Tokens::parse(&text)? {
            tokens if tokens.is_empty() => Err(TokensError::Empty { path: path.into() }),
            tokens => Ok(tokens),
        }
    }

    /// The tokens in the environment: `REDRAFT_READ_TOKEN` and `REDRAFT_WRITE_TOKEN`, if they are there and not empty.
    ///
    /// # Errors
    /// [`TokensError::Environment`] when one is too short, or holds what a header cannot.
    pub fn from_environment() -> Result<Tokens, TokensError> {
        let mut tokens = Tokens::default();
        for (name, scope) in ENVIRONMENT {
            // One that is no text is refused as well: passed over, it would leave the server open.
            let text = std::env::var_os(name).unwrap_or_default();
            if !text.is_empty() {
                let secret = secret(&text.to_string_lossy());
                let secret = secret.map_err(|reason| TokensError::Environment { name, reason })?;
                tokens.0.push((scope, secret));
            }
        }
        Ok(tokens)
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Tokens) -> Tokens {
        self.0.extend(others.0);
        self
    }

    /// Whether there are none. O(1).
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What this token allows, if it is one of ours. Compares with all of them, whichever it is.
    pub(super) fn scope_of(&self, sent: &[u8]) -> Option<Scope> {
        let allows = |scope: Scope| {
            let ours = self.0.iter().filter(|(known, _)| *known == scope);
            ours.fold(Choice::from(0), |found, (_, token)| found | token.ct_eq(sent))
        };
        let (read, write) = (allows(Scope::Read), allows(Scope::Write));
        match (bool::from(write), bool::from(read)) {
            (true, _) => Some(Scope::Write),
            (false, true) => Some(Scope::Read),
            (false, false) => None,
        }
    }
}

fn token(line: &str) -> Result<(Scope, Box<[u8]>), &'static str> {
    let (scope, text) =
        line.split_once(char::is_whitespace).ok_or("is not \"read TOKEN\" or \"write TOKEN\"")?;
    let scope = match scope {
        "read" => Scope::Read,
        "write" => Scope::Write,
        _ => return Err("begins with neither \"read\" nor \"write\""),
    };
    Ok((scope, secret(text.trim())?))
}

fn secret(text: &str) -> Result<Box<[u8]>, &'static str> {
    match text {
        _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err("holds a space, or what a header cannot")
        }
        _ if text.len() < LENGTH_MIN => Err("holds a token of less than 16 characters, which can be guessed"),
        _ => Ok(text.as_bytes().into()),
    }
}

/// What is in a file that only its owner can read. The open file is asked, for a name may mean another by then.
#[expect(clippy::disallowed_methods, reason = "this is a file of the program's user, not a store's")]
fn private(path: &Path) -> Result<String, TokensError> {
    let failed = |source| TokensError::Io { path: path.into(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    let mode = about.permissions().mode() & 0o777;
    if !about.is_file() || mode & 0o077 != 0 {
        return Err(TokensError::Exposed { path: path.into(), mode });
    }
    if about.len() > FILE_BYTES_MAX {
        return Err(failed(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            "no file of tokens is that long",
        )));
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}
