//! The loop: looks, draws and listens to keys until it is told to stop.
//!
//! Always: the terminal is as it was when this returns, whatever happened, and when this process panics or is told to terminate.

use super::draw;
use super::model::{Model, Wish};
use super::source::Followed;
use crate::interrupt;
use anyhow::Result;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::DefaultTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often it is looked for new changes.
const LOOK: Duration = Duration::from_millis(100);
/// How often the files are counted and the cursors are read.
const COUNT: Duration = Duration::from_secs(2);
/// A change that was stamped before the look before this one was not seen as soon as it could be.
const PROMPT: Duration = Duration::from_millis(500);

pub(super) fn show(followed: &Followed, model: &mut Model, coloured: bool) -> Result<()> {
    let stop = interrupt::flag()?;
    // Has a panic put the terminal back, too.
    let mut terminal = ratatui::try_init()?;
    let shown = go_on(followed, model, coloured, &mut terminal, &stop);
    ratatui::try_restore()?;
    shown
}

fn go_on(
    followed: &Followed,
    model: &mut Model,
    coloured: bool,
    terminal: &mut DefaultTerminal,
    stop: &AtomicBool,
) -> Result<()> {
    let (mut looked, mut counted) = (Instant::now(), Instant::now());
    while !stop.load(Ordering::SeqCst) {
        if !model.is_paused {
            let is_prompt = looked.elapsed() < PROMPT;
            looked = Instant::now();
            look(followed, model, is_prompt, &mut counted);
        }
        terminal.draw(|frame| draw::draw(frame, model, coloured))?;
        if event::poll(LOOK)?
            && let Some(wish) = wish(&event::read()?)
            && !model.obey(wish)
        {
            break;
        }
    }
    Ok(())
}

/// What fails is told on the screen, and tried again.
fn look(followed: &Followed, model: &mut Model, is_prompt: bool, counted: &mut Instant) {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let mut answer = followed.go_on(model, now_ms, is_prompt);
    if answer.is_ok() && counted.elapsed() >= COUNT {
        *counted = Instant::now();
        answer = followed.now(model.now.version).map(|now| model.now = now);
    }
    model.failure = answer.err().map(|error| format!("{error:#}"));
}

fn wish(event: &Event) -> Option<Wish> {
    let Event::Key(KeyEvent { code, modifiers, kind, .. }) = event else { return None };
    if *kind == KeyEventKind::Release {
        return None;
    }
    match code {
        KeyCode::Char('c' | 'd') if modifiers.contains(KeyModifiers::CONTROL) => Some(Wish::Quit),
        KeyCode::Char('q') | KeyCode::Esc => Some(Wish::Quit),
        KeyCode::Char('p' | ' ') => Some(Wish::Pause),
        KeyCode::Char('+' | '=') => Some(Wish::Longer),
        KeyCode::Char('-') => Some(Wish::Shorter),
        KeyCode::Char('?' | 'h') => Some(Wish::Help),
        _ => None,
    }
}
