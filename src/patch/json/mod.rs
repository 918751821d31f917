//! Patches as JSON.
