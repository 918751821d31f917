//! What servers tell of their syncs on the port for monitoring, which the protocol of clients does not (feature `http`).
//!
//! Always: what a server does not tell counts as not known; nothing secret is sent.

use super::promise::Syncs;
use super::settings::PATIENCE;
use crate::trust;
use reqwest::{Client, Url};
use std::io;
use std::time::Duration;

/// So much of an answer is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// When the least careful of the servers syncs. Servers that were not asked, of the `replicas` that there are, may do anything.
pub(super) async fn least_careful(monitors: &[String], replicas: usize) -> io::Result<Syncs> {
    let mut worst = if monitors.len() < replicas { Syncs::Unknown } else { Syncs::Always };
    for monitor in monitors {
        worst = match (worst, told_by(monitor).await?) {
            (Syncs::Unknown, _) | (_, Syncs::Unknown) => Syncs::Unknown,
            (Syncs::Every(one), Syncs::Every(other)) => Syncs::Every(one.max(other)),
            (Syncs::Always, other) | (other, Syncs::Always) => other,
        };
    }
    Ok(worst)
}

async fn told_by(monitor: &str) -> io::Result<Syncs> {
    let url = Url::parse(monitor).and_then(|url| url.join("/varz"));
    let url = url.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let client = Client::builder()
        .use_preconfigured_tls(trust::client(None, None)?)
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(io::Error::other)?;
    let mut answer = client.get(url).send().await.map_err(io::Error::other)?;
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(io::Error::other)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(io::Error::other("the answer of the monitor does not end"));
        }
    }
    Ok(syncs_in(&bytes))
}

/// What `/varz` says.
fn syncs_in(varz: &[u8]) -> Syncs {
    let told: Option<serde_json::Value> = serde_json::from_slice(varz).ok();
    let config = told.as_ref().and_then(|told| told.pointer("/jetstream/config"));
    let field = |name| config.and_then(|config| config.get(name));
    match (field("sync_always").and_then(serde_json::Value::as_bool), field("sync_interval")) {
        (Some(true), _) => Syncs::Always,
        (_, Some(interval)) => {
            interval.as_u64().map_or(Syncs::Unknown, |nanos| Syncs::Every(Duration::from_nanos(nanos)))
        }
        _ => Syncs::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_told_counts() {
        let two_minutes = Syncs::Every(Duration::from_secs(120));
        for (varz, expected) in [
            (r#"{"jetstream":{"config":{"sync_always":true,"sync_interval":120000000000}}}"#, Syncs::Always),
            (r#"{"jetstream":{"config":{"sync_interval":120000000000}}}"#, two_minutes),
            (r#"{"jetstream":{"config":{"sync_always":false}}}"#, Syncs::Unknown),
            (r#"{"jetstream":{"config":{"max_memory":1}}}"#, Syncs::Unknown),
            (r#"{"sync_always":true}"#, Syncs::Unknown),
            ("", Syncs::Unknown),
        ] {
            assert_eq!(syncs_in(varz.as_bytes()), expected, "{varz}");
        }
    }
}
