//! `redraft repair`: tells what would mend a damaged store and what that loses; with `--yes`, does it.

use crate::exit::{DamageFound, RepairNeeded};
use crate::output::Output;
use crate::{places, progress, stores, text, verify};
use anyhow::Result;
use redraft::Repair;
use redraft::repair::{Mending, Step};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Tell how a damaged store can be mended and what is lost by that; with --yes, do it. What is cut is copied aside first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft repair notes.redraft
  redraft repair notes.redraft --yes")]
pub(crate) struct Args {
    /// The store.
    store: PathBuf,
    /// Carry it out. Without this nothing is changed, and the exit code is 3 if there is something to mend.
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Planned {
    store: String,
    needed: bool,
    oldest: u64,
    head: u64,
    lost: Lost,
    steps: Vec<Mend>,
    aside: Option<String>,
}

#[derive(Serialize)]
struct Lost {
    at_least: u64,
    at_most: Option<u64>,
    earlier: u64,
}

#[derive(Serialize)]
struct Mend {
    file: String,
    action: &'static str,
    why: String,
}

#[derive(Serialize)]
struct Mended {
    repaired: bool,
    head: u64,
    aside: Option<String>,
    verified: verify::Found,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let instead =
        "a stream is mended by its servers; redraft mirror DIR STREAM puts back what it lost and a copy has";
    places::must_be_a_directory(&args.store, instead)?;
    let watch = progress::reading("looking through", &args.store, output.is_json());
    let repair = Repair::plan(&args.store)?;
    drop(watch);
    if repair.is_needed() {
        told_what_can_be_saved(&args.store, &repair);
    }
    if args.yes && repair.is_needed() {
        return carry_out(args, repair, output);
    }
    output.tell(&planned(&repair), human(&repair))?;
    output.flush()?;
    if repair.is_needed() { Err(RepairNeeded.into()) } else { Ok(()) }
}

/// A newer state than a repair keeps may be readable, from a snapshot.
fn told_what_can_be_saved(store: &Path, repair: &Repair) {
    let Ok(reader) = stores::read(store) else { return };
    if reader.version() > repair.head() {
        stores::note(&format!(
            "the state at version {} can still be read, and is lost by a repair: redraft restore {} --at now --to DIR makes a store of it",
            reader.version(),
            text::one_line(&shown(store))
        ));
    }
}

fn carry_out(args: &Args, repair: Repair, output: &mut Output) -> Result<()> {
    let (plan, plan_human) = (planned(&repair), human(&repair));
    // Told before it is done.
    output.tell(&plan, plan_human)?;
    output.flush()?;
    let watch = progress::reading("mending", &args.store, output.is_json());
    let repaired = repair.carry_out()?;
    drop(watch);
    let watch = progress::reading("checking", &args.store, output.is_json());
    let report = redraft::verify(&args.store)?;
    drop(watch);
    let (head, aside) = (repaired.head, repaired.aside.as_deref().map(shown));
    let told = format!("repaired\n{}", verify::human(&report));
    let verified = verify::found(&report);
    output.tell(&Mended { repaired: true, head, aside, verified }, told)?;
    output.flush()?;
    match report.damage.len() {
        0 => Ok(()),
        places => Err(DamageFound { places }.into()),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn planned(repair: &Repair) -> Planned {
    let lost = repair.loss();
    Planned {
        store: repair.id().to_string(),
        needed: repair.is_needed(),
        oldest: repair.oldest(),
        head: repair.head(),
        lost: Lost { at_least: lost.at_least, at_most: lost.at_most, earlier: lost.earlier },
        steps: repair.steps().iter().map(mend).collect(),
        aside: (!repair.copied().is_empty()).then(|| shown(repair.aside())),
    }
}

fn mend(step: &Step) -> Mend {
    let action = match step.mending {
        Mending::Moved { .. } => "move",
        Mending::Rewritten { .. } => "rewrite",
        Mending::Made => "make",
        Mending::TableMade => "make the table of",
        Mending::Removed { .. } => "remove",
        _ => "other",
    };
    Mend { file: shown(&step.path), action, why: step.why.to_string() }
}

fn human(repair: &Repair) -> String {
    let head = repair.head();
    if !repair.is_needed() {
        return format!("nothing to repair: what opening needs is good up to version {head}");
    }
    let from = match repair.oldest() {
        0 => String::new(),
        oldest => format!(" from version {oldest}"),
    };
    let mut lines = vec![format!("keep:{from} up to version {head}"), format!("lose: {}", repair.loss())];
    if !repair.copied().is_empty() {
        let files = text::count(repair.copied().len() as u64, "file");
        lines.push(format!("first copy aside: {files} to {}", text::one_line(&shown(repair.aside()))));
    }
    lines.extend(repair.steps().iter().map(|step| format!("then {}", text::one_line(&step.to_string()))));
    lines.join("\n")
}
