//! A share of a processor for this process, as if it had a machine of its own that is so slow: what several programs on one machine take from
//! each other is not measured then.

use std::fs::{create_dir_all, remove_dir, write};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

const ROOT: &str = "/sys/fs/cgroup";
/// Within each of these a process runs for its share, at most.
const PERIOD_MICROS: u32 = 20_000;

/// The share that is asked for, if one is.
pub(crate) fn asked_for() -> Option<f64> {
    std::env::var("REDRAFT_SHARE").ok()?.parse().ok().filter(|share| *share > 0.0)
}

/// This process and its threads run for no more than that from now on. By the control groups of Linux (`man 7 cgroups`, of either version), which
/// take a superuser.
pub(crate) fn take(share: f64, name: &str) -> Result<()> {
    let (group, quota) = (group(name), (f64::from(PERIOD_MICROS) * share) as u64);
    let settings = match is_first_version() {
        true => {
            vec![("cpu.cfs_period_us", PERIOD_MICROS.to_string()), ("cpu.cfs_quota_us", quota.to_string())]
        }
        false => vec![("cpu.max", format!("{quota} {PERIOD_MICROS}"))],
    };
    let told = |error: Error| Error::new(error.kind(), format!("{}: {error}", group.display()));
    create_dir_all(&group).map_err(told)?;
    for (setting, value) in settings.into_iter().chain([("cgroup.procs", "0".to_owned())]) {
        write(group.join(setting), value).map_err(told)?;
    }
    Ok(())
}

/// Removes what a process made that is gone, if it made something.
pub(crate) fn give_back(name: &str) {
    drop(remove_dir(group(name)));
}

fn group(name: &str) -> PathBuf {
    let root = Path::new(ROOT);
    let root = if is_first_version() { root.join("cpu") } else { root.to_owned() };
    root.join(format!("redraft-{name}"))
}

fn is_first_version() -> bool {
    Path::new(ROOT).join("cpu").is_dir()
}
