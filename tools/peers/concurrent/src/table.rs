//! The outcome as Markdown.

use crate::documents::Name;
use crate::measure::Figures;
use crate::trace::Trace;

pub(crate) fn markdown(trace: &Trace, exchanges: usize, outcomes: &[(Name, Vec<Figures>)]) -> String {
    let count = trace.txns.len();
    let title = format!(
        "{count} transactions of two people, who took in what the other wrote {exchanges} times; a text of {} characters, as it should be\n",
        trace.end_content.chars().count()
    );
    let head = "| | write, ms | computing, ms | transactions/s of that | told each other, bytes | file, bytes | save, ms | open, ms | memory, MiB |";
    let rows = outcomes.iter().map(|(name, figures)| row(*name, figures, count));
    let lines = [title, head.to_owned(), format!("|---|{}", "---:|".repeat(8))];
    lines.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn row(name: Name, figures: &[Figures], transactions: usize) -> String {
    let of = |figure: fn(&Figures) -> f64| median(figures.iter().map(figure).collect());
    let busy_ms = of(|figures| figures.busy_ms);
    let cells = [
        of(|figures| figures.write_ms).map(grouped),
        busy_ms.map(grouped),
        busy_ms.map(|ms| grouped(transactions as f64 * 1000.0 / ms)),
        of(|figures| figures.told_bytes as f64).map(grouped),
        of(|figures| figures.file_bytes as f64).map(grouped),
        of(|figures| figures.save_ms).map(|ms| format!("{ms:.1}")),
        of(|figures| figures.open_ms).map(|ms| format!("{ms:.1}")),
        of(|figures| figures.memory_mib).map(|mebibytes| format!("{mebibytes:.1}")),
    ];
    let cells = cells.map(|cell| cell.unwrap_or_else(|| "–".to_owned()));
    format!("| {} | {} |", name.title(), cells.join(" | "))
}

/// Nothing of nothing.
fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
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
