//! batpak: a journal of MessagePack events chained per entity. Each thread gets an entity of its own.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use ::batpak::encoding;
use ::batpak::id::EventId;
use ::batpak::prelude::{AppendOptions, Coordinate, EventKind, Open, Region, Store, StoreConfig, SyncMode};
use ::batpak::store::{BatchAppendItem, CausationRef, DurabilityGate, WatermarkKind};
use anyhow::{Context, Result};
use serde_bytes::{ByteBuf, Bytes};

use crate::engine::{Engine, Setup, lacks};
use crate::records::Records;

const SCOPE: &str = "bench";

/// How many entries are asked for at a time.
const PAGE: usize = 1_000;

const BATCH_BYTES_MAX: u32 = 16 << 20;

/// Without it, an append returns before it is synced, whatever the cadence of syncs.
const DURABLE: DurabilityGate = DurabilityGate::new(WatermarkKind::Durable, Duration::from_secs(60));

pub(crate) struct Batpak {
    store: Store<Open>,
    synced: bool,
    /// Which event is which record, and its place among all events, as found when first asked for.
    events: OnceLock<Vec<(EventId, u64)>>,
}

fn kind() -> EventKind {
    EventKind::custom(0xF, 1)
}

fn entity(thread: u64) -> Result<Coordinate> {
    Ok(Coordinate::new(format!("log:{thread}"), SCOPE)?)
}

impl Batpak {
    fn events(&self) -> Result<&[(EventId, u64)]> {
        let found = self.events.get_or_init(|| {
            let entries = self.store.by_entity("log:0");
            entries.iter().map(|entry| (entry.event_id(), entry.global_sequence())).collect()
        });
        Ok(found)
    }

    fn options(&self) -> AppendOptions {
        let options = AppendOptions::new();
        if self.synced { options.with_gate(DURABLE) } else { options }
    }

    fn show(&self, event: EventId, visit: impl FnOnce(&[u8])) -> Result<()> {
        let payload: ByteBuf = encoding::from_bytes(&self.store.read_raw(event)?.event.payload)?;
        visit(&payload);
        Ok(())
    }
}

impl Engine for Batpak {
    fn open(dir: &Path, setup: Setup) -> Result<Self> {
        let mut config = StoreConfig::new(dir)
            .with_sync_mode(SyncMode::SyncData)
            .with_sync_every_n_events(if setup.synced { 1 } else { u32::MAX })
            .with_batch_max_size(PAGE as u32)
            .with_batch_max_bytes(BATCH_BYTES_MAX);
        if setup.shared {
            // As many as are waiting share a sync.
            config = config.with_group_commit_max_batch(0);
        }
        if let Some(bytes) = setup.segment_bytes {
            config = config.with_segment_max_bytes(bytes);
        }
        Ok(Self { store: Store::open(config)?, synced: setup.synced, events: OnceLock::new() })
    }

    fn append(&self, thread: u64, payload: &[u8]) -> Result<()> {
        let (entity, payload) = (entity(thread)?, Bytes::new(payload));
        let _receipt = self.store.append_with_options(&entity, kind(), &payload, self.options())?;
        Ok(())
    }

    fn append_all(&self, payloads: &[&[u8]]) -> Result<()> {
        let entity = entity(0)?;
        let item = |payload: &&[u8]| {
            let (options, causation) = (AppendOptions::default(), CausationRef::default());
            BatchAppendItem::new(entity.clone(), kind(), &Bytes::new(payload), options, causation)
        };
        let items = payloads.iter().map(item).collect::<Result<_, _>>()?;
        self.store.append_batch_with_options(items, self.options())?;
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(self.store.sync()?)
    }

    fn head(&self) -> Result<u64> {
        // The store counts its own events too.
        Ok(self.store.by_scope(SCOPE).len() as u64)
    }

    fn replay(&self, from: u64, mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<()> {
        let mut after = match from.checked_sub(1) {
            Some(before) => Some(self.events()?.get(before as usize).context("there is no such record")?.1),
            None => None,
        };
        let mut flow = ControlFlow::Continue(());
        // The first page is short, for who wants one record only.
        let mut limit = 1;
        loop {
            let page = self.store.query_entries_after(&Region::entity("log:0"), after, limit);
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.global_sequence());
            for entry in &page {
                self.show(entry.event_id(), |payload| flow = visit(payload))?;
                if flow.is_break() {
                    return Ok(());
                }
            }
            limit = PAGE;
        }
    }

    fn read(&self, number: u64, visit: impl FnOnce(&[u8])) -> Result<()> {
        let (event, _) = *self.events()?.get(number as usize).context("there is no such record")?;
        self.show(event, visit)
    }

    fn keep_in_flight(&self, _records: &Records, _count: usize, _time: Duration) -> Result<u64> {
        lacks("its tickets tell that an append is accepted, not that it is durable")
    }

    fn close(self) -> Result<()> {
        self.store.close()?;
        Ok(())
    }
}
