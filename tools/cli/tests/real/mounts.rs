//! File systems of a test's own, to be filled, made read-only and cut off. They need root, and go with the value that
//! stands for them.

use super::skipped;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs a tool of the system; its message if it fails.
pub(crate) fn tool(name: &str, args: &[&str]) -> Result<(), String> {
    let output =
        Command::new(name).args(args).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().into()) }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A mounted file system.
#[derive(Debug)]
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// A file system in memory with this much space. Says so if that cannot be had.
    pub(crate) fn tmpfs(at: &Path, size: &str) -> Option<Mounted> {
        Mounted::new(at, &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
    }

    /// The ext4 file system in an image. If it has a journal, that is replayed, as after a power cut.
    pub(crate) fn image(image: &Path, at: &Path) -> Option<Mounted> {
        Mounted::new(at, &["-t", "ext4", "-o", "loop", text(image)])
    }

    fn new(at: &Path, args: &[&str]) -> Option<Mounted> {
        std::fs::create_dir_all(at).unwrap();
        match tool("mount", &[args, &[text(at)]].concat()) {
            Ok(()) => Some(Mounted(at.to_owned())),
            Err(why) => {
                skipped(&format!("no file system can be mounted here ({why})"));
                None
            }
        }
    }

    /// Lets a disk over an image pass on what it is told to write page by page. The kernel takes a write to the image that was
    /// cut short for a whole one: without this a full image is not a failing disk but a lying one.
    pub(crate) fn one_page_at_a_time(&self) -> bool {
        let found = Command::new("findmnt").args(["-no", "SOURCE", text(&self.0)]).output();
        let device =
            found.map(|found| String::from_utf8_lossy(&found.stdout).trim().to_owned()).unwrap_or_default();
        let name = device.trim_start_matches("/dev/");
        let set = std::fs::write(format!("/sys/block/{name}/queue/max_sectors_kb"), "4");
        if let Err(error) = &set {
            skipped(&format!("the disk {device} cannot be told to write single pages ({error})"));
        }
        set.is_ok()
    }

    pub(crate) fn at(&self, name: &str) -> String {
        text(&self.0.join(name)).to_owned()
    }

    pub(crate) fn remount(&self, options: &str) {
        tool("mount", &["-o", &format!("remount,{options}"), text(&self.0)]).unwrap();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A writer that was just killed may hold it for a moment longer; then it goes when that one is gone.
        if tool("umount", &[text(&self.0)]).is_err() {
            drop(tool("umount", &["-l", text(&self.0)]));
        }
    }
}

/// A sparse file with an ext4 file system in it. Says so if that cannot be had.
pub(crate) fn make_image(image: &Path, bytes: u64) -> bool {
    std::fs::File::create(image).and_then(|file| file.set_len(bytes)).unwrap();
    match tool("mkfs.ext4", &["-q", "-F", "-b", "4096", text(image)]) {
        Ok(()) => true,
        Err(why) => {
            skipped(&format!("no ext4 image can be made here ({why})"));
            false
        }
    }
}
