//! `#[derive(State)]` and `#[derive(MapKey)]`, used through the `redraft` crate, which documents both.
//!
//! A type is read into a model, which finds all mistakes and names the remedy; then one file writes the
//! implementation for each kind of type. What is written calls `redraft::state::derived`, so that it stays short:
//! every program that derives compiles it again.

mod attributes;
mod bounds;
mod enums;
mod keys;
mod merge;
mod model;
mod structs;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `redraft::State`: structs show as maps, tuple structs as lists (with one field: as that field), enums
/// as the variant's name or a map of it. See `redraft::State` for the attributes.
#[proc_macro_derive(State, attributes(state, merge))]
pub fn state(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let written = model::read(&input).map(|model| match &model.body {
        model::Body::Struct(shape) => structs::write(&model, shape),
        model::Body::Enum(variants) => enums::write(&model, variants),
    });
    written.unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Implements `redraft::state::MapKey` for structs of one unnamed field, and for enums without fields.
#[proc_macro_derive(MapKey, attributes(state))]
pub fn map_key(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    keys::write(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
