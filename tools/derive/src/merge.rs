//! `#[merge(..)]`: what a field says about changes that meet there, and the function that says it of the whole type.
//!
//! Always: a name that is no policy is an error at its place in the source, with those there are.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, LitInt, LitStr, Result};

use crate::model::{Field, Shape, Variant};

/// The policies without parameters, as they are written and as they are called.
const POLICIES: [(&str, &str); 12] = [
    ("reject", "Reject"),
    ("last_appended", "LastAppended"),
    ("first_wins", "FirstWins"),
    ("last_written", "LastWritten"),
    ("rebase", "Rebase"),
    ("counter", "Counter"),
    ("max", "Max"),
    ("min", "Min"),
    ("add_wins", "AddWins"),
    ("remove_wins", "RemoveWins"),
    ("text", "Text"),
    ("deep", "Deep"),
];
const ON_DELETED: [(&str, &str); 3] = [("drop", "Drop"), ("restore", "Restore"), ("reject", "Reject")];

/// What a field says, as calls on `places`.
#[derive(Default)]
pub(crate) struct Merge {
    policy: Option<TokenStream>,
    custom: Option<(LitStr, u32)>,
    on_deleted: Option<TokenStream>,
}

impl Merge {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut read = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("merge")) {
            attribute.parse_nested_meta(|meta| read.take(&meta))?;
        }
        if let (Some((name, _)), Some(_)) = (&read.custom, &read.policy) {
            return Err(Error::new(name.span(), "one field has one policy: remove the other, or `custom`"));
        }
        Ok(read)
    }

    fn take(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match name.as_str() {
            "custom" => self.custom = Some((meta.value()?.parse()?, 1)),
            "version" => self.version(meta)?,
            "on_deleted" => self.on_deleted = Some(on_deleted(&meta.value()?.parse()?)?),
            _ if self.policy.is_some() => {
                return Err(meta.error("one field has one policy: remove the other"));
            }
            _ => self.policy = Some(policy(meta, &name)?),
        }
        Ok(())
    }

    fn version(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let number: LitInt = meta.value()?.parse()?;
        let Some((_, version)) = &mut self.custom else {
            return Err(meta.error("`version` is that of a function: say `custom = \"name\", version = 2`"));
        };
        *version = number.base10_parse()?;
        Ok(())
    }

    fn calls(&self) -> TokenStream {
        let custom = self.custom.as_ref().map(
            |(name, version)| quote!(places.policy(::redraft::state::derived::custom(#name, #version));),
        );
        let (policy, on_deleted) = (self.policy.iter(), self.on_deleted.iter());
        quote!(#custom #(places.policy(#policy);)* #(places.on_deleted(#on_deleted);)*)
    }
}

fn policy(meta: &ParseNestedMeta<'_>, name: &str) -> Result<TokenStream> {
    let known = POLICIES.iter().find(|(written, _)| *written == name);
    let (_, variant) = known.ok_or_else(|| {
        let names: Vec<&str> = POLICIES.iter().map(|(written, _)| *written).collect();
        meta.error(format!(
            "unknown policy; there are `{}`, `custom = \"name\", version = 1` and `on_deleted = \"..\"`",
            names.join("`, `")
        ))
    })?;
    let variant = format_ident!("{variant}");
    Ok(quote!(::redraft::state::derived::Policy::#variant))
}

fn on_deleted(name: &LitStr) -> Result<TokenStream> {
    let known = ON_DELETED.iter().find(|(written, _)| *written == name.value());
    let why = "`on_deleted` is \"drop\", \"restore\" or \"reject\"";
    let (_, variant) = known.ok_or_else(|| Error::new(name.span(), why))?;
    let variant = format_ident!("{variant}");
    Ok(quote!(::redraft::state::derived::OnDeleted::#variant))
}

/// The function that says it of a struct.
pub(crate) fn of_struct(shape: &Shape) -> TokenStream {
    let said = inside(shape);
    quote! {
        fn rules(places: &mut ::redraft::state::derived::Places) {
            let _ = &places;
            #said
        }
    }
}

/// The function that says it of an enum.
pub(crate) fn of_enum(variants: &[Variant]) -> TokenStream {
    let said = variants.iter().map(|variant| {
        let (name, said) = (&variant.name, inside(&variant.shape));
        match variant.shape {
            Shape::Unit => TokenStream::new(),
            _ => quote!(places.field(#name, |places| { let _ = &places; #said });),
        }
    });
    quote! {
        fn rules(places: &mut ::redraft::state::derived::Places) {
            let _ = &places;
            #(#said)*
        }
    }
}

fn inside(shape: &Shape) -> TokenStream {
    match shape {
        Shape::Unit => TokenStream::new(),
        Shape::Newtype(field) => of_field(field),
        Shape::Tuple(fields) | Shape::Named(fields) => {
            let each = fields.iter().filter(|field| field.is_shown()).map(|field| {
                let (name, said) = (&field.name, of_field(field));
                quote!(places.field(#name, |places| { let _ = &places; #said });)
            });
            quote!(#(#each)*)
        }
    }
}

fn of_field(field: &Field) -> TokenStream {
    let (own, ty) = (field.merge.calls(), &field.ty);
    if field.atomic {
        return own;
    }
    quote!(#own ::redraft::state::derived::rules::<#ty>(places);)
}
