//! [`Policy`]: what is done where two changes meet that were made at the same time.
//!
//! Names only; what each does is `merge`'s. Always: a policy reads as it displays.

use std::fmt;
use std::str::FromStr;

/// What is done where a change meets another one that its writer had not seen.
///
/// | policy | who gets their way | the same in whichever order they come in? |
/// |---|---|---|
/// | `Reject` | what is there; the whole submission is refused | no |
/// | `LastAppended` | what comes in last | no |
/// | `FirstWins` | what is there | no |
/// | `LastWritten` | what was written later by the clocks of the writers | yes; of three and more, but where something was taken away or an edit no longer fits |
/// | `Rebase` | nobody: the recipe is run again on the newest state | no |
/// | `Counter` | both: differences are added up | yes |
/// | `Max`, `Min` | the greater, the smaller one | yes |
/// | `AddWins`, `RemoveWins` | for elements of sets and keys of maps: who adds; who removes | yes |
/// | `Text` | both: strings are merged, letter by letter | but for letters typed at the same place |
/// | `Deep` | both: maps are merged, key by key | but for what collides beneath |
/// | `Custom` | whoever the function of that name and version says | as it is written |
///
/// Whatever the order: all replicas show the same, because it is decided once, before it is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// Refuse the whole submission.
    Reject,
    /// The one that comes in last wins.
    #[default]
    LastAppended,
    /// The one that is there stays.
    FirstWins,
    /// The one written later wins, by the hybrid clocks of the writers; of two written at the same time, that of the greater
    /// writer. Edits beneath something that an older change overwrites are done again on top of it.
    LastWritten,
    /// The recipe that made the change is run again on the newest state, if whoever merges knows it; otherwise the writer has
    /// to.
    Rebase,
    /// Numbers: what each has added to it counts.
    Counter,
    /// Numbers and texts: the greater one.
    Max,
    /// Numbers and texts: the smaller one.
    Min,
    /// Who adds an element, or writes to it, wins against who removes it.
    AddWins,
    /// Who removes an element wins.
    RemoveWins,
    /// Strings that were overwritten are merged as if they had been typed into.
    Text,
    /// Maps that were overwritten, or added under the same key, are merged key by key.
    Deep,
    /// The function that was registered under this name and version.
    Custom {
        /// Its name.
        name: String,
        /// Its version: one that decides otherwise needs another.
        version: u32,
    },
}

/// What becomes of a change beneath something that was taken away meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnDeleted {
    /// Nothing: who takes away wins, in whichever order they come in.
    #[default]
    Drop,
    /// What was taken away is put there again, and changed; and what was changed is not taken away. Of an element of a keyed list that is
    /// the item, not its place in the order: the state of such a type refuses it.
    Restore,
    /// The whole submission is refused.
    Reject,
}

/// A text that names no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no policy; there are: {}, and custom:NAME:VERSION", names())]
pub struct PolicyError {
    /// The text.
    pub found: String,
}

/// Those without parameters, with the numbers they have in records.
const PLAIN: [(Policy, u8, &str); 12] = [
    (Policy::Reject, 0, "reject"),
    (Policy::LastAppended, 1, "last-appended"),
    (Policy::FirstWins, 2, "first-wins"),
    (Policy::LastWritten, 3, "last-written"),
    (Policy::Rebase, 4, "rebase"),
    (Policy::Counter, 5, "counter"),
    (Policy::Max, 6, "max"),
    (Policy::Min, 7, "min"),
    (Policy::AddWins, 8, "add-wins"),
    (Policy::RemoveWins, 9, "remove-wins"),
    (Policy::Text, 10, "text"),
    (Policy::Deep, 11, "deep"),
];
/// The number of [`Policy::Custom`], behind which come name and version.
pub(crate) const CUSTOM: u8 = 12;

fn names() -> String {
    PLAIN.map(|(_, _, name)| name).join(", ")
}

impl Policy {
    /// Its number in records.
    pub(crate) fn tag(&self) -> u8 {
        PLAIN.iter().find(|(policy, ..)| policy == self).map_or(CUSTOM, |(_, tag, _)| *tag)
    }

    /// The one without parameters that has this number.
    pub(crate) fn of_tag(tag: u8) -> Option<Policy> {
        PLAIN.iter().find(|(_, known, _)| *known == tag).map(|(policy, ..)| policy.clone())
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Policy::Custom { name, version } => write!(f, "custom:{name}:{version}"),
            plain => {
                let known = PLAIN.iter().find(|(policy, ..)| policy == plain);
                f.write_str(known.map_or("", |(_, _, name)| name))
            }
        }
    }
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let wrong = || PolicyError { found: text.to_owned() };
        if let Some((policy, ..)) = PLAIN.iter().find(|(_, _, name)| *name == text) {
            return Ok(policy.clone());
        }
        let (name, version) =
            text.strip_prefix("custom:").and_then(|rest| rest.rsplit_once(':')).ok_or_else(wrong)?;
        let version = version.parse().map_err(|_| wrong())?;
        if name.is_empty() { Err(wrong()) } else { Ok(Policy::Custom { name: name.to_owned(), version }) }
    }
}

impl OnDeleted {
    /// Its number in records.
    pub(crate) fn tag(self) -> u8 {
        match self {
            Self::Drop => 0,
            Self::Restore => 1,
            Self::Reject => 2,
        }
    }

    pub(crate) fn of_tag(tag: u8) -> Option<Self> {
        [Self::Drop, Self::Restore, Self::Reject].into_iter().find(|known| known.tag() == tag)
    }
}

impl fmt::Display for OnDeleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drop => "drop",
            Self::Restore => "restore",
            Self::Reject => "reject",
        })
    }
}

impl FromStr for OnDeleted {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let known =
            [Self::Drop, Self::Restore, Self::Reject].into_iter().find(|known| known.to_string() == text);
        known.ok_or_else(|| PolicyError { found: text.to_owned() })
    }
}
