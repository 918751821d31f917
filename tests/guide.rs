//! The guide holds together: its table of contents is complete, links lead somewhere, and code that it quotes is the code.
//!
//! What its commands print is compared elsewhere (`tools/cli/tests/guide.rs`), and its Rust is compiled with the crate's documentation.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests look at files and may fail loudly"
)]

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn pages_in(dir: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(dir)).unwrap();
    let pages = entries.map(|entry| entry.unwrap().path());
    pages.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect()
}

fn pages() -> Vec<PathBuf> {
    let mut pages = [pages_in("docs"), pages_in("docs/guide/src")].concat();
    pages.extend(
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "src/segment/FORMAT.md"]
            .map(|page| root().join(page)),
    );
    pages
}

/// A page without its blocks of code.
fn prose(page: &str) -> String {
    page.split("```").step_by(2).collect()
}

/// Where the links of a page lead, those to other sites left out.
fn links(page: &str) -> Vec<String> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let local = targets.map(|(target, _)| target.to_owned());
    local.filter(|target| !target.contains("://") && !target.contains(' ') && !target.is_empty()).collect()
}

/// What a heading is called in a link: as GitHub and mdBook make it.
fn anchors(page: &str) -> Vec<String> {
    let headings =
        page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings
        .map(|text| text.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn every_link_of_a_page_leads_to_a_file_and_a_heading() {
    let mut checked = 0;
    for page in pages() {
        let text = read(&page);
        for link in links(&prose(&text)) {
            let (file, anchor) =
                link.split_once('#').map_or((&*link, None), |(file, anchor)| (file, Some(anchor)));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            if let Some(anchor) = anchor {
                let found = anchors(&read(&target)).iter().any(|known| known == anchor);
                assert!(found, "{}: {link}: there is no such heading", page.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 60, "only {checked} links");
}

#[test]
fn the_table_of_contents_names_every_chapter() {
    let contents = links(&read(&root().join("docs/guide/src/SUMMARY.md")));
    for chapter in pages_in("docs/guide/src") {
        let name = chapter.file_name().unwrap().to_str().unwrap();
        assert!(
            name == "SUMMARY.md" || contents.iter().any(|link| link == name),
            "{name} is not in SUMMARY.md"
        );
    }
    assert!(contents.len() > 10, "{contents:?}");
}

/// Nothing of a line but how far it is indented may differ.
fn without_indents(code: &str) -> String {
    code.lines().map(|line| format!("{}\n", line.trim())).collect()
}

#[test]
fn code_that_is_quoted_from_a_file_stands_there() {
    let mut checked = 0;
    for page in pages_in("docs/guide/src") {
        let text = read(&page);
        for quote in text.split("<!-- from ").skip(1) {
            let (file, rest) = quote.split_once(" -->\n").unwrap();
            let block = rest.split("```").nth(1).unwrap();
            let code = without_indents(block.split_once('\n').unwrap().1);
            let is_there = without_indents(&read(&root().join(file))).contains(&code);
            assert!(is_there, "{}: this is not in {file}:\n{code}", page.display());
            checked += 1;
        }
    }
    assert!(checked > 5, "only {checked} quotes");
}

/// What is claimed in comparison with others has its test. What the thing is and what it is licensed as are no claims.
#[test]
fn what_is_claimed_in_the_comparison_links_to_its_test() {
    let readme = read(&root().join("README.md"));
    let rows = readme.lines().skip_while(|line| !line.starts_with("| | **redraft**")).skip(2);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 12, "{} rows", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 12, "{row}");
        let is_claim = !["what it is", "licence"].contains(&cells[0]) && !cells[1].starts_with("no");
        assert!(!is_claim || !links(cells[1]).is_empty(), "without a test: {row}");
    }
}
