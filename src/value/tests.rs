//! Unit tests of values.
