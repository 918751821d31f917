//! stub
use crate::output::Output;
use anyhow::Result;
/// Walk.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}
pub(crate) fn run(_args: &Args, _output: &mut Output) -> Result<()> {
    Ok(())
}
