//! The model on a screen of any size.
//!
//! Draws and decides nothing. Always: what comes from a store is escaped; where there is little room, what matters less is left out.

use super::model::{Follower, Model};
use crate::text;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph, Sparkline};

const HELP: [&str; 7] = [
    "q        quit",
    "p        pause: what happens meanwhile is taken in afterwards",
    "+ -      a longer or a shorter window",
    "?        this, and away with it",
    "latency  from a change's stamp to when it was seen here to be durable,",
    "         by the clocks of both; a look is taken every 100 ms",
    "lists    of what happened in the window, places to a depth of two",
];
const KEYS: &str = "q quit  p pause  +/- window  ? help";
/// The least that a list with its title is of use in.
const LIST_ROWS_MIN: u16 = 4;
const PLOT_ROWS: u16 = 4;

pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, coloured: bool) {
    let area = frame.area();
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)]).areas(area);
    frame.render_widget(Paragraph::new(title(model)).style(bold()), head);
    match model.shows_help {
        true => frame.render_widget(Paragraph::new(HELP.map(Line::from).to_vec()), body),
        false => draw_body(frame, model, body, coloured),
    }
    frame.render_widget(Paragraph::new(footer(model)), foot);
}

fn bold() -> Style {
    Style::default().add_modifier(Modifier::BOLD)
}

fn in_colour(colour: Color, coloured: bool) -> Style {
    if coloured { Style::default().fg(colour) } else { Style::default() }
}

fn title(model: &Model) -> String {
    let paused = if model.is_paused { "  PAUSED" } else { "" };
    text::one_line(&format!("redraft top  {}  version {}{paused}", model.name, model.now.version))
}

fn footer(model: &Model) -> String {
    match &model.failure {
        Some(failure) => text::one_line(&format!("{failure}; looking again")),
        None => KEYS.to_owned(),
    }
}

fn draw_body(frame: &mut Frame<'_>, model: &Model, area: Rect, coloured: bool) {
    let (facts, followers) = (facts(model), follower_lines(model));
    let plots = area.height >= facts.len() as u16 + 2 * PLOT_ROWS;
    let plot_rows = if plots { PLOT_ROWS } else { 1 };
    let rest = area.height.saturating_sub(2 * plot_rows + facts.len() as u16);
    let follower_rows = (followers.len() as u16).min(rest.saturating_sub(LIST_ROWS_MIN));
    let [changes, bytes, lines, lists, bottom] = Layout::vertical([
        Constraint::Length(plot_rows),
        Constraint::Length(plot_rows),
        Constraint::Length(facts.len() as u16),
        Constraint::Min(0),
        Constraint::Length(follower_rows),
    ])
    .areas(area);
    draw_rates(frame, model, changes, bytes, coloured);
    frame.render_widget(Paragraph::new(facts.into_iter().map(Line::from).collect::<Vec<_>>()), lines);
    if lists.height >= LIST_ROWS_MIN {
        draw_lists(frame, model, lists);
    }
    frame.render_widget(Paragraph::new(followers.into_iter().map(Line::from).collect::<Vec<_>>()), bottom);
}

fn draw_rates(frame: &mut Frame<'_>, model: &Model, changes: Rect, bytes: Rect, coloured: bool) {
    let rate = match model.per_second(model.changes()) {
        rate if rate < 10.0 => format!("{rate:.2} changes/s"),
        rate => format!("{rate:.0} changes/s"),
    };
    let size = format!("{}/s", text::bytes(model.per_second(model.bytes()) as u64));
    let (many, large): (Vec<u64>, Vec<u64>) = model.plot(usize::from(changes.width)).into_iter().unzip();
    draw_plot(frame, &rate, &many, changes, in_colour(Color::Green, coloured));
    draw_plot(frame, &size, &large, bytes, in_colour(Color::Cyan, coloured));
}

/// A title, and a plot below it where there is room.
fn draw_plot(frame: &mut Frame<'_>, title: &str, data: &[u64], area: Rect, style: Style) {
    if area.height < 2 {
        return frame.render_widget(Paragraph::new(title), area);
    }
    let data = stretched(data, usize::from(area.width));
    let plot = Sparkline::default().block(Block::default().borders(Borders::TOP).title(title)).style(style);
    frame.render_widget(plot.data(&data), area);
}

/// As wide as there is room: each column again and again.
fn stretched(data: &[u64], columns: usize) -> Vec<u64> {
    (0..columns).filter_map(|column| data.get(column * data.len() / columns.max(1)).copied()).collect()
}

/// What can be told in lines.
pub(super) fn facts(model: &Model) -> Vec<String> {
    let latency = match model.latency() {
        Some(latency) => format!(
            "stamp to seen: half within {} ms, 99 of 100 within {} ms, longest {} ms",
            latency.half, latency.most, latency.longest
        ),
        None => "stamp to seen: nothing has come yet".to_owned(),
    };
    let files = model.now.files.map_or("files: not known of a store elsewhere".to_owned(), |files| {
        let snapshot = files.newest_snapshot.map_or(String::new(), |version| {
            format!(
                ", the newest {} behind",
                text::count(model.now.version.saturating_sub(version), "change")
            )
        });
        format!(
            "{} ({}), {} ({}){snapshot}",
            text::count(files.segments, "segment"),
            text::bytes(files.segment_bytes),
            text::count(files.snapshots, "snapshot"),
            text::bytes(files.snapshot_bytes),
        )
    });
    let window = format!(
        "last {} s: {}; kept from version {} on",
        model.window_seconds(),
        text::count(model.changes(), "change"),
        model.now.oldest
    );
    vec![window, latency, files]
}

