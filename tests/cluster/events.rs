//! What redraft says of itself in the process of a node is told as everything else it does: warnings, and with `REDRAFT_CLUSTER_TRACE` more.

use crate::node::tell;
use std::fmt::{Debug, Write};
use std::time::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Tells each event in a line.
pub(crate) struct Events {
    begun: Instant,
    most: Level,
}

impl Events {
    /// From now on, for the whole process.
    pub(crate) fn are_told() {
        let most = match std::env::var_os("REDRAFT_CLUSTER_TRACE") {
            Some(_) => Level::DEBUG,
            None => Level::WARN,
        };
        tracing::subscriber::set_global_default(Events { begun: Instant::now(), most }).unwrap();
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Events {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most && metadata.target().starts_with("redraft") && metadata.is_event()
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("says {:?} {}", self.begun.elapsed(), event.metadata().level()));
        event.record(&mut line);
        tell(&line.0.replace('\n', " "));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
