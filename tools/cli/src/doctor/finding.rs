//! One thing that the doctor has to say.

use crate::output::Colour;
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Will be a problem.
    Warning,
    /// Keeps the store from doing its work, or has lost something.
    Problem,
}

impl Severity {
    pub(super) fn name(self) -> &'static str {
        match self {
            Severity::Ok => "ok",
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Problem => "problem",
        }
    }

    pub(super) fn colour(self) -> Option<Colour> {
        match self {
            Severity::Ok => Some(Colour::Green),
            Severity::Note => None,
            Severity::Warning => Some(Colour::Yellow),
            Severity::Problem => Some(Colour::Red),
        }
    }
}

/// What was found about a topic, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) topic: &'static str,
    pub(super) severity: Severity,
    pub(super) told: String,
    /// A command to paste.
    pub(super) next: Option<String>,
    /// Whether it is about bytes that are not what was written.
    #[serde(skip)]
    pub(super) is_damage: bool,
}

impl Finding {
    pub(super) fn new(severity: Severity, topic: &'static str, told: impl Into<String>) -> Finding {
        Finding { topic, severity, told: told.into(), next: None, is_damage: false }
    }

    pub(super) fn ok(topic: &'static str, told: impl Into<String>) -> Finding {
        Finding::new(Severity::Ok, topic, told)
    }

    pub(super) fn note(topic: &'static str, told: impl Into<String>) -> Finding {
        Finding::new(Severity::Note, topic, told)
    }

    pub(super) fn warning(topic: &'static str, told: impl Into<String>) -> Finding {
        Finding::new(Severity::Warning, topic, told)
    }

    pub(super) fn problem(topic: &'static str, told: impl Into<String>) -> Finding {
        Finding::new(Severity::Problem, topic, told)
    }

    pub(super) fn next(mut self, command: impl Into<String>) -> Finding {
        self.next = Some(command.into());
        self
    }

    pub(super) fn damage(mut self) -> Finding {
        self.is_damage = true;
        self
    }
}
