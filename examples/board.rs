//! A to-do board for the terminal, with a history: every command that changes it is one change in a store, so any
//! earlier board can be shown again, two of them compared, and any change taken back as long as nothing was built upon it.
//!
//! ```text
//! cargo run --example board                              a short tour in a temporary directory
//! cargo run --example board -- notes.board add ship it   one command on the board in the directory notes.board
//! cargo run --example board -- notes.board               commands from standard input, one a line
//! ```
//! Ends with 0 when all went well, 1 when something was refused, 2 when a command was not understood.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::{fmt, iter, mem};

use redraft::collections::{Counter, KeyedList, Set};
use redraft::{Commit, Meta, Options, Patch, State, Store, diff};

type Failure = Box<dyn Error + Send + Sync>;
type Result<T = ()> = std::result::Result<T, Failure>;

#[derive(Clone, Debug, Default, State)]
struct Board {
    /// In the order in which they are shown. Known by number, so a change of one says the same wherever it stands.
    cards: KeyedList<u64, Card>,
    /// How often a card went from stage to stage. A counter, so that each move can be undone without the others.
    moves: Counter,
}

#[derive(Clone, Debug, State)]
struct Card {
    text: String,
    stage: Stage,
    labels: Set<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, State)]
enum Stage {
    Todo,
    Doing,
    Done,
}

const COMMANDS: &str = "commands:
  add TEXT           list              undo [VERSION]   at VERSION
  move CARD STAGE    first CARD        redo [VERSION]   diff FROM TO
  label CARD LABEL   remove CARD       history          help
A stage is todo, doing or done; the label a card has already is taken off. Without a VERSION the last change is meant.";

/// Words that are no command, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misunderstood(String);

/// Whether it was a command that was wrong: said here, or by a recipe that could not make sense of its words.
fn is_misunderstood(error: &Failure) -> bool {
    let by_recipe = || error.downcast_ref::<redraft::Error>()?.recipe::<Misunderstood>();
    error.is::<Misunderstood>() || by_recipe().is_some()
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let done = match arguments.next() {
        None => tour(&mut io::stdout()),
        Some(path) => open_and_run(&path, &arguments.collect::<Vec<_>>(), &mut io::stdout()),
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS; // Whoever read along, `head` for example, has seen enough.
    }
    drop(writeln!(io::stderr(), "board: {}", with_causes(&*error)));
    if is_misunderstood(&error) {
        drop(writeln!(io::stderr(), "usage: board [PATH [COMMAND]]\n{COMMANDS}"));
        return ExitCode::from(2);
    }
    ExitCode::FAILURE
}

/// An error says what went wrong, and its source why.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let all = iter::successors(Some(error), |&error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn open_and_run(path: &OsStr, words: &[OsString], out: &mut impl Write) -> Result {
    let words: Option<Vec<&str>> = words.iter().map(|word| word.to_str()).collect();
    let words = words.ok_or_else(|| Misunderstood("a command is Unicode text".into()))?;
    // Whoever only wants to look must not get an empty board for a mistyped path.
    let store = Options::new().create(matches!(words[..], ["add", _, ..])).open(path)?;
    let done = if words.is_empty() { each_line(&store, out) } else { run(&store, &words, out) };
    done.and(Ok(store.close()?))
}

/// At a keyboard mistakes are told and forgiven; in a script the first one ends it.
fn each_line(store: &Store<Board>, out: &mut impl Write) -> Result {
    for line in io::stdin().lock().lines() {
        match run(store, &line?.split_whitespace().collect::<Vec<_>>(), out) {
            Err(error) if io::stdin().is_terminal() => forgive(error, out)?,
            done => done?,
        }
    }
    Ok(())
}

fn forgive(error: Failure, out: &mut impl Write) -> Result {
    if error.is::<io::Error>() { Err(error) } else { Ok(writeln!(out, "{error}")?) }
}

fn run(store: &Store<Board>, words: &[&str], out: &mut impl Write) -> Result {
    // What is shown to a terminal one day must not be able to steer it.
    if words.iter().any(|word| word.contains(char::is_control)) {
        return Err(Misunderstood("a command is one line of visible characters".into()).into());
    }
    match words {
        ["add", _, ..] => change(store, words, out, |board| board.add(words[1..].join(" "))),
        ["move", card, stage] => change(store, words, out, |board| board.advance(card, stage)),
        ["label", card, label] => change(store, words, out, |board| board.label(card, label)),
        ["first", card] => change(store, words, out, |board| board.first(card)),
        ["remove", card] => {
            change(store, words, out, |board| board.id(card).map(|id| drop(board.cards.remove(&id))))
        }
        ["undo"] => tell(&store.undo(standing(store)?.0.pop().ok_or("nothing is left to undo")?)?, out),
        ["undo", version] => tell(&store.undo(number(version)?)?, out),
        ["redo"] => tell(&store.redo(standing(store)?.1.pop().ok_or("nothing is left to redo")?)?, out),
        ["redo", version] => tell(&store.redo(number(version)?)?, out),
        ["list"] => Ok(write!(out, "{}", store.state())?),
        ["at", version] => Ok(write!(out, "{}", store.at(number(version)?)?)?),
        ["diff", from, to] => print(&diff(&*store.at(number(from)?)?, &*store.at(number(to)?)?)?.0, out),
        ["history"] => history(store, out),
        ["help"] => Ok(writeln!(out, "{COMMANDS}")?),
        [] => Ok(()),
        _ => Err(Misunderstood(format!("not a command: {}", words.join(" "))).into()),
    }
}

