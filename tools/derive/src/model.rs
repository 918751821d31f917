//! What there is to know about a type before an implementation is written. All mistakes are found here.
//!
//! Always: what the writers (`structs`, `enums`, `keys`) get is sound, so that they cannot fail.

use std::collections::HashSet;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, ExprPath, Fields, Ident, LitStr, Member, Result, Type};

use crate::attributes::{Attributes, DefaultBy, Place};
use crate::merge::Merge;

pub(crate) struct Model<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) body: Body,
    /// What is said of the schema.
    schema: Option<u32>,
    migrate: Option<ExprPath>,
}

#[allow(clippy::large_enum_variant, reason = "a handful live for the length of one compilation")]
pub(crate) enum Body {
    Struct(Shape),
    Enum(Vec<Variant>),
}

/// What the fields of a struct or variant look like from outside.
#[allow(clippy::large_enum_variant, reason = "a handful live for the length of one compilation")]
pub(crate) enum Shape {
    /// Nothing inside.
    Unit,
    /// What the one unnamed field shows as.
    Newtype(Field),
    /// A list.
    Tuple(Vec<Field>),
    /// A map.
    Named(Vec<Field>),
}

pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    pub(crate) shape: Shape,
}

pub(crate) struct Field {
    pub(crate) member: Member,
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) missing: Missing,
    pub(crate) atomic: bool,
    pub(crate) merge: Merge,
}

/// What reading does when the field is not there.
pub(crate) enum Missing {
    Refused,
    Filled(DefaultBy),
    /// It never is.
    Skipped,
    /// It is what no other field is there for.
    Rest,
}

pub(crate) fn read(input: &DeriveInput) -> Result<Model<'_>> {
    let Attributes { schema, migrate, .. } = Attributes::read(&input.attrs, Place::Type)?;
    refuse_lifetimes(input)?;
    let body = match &input.data {
        Data::Struct(data) => Body::Struct(shape(&data.fields)?),
        Data::Enum(data) if data.variants.is_empty() => {
            let why = "an enum without variants has no values to keep: add a variant";
            return Err(Error::new(input.ident.span(), why));
        }
        Data::Enum(data) => Body::Enum(variants(data)?),
        Data::Union(data) => {
            let why = "a union does not know which of its fields it holds: use an enum";
            return Err(Error::new(data.union_token.span(), why));
        }
    };
    Ok(Model { input, body, schema, migrate })
}

/// The compiler would say of each function written that some lifetime does not fit, and not what to do.
fn refuse_lifetimes(input: &DeriveInput) -> Result<()> {
    let why = "a state owns what it holds: keep `String` or `Arc<str>` instead of `&str`, `Vec` or `List` instead of a slice, \
               `Arc` or `Shared` instead of any other reference";
    let first = input.generics.lifetimes().next();
    first.map_or(Ok(()), |lifetime| Err(Error::new(lifetime.span(), why)))
}

fn variants(data: &syn::DataEnum) -> Result<Vec<Variant>> {
    let read = collect(data.variants.iter().map(|variant| {
        let attributes = Attributes::read(&variant.attrs, Place::Variant)?;
        let (name, span) = name(attributes.rename.as_ref(), &variant.ident);
        let read = Variant { ident: variant.ident.clone(), name, shape: shape(&variant.fields)? };
        refuse_rest(&read.shape, variant)?;
        Ok((read, span))
    }))?;
    refuse_doubles(read.iter().map(|(variant, span)| (variant.name.as_str(), *span)), "variants")?;
    Ok(read.into_iter().map(|(variant, _)| variant).collect())
}

fn shape(fields: &Fields) -> Result<Shape> {
    let place = if matches!(fields, Fields::Named(_)) { Place::NamedField } else { Place::UnnamedField };
    let read = collect(fields.iter().enumerate().map(|(index, field)| read_field(field, index, place)))?;
    let kept = read.iter().filter(|(field, _)| matches!(field.missing, Missing::Rest));
    if let Some((_, span)) = kept.skip(1).last() {
        return Err(Error::new(
            *span,
            "one field keeps what no other is there for: remove `rest` from this one",
        ));
    }
    let shown = read.iter().filter(|(field, _)| field.is_shown());
    refuse_doubles(shown.map(|(field, span)| (field.name.as_str(), *span)), "fields")?;
    let mut read: Vec<Field> = read.into_iter().map(|(field, _)| field).collect();
    Ok(match (fields, read.len()) {
        (Fields::Named(_), _) => Shape::Named(read),
        (_, 0) => Shape::Unit,
        (_, 1) => read.pop().map_or(Shape::Unit, Shape::Newtype),
        _ => Shape::Tuple(read),
    })
}

