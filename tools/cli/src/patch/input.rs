//! Documents and patches from files and stdin.

use crate::apply::Format;
use crate::{exit, files};
use anyhow::{Context, Result};
use redraft::{Patch, Value};
use std::path::{Path, PathBuf};

/// Proof that stdin was asked for once at most: the second time it would be found empty.
#[derive(Debug)]
pub(super) struct Input(());

impl Input {
    pub(super) fn of<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> Result<Input> {
        match paths.into_iter().filter(|path| files::is_stdin(path)).count() {
            0 | 1 => Ok(Input(())),
            _ => Err(exit::Usage("stdin (-) can be read only once".into()).into()),
        }
    }

    pub(super) fn document(&self, path: &Path) -> Result<Value> {
        Value::from_json(&files::read(path)?).with_context(|| files::name(path))
    }

    pub(super) fn patch(&self, path: &Path, format: Format, doc: &Value) -> Result<Patch> {
        format.read(&files::read(path)?, doc).with_context(|| files::name(path))
    }
}
