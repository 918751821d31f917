//! The command as it is shown: verbs in groups, in the order in which a newcomer needs them.
//!
//! Always: every verb is in one group and has examples that parse; the tests below hold that.

use crate::args::Redraft;
use crate::pager;
use clap::{ColorChoice, Command, CommandFactory};
use std::fmt::Write;

/// What the verbs are for.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Begin", &["init", "apply", "import", "demo"]),
    (
        "Look at a store and its history",
        &["show", "log", "diff", "blame", "bisect", "replay", "stats", "export", "inspect", "top"],
    ),
    ("Take back", &["undo", "redo", "restore", "fork", "merge", "policies"]),
    ("Keep it well", &["doctor", "verify", "repair", "snapshot", "compact", "pack", "redact", "cursors"]),
    (
        "Copies and others",
        &["backup", "archive", "follow", "promote", "rejoin", "compare", "serve", "mirror"],
    ),
    ("Without a store", &["patch", "completions", "man", "help"]),
];
/// What is wider is hard to read.
const WIDTH_MAX: usize = 100;
const WIDTH_MIN: usize = 40;
/// Where what a verb does begins.
const INDENT: usize = 15;

/// The command line, for whoever parses or prints it.
pub(crate) fn command() -> Command {
    let mut command = Redraft::command().color(colours());
    command.build();
    let verbs = verbs(&command, width());
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{verbs}Options:\n{{options}}{{after-help}}"
    );
    Redraft::command().color(colours()).help_template(template)
}

/// Before anything is parsed, for what says that it could not be.
fn colours() -> ColorChoice {
    let mut arguments = std::env::args().skip_while(|argument| !argument.starts_with("--color"));
    let (first, second) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    match first.strip_prefix("--color=").unwrap_or(&second) {
        "always" => ColorChoice::Always,
        "never" => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

fn width() -> usize {
    pager::screen().map_or(WIDTH_MAX, |screen| screen.columns.clamp(WIDTH_MIN, WIDTH_MAX))
}

/// The groups, each verb with the first sentence of what it does.
fn verbs(command: &Command, width: usize) -> String {
    let mut text = String::new();
    for (group, verbs) in GROUPS {
        // A String takes everything.
        let _ = writeln!(text, "{group}:");
        for verb in verbs.iter().filter_map(|verb| command.find_subcommand(verb)) {
            let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
            let name = format!("  {}", verb.get_name());
            let _ = writeln!(text, "{name:<INDENT$}{}", wrapped(first_sentence(&about), width - INDENT));
        }
        text.push('\n');
    }
    text
}

/// Up to the first full stop, or to where it goes into detail.
fn first_sentence(about: &str) -> &str {
    let end = [". ", "; ", ": "].iter().filter_map(|stop| about.find(stop)).min();
    about[..end.unwrap_or(about.len())].trim_end_matches('.')
}

fn wrapped(text: &str, width: usize) -> String {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join(&format!("\n{:INDENT$}", ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// All commands that do something, with the words that lead to each.
    fn leaves(command: &Command, words: &str, found: &mut Vec<(String, Command)>) {
        let below: Vec<&Command> =
            command.get_subcommands().filter(|below| below.get_name() != "help").collect();
        if below.is_empty() {
            found.push((words.trim().to_owned(), command.clone()));
        }
        for below in below {
            leaves(below, &format!("{words} {}", below.get_name()), found);
        }
    }

    fn all() -> Vec<(String, Command)> {
        let (mut command, mut found) = (command(), Vec::new());
        command.build();
        leaves(&command, "", &mut found);
        found
    }

    /// The commands of this program in a line of an example, as a shell takes it apart.
    fn invocations(line: &str) -> Vec<Vec<String>> {
        let words = shlex::split(line).unwrap_or_else(|| panic!("no shell takes {line:?}"));
        let parts = words.split(|word| ["|", "&&", ";"].contains(&&**word));
        // Variables may stand before a command, and files that it reads or writes behind it.
        let is_file = |word: &&String| [">", ">>", "<", "2>"].contains(&&***word);
        let command = |part: &[String]| -> Vec<String> {
            let words = part.iter().skip_while(|word| word.contains('=')).take_while(|word| !is_file(word));
            words.cloned().collect()
        };
        parts.map(command).filter(|words| words.first().is_some_and(|word| word == "redraft")).collect()
    }

    fn examples(command: &Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        help.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect()
    }

    #[test]
    fn every_verb_is_in_one_group() {
        let command = Redraft::command();
        let listed: Vec<&str> = GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied()).collect();
        assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len(), "a verb stands twice");
        for verb in command.get_subcommands() {
            assert!(listed.contains(&verb.get_name()), "{} is in no group", verb.get_name());
        }
    }

    #[test]
    fn every_verb_has_examples_of_itself_and_each_parses() {
        for (verb, found) in all() {
            let examples = examples(&found);
            let own = format!("redraft {verb}");
            assert!(examples.iter().any(|line| line.contains(&own)), "{verb} has no example");
            for line in examples {
                for words in invocations(&line) {
                    if let Err(error) = command().try_get_matches_from(&words) {
                        panic!("{verb}: {line}: {error}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_argument_says_what_it_is() {
        for (verb, found) in all() {
            for argument in found.get_arguments().filter(|argument| !argument.is_hide_set()) {
                assert!(argument.get_help().is_some(), "{verb} {} says nothing", argument.get_id());
            }
        }
    }

    #[test]
    fn long_lines_are_wrapped_at_words() {
        assert_eq!(wrapped("one two three", 7), format!("one two\n{:INDENT$}three", ""));
        assert_eq!(first_sentence("Do it. Not that."), "Do it");
        assert_eq!(first_sentence("Do it: so"), "Do it");
    }
}
