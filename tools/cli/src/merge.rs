//! `redraft merge`: what one store has and another has not, taken into it; `redraft policies`: what is done where changes meet.
//!
//! Always: a dry run is done on a fork of the store, which goes again, so that it tells exactly what merging would do; the store
//! that is merged from is only read.

use crate::output::Output;
use crate::places::Place;
use crate::{exit, nats, places, stores, text};
use anyhow::{Context, Result};
use redraft::merge::{Note, Outcome, Pattern, Policy, Resolution, Rules};
use redraft::{Change, Patch, Reader, Receipt, Reunion, Store, Value};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Take what another store has into this one, if they were one once. Doing it again takes what is new.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft merge notes.redraft trial.redraft --dry-run
  redraft merge notes.redraft trial.redraft --policy '/cards/*/votes=counter'")]
pub(crate) struct Args {
    /// The store that takes in.
    store: PathBuf,
    /// The one that it takes from: a fork of it, what it was forked from, or a copy.
    from: PathBuf,
    #[command(flatten)]
    reach: nats::Reach,
    /// What to do where changes meet, from now on: a pattern of places, and a policy. "/cards/*/votes=counter"
    #[arg(long = "policy", alias = "set", value_name = "PATTERN=POLICY", value_parser = rule)]
    policies: Vec<(Pattern, Policy)>,
    /// Only tell what would come of it.
    #[arg(long)]
    dry_run: bool,
}

/// Show what is done where changes meet that were made at the same time, or set it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft policies notes.redraft
  redraft policies notes.redraft --set '/cards/*/votes=counter'")]
pub(crate) struct Policies {
    #[command(flatten)]
    store: Place,
    /// A pattern of places, and a policy: "/cards/*/votes=counter". Others stay.
    #[arg(long = "set", alias = "policy", value_name = "PATTERN=POLICY", value_parser = rule)]
    set: Vec<(Pattern, Policy)>,
}

fn rule(text: &str) -> Result<(Pattern, Policy), String> {
    let (pattern, policy) = text.rsplit_once('=').ok_or("a rule is a pattern, =, and a policy")?;
    let pattern = pattern.parse::<Pattern>().map_err(|error| error.to_string())?;
    Ok((pattern, policy.parse::<Policy>().map_err(|error| error.to_string())?))
}

/// A change that was taken, as JSON.
#[derive(Serialize)]
struct Taken<'a> {
    from_version: u64,
    version: u64,
    outcome: &'a str,
    detail: Option<&'a str>,
    label: Option<&'a str>,
    notes: Vec<Met>,
}

/// Where it met another one, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Met {
    op: String,
    met: u64,
    by: Option<String>,
    label: Option<String>,
    policy: String,
    resolution: &'static str,
}

#[derive(Serialize)]
struct Told<'a> {
    base: u64,
    version: u64,
    dry_run: bool,
    taken: Vec<Taken<'a>>,
}

pub(crate) fn merge(args: &Args, output: &mut Output) -> Result<()> {
    let instead = "redraft fork STREAM --to DIR, merge into that, and apply to the stream what came of it";
    places::must_be_a_directory(&args.store, instead)?;
    places::must_be_a_path(&args.from)?;
    let other = stores::read(&match places::address(&args.from) {
        Some(url) => args.reach.up_to_date(url, output)?,
        None => args.from.clone(),
    })?;
    if !args.dry_run {
        let store = stores::write(&args.store)?;
        let reunion = reunited(&store, &other, &args.policies)?;
        output.was_done(format!("{} was merged, up to version {}", args.from.display(), store.version()));
        tell(&store, &other, &reunion, 0, output)?;
        store.close()?;
        return must_be_taken(&reunion);
    }
    let reader = stores::read(&args.store)?;
    let trial = Trial::beside(&args.store);
    reader.fork(reader.version(), &trial.0)?;
    let store = stores::write(&trial.0)?;
    let reunion = reunited(&store, &other, &args.policies)?;
    // That it is a fork is a change too.
    tell(&store, &other, &reunion, 1, output)?;
    store.close()?;
    must_be_taken(&reunion)
}