fn follower_lines(model: &Model) -> Vec<String> {
    let Some(followers) = &model.now.followers else { return Vec::new() };
    let line = |follower: &Follower| {
        let behind = text::count(model.now.version.saturating_sub(follower.version), "change");
        let bytes = text::bytes(follower.behind_bytes);
        text::one_line(&format!("follower {}: {behind} ({bytes}) behind", follower.name))
    };
    followers.iter().map(line).collect()
}

fn draw_lists(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(area);
    let rows = usize::from(area.height.saturating_sub(1));
    draw_list(frame, "hottest places", &model.hottest(rows), left);
    draw_list(frame, "busiest writers", &model.busiest(rows), right);
}

fn draw_list(frame: &mut Frame<'_>, title: &str, counts: &[(String, u64)], area: Rect) {
    let line = |(name, count): &(String, u64)| {
        let name = if name.is_empty() { "\"\"" } else { name };
        Line::from(format!("{count:>8}  {}", text::one_line(name)))
    };
    let list = Paragraph::new(counts.iter().map(line).collect::<Vec<_>>());
    frame.render_widget(list.block(Block::default().borders(Borders::TOP).title(title.to_owned())), area);
}

/// A frame as text, for who has no terminal.
pub(super) fn as_text(model: &Model, columns: u16, rows: u16) -> anyhow::Result<String> {
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(columns, rows))?;
    terminal.draw(|frame| draw(frame, model, false))?;
    let buffer = terminal.backend().buffer();
    let line = |row: u16| {
        let cells = (0..columns).filter_map(|column| buffer.cell((column, row)));
        cells.map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()
    };
    Ok((0..rows).map(line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::model::{Files, Now, Seen, Wish};
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn model() -> Model {
        let mut model = Model::new("notes.redraft", 60, 100_000);
        for n in 0..120u64 {
            model.note(&Seen {
                stamp_ms: 100_000 - i64::try_from(n).unwrap() * 500,
                bytes: 1_000,
                writer: "00c0ffee00c0ffee".into(),
                places: vec!["/cards/7".into(), "/\u{1b}[2Jevil".into()],
                latency_ms: Some(12),
            });
        }
        let files = Files {
            segments: 3,
            segment_bytes: 4_096,
            snapshots: 1,
            snapshot_bytes: 512,
            newest_snapshot: Some(100),
        };
        let followers = vec![Follower { name: "mailer".into(), version: 110, behind_bytes: 10_240 }];
        model.now = Now { oldest: 5, version: 120, files: Some(files), followers: Some(followers) };
        model
    }

    #[test]
    fn a_usual_terminal_shows_everything() {
        let text = as_text(&model(), 80, 24).unwrap();
        for said in [
            "redraft top  notes.redraft  version 120",
            "changes/s",
            "KiB/s",
            "half within",
            "3 segments (4.00 KiB), 1 snapshot",
            "20 changes behind",
            "hottest places",
            "/cards/7",
            "busiest writers",
            "00c0ffee00c0ffee",
            "follower mailer: 10 changes (10.00 KiB) behind",
            "q quit",
        ] {
            assert!(text.contains(said), "{said}:\n{text}");
        }
        assert!(text.contains("\\u001b[2Jevil") && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains('█'), "{text}");
    }

    #[test]
    fn no_terminal_is_too_small() {
        let model = model();
        for columns in [1, 2, 10, 40, 79, 300] {
            for rows in [1, 2, 3, 5, 8, 13, 16, 60] {
                let text = as_text(&model, columns, rows).unwrap();
                assert_eq!(text.lines().count().max(1), usize::from(rows), "{columns} * {rows}");
            }
        }
        let small = as_text(&model, 40, 8).unwrap();
        assert!(small.contains("changes/s") && small.contains("q quit"), "{small}");
    }

    #[test]
    fn colours_are_shown_to_who_likes_them_and_help_to_who_asks() {
        let mut model = model();
        let coloured = |coloured: bool| {
            let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
            terminal.draw(|frame| draw(frame, &model, coloured)).unwrap();
            terminal.backend().buffer().content().iter().any(|cell| cell.fg != Color::Reset)
        };
        assert_eq!((coloured(true), coloured(false)), (true, false));
        model.obey(Wish::Help);
        model.obey(Wish::Pause);
        let text = as_text(&model, 80, 24).unwrap();
        assert!(text.contains("PAUSED") && text.contains("a longer or a shorter window"), "{text}");
        model.failure = Some("cannot list".into());
        assert!(as_text(&model, 80, 24).unwrap().contains("cannot list; looking again"));
    }
}
