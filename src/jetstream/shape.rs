//! What a stream has to be like, so that nothing written to it is lost or reordered by its own rules.
//!
//! Leaves asking to `line`. Always: what is refused is named as the server names it, with what was found and what is needed.

use super::line::subject_of;
use super::settings::JetStream;
use crate::error::{Error, Result};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

/// The settings of a stream that is made here. What is left out is what the server does by itself; what servers after 2.9 know is, so
/// that all of them take it. Of messages that are published twice the expected last sequence takes care, so the server need not remember
/// their names.
pub(super) fn wanted(settings: &JetStream) -> Config {
    Config {
        name: settings.stream.clone(),
        subjects: vec![subject_of(&settings.stream)],
        description: Some("A log of redraft: do not publish to it by hand.".into()),
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        num_replicas: settings.replicas,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        deny_delete: true,
        ..Config::default()
    }
}

/// Refuses a stream that could lose or reorder what is written to it.
pub(super) fn check(found: &Config, settings: &JetStream) -> Result<()> {
    let refused = |setting, found: String, needed: &str| {
        let stream = settings.stream.clone();
        Err(Error::StreamSetting { stream, setting, found, needed: needed.into() })
    };
    // A limit is no limit as 0 or -1.
    let limits = [
        ("max_msgs", found.max_messages),
        ("max_bytes", found.max_bytes),
        ("max_msgs_per_subject", found.max_messages_per_subject),
    ];
    if let Some((setting, limit)) = limits.into_iter().find(|(_, limit)| *limit > 0) {
        return refused(setting, limit.to_string(), "-1");
    }
    if !found.max_age.is_zero() {
        return refused("max_age", format!("{:?}", found.max_age), "0");
    }
    if found.retention != RetentionPolicy::Limits {
        return refused("retention", format!("{:?}", found.retention), "Limits");
    }
    if found.discard != DiscardPolicy::New {
        return refused("discard", format!("{:?}", found.discard), "New");
    }
    if found.num_replicas < settings.replicas {
        return refused(
            "num_replicas",
            found.num_replicas.to_string(),
            &format!("at least {}", settings.replicas),
        );
    }
    let subject = subject_of(&settings.stream);
    if found.subjects != [subject.as_str()] {
        return refused("subjects", found.subjects.join(", "), &subject);
    }
    let flags = [
        ("mirror", found.mirror.is_some(), false),
        ("sources", found.sources.as_ref().is_some_and(|sources| !sources.is_empty()), false),
        ("no_ack", found.no_ack, false),
        ("sealed", found.sealed, false),
        ("allow_rollup_hdrs", found.allow_rollup, false),
        ("deny_delete", found.deny_delete, true),
    ];
    match flags.into_iter().find(|(_, found, needed)| found != needed) {
        Some((setting, found, needed)) => refused(setting, found.to_string(), &needed.to_string()),
        None => Ok(()),
    }
}
