//! `redraft verify`: reads everything, tells all damage, changes nothing.

use crate::exit::DamageFound;
use crate::output::Output;
use crate::{places, progress, text};
use anyhow::Result;
use redraft::{Damage, Report};
use serde::Serialize;

/// Read everything a store holds and tell all damage. Changes nothing; works beside a writer.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft verify notes.redraft
  redraft verify notes.redraft --json | jq .sound")]
pub(crate) struct Args {
    #[command(flatten)]
    store: places::Place,
}

#[derive(Serialize)]
pub(crate) struct Found {
    store: Option<String>,
    sound: bool,
    intact: u64,
    segments: usize,
    records: u64,
    record_bytes: u64,
    snapshots: usize,
    torn: Option<Torn>,
    damage: Vec<Place>,
}

#[derive(Serialize)]
struct Torn {
    file: String,
    byte: u64,
    bytes: u64,
    found: String,
}

#[derive(Serialize)]
struct Place {
    file: String,
    byte: u64,
    defect: String,
    intact: Option<u64>,
}

impl From<&Damage> for Place {
    fn from(damage: &Damage) -> Place {
        let Damage { path, byte, defect, intact, .. } = damage;
        Place { file: path.display().to_string(), byte: *byte, defect: defect.to_string(), intact: *intact }
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let dir = args.store.directory(output)?;
    let watch = progress::reading("checking", &dir, output.is_json());
    let report = redraft::verify(&dir)?;
    drop(watch);
    output.tell(&found(&report), human(&report))?;
    output.flush()?;
    match report.damage.len() {
        0 => Ok(()),
        places => Err(DamageFound { places }.into()),
    }
}

pub(crate) fn found(report: &Report) -> Found {
    let torn = report.cut.as_ref().map(|cut| Torn {
        file: cut.path.display().to_string(),
        byte: cut.byte,
        bytes: cut.bytes,
        found: cut.found.clone(),
    });
    Found {
        store: report.id.map(|id| id.to_string()),
        sound: report.is_sound(),
        intact: report.intact,
        segments: report.segments,
        records: report.records,
        record_bytes: report.record_bytes,
        snapshots: report.snapshots,
        torn,
        damage: report.damage.iter().map(Place::from).collect(),
    }
}

pub(crate) fn human(report: &Report) -> String {
    let mut lines = vec![format!(
        "{} in {} ({}), {}",
        text::count(report.records, "good record"),
        text::count(report.segments as u64, "segment"),
        text::bytes(report.record_bytes),
        text::count(report.snapshots as u64, "good snapshot"),
    )];
    if let Some(cut) = &report.cut {
        let (file, byte) = (cut.path.display().to_string(), cut.byte);
        lines.push(format!(
            "unfinished write at the end, not damage: {}, byte {byte}, {} bytes: {}",
            text::one_line(&file),
            cut.bytes,
            cut.found
        ));
    }
    lines.extend(
        report.damage.iter().map(|damage| format!("damage: {}", text::one_line(&damage.to_string()))),
    );
    lines.push(match report.is_sound() {
        true => format!("sound: everything up to version {} is good", report.intact),
        false => format!("damaged: good up to version {}", report.intact),
    });
    lines.join("\n")
}
