//! A text in a Loro document. What is told is updates of the one who tells, from where they last did.

use anyhow::Result;
use loro::{Counter, ExportMode, IdSpan, LoroDoc, LoroText, PeerID};

use crate::document::Document;
use crate::trace::Edit;

pub(crate) struct Loro {
    document: LoroDoc,
    text: LoroText,
    /// How much of what was written here was told already.
    told: Counter,
}

impl Loro {
    fn of(document: LoroDoc) -> Loro {
        let text = document.get_text("text");
        Loro { document, text, told: 0 }
    }

    fn for_whom(peer: PeerID) -> Result<Loro> {
        let document = LoroDoc::new();
        document.set_peer_id(peer)?;
        Ok(Loro::of(document))
    }
}

impl Document for Loro {
    type Message = Vec<u8>;

    fn pair() -> Result<[Self; 2]> {
        Ok([Loro::for_whom(1)?, Loro::for_whom(2)?])
    }

    fn write(&mut self, edits: &[Edit]) -> Result<()> {
        for Edit(at, deleted, inserted) in edits {
            if *deleted > 0 {
                self.text.delete(*at, *deleted)?;
            }
            if !inserted.is_empty() {
                self.text.insert(*at, inserted)?;
            }
        }
        self.document.commit();
        Ok(())
    }

    fn send(&mut self) -> Result<Vec<u8>> {
        let peer = self.document.peer_id();
        let written = self.document.oplog_vv().get(&peer).copied().unwrap_or(0);
        let span = IdSpan::new(peer, self.told, written);
        self.told = written;
        Ok(self.document.export(ExportMode::updates_in_range(vec![span]))?)
    }

    fn length(message: &Vec<u8>) -> usize {
        message.len()
    }

    fn receive(&mut self, message: &Vec<u8>) -> Result<()> {
        self.document.import(message)?;
        Ok(())
    }

    fn text(&self) -> Result<String> {
        Ok(self.text.to_string())
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        Ok(self.document.export(ExportMode::Snapshot)?)
    }

    fn open(file: &[u8]) -> Result<Self> {
        let document = LoroDoc::new();
        document.import(file)?;
        Ok(Loro::of(document))
    }
}
