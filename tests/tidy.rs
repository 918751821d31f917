//! What is written down about the repository in more than one place agrees: tests that tables name exist, files of tests are
//! compiled, controls apply, and modules import what the picture of the architecture says.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests look at files and may fail loudly"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below a directory with this ending, ascending.
fn files(dir: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![root().join(dir)];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => dirs.push(path),
                false if path.extension().is_some_and(|found| found == ending) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// What stands between backticks and reads as a path to a test, file and name.
fn named(table: &str) -> Vec<(&str, &str)> {
    table.split('`').skip(1).step_by(2).filter_map(|code| code.rsplit_once("::")).collect()
}

/// The source of a file of tests, as tables name it.
fn source_of(tests: &str) -> String {
    let file = tests.replace("::", "/");
    let places = [format!("tests/{file}.rs"), format!("tools/cli/tests/{file}.rs"), format!("src/{file}.rs")];
    let found = places.iter().find_map(|place| std::fs::read_to_string(root().join(place)).ok());
    found.unwrap_or_else(|| panic!("there is no file of tests {tests}"))
}

#[test]
fn every_test_that_the_table_of_faults_names_exists() {
    let table = read("docs/reliability.md");
    let named = named(&table);
    assert!(named.len() > 40, "only {} tests are named", named.len());
    for (path, test) in named {
        assert!(source_of(path).contains(&format!("fn {test}(")), "{path}::{test} is not there");
    }
}

/// A fault without an answer must say so, and none may be left out.
#[test]
fn every_row_of_the_table_of_faults_names_a_test_or_says_that_there_is_none() {
    let table = read("docs/reliability.md");
    let is_row = |line: &&str| {
        line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let first = table.lines().position(|line| is_row(&line)).unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().skip(first).take_while(is_row).map(|line| line[2..].split(" | ").collect()).collect();
    assert_eq!(rows.len(), table.lines().filter(is_row).count(), "a row stands outside of the table");
    assert!(rows.len() >= 40, "{} rows", rows.len());
    for (index, cells) in rows.iter().enumerate() {
        assert_eq!(cells[0], (index + 1).to_string(), "rows are numbered from 1 without gaps");
        assert_eq!(cells.len(), 5, "{cells:?}");
        let answered = !named(cells[3]).is_empty() || cells[3].contains("no test yet");
        assert!(answered || cells[3].contains("not there yet"), "{cells:?}");
    }
}

#[test]
fn every_row_of_the_recovery_table_names_a_test() {
    let (format, tests) = (read("src/segment/FORMAT.md"), read("tests/faults/recovery_table.rs"));
    let rows: Vec<&str> = format
        .lines()
        .skip_while(|line| !line.starts_with("| found |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(rows.len() > 18, "{} rows", rows.len());
    for row in rows {
        let test = row.rsplit('`').nth(1).unwrap_or_default();
        assert!(!test.is_empty() && tests.contains(&format!("fn {test}(")), "no test for: {row}");
    }
}

/// A file of tests that no program includes never runs, and nothing else would tell.
#[test]
fn every_file_of_tests_is_compiled() {
    let mut checked = 0;
    for main in ["tests", "tools/cli/tests"].into_iter().flat_map(|dir| files(dir, "rs")) {
        if !main.ends_with("main.rs") && !main.ends_with("common/mod.rs") {
            continue;
        }
        let (program, dir) = (std::fs::read_to_string(&main).unwrap(), main.parent().unwrap());
        for file in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.file_stem().unwrap().to_str().unwrap();
            if file.extension().is_some_and(|ending| ending == "rs") && name != "main" && name != "mod" {
                assert!(program.contains(&format!("mod {name};")), "{} is not compiled", file.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "{checked}");
}

#[test]
fn every_control_applies_and_names_tests_that_exist() {
    let patches = files("tests/controls", "patch");
    assert!(patches.len() > 20, "{} controls", patches.len());
    for patch in patches {
        let text = std::fs::read_to_string(&patch).unwrap();
        let found_by = text.lines().next().and_then(|line| line.split_once("; found by: ")).unwrap().1;
        for test in found_by.split_whitespace() {
            let program = test.split("::").next().unwrap();
            let exists = ["rs", ""]
                .iter()
                .any(|ending| root().join("tests").join(program).with_extension(ending).exists());
            assert!(exists, "{}: there is no {program}", patch.display());
            test.contains("::").then(|| source_of(test));
        }
        let applied = Command::new("git")
            .current_dir(root())
            .args(["apply", "--check", "--recount"])
            .arg(&patch)
            .output();
        match applied {
            Ok(answer) => assert!(
                answer.status.success(),
                "{}: {}",
                patch.display(),
                String::from_utf8_lossy(&answer.stderr)
            ),
            Err(_) => return eprintln!("SKIPPED: whether controls apply, for want of git"),
        }
    }
}

/// The rows of the first table behind a line, as cells.
fn table<'a>(text: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let rows = text.lines().skip_while(|line| !line.starts_with(heading)).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// What a source says outside of its comments and tests.
fn code(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn modules_use_what_the_picture_of_the_architecture_says_and_nothing_else() {
    let page = read("ARCHITECTURE.md");
    let rows = table(&page, "| module | uses |");
    let modules: Vec<&str> = rows.iter().flat_map(|row| names(row[0])).collect();
    assert!(modules.len() > 14, "{modules:?}");
    for row in &rows {
        for module in names(row[0]) {
            let dir = format!("src/{module}");
            let sources = match root().join(&dir).is_dir() {
                true => files(&dir, "rs"),
                false => vec![root().join(format!("{dir}.rs"))],
            };
            let is_test = |path: &PathBuf| {
                path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("tests"))
            };
            for path in sources.into_iter().filter(|path| !is_test(path)) {
                let source = code(&std::fs::read_to_string(&path).unwrap());
                for used in modules
                    .iter()
                    .filter(|&&used| used != module && source.contains(&format!("crate::{used}")))
                {
                    assert!(names(row[1]).contains(used), "{} uses {used}", path.display());
                }
            }
        }
    }
    // In an order in which each uses only those before it, there is no circle.
    let mut placed: Vec<&str> = Vec::new();
    while placed.len() < modules.len() {
        let ready = |row: &Vec<&str>| names(row[1]).iter().all(|used| placed.contains(used));
        let next: Vec<&str> = rows
            .iter()
            .filter(|row| ready(row))
            .flat_map(|row| names(row[0]))
            .filter(|module| !placed.contains(module))
            .collect();
        assert!(!next.is_empty(), "a circle among those that are not {placed:?}");
        placed.extend(next);
    }
}
