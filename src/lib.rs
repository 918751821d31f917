//! redraft: an embeddable, event-sourced state store.
