//! Opening stores the way the verbs want them: only existing ones, with what opening found told on stderr.

use crate::text;
use anyhow::Result;
use redraft::{Options, Reader, Store, Value};
use std::io::Write;
use std::path::Path;

/// Opens an existing store for changes.
pub(crate) fn write(path: &Path) -> Result<Store<Value>> {
    told(Options::new().create(false).open(path)?)
}

/// Opens a store for changes, and makes it where there is nothing.
pub(crate) fn write_or_create(path: &Path) -> Result<Store<Value>> {
    told(Options::new().open(path)?)
}

/// Opens a store for reading, beside a writer if there is one.
pub(crate) fn read(path: &Path) -> Result<Reader<Value>> {
    Ok(Options::new().open_read_only(path)?)
}

/// A cut or a snapshot passed over is no error, but nobody should have to ask for it.
pub(crate) fn told(store: Store<Value>) -> Result<Store<Value>> {
    let opened = store.opened();
    if let Some(cut) = &opened.cut {
        let place = format!("{}, byte {}", cut.path.display(), cut.byte);
        note(&format!(
            "cut an unfinished write of {} bytes at {place}: {}; the store ends at version {}",
            cut.bytes, cut.found, cut.head
        ));
    }
    for error in &opened.passed_over {
        note(&format!("passed over an unusable snapshot: {error}"));
    }
    Ok(store)
}

/// A remark on stderr that is not an error.
pub(crate) fn note(remark: &str) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(std::io::stderr().lock(), "note: {}", text::one_line(remark));
}
