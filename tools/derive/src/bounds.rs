//! The where clause of an implementation: what the type's parameters must be for its fields to be states.
//!
//! Bounds stand on the types of fields, not on the parameters: `Option<T>` needs more of `T` than `T` itself does. Only
//! where a field's type names the type being derived would that go round in circles; there the parameters are bound.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Ident, WhereClause, parse_quote};

use crate::attributes::DefaultBy;
use crate::model::{Body, Field, Missing, Model, Shape};

impl Model<'_> {
    /// The whole implementation of a trait, from the items inside.
    pub(crate) fn implement(
        &self,
        path: &TokenStream,
        bounds: &WhereClause,
        items: &TokenStream,
    ) -> TokenStream {
        let ident = &self.input.ident;
        let (head, args, _) = self.input.generics.split_for_impl();
        quote! {
            #[automatically_derived]
            #[allow(unused_mut, unused_variables, unreachable_patterns, clippy::all)]
            impl #head #path for #ident #args #bounds { #items }
        }
    }

    pub(crate) fn bounds(&self) -> WhereClause {
        let mut bounds = self.declared();
        if self.parameters().is_empty() {
            return bounds;
        }
        bounds.predicates.push(
            parse_quote!(Self: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static),
        );
        for field in self.fields() {
            self.bind(field, &mut bounds);
        }
        bounds
    }

    fn declared(&self) -> WhereClause {
        let none = || WhereClause { where_token: Default::default(), predicates: Default::default() };
        self.input.generics.where_clause.clone().unwrap_or_else(none)
    }

    fn bind(&self, field: &Field, bounds: &mut WhereClause) {
        let ty = &field.ty;
        let used: Vec<&Ident> = self.parameters().into_iter().filter(|ident| names(ty, ident)).collect();
        if used.is_empty() {
            return;
        }
        let state = quote!(::redraft::State);
        match &field.missing {
            Missing::Rest => bounds.predicates.push(parse_quote!(#ty: ::redraft::state::rest::Rest)),
            Missing::Skipped => bounds.predicates.push(parse_quote!(#ty: ::core::default::Default)),
            _ if field.atomic => bounds.predicates.push(parse_quote!(#ty: ::redraft::state::derived::Atomic)),
            _ if names(ty, &self.input.ident) => {
                bounds
                    .predicates
                    .extend(used.iter().map(|ident| -> syn::WherePredicate { parse_quote!(#ident: #state) }));
            }
            _ => bounds.predicates.push(parse_quote!(#ty: #state)),
        }
        if matches!(field.missing, Missing::Filled(DefaultBy::Trait)) {
            bounds.predicates.push(parse_quote!(#ty: ::core::default::Default));
        }
    }

    fn parameters(&self) -> Vec<&Ident> {
        self.input.generics.type_params().map(|parameter| &parameter.ident).collect()
    }

    fn fields(&self) -> Vec<&Field> {
        match &self.body {
            Body::Struct(shape) => shape.fields(),
            Body::Enum(variants) => variants.iter().flat_map(|variant| variant.shape.fields()).collect(),
        }
    }
}

impl Shape {
    pub(crate) fn fields(&self) -> Vec<&Field> {
        match self {
            Self::Unit => Vec::new(),
            Self::Newtype(field) => vec![field],
            Self::Tuple(fields) | Self::Named(fields) => fields.iter().collect(),
        }
    }
}

/// Whether an identifier stands anywhere in some tokens.
fn names(tokens: &impl ToTokens, wanted: &Ident) -> bool {
    fn inside(tokens: TokenStream, wanted: &Ident) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == *wanted,
            TokenTree::Group(group) => inside(group.stream(), wanted),
            _ => false,
        })
    }
    inside(tokens.to_token_stream(), wanted)
}
