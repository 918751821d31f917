//! A text in an Automerge document. What is told is changes, as `save_after` has them.

use anyhow::{Result, bail};
use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, Value};

use crate::document::Document;
use crate::trace::Edit;

const NAME: &str = "text";

pub(crate) struct Automerge {
    document: AutoCommit,
    text: ObjId,
    /// The heads up to which the other one is known to have everything.
    known: Vec<ChangeHash>,
}

pub(crate) struct Message {
    heads: Vec<ChangeHash>,
    changes: Vec<u8>,
}

impl Automerge {
    fn of(mut document: AutoCommit) -> Result<Automerge> {
        let Some((Value::Object(ObjType::Text), text)) = document.get(ROOT, NAME)? else {
            bail!("there is no text")
        };
        let known = document.get_heads();
        Ok(Automerge { document, text, known })
    }
}

impl Document for Automerge {
    type Message = Message;

    fn pair() -> Result<[Self; 2]> {
        let mut first = AutoCommit::new().with_actor(ActorId::from([1]));
        first.put_object(ROOT, NAME, ObjType::Text)?;
        first.commit();
        let second = first.fork().with_actor(ActorId::from([2]));
        Ok([Automerge::of(first)?, Automerge::of(second)?])
    }

    fn write(&mut self, edits: &[Edit]) -> Result<()> {
        for Edit(at, deleted, inserted) in edits {
            self.document.splice_text(&self.text, *at, *deleted as isize, inserted)?;
        }
        self.document.commit();
        Ok(())
    }

    fn send(&mut self) -> Result<Message> {
        let changes = self.document.save_after(&self.known);
        let heads = self.document.get_heads();
        self.known.clone_from(&heads);
        Ok(Message { heads, changes })
    }

    fn length(message: &Message) -> usize {
        message.changes.len()
    }

    fn receive(&mut self, message: &Message) -> Result<()> {
        self.document.load_incremental(&message.changes)?;
        self.known.extend(&message.heads);
        Ok(())
    }

    fn text(&self) -> Result<String> {
        Ok(self.document.text(&self.text)?)
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        Ok(self.document.save())
    }

    fn open(file: &[u8]) -> Result<Self> {
        Automerge::of(AutoCommit::load(file)?)
    }
}
