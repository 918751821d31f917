//! `redraft completions`: what a shell needs to complete this command's verbs, flags and files.
//!
//! Always: made of the very command line that is parsed, so that neither has what the other has not.

use crate::help;
use crate::output::Output;
use anyhow::Result;
use clap_complete::Shell;
use serde::Serialize;

/// Print what makes a shell complete verbs, flags and files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  redraft completions bash > ~/.local/share/bash-completion/completions/redraft
  redraft completions zsh > ~/.zfunc/_redraft
  redraft completions fish > ~/.config/fish/completions/redraft.fish")]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

#[derive(Serialize)]
struct Script<'a> {
    shell: String,
    script: &'a str,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut help::command(), "redraft", &mut script);
    let script = String::from_utf8(script)?;
    output.tell(&Script { shell: args.shell.to_string(), script: &script }, script.trim_end())
}