fn number(word: &str) -> Result<u64> {
    word.parse().map_err(|_| Misunderstood(format!("not a number: {word}")).into())
}

fn stage(word: &str) -> Result<Stage> {
    match word {
        "todo" => Ok(Stage::Todo),
        "doing" => Ok(Stage::Doing),
        "done" => Ok(Stage::Done),
        _ => Err(Misunderstood(format!("not a stage: {word} (there are todo, doing and done)")).into()),
    }
}

/// What commands do to a board: ordinary code on an ordinary struct. After an error the store is what it was.
impl Board {
    fn add(&mut self, text: String) -> Result {
        let id =
            self.cards.keys().max().map_or(Some(1), |id| id.checked_add(1)).ok_or("no number is left")?;
        self.cards.push(id, Card { text, stage: Stage::Todo, labels: Set::new() });
        Ok(())
    }

    fn advance(&mut self, card: &str, to: &str) -> Result {
        let (id, to) = (self.id(card)?, stage(to)?);
        if mem::replace(&mut self.cards[&id].stage, to) != to {
            self.moves += 1;
        }
        Ok(())
    }

    fn label(&mut self, card: &str, label: &str) -> Result {
        let id = self.id(card)?;
        let labels = &mut self.cards[&id].labels;
        if !labels.remove(label) {
            labels.insert(label.into());
        }
        Ok(())
    }

    fn first(&mut self, card: &str) -> Result {
        self.cards.move_to(&self.id(card)?, 0);
        Ok(())
    }

    fn id(&self, word: &str) -> Result<u64> {
        let id = number(word)?;
        if self.cards.contains_key(&id) { Ok(id) } else { Err(format!("there is no card {id}").into()) }
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, card) in &self.cards {
            let labels: String = card.labels.iter().map(|label| format!(" #{label}")).collect();
            writeln!(f, "{id:>4}  {:<5}  {}{labels}", format!("{:?}", card.stage), card.text)?;
        }
        writeln!(f, "      cards: {}, moves: {}", self.cards.len(), self.moves)
    }
}

/// Records a change under the words that made it.
fn change(
    store: &Store<Board>,
    words: &[&str],
    out: &mut impl Write,
    recipe: impl FnOnce(&mut Board) -> Result,
) -> Result {
    tell(&store.produce_with(Meta::label(words.join(" ")), recipe)?, out)
}

fn tell(commit: &Commit<Board>, out: &mut impl Write) -> Result {
    let what = if commit.patch().is_empty() { "still version" } else { "version" };
    Ok(writeln!(out, "{what} {}", commit.version())?)
}

/// The changes that stand and those that are undone, in the order in which they became so.
fn standing(store: &Store<Board>) -> Result<(Vec<u64>, Vec<u64>)> {
    // An undo takes a change back, a redo takes the undo back: both are about the change at the bottom of it.
    let (mut standing, mut undone, mut about) = (Vec::new(), Vec::new(), BTreeMap::new());
    for change in store.changes(..)? {
        let change = change?;
        let bottom = change.undoes.and_then(|undone| about.get(&undone).copied()).unwrap_or(change.version);
        about.insert(change.version, bottom);
        let stood = standing.contains(&bottom);
        let (from, to) = if stood { (&mut standing, &mut undone) } else { (&mut undone, &mut standing) };
        from.retain(|version| *version != bottom);
        to.push(bottom);
    }
    Ok((standing, undone))
}

fn history(store: &Store<Board>, out: &mut impl Write) -> Result {
    for change in store.changes(..)? {
        let change = change?;
        let label = change.meta.label.unwrap_or_default();
        let what = change.undoes.map_or(label, |version| format!("takes {version} back"));
        writeln!(out, "{:>4}  {what}", change.version)?;
        print(&change.patch, out)?;
    }
    Ok(())
}

fn print(patch: &Patch, out: &mut impl Write) -> Result {
    Ok(patch.iter().try_for_each(|op| writeln!(out, "      {op:?}"))?)
}

/// What one would type, with a mistake and an undo that comes too late.
const TOUR: &str = "add ship it; add sleep; move 1 doing; label 1 urgent; first 2; move 1 done; list; move 9 done; \
                    undo 3; undo; redo; at 3; diff 3 6; history";

fn tour(out: &mut impl Write) -> Result {
    let scratch = tempfile::tempdir()?;
    let store = Store::open(scratch.path().join("tour.board"))?;
    for typed in TOUR.split("; ") {
        writeln!(out, "> {typed}")?;
        run(&store, &typed.split(' ').collect::<Vec<_>>(), out).or_else(|error| forgive(error, out))?;
    }
    Ok(writeln!(out, "> help\n{COMMANDS}")?)
}