fn read_field(field: &syn::Field, index: usize, place: Place) -> Result<(Field, Span)> {
    let Attributes { rename, default, skip, atomic, rest, .. } = Attributes::read(&field.attrs, place)?;
    let (member, (name, span)) = match &field.ident {
        Some(ident) => (Member::Named(ident.clone()), name(rename.as_ref(), ident)),
        None => (Member::from(index), (index.to_string(), field.span())),
    };
    let missing = match (skip, default) {
        _ if rest => Missing::Rest,
        (true, _) => Missing::Skipped,
        (false, Some(by)) => Missing::Filled(by),
        (false, None) => Missing::Refused,
    };
    let merge = Merge::read(&field.attrs)?;
    Ok((Field { member, name, ty: field.ty.clone(), missing, atomic, merge }, span))
}

fn refuse_rest(shape: &Shape, variant: &syn::Variant) -> Result<()> {
    if shape.rest().is_none() {
        return Ok(());
    }
    let why =
        "`rest` belongs on a field of a struct: give this variant one unnamed field of a struct that has it";
    Err(Error::new(variant.span(), why))
}

/// The name outside, and where a complaint about it belongs.
fn name(rename: Option<&LitStr>, ident: &Ident) -> (String, Span) {
    let plain = || ident.to_string().trim_start_matches("r#").to_owned();
    rename.map_or_else(|| (plain(), ident.span()), |name| (name.value(), name.span()))
}

fn refuse_doubles<'n>(names: impl Iterator<Item = (&'n str, Span)>, what: &str) -> Result<()> {
    let mut seen = HashSet::new();
    let doubles = names.filter(|(name, _)| !seen.insert(*name));
    collect(doubles.map(|(name, span)| -> Result<()> {
        let why =
            format!("two {what} show as `{name}`: give one of them another `#[state(rename = \"..\")]`");
        Err(Error::new(span, why))
    }))
    .map(drop)
}

/// All mistakes at once rather than the first.
pub(crate) fn collect<T>(results: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut good = Vec::new();
    let mut bad: Option<Error> = None;
    for result in results {
        match (result, &mut bad) {
            (Ok(read), _) => good.push(read),
            (Err(error), Some(bad)) => bad.combine(error),
            (Err(error), None) => bad = Some(error),
        }
    }
    bad.map_or(Ok(good), Err)
}

impl Model<'_> {
    /// The items that say which schema the type is of.
    pub(crate) fn schema(&self) -> TokenStream {
        let (number, body) = match (&self.schema, &self.migrate, &self.body) {
            (Some(number), Some(path), _) => (
                quote!(#number),
                quote_spanned!(path.span()=> ::redraft::Outcome::into_result(#path(from, document))),
            ),
            (None, _, Body::Struct(Shape::Newtype(Field { ty, atomic: false, .. }))) => {
                let inner = quote!(<#ty as ::redraft::State>);
                (quote!(#inner::SCHEMA), quote!(#inner::migrate(from, document)))
            }
            _ => return TokenStream::new(),
        };
        quote! {
            const SCHEMA: u32 = #number;
            fn migrate(
                from: u32,
                document: &mut ::redraft::Value,
            ) -> ::core::result::Result<
                (),
                ::std::boxed::Box<dyn ::std::error::Error + ::core::marker::Send + ::core::marker::Sync>,
            > { #body }
        }
    }
}

impl Shape {
    /// The field that keeps what no other is there for.
    pub(crate) fn rest(&self) -> Option<&Field> {
        self.fields().into_iter().find(|field| matches!(field.missing, Missing::Rest))
    }
}

impl Field {
    pub(crate) fn is_shown(&self) -> bool {
        !matches!(self.missing, Missing::Skipped | Missing::Rest)
    }

    /// A function of the field's type, from the module that treats it: as a state, or as a leaf through serde. Placed at
    /// the type, so that the compiler's complaint about it points there.
    pub(crate) fn call(&self, function: &str) -> TokenStream {
        let function = format_ident!("{function}", span = self.ty.span());
        let (ty, span) = (&self.ty, self.ty.span());
        if self.atomic {
            quote_spanned!(span=> ::redraft::state::derived::atomic::#function::<#ty>)
        } else {
            quote_spanned!(span=> ::redraft::state::derived::plain::#function::<#ty>)
        }
    }

    /// Reads the field of a named shape from `fields`.
    pub(crate) fn read_named(&self) -> TokenStream {
        let (name, from_value, ty) = (&self.name, self.call("from_value"), &self.ty);
        let by_trait = quote_spanned!(ty.span()=> <#ty as ::core::default::Default>::default);
        match &self.missing {
            Missing::Refused => quote!(fields.take(#name, #from_value)?),
            Missing::Filled(DefaultBy::Trait) => quote!(fields.take_or(#name, #from_value, #by_trait)?),
            Missing::Filled(DefaultBy::Function(path)) => quote!(fields.take_or(#name, #from_value, #path)?),
            Missing::Skipped => quote!(#by_trait()),
            Missing::Rest => quote!(fields.rest(#from_value)?),
        }
    }
}
