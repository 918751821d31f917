//! `redraft man`: the manual, a page for each verb, in the form that `man` reads.
//!
//! Always: made of the very command line that is parsed.

use crate::output::Output;
use crate::{exit, files, help, text};
use anyhow::{Context, Result};
use clap::Command;
use clap_mangen::Man;
use serde::Serialize;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = ".SH EXAMPLES\n";

/// Print a page of the manual, or write all of them into a directory.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft man log | man -l -
  redraft man --dir ~/.local/share/man/man1")]
pub(crate) struct Args {
    /// The verb, and what comes after it where it has verbs of its own. Without it the page of the command itself.
    #[arg(conflicts_with = "dir")]
    verb: Vec<String>,
    /// Write all pages there.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Page {
    page: String,
    text: String,
}

#[derive(Serialize)]
struct Written {
    page: String,
    file: String,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let mut command = help::command().disable_help_subcommand(true);
    command.build();
    match &args.dir {
        Some(dir) => write_all(&command, dir, output),
        None => {
            let page = page(find(&command, &args.verb)?)?;
            output.tell(&page, page.text.trim_end())
        }
    }
}

fn find<'c>(command: &'c Command, verbs: &[String]) -> Result<&'c Command> {
    verbs.iter().try_fold(command, |command, verb| {
        let unknown =
            || exit::NotThere(format!("there is no page of {verb:?}; redraft help lists the verbs"));
        Ok(command.find_subcommand(verb).ok_or_else(unknown)?)
    })
}

fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(command: &Command) -> Result<Page> {
    let mut text = Vec::new();
    let man =
        Man::new(command.clone()).source(concat!("redraft ", env!("CARGO_PKG_VERSION"))).manual("redraft");
    man.render(&mut text).context("cannot write the page")?;
    // What comes after the help are examples, and nothing else.
    let text = String::from_utf8(text)?;
    let text = text.replace(".SH EXTRA\nExamples:\n", EXAMPLES).replace(".SH EXTRA\nExample:\n", EXAMPLES);
    Ok(Page { page: name(command), text })
}

fn write_all(command: &Command, dir: &Path, output: &mut Output) -> Result<()> {
    files::make_if_missing(dir)?;
    let mut waiting = vec![command];
    while let Some(command) = waiting.pop() {
        let page = page(command)?;
        let file = dir.join(format!("{}.1", page.page));
        files::write(&file, &page.text)?;
        let file = file.display().to_string();
        let human = text::one_line(&file);
        output.tell(&Written { page: page.page, file }, human)?;
        waiting.extend(command.get_subcommands());
    }
    Ok(())
}
