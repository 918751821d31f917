//! `MapKey` for structs of one unnamed field, and for enums without fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Result, WhereClause, parse_quote};

use crate::model::{self, Body, Field, Model, Shape, Variant};

pub(crate) fn write(input: &DeriveInput) -> Result<TokenStream> {
    let model = model::read(input)?;
    let path = quote!(::redraft::state::MapKey);
    match &model.body {
        Body::Struct(Shape::Newtype(field)) if !field.atomic => {
            Ok(model.implement(&path, &inner_is_key(&model, field), &newtype(field)))
        }
        Body::Enum(variants) if variants.iter().all(|variant| matches!(variant.shape, Shape::Unit)) => {
            Ok(model.implement(&path, &model.bounds(), &names(variants)))
        }
        _ => {
            let why = "a key is one string, integer, bool or array of bytes: make it a struct of one unnamed field of such a \
                       type, or an enum without fields; or implement `redraft::state::MapKey`";
            Err(Error::new(input.ident.span(), why))
        }
    }
}

fn inner_is_key(model: &Model<'_>, field: &Field) -> WhereClause {
    let ty = &field.ty;
    let mut bounds: WhereClause = parse_quote!(where for<'__any> #ty: ::redraft::state::MapKey);
    bounds
        .predicates
        .extend(model.input.generics.where_clause.iter().flat_map(|given| given.predicates.clone()));
    if model.input.generics.type_params().next().is_some() {
        bounds.predicates.push(
            parse_quote!(Self: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static),
        );
    }
    bounds
}

fn newtype(field: &Field) -> TokenStream {
    let ty = &field.ty;
    quote! {
        fn to_key(&self) -> ::redraft::value::Key {
            <#ty as ::redraft::state::MapKey>::to_key(&self.0)
        }
        fn from_key(key: &::redraft::value::Key) -> ::core::option::Option<Self> {
            <#ty as ::redraft::state::MapKey>::from_key(key).map(Self)
        }
    }
}

fn names(variants: &[Variant]) -> TokenStream {
    let (idents, names): (Vec<_>, Vec<_>) =
        variants.iter().map(|variant| (&variant.ident, &variant.name)).unzip();
    quote! {
        fn to_key(&self) -> ::redraft::value::Key {
            ::redraft::value::Key::from(match self { #(Self::#idents { .. } => #names,)* })
        }
        fn from_key(key: &::redraft::value::Key) -> ::core::option::Option<Self> {
            match key.as_str()? {
                #(#names => ::core::option::Option::Some(Self::#idents {}),)*
                _ => ::core::option::Option::None,
            }
        }
    }
}
