//! salamander-db: an event-sourcing engine that stays in one thread.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;

use ::salamander::{
    AppendRequest, BranchId, Durability, EventType, ExpectedRevision, NewEvent, Salamander as Store,
    StreamName,
};
use anyhow::{Context, Result};
use serde_bytes::ByteBuf;

use crate::engine::{Engine, Setup};

const STREAM: &str = "log";

/// How many records are asked for at a time: its replay cannot be stopped half-way.
const PAGE: u64 = 10_000;

pub(crate) struct Salamander {
    store: RefCell<Store<ByteBuf>>,
    synced: bool,
}

impl Engine for Salamander {
    fn open(dir: &Path, setup: Setup) -> Result<Self> {
        Ok(Self { store: RefCell::new(Store::open(dir)?), synced: setup.synced })
    }

    fn append(&self, _thread: u64, payload: &[u8]) -> Result<()> {
        let mut store = self.store.borrow_mut();
        store.append(STREAM, ByteBuf::from(payload))?;
        if self.synced {
            store.commit()?;
        }
        Ok(())
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        let event_type = EventType::new("bytes")?;
        let event = |payload: &&[u8]| NewEvent::new(event_type.clone(), ByteBuf::from(*payload));
        let request = AppendRequest {
            branch: BranchId::ZERO,
            stream: StreamName::new(STREAM)?,
            expected: ExpectedRevision::Any,
            idempotency_key: None,
            events: payloads.iter().map(event).collect(),
            durability: if self.synced { Durability::Sync } else { Durability::Buffered },
        };
        self.store.borrow_mut().append_batch(request)?;
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.store.borrow_mut().commit()?;
        Ok(())
    }

    fn head(&self) -> Result<u64> {
        Ok(self.store.borrow().head())
    }

    fn replay(&self, from: u64, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        let store = self.store.borrow();
        let mut flow = ControlFlow::Continue(());
        let mut begin = from;
        // The first page is short, for who wants one record only.
        let mut count = 1;
        while begin < store.head() && flow.is_continue() {
            let end = store.head().min(begin + count);
            store.replay(STREAM, begin..end, |event| {
                if flow.is_continue() {
                    flow = visit(&event.body);
                }
            })?;
            begin = end;
            count = PAGE;
        }
        Ok(())
    }

    fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        let mut visit = Some(visit);
        self.store.borrow().replay(STREAM, number..number + 1, |event| {
            if let Some(visit) = visit.take() {
                visit(&event.body);
            }
        })?;
        if visit.is_none() { Ok(()) } else { None.with_context(|| format!("there is no record {number}")) }
    }

    fn close(self) -> Result<()> {
        self.sync()
    }
}
