//! A git repository, read through the `git` command: commits along the first parent, what each changed, and contents.
//!
//! Two children are kept open and asked again and again, so that a commit costs no process. Leaves what a commit means to
//! a store to [`import_git`](crate::import_git).

use anyhow::{Context, Result, anyhow, bail, ensure};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

/// How much of a content is looked at at a time.
const PIECE_BYTES: usize = 64 << 10;
/// How much of what git complains about is kept.
const COMPLAINT_BYTES: u64 = 4 << 10;

/// Where a repository is.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    path: PathBuf,
}

impl Repository {
    /// # Errors
    /// When there is no repository at the path, or no commit in it.
    pub(crate) fn open(path: &Path) -> Result<Repository> {
        let repository = Repository { path: path.to_owned() };
        repository.answer(&["rev-parse", "--git-dir"])?;
        let head = repository.answer(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
        head.map_err(|_| anyhow!("the git repository {} has no commits", path.display()))?;
        Ok(repository)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.path).args(arguments);
        command.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null());
        command
    }

    /// What git prints, without the last line break.
    pub(crate) fn answer(&self, arguments: &[&str]) -> Result<String> {
        let done = self.command(arguments).output().context("cannot run git")?;
        let complaint = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{}: {}", self.path.display(), complaint.trim_end());
        Ok(String::from_utf8_lossy(&done.stdout).trim_end().to_owned())
    }

    /// How many commits the history along the first parent has.
    pub(crate) fn count(&self) -> Result<u64> {
        Ok(self.answer(&["rev-list", "--first-parent", "--count", "HEAD"])?.parse()?)
    }

    /// The ids of the commits along the first parent, oldest first.
    pub(crate) fn commits(&self) -> Result<Commits> {
        let command = self.command(&["rev-list", "--first-parent", "--reverse", "HEAD"]);
        let Talk { process, output, .. } = Talk::start(command, "rev-list")?;
        Ok(Commits { lines: output.lines(), process })
    }

    pub(crate) fn trees(&self) -> Result<Trees> {
        // The configuration of the user must not change what a commit is.
        let arguments =
            ["diff-tree", "--stdin", "--root", "-r", "--raw", "-z", "--no-renames", "--no-abbrev"];
        let mut command = self.command(&arguments);
        command.arg("--ignore-submodules=none");
        Ok(Trees { talk: Talk::start(command, "diff-tree")? })
    }

    pub(crate) fn objects(&self) -> Result<Objects> {
        Ok(Objects { talk: Talk::start(self.command(&["cat-file", "--batch"]), "cat-file")? })
    }
}

/// A running git. It ends when nobody needs it any longer.
#[derive(Debug)]
struct Process {
    what: &'static str,
    child: Child,
    complaints: Option<JoinHandle<String>>,
}

impl Process {
    /// What to say when an answer does not come, or makes no sense.
    fn failure(&mut self) -> anyhow::Error {
        self.end();
        let complaint = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let complaint = if complaint.is_empty() { "it ended in the middle of an answer" } else { &complaint };
        anyhow!("git {} failed: {complaint}", self.what)
    }

    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A git that is asked and answers.
#[derive(Debug)]
struct Talk {
    process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Talk {
    fn start(mut command: Command, what: &'static str) -> Result<Talk> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot run git")?;
        let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = (input, output, errors) else {
            bail!("git {what} was started without pipes");
        };
        let complaints = Some(std::thread::spawn(move || complaints(errors)));
        let output = BufReader::with_capacity(PIECE_BYTES, output);
        Ok(Talk { process: Process { what, child, complaints }, input, output })
    }

    fn ask(&mut self, question: &str) -> Result<()> {
        let asked = self.input.write_all(question.as_bytes()).and_then(|()| self.input.flush());
        asked.map_err(|_| self.process.failure())
    }

    /// Reads up to a delimiter, which must come.
    fn until(&mut self, delimiter: u8) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.output.read_until(delimiter, &mut bytes)?;
        if bytes.pop() == Some(delimiter) { Ok(bytes) } else { Err(self.process.failure()) }
    }

    /// Reads as much as was announced.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.output.read_exact(bytes).map_err(|_| self.process.failure())
    }
}

/// Keeps the beginning, reads everything: a git with much to say must not be held up.
fn complaints(mut errors: impl Read) -> String {
    let mut kept = Vec::new();
    let _ = errors.by_ref().take(COMPLAINT_BYTES).read_to_end(&mut kept);
    let _ = std::io::copy(&mut errors, &mut std::io::sink());
    String::from_utf8_lossy(&kept).trim_end().to_owned()
}

/// The ids of commits.
#[derive(Debug)]
pub(crate) struct Commits {
    lines: Lines<BufReader<ChildStdout>>,
    process: Process,
}

impl Commits {
    pub(crate) fn next(&mut self) -> Result<Option<String>> {
        if let Some(id) = self.lines.next() {
            return Ok(Some(id.context("cannot read the list of commits")?));
        }
        let ended_well = self.process.child.wait()?.success();
        if ended_well { Ok(None) } else { Err(self.process.failure()) }
    }
}

/// What one commit did to one path.
#[derive(Debug)]
pub(crate) struct Touch {
    /// The path as git has it, which is bytes.
    pub(crate) path: Vec<u8>,
    /// What is there now: mode and object id; nothing if it was removed.
    pub(crate) now: Option<(String, String)>,
}

