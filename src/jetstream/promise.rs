//! [`Promise`]: what an acknowledgement of the servers is worth.
//!
//! Made of what the servers tell of themselves. Always: what is not known is said to be unknown, and counts as not promised.

use super::line::Line;
use super::settings::JetStream;
use crate::error::{Error, Result};
use async_nats::jetstream::stream::{Info, StorageType};
use std::fmt;
use std::time::Duration;

/// Where servers before 2.10 may have what they acknowledged in memory alone, for so long: they have no setting for it.
const SYNCED_BY_OLD_SERVERS: Duration = Duration::from_secs(120);
/// So many copies outlive the loss of one machine, and go on.
const REPLICAS_MIN: usize = 3;

/// When a server writes what it acknowledges through to its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Syncs {
    /// Before it acknowledges.
    Always,
    /// Later, at the latest after so long.
    Every(Duration),
    /// It does not say.
    Unknown,
}

/// What an acknowledgement is worth, for all that the servers tell. It prints as one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Promise {
    /// On how many servers each message is.
    pub replicas: usize,
    /// Whether they have it on a disk, and not only in memory.
    pub on_disk: bool,
    /// When it is written through to that disk.
    pub syncs: Syncs,
    /// The version of the server that was asked.
    pub server: String,
}

impl Promise {
    /// What is told of the stream, by its server and by the monitors that were named.
    pub(super) async fn asked(line: &Line, info: &Info) -> Result<Promise> {
        let (server, replicas) = (line.client.server_info().version, info.config.num_replicas);
        let on_disk = info.config.storage == StorageType::File;
        let syncs = match syncs_told(line, replicas).await? {
            Syncs::Unknown if is_before_2_10(&server) => Syncs::Every(SYNCED_BY_OLD_SERVERS),
            told => told,
        };
        Ok(Promise { replicas, on_disk, syncs, server })
    }

    /// Whether what was acknowledged is there after all servers lost power at once. O(1).
    pub fn survives_power_loss(&self) -> bool {
        self.on_disk && self.syncs == Syncs::Always
    }

    /// Whether it is also there, and can be gone on with, after one of the servers is lost for good. O(1).
    pub fn survives_the_loss_of_a_server(&self) -> bool {
        self.replicas >= REPLICAS_MIN
    }

    /// Says so loudly if it is less than a store promises, or refuses it if that was asked for.
    pub(super) fn weigh(&self, settings: &JetStream) -> Result<()> {
        if settings.synced && !(self.survives_power_loss() && self.survives_the_loss_of_a_server()) {
            return Err(Error::StreamSetting {
                stream: settings.stream.clone(),
                setting: "sync_interval",
                found: self.to_string(),
                needed: format!("always, on at least {REPLICAS_MIN} servers"),
            });
        }
        if !self.survives_power_loss() {
            tracing::warn!(
                stream = settings.stream,
                "an acknowledgement does not survive a power loss: {self}"
            );
        }
        Ok(())
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = if self.replicas == 1 { "server" } else { "servers" };
        write!(f, "acknowledged once it is on {} {servers}, ", self.replicas)?;
        match (self.on_disk, self.syncs) {
            (false, _) => f.write_str("in memory only: gone when they stop"),
            (true, Syncs::Always) => f.write_str("synced to disk: survives a power loss"),
            (true, Syncs::Every(time)) => {
                write!(f, "synced up to {time:?} later: a power loss before that loses it")
            }
            (true, Syncs::Unknown) => {
                f.write_str("when that is synced to disk is not known: a power loss may lose it")
            }
        }?;
        write!(f, " (nats-server {})", self.server)
    }
}

#[cfg(feature = "http")]
async fn syncs_told(line: &Line, replicas: usize) -> Result<Syncs> {
    let told = super::monitor::least_careful(&line.monitors, replicas).await;
    told.map_err(|error| line.unreachable("ask a monitor", error))
}

/// Without the feature `http`, nobody is asked.
#[cfg(not(feature = "http"))]
async fn syncs_told(_: &Line, _: usize) -> Result<Syncs> {
    Ok(Syncs::Unknown)
}

/// Of a version that makes no sense nothing is known.
fn is_before_2_10(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    matches!((numbers.next(), numbers.next()), (Some(major), Some(minor)) if (major, minor) < (2, 10))
}