/// What was refused stays refused: merging again does not take it.
fn must_be_taken(reunion: &Reunion) -> Result<()> {
    let is_refused = |receipt: &Receipt| matches!(receipt.outcome, Outcome::Rejected { .. });
    match reunion.taken.iter().filter(|(_, receipt)| is_refused(receipt)).count() {
        0 => Ok(()),
        count => Err(exit::SomeRefused { count }.into()),
    }
}

/// A fork to try on; it goes when this is dropped.
struct Trial(PathBuf);

impl Trial {
    fn beside(store: &Path) -> Trial {
        let mut name = store.components().collect::<PathBuf>().into_os_string();
        name.push(format!(".trial-{}", std::process::id()));
        Trial(name.into())
    }
}

impl Drop for Trial {
    #[allow(clippy::disallowed_methods, reason = "a directory of this command's own goes")]
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            stores::note(&format!("{} stays: {error}", self.0.display()));
        }
    }
}

fn reunited(store: &Store<Value>, other: &Reader<Value>, set: &[(Pattern, Policy)]) -> Result<Reunion> {
    set_rules(store, set)?;
    Ok(store.reunite(other)?)
}

fn set_rules(store: &Store<Value>, set: &[(Pattern, Policy)]) -> Result<()> {
    store.set_rules(with(&store.rules(), set))?;
    Ok(())
}

/// The rules, and these, which come before.
fn with(rules: &Rules, set: &[(Pattern, Policy)]) -> Rules {
    set.iter().fold(rules.clone(), |rules, (pattern, policy)| rules.with(pattern.clone(), policy.clone()))
}

fn tell(
    store: &Store<Value>,
    other: &Reader<Value>,
    reunion: &Reunion,
    ahead: u64,
    output: &mut Output,
) -> Result<()> {
    let changes: Vec<Change> = reunion
        .taken
        .iter()
        .map(|(version, _)| change(other.changes(*version..=*version)?))
        .collect::<Result<_>>()?;
    let mut taken = Vec::new();
    for ((from_version, receipt), change) in reunion.taken.iter().zip(&changes) {
        let notes = receipt.notes.iter().map(|note| met(store, change, note)).collect::<Result<_>>()?;
        let detail = match &receipt.outcome {
            Outcome::Rejected { detail, .. } => Some(detail.as_str()),
            _ => None,
        };
        let (outcome, label) = (receipt.outcome.name(), change.meta.label.as_deref());
        let version = receipt.version - ahead;
        taken.push(Taken { from_version: *from_version, version, outcome, detail, label, notes });
    }
    let human = in_words(reunion, &taken, ahead > 0);
    let (base, version) = (reunion.base, store.version() - ahead);
    output.tell(&Told { base, version, dry_run: ahead > 0, taken }, human)
}

fn change(mut changes: redraft::Changes) -> Result<Change> {
    Ok(changes.next().context("a change that was there is gone")??)
}

fn met(store: &Store<Value>, change: &Change, note: &Note) -> Result<Met> {
    let there = match note.met {
        0 => None,
        version => Some(self::change(store.changes(version..=version)?)?),
    };
    Ok(Met::told(&change.patch, note, there))
}

impl Met {
    /// `submitted` is what the note is about, `there` what it met.
    fn told(submitted: &Patch, note: &Note, there: Option<Change>) -> Met {
        let op = submitted.get(note.op_index).map_or_else(String::new, |op| format!("{op:?}"));
        Met {
            op,
            met: note.met,
            by: there.as_ref().map(|change| change.writer.to_string()),
            label: there.and_then(|change| change.meta.label),
            policy: note.policy.to_string(),
            resolution: resolved(note.resolution),
        }
    }

