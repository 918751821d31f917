//! `State` for enums: the variant's name, or a map from it to what is inside.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use crate::merge;
use crate::model::{Field, Model, Shape, Variant};
use crate::structs::functions;

pub(crate) fn write(model: &Model<'_>, variants: &[Variant]) -> TokenStream {
    let bounds = model.bounds();
    let each =
        |write: fn(&Variant) -> TokenStream| -> Vec<TokenStream> { variants.iter().map(write).collect() };
    let (diff, same, shown, read) = (each(diff), each(same), each(show), each(read));
    let functions = functions(
        &quote! {
            match (self, old) {
                #(#diff)*
                _ => {
                    let new = out.shown(self);
                    out.replace(::redraft::State::to_value(old), new);
                }
            }
        },
        &apply(variants),
        &quote!(match (self, other) { #(#same)* _ => false }),
        &quote!(match self { #(#shown)* }),
        &quote! {
            let (name, inside) = ::redraft::state::derived::variant(&value)?;
            match (name.as_str(), inside) {
                #(#read)*
                _ => ::redraft::state::derived::no_variant(name),
            }
        },
    );
    let leaf = variants.iter().all(|variant| matches!(variant.shape, Shape::Unit));
    let (schema, rules) = (model.schema(), merge::of_enum(variants));
    let items = quote!(const LEAF: bool = #leaf; #schema #rules #functions);
    let state = model.implement(&quote!(::redraft::State), &bounds, &items);
    let never_null = model.implement(&quote!(::redraft::state::NeverNull), &bounds, &TokenStream::new());
    quote!(#state #never_null)
}

/// A pattern that binds the fields shown, as `{prefix}0`, `{prefix}1` and so on.
fn pattern(variant: &Variant, prefix: &str) -> TokenStream {
    let ident = &variant.ident;
    let bound = shown(variant).into_iter().map(|(index, field)| {
        let (member, name) = (&field.member, bound(prefix, index));
        quote!(#member: #name,)
    });
    quote!(Self::#ident { #(#bound)* .. })
}

fn bound(prefix: &str, index: usize) -> Ident {
    format_ident!("{prefix}{index}")
}

/// The fields shown, with their positions.
fn shown(variant: &Variant) -> Vec<(usize, &Field)> {
    variant.shape.fields().into_iter().enumerate().filter(|(_, field)| field.is_shown()).collect()
}

fn diff(variant: &Variant) -> TokenStream {
    let (new, old, name) = (pattern(variant, "new"), pattern(variant, "old"), &variant.name);
    let parts = shown(variant).into_iter().map(|(index, field)| {
        let (new, old, diff, name) =
            (bound("new", index), bound("old", index), field.call("diff"), &field.name);
        match &variant.shape {
            Shape::Named(_) => quote!(out.field(#name, |out| #diff(#new, #old, out));),
            Shape::Tuple(_) => quote!(out.index(#index, |out| #diff(#new, #old, out));),
            Shape::Unit | Shape::Newtype(_) => quote!(#diff(#new, #old, out);),
        }
    });
    match variant.shape {
        Shape::Unit => quote!((#new, #old) => {}),
        _ => quote!((#new, #old) => out.field(#name, |out| { #(#parts)* }),),
    }
}

fn same(variant: &Variant) -> TokenStream {
    let (new, old) = (pattern(variant, "new"), pattern(variant, "old"));
    let parts = shown(variant).into_iter().map(|(index, field)| {
        let (new, old, same) = (bound("new", index), bound("old", index), field.call("same"));
        quote!(&& #same(#new, #old))
    });
    quote!((#new, #old) => true #(#parts)*,)
}

fn show(variant: &Variant) -> TokenStream {
    let (fields, name) = (pattern(variant, "new"), &variant.name);
    let parts: Vec<TokenStream> = shown(variant)
        .into_iter()
        .map(|(index, field)| {
            let (new, to_value, name) = (bound("new", index), field.call("to_value"), &field.name);
            match variant.shape {
                Shape::Named(_) => quote!((#name, #to_value(#new))),
                _ => quote!(#to_value(#new)),
            }
        })
        .collect();
    let inside = match &variant.shape {
        Shape::Unit => return quote!(#fields => ::redraft::Value::from(#name),),
        Shape::Newtype(_) => quote!(#(#parts)*),
        Shape::Tuple(_) => quote!(::redraft::Value::from([#(#parts),*])),
        Shape::Named(_) => quote!(::redraft::state::derived::map([#(#parts),*])),
    };
    quote!(#fields => ::redraft::state::derived::tagged(#name, #inside),)
}

fn read(variant: &Variant) -> TokenStream {
    let (ident, name, fields) = (&variant.ident, &variant.name, variant.shape.fields());
    let each = |read: &dyn Fn(usize, &Field) -> TokenStream| -> Vec<TokenStream> {
        let read = |(index, field): (usize, &&Field)| {
            let (member, read) = (&field.member, read(index, field));
            quote!(#member: #read)
        };
        fields.iter().enumerate().map(read).collect()
    };
    let len = fields.len();
    let body = match &variant.shape {
        Shape::Unit => {
            return quote!((::core::option::Option::Some(#name), ::core::option::Option::None) => {
                ::core::result::Result::Ok(Self::#ident {})
            });
        }
        Shape::Newtype(field) => {
            let from_value = field.call("from_value");
            quote!(#from_value(value).map(Self::#ident))
        }
        Shape::Tuple(_) => {
            let read = each(&|index, field| {
                let from_value = field.call("from_value");
                quote!(items.take(#index, #from_value)?)
            });
            quote! {
                let items = ::redraft::state::derived::Items::new(value, #len)?;
                ::core::result::Result::Ok(Self::#ident { #(#read),* })
            }
        }
        Shape::Named(_) => {
            let read = each(&|_, field| field.read_named());
            quote! {
                let mut fields = ::redraft::state::derived::Fields::new(value)?;
                let state = Self::#ident { #(#read),* };
                fields.finish()?;
                ::core::result::Result::Ok(state)
            }
        }
    };
    quote! {
        (::core::option::Option::Some(#name), ::core::option::Option::Some(value)) => {
            ::redraft::state::derived::inside(#name, value, |value| { #body })
        }
    }
}

fn apply(variants: &[Variant]) -> TokenStream {
    let names: Vec<&String> = variants.iter().map(|variant| &variant.name).collect();
    let current = variants.iter().map(|variant| {
        let (ident, name) = (&variant.ident, &variant.name);
        let kind = if matches!(variant.shape, Shape::Unit) { "string" } else { "map" };
        quote!(Self::#ident { .. } => (#name, #kind),)
    });
    let beneath = variants.iter().map(apply_beneath);
    quote! {
        let (name, kind) = match self { #(#current)* };
        let rest = match ::redraft::state::derived::beneath(path, name, kind, &[#(#names),*])? {
            ::core::option::Option::Some(rest) => rest,
            ::core::option::Option::None => return ::redraft::state::derived::apply_whole(self, action),
        };
        match self { #(#beneath)* }
    }
}

/// An operation beneath the variant that is there, at `rest`.
fn apply_beneath(variant: &Variant) -> TokenStream {
    let (fields, len) = (pattern(variant, "new"), variant.shape.fields().len());
    let arms: Vec<TokenStream> = shown(variant)
        .into_iter()
        .map(|(index, field)| {
            let (new, apply, name) = (bound("new", index), field.call("apply"), &field.name);
            match variant.shape {
                Shape::Named(_) => {
                    quote!(::redraft::state::derived::Place::Part(#name, rest) => #apply(#new, rest, action),)
                }
                Shape::Tuple(_) => {
                    quote!(::redraft::state::derived::Target::Item(#index, rest) => #apply(#new, rest, action),)
                }
                Shape::Unit | Shape::Newtype(_) => quote!(#apply(#new, rest, action)),
            }
        })
        .collect();
    match variant.shape {
        Shape::Newtype(_) => quote!(#fields => #(#arms)*,),
        Shape::Unit => {
            quote!(#fields => ::core::result::Result::Err(::redraft::patch::ApplyErrorKind::UnknownField),)
        }
        Shape::Tuple(_) => quote! {
            #fields => match ::redraft::state::derived::Target::find(rest, action, #len)? {
                #(#arms)*
                _ => ::redraft::state::derived::apply_inside(self, path, action),
            },
        },
        Shape::Named(_) => quote! {
            #fields => match ::redraft::state::derived::Place::find(rest, "map")? {
                ::redraft::state::derived::Place::Whole => {
                    ::redraft::state::derived::apply_inside(self, path, action)
                }
                #(#arms)*
                _ => {
                    ::core::result::Result::Err(::redraft::patch::ApplyErrorKind::UnknownField)
                }
            },
        },
    }
}
