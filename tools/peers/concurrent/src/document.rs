//! What a document is asked that two people write at the same time.

use anyhow::Result;

use crate::trace::Edit;

pub(crate) trait Document: Sized {
    /// What one document tells another.
    type Message;

    /// Two documents with the same empty text, for two people.
    fn pair() -> Result<[Self; 2]>;

    /// Changes the text, as one transaction.
    fn write(&mut self, edits: &[Edit]) -> Result<()>;

    /// What was written here since this was last called.
    fn send(&mut self) -> Result<Self::Message>;

    /// How many bytes that takes on its way.
    fn length(message: &Self::Message) -> usize;

    fn receive(&mut self, message: &Self::Message) -> Result<()>;

    fn text(&self) -> Result<String>;

    /// The document with all of its history, as it is kept in a file.
    fn save(&mut self) -> Result<Vec<u8>>;

    fn open(file: &[u8]) -> Result<Self>;
}