/// Answers what a commit changed.
#[derive(Debug)]
pub(crate) struct Trees {
    talk: Talk,
}

impl Trees {
    /// What `commit` changed of `parent`, or of nothing.
    pub(crate) fn touches(&mut self, commit: &str, parent: Option<&str>) -> Result<Vec<Touch>> {
        // A line that is no id is passed on as it is: that tells where the answer ends.
        let parents = parent.map(|parent| format!(" {parent}")).unwrap_or_default();
        self.talk.ask(&format!("{commit}{parents}\n=\n"))?;
        let mut touches = Vec::new();
        loop {
            match self.talk.output.fill_buf()?.first() {
                Some(b'=') => break self.talk.until(b'\n').map(|_| touches),
                Some(b':') => touches.push(self.touch()?),
                Some(_) => drop(self.talk.until(0)?),
                None => return Err(self.talk.process.failure()),
            }
        }
    }

    fn touch(&mut self) -> Result<Touch> {
        let line = self.talk.until(0)?;
        let path = self.talk.until(0)?;
        let line = String::from_utf8_lossy(&line);
        let mut fields = line.split(' ').skip(1);
        let (Some(mode), Some(_), Some(id)) = (fields.next(), fields.next(), fields.next()) else {
            bail!("git diff-tree answered {line:?}, which is not understood");
        };
        let now = (mode != "000000").then(|| (mode.to_owned(), id.to_owned()));
        Ok(Touch { path, now })
    }
}

/// The content of a file as a store keeps it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// UTF-8 is kept.
    Text(String),
    /// Of anything else the SHA-256, in hex.
    Sha256(String),
}

/// Answers what is in an object.
#[derive(Debug)]
pub(crate) struct Objects {
    talk: Talk,
}

impl Objects {
    /// A commit object as it is.
    pub(crate) fn commit(&mut self, id: &str) -> Result<Vec<u8>> {
        let size = self.open(id)?;
        let mut bytes = vec![0; usize::try_from(size)?];
        self.talk.fill(&mut bytes)?;
        self.close()?;
        Ok(bytes)
    }

    /// The content of a file, and its size. Holds no more in memory than it returns.
    pub(crate) fn content(&mut self, id: &str) -> Result<(Content, u64)> {
        let size = self.open(id)?;
        let mut reading = Reading::Text { bytes: Vec::new(), valid: 0 };
        let (mut piece, mut left) = (vec![0; PIECE_BYTES], size);
        while left > 0 {
            let want = left.min(PIECE_BYTES as u64) as usize;
            self.talk.fill(&mut piece[..want])?;
            reading = reading.take(&piece[..want]);
            left -= want as u64;
        }
        self.close()?;
        Ok((reading.finish(), size))
    }

    fn open(&mut self, id: &str) -> Result<u64> {
        self.talk.ask(&format!("{id}\n"))?;
        let line = self.talk.until(b'\n')?;
        let line = String::from_utf8_lossy(&line);
        let size = line.rsplit(' ').next().and_then(|size| size.parse().ok());
        size.with_context(|| format!("git cannot give object {id}: {line}"))
    }

    fn close(&mut self) -> Result<()> {
        let rest = self.talk.until(b'\n')?;
        ensure!(rest.is_empty(), "git cat-file answered more than it announced");
        Ok(())
    }
}

/// A content of which a part has been seen.
enum Reading {
    /// So far it is text: the bytes before `valid` are whole characters, fewer than four follow.
    Text { bytes: Vec<u8>, valid: usize },
    /// It is not.
    Other(Sha256),
}

impl Reading {
    fn take(self, piece: &[u8]) -> Reading {
        let (mut bytes, valid) = match self {
            Reading::Other(hash) => return Reading::Other(hash.chain_update(piece)),
            Reading::Text { bytes, valid } => (bytes, valid),
        };
        bytes.extend_from_slice(piece);
        match std::str::from_utf8(&bytes[valid..]) {
            Ok(_) => Reading::Text { valid: bytes.len(), bytes },
            Err(error) if error.error_len().is_none() => {
                Reading::Text { valid: valid + error.valid_up_to(), bytes }
            }
            Err(_) => Reading::Other(Sha256::new_with_prefix(bytes)),
        }
    }

    fn finish(self) -> Content {
        let hash = match self {
            Reading::Other(hash) => hash,
            Reading::Text { bytes, .. } => match String::from_utf8(bytes) {
                Ok(text) => return Content::Text(text),
                Err(cut_off) => Sha256::new_with_prefix(cut_off.as_bytes()),
            },
        };
        Content::Sha256(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Content {
        pieces.iter().fold(Reading::Text { bytes: Vec::new(), valid: 0 }, |r, piece| r.take(piece)).finish()
    }

    #[test]
    fn text_is_text_however_it_is_cut_and_anything_else_is_hashed() {
        assert_eq!(read(&[b"a\xc3", b"\xa4b"]), Content::Text("aäb".into()));
        let hash = |bytes: &[u8]| match read(&[bytes]) {
            Content::Sha256(hash) => hash,
            Content::Text(text) => text,
        };
        assert_eq!(read(&[b"ab\xff", b"cd"]), Content::Sha256(hash(b"ab\xffcd")));
        assert_eq!(read(&[b"ab", b"\xc3"]), Content::Sha256(hash(b"ab\xc3")));
        assert_eq!(hash(b"\xff"), "a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89");
    }
}
