//! The outcome as Markdown: a table a work.

use std::collections::BTreeMap;

use crate::engines::Name;
use crate::goal;
use crate::notes::SYNCS;
use crate::options::Options;
use crate::result::{Outcome, Results};
use crate::work::Work;

pub(crate) fn markdown(options: &Options, results: &Results) -> String {
    let tables = options.works().into_iter().map(|work| Table { options, results, work }.markdown());
    tables.chain([notes(options)]).collect::<Vec<_>>().join("\n")
}

struct Table<'r> {
    options: &'r Options,
    results: &'r Results,
    work: Work,
}

impl Table<'_> {
    fn markdown(&self) -> String {
        let (number, title) = (self.work.number(), self.work.title());
        let rows = self.engines().map(|engine| self.row(engine));
        let lines = [format!("### {number}. {title}\n"), self.head(), self.rule()].into_iter().chain(rows);
        lines.chain(self.remarks()).collect::<Vec<_>>().join("\n") + "\n"
    }

    fn engines(&self) -> impl Iterator<Item = Name> {
        let work = self.work;
        self.options.engines().into_iter().filter(move |engine| work.is_for(*engine))
    }

    fn head(&self) -> String {
        let columns = self.options.bytes.iter().flat_map(|bytes| {
            let (main, rest) = (self.work.figures()[0].1, &self.work.figures()[1..]);
            let rest = rest.iter().map(|(_, unit)| (*unit).to_owned());
            [format!("{bytes} B: {main}"), "times raw".to_owned()].into_iter().chain(rest)
        });
        format!("| | {} |", columns.collect::<Vec<_>>().join(" | "))
    }

    fn rule(&self) -> String {
        format!("|---|{}", "---:|".repeat(self.options.bytes.len() * (self.work.figures().len() + 1)))
    }

    fn row(&self, engine: Name) -> String {
        let cells = self.options.bytes.iter().flat_map(|bytes| self.cells(engine, *bytes));
        format!("| {} | {} |", engine.title(), cells.collect::<Vec<_>>().join(" | "))
    }

    fn cells(&self, engine: Name, bytes: u64) -> Vec<String> {
        let names = self.work.figures();
        let Some(Outcome::Figures(figures)) = self.results.outcome(self.work, bytes, engine) else {
            let mut cells = vec![String::new(); names.len() + 1];
            cells[0] = self.without_figure(engine, bytes);
            return cells;
        };
        let figure = |name: &str| figures.get(name).copied().unwrap_or(f64::NAN);
        let main = figure(names[0].0);
        let raw = main / self.results.main_figure(self.work, bytes, Name::Raw);
        let missed = if goal::missed(self.results, self.work, bytes, engine) { " **missed**" } else { "" };
        let rest = names[1..].iter().map(|(name, _)| shown(figure(name)));
        [format!("{}{missed}", shown(main)), shown(raw)].into_iter().chain(rest).collect()
    }

    fn without_figure(&self, engine: Name, bytes: u64) -> String {
        match self.results.outcome(self.work, bytes, engine) {
            Some(Outcome::Failed(_)) => "**failed**".to_owned(),
            _ => "–".to_owned(),
        }
    }

    /// Why there is a dash or a failure.
    fn remarks(&self) -> Vec<String> {
        let mut whom: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for engine in self.engines() {
            for bytes in &self.options.bytes {
                let engines = self.remark(engine, *bytes).map(|what| whom.entry(what).or_default());
                engines.into_iter().for_each(|engines| engines.push(engine.title()));
            }
        }
        let line = |(what, mut engines): (String, Vec<&str>)| {
            engines.dedup();
            format!("* {}: {what}", engines.join("; "))
        };
        let blank = (!whom.is_empty()).then(String::new);
        blank.into_iter().chain(whom.into_iter().map(line)).collect()
    }

    fn remark(&self, engine: Name, bytes: u64) -> Option<String> {
        match self.results.outcome(self.work, bytes, engine)? {
            Outcome::Figures(_) => None,
            Outcome::Lacks(what) => Some(what),
            Outcome::Failed(what) => Some(format!("{} ({bytes} B)", what.trim())),
        }
    }
}

fn notes(options: &Options) -> String {
    let notes = options.engines().into_iter().map(|engine| {
        let note = SYNCS.iter().find(|(name, _)| *name == engine).map_or("", |(_, note)| note);
        format!("| {} | {note} |", engine.title())
    });
    let head = [
        "### What an append that is synced really syncs († nothing that survives a power cut)\n",
        "| | |",
        "|---|---|",
    ]
    .map(str::to_owned);
    head.into_iter().chain(notes).collect::<Vec<_>>().join("\n")
}

/// Three digits, two of what is next to nothing, or all before the point, in groups.
fn shown(figure: f64) -> String {
    match figure.abs() {
        size if size.is_nan() => "–".to_owned(),
        size if size < 0.0095 => format!("{figure:.4}"),
        size if size < 0.0995 => format!("{figure:.3}"),
        size if size < 9.995 => format!("{figure:.2}"),
        size if size < 99.95 => format!("{figure:.1}"),
        _ => grouped(figure),
    }
}

/// A figure with its thousands set apart.
fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let group = |(index, digit): (usize, char)| {
        let apart = index > 0 && (digits.len() - index).is_multiple_of(3);
        apart.then_some(',').into_iter().chain(Some(digit))
    };
    digits.chars().enumerate().flat_map(group).collect()
}
