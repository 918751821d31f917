//! Every stage can be watched: opening, recovery, changes, syncs, rolls and snapshots are spans of `tracing`.

use redraft::{Options, Store, Value};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[derive(Clone, Default)]
struct Names(Arc<Mutex<BTreeSet<&'static str>>>);

impl Subscriber for Names {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("redraft")
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        if let Ok(mut names) = self.0.lock() {
            names.insert(span.metadata().name());
        }
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn every_stage_is_a_span() {
    let dir = tempfile::tempdir().unwrap();
    let names = Names::default();
    tracing::subscriber::with_default(names.clone(), || {
        let options = Options::new().segment_bytes(1024);
        let store: Store<Value> = options.open(dir.path()).unwrap();
        for number in 0..40i64 {
            store.produce(|doc| doc["number"] = number.into()).unwrap();
        }
        store.snapshot().unwrap();
        store.close().unwrap();
        options.open::<Value>(dir.path()).unwrap();
    });
    let seen = names.0.lock().unwrap();
    for stage in ["open", "recover", "produce", "sync", "roll", "snapshot"] {
        assert!(seen.contains(stage), "{stage} is not among {seen:?}");
    }
}