    fn in_words(&self) -> String {
        let by = self.by.as_deref().unwrap_or("the state itself");
        let label = self.label.as_deref().map_or_else(String::new, |label| format!(" {label:?}"));
        text::one_line(&format!(
            "  {} met version {} by {by}{label}: {} by the rule {}",
            self.op, self.met, self.resolution, self.policy
        ))
    }
}

/// What a change in the log says of how it was merged, where that is anything: its outcome, and what it met.
pub(crate) fn explained(reader: &Reader<Value>, change: &Change) -> Result<Option<(&'static str, Vec<Met>)>> {
    let Some(merged) = &change.merged else { return Ok(None) };
    let submitted = merged.original.as_ref().unwrap_or(&change.patch);
    let there = |note: &Note| -> Result<Option<Change>> {
        match note.met {
            // What is no longer kept is told by its version alone.
            version if version > reader.oldest()? => {
                Ok(Some(self::change(reader.changes(version..=version)?)?))
            }
            _ => Ok(None),
        }
    };
    let met = |note: &Note| -> Result<Met> { Ok(Met::told(submitted, note, there(note)?)) };
    Ok(Some((merged.outcome.name(), merged.notes.iter().map(met).collect::<Result<_>>()?)))
}

/// The same for people, a line for each.
pub(crate) fn explanation(reader: &Reader<Value>, change: &Change) -> Result<String> {
    let Some((outcome, met)) = explained(reader, change)? else { return Ok(String::new()) };
    let lines = met.iter().map(|met| format!("\n  {}", met.in_words())).collect::<String>();
    Ok(format!("\n    merged: {outcome}{lines}"))
}

/// What was done, in a word.
fn resolved(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Won => "won",
        Resolution::Dropped => "dropped",
        Resolution::Combined => "combined",
        Resolution::Restored => "restored",
        Resolution::Layered => "layered",
        _ => "decided otherwise",
    }
}

/// The conflicts first.
fn in_words(reunion: &Reunion, taken: &[Taken<'_>], is_trial: bool) -> String {
    let mut lines: Vec<String> = Vec::new();
    for change in taken.iter().filter(|change| !change.notes.is_empty() || change.outcome == "rejected") {
        let label = change.label.map_or_else(String::new, |label| format!(" {label:?}"));
        lines.push(text::one_line(&format!(
            "version {} there{label}: {}",
            change.from_version, change.outcome
        )));
        lines.extend(change.detail.map(|detail| text::one_line(&format!("  {detail}"))));
        lines.extend(change.notes.iter().map(Met::in_words));
    }
    let count = |outcome: &str| taken.iter().filter(|change| change.outcome == outcome).count();
    lines.push(format!(
        "{}{} taken since version {}: {} as they were, {} led past others, {} in part, {} refused",
        if is_trial { "a trial: " } else { "" },
        text::count(taken.len() as u64, "change"),
        reunion.base,
        count("clean"),
        count("rebased"),
        count("partial"),
        count("rejected"),
    ));
    lines.join("\n")
}

#[derive(Serialize)]
struct RuleTold {
    pattern: String,
    policy: Option<String>,
    on_deleted: Option<String>,
}

pub(crate) fn policies(args: &Policies, output: &mut Output) -> Result<()> {
    let rules = match args.set.is_empty() {
        true => args.store.read(output)?.rules(),
        false => set(args, output)?,
    };
    for rule in &*rules {
        let told = RuleTold {
            pattern: rule.pattern.to_string(),
            policy: rule.policy.as_ref().map(ToString::to_string),
            on_deleted: rule.on_deleted.map(|what| what.to_string()),
        };
        output.tell(&told, text::one_line(&rule.to_string()))?;
    }
    if rules.is_empty() && !output.is_json() {
        stores::note("no rules: what comes last wins, and what was taken away stays away");
    }
    Ok(())
}

fn set(args: &Policies, output: &mut Output) -> Result<Arc<Rules>> {
    let store = args.store.write(output)?;
    store.set_rules(with(&store.rules(), &args.set))?;
    let rules = store.rules();
    store.close()?;
    output.was_done("these rules hold now");
    Ok(rules)
}
