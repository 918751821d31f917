//! `State` for structs.
//!
//! Always: what is written calls only what `redraft::state` exports for it, by full paths.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Index, WhereClause, parse_quote};

use crate::merge;
use crate::model::{Field, Missing, Model, Shape};

pub(crate) fn write(model: &Model<'_>, shape: &Shape) -> TokenStream {
    let bounds = model.bounds();
    let items = match shape {
        Shape::Unit => unit(),
        Shape::Newtype(field) => newtype(field),
        Shape::Tuple(fields) => tuple(fields),
        Shape::Named(fields) => named(shape, fields),
    };
    let (schema, rules) = (model.schema(), merge::of_struct(shape));
    let state = model.implement(&quote!(::redraft::State), &bounds, &quote!(#schema #rules #items));
    let never_null = never_null(model, shape, bounds);
    quote!(#state #never_null)
}

/// A transparent struct is never null if what is inside is not. The bound has a lifetime of its own that it does not
/// need, because without one the compiler refuses bounds that it sees cannot hold.
fn never_null(model: &Model<'_>, shape: &Shape, mut bounds: WhereClause) -> TokenStream {
    let path = quote!(::redraft::state::NeverNull);
    match shape {
        Shape::Unit => return TokenStream::new(),
        Shape::Newtype(field) if field.atomic => return TokenStream::new(),
        Shape::Newtype(field) => {
            let ty = &field.ty;
            bounds.predicates.push(parse_quote!(for<'__any> #ty: #path));
        }
        Shape::Tuple(_) | Shape::Named(_) => {}
    }
    model.implement(&path, &bounds, &TokenStream::new())
}

/// The five functions of the trait from their bodies.
pub(crate) fn functions(
    diff: &TokenStream,
    apply: &TokenStream,
    same: &TokenStream,
    to_value: &TokenStream,
    from_value: &TokenStream,
) -> TokenStream {
    quote! {
        fn diff_from(&self, old: &Self, out: &mut ::redraft::state::Differ) { #diff }
        fn apply(
            &mut self,
            path: &[::redraft::value::Segment],
            action: &::redraft::patch::Action,
        ) -> ::core::result::Result<::redraft::patch::Action, ::redraft::patch::ApplyErrorKind> { #apply }
        fn same(&self, other: &Self) -> bool { #same }
        fn to_value(&self) -> ::redraft::Value { #to_value }
        fn from_value(
            value: ::redraft::Value,
        ) -> ::core::result::Result<Self, ::redraft::state::StateError> { #from_value }
    }
}

fn unit() -> TokenStream {
    let leaf = quote!(
        const LEAF: bool = true;
    );
    let functions = functions(
        &quote!(),
        &quote!(::redraft::state::derived::apply_leaf(self, path, action)),
        &quote!(true),
        &quote!(::redraft::Value::Null),
        &quote!(<() as ::redraft::State>::from_value(value).map(|()| Self {})),
    );
    quote!(#leaf #functions)
}

fn newtype(field: &Field) -> TokenStream {
    let call = |function| field.call(function);
    let (ty, member) = (&field.ty, &field.member);
    let leaf = if field.atomic { quote!(true) } else { quote!(<#ty as ::redraft::State>::LEAF) };
    let (diff, apply, same) = (call("diff"), call("apply"), call("same"));
    let (to_value, from_value) = (call("to_value"), call("from_value"));
    let functions = functions(
        &quote!(#diff(&self.#member, &old.#member, out)),
        &quote!(#apply(&mut self.#member, path, action)),
        &quote!(#same(&self.#member, &other.#member)),
        &quote!(#to_value(&self.#member)),
        &quote!(#from_value(value).map(Self)),
    );
    quote!(const LEAF: bool = #leaf; #functions)
}

fn tuple(fields: &[Field]) -> TokenStream {
    let len = fields.len();
    let each = |write: &dyn Fn(usize, &Field) -> TokenStream| -> Vec<TokenStream> {
        fields.iter().enumerate().map(|(index, field)| write(index, field)).collect()
    };
    let diff = each(&|index, field| {
        let (at, diff) = (Index::from(index), field.call("diff"));
        quote!(out.index(#index, |out| #diff(&self.#at, &old.#at, out));)
    });
    let apply = each(&|index, field| {
        let (at, apply) = (Index::from(index), field.call("apply"));
        quote!(::redraft::state::derived::Target::Item(#index, rest) => #apply(&mut self.#at, rest, action),)
    });
    let same = each(&|index, field| {
        let (at, same) = (Index::from(index), field.call("same"));
        quote!(#same(&self.#at, &other.#at))
    });
    let shown = each(&|index, field| {
        let (at, to_value) = (Index::from(index), field.call("to_value"));
        quote!(#to_value(&self.#at))
    });
    let read = each(&|index, field| {
        let from_value = field.call("from_value");
        quote!(items.take(#index, #from_value)?)
    });
    functions(
        &quote!(#(#diff)*),
        &quote! {
            match ::redraft::state::derived::Target::find(path, action, #len)? {
                #(#apply)*
                _ => ::redraft::state::derived::apply_to_whole(self, path, action),
            }
        },
        &quote!(#(#same)&&*),
        &quote!(::redraft::Value::from([#(#shown),*])),
        &quote! {
            let items = ::redraft::state::derived::Items::new(value, #len)?;
            ::core::result::Result::Ok(Self(#(#read),*))
        },
    )
}

fn named(shape: &Shape, fields: &[Field]) -> TokenStream {
    let shown: Vec<&Field> = fields.iter().filter(|field| field.is_shown()).collect();
    let each = |write: &dyn Fn(&Field) -> TokenStream| -> Vec<TokenStream> {
        shown.iter().map(|field| write(field)).collect()
    };
    let diff = each(&|field| {
        let (name, member) = (&field.name, &field.member);
        let (settled, diff) = (field.call("settled"), field.call("diff"));
        quote! {
            if !#settled(&self.#member, &old.#member) {
                out.field(#name, |out| #diff(&self.#member, &old.#member, out));
            }
        }
    });
    let apply = each(&|field| {
        let (name, member, apply) = (&field.name, &field.member, field.call("apply"));
        quote!(::redraft::state::derived::Place::Part(#name, rest) => #apply(&mut self.#member, rest, action),)
    });
    let same = each(&|field| {
        let (member, same) = (&field.member, field.call("same"));
        quote!(&& #same(&self.#member, &other.#member))
    });
    let map = each(&|field| {
        let (name, member, to_value) = (&field.name, &field.member, field.call("to_value"));
        quote!((#name, #to_value(&self.#member)))
    });
    // What is left when all others have been read.
    let (last, first): (Vec<&Field>, Vec<&Field>) =
        fields.iter().partition(|field| matches!(field.missing, Missing::Rest));
    let read = first.into_iter().chain(last).map(|field| {
        let (member, read) = (&field.member, field.read_named());
        quote!(#member: #read)
    });
    let (whole, rest) = (replace_whole(fields), Rest::of(shape.rest(), &shown));
    let shown = rest.show(&quote!([#(#map),*]));
    let (diff_rest, same_rest, apply_rest) = (rest.diff, rest.same, rest.apply);
    functions(
        &quote!(#(#diff)* #diff_rest),
        &quote! {
            match ::redraft::state::derived::Place::find(path, "map")? {
                ::redraft::state::derived::Place::Whole => #whole,
                #(#apply)*
                _ => #apply_rest,
            }
        },
        &quote!(true #(#same)* #same_rest),
        &shown,
        &quote! {
            let mut fields = ::redraft::state::derived::Fields::new(value)?;
            let state = Self { #(#read),* };
            fields.finish()?;
            ::core::result::Result::Ok(state)
        },
    )
}

/// What is done about entries that no field is there for.
struct Rest<'a> {
    field: Option<&'a Field>,
    diff: TokenStream,
    same: TokenStream,
    apply: TokenStream,
}

impl<'a> Rest<'a> {
    fn of(field: Option<&'a Field>, shown: &[&Field]) -> Self {
        let Some(Field { member, ty, .. }) = field else {
            let apply = quote!(::core::result::Result::Err(::redraft::patch::ApplyErrorKind::UnknownField));
            return Rest { field, diff: TokenStream::new(), same: TokenStream::new(), apply };
        };
        let names = shown.iter().map(|field| &field.name);
        let diff = quote! {
            ::redraft::state::rest::diff::<#ty>(&self.#member, &old.#member, &[#(#names),*], out);
        };
        let same = quote!(&& <#ty as ::redraft::State>::same(&self.#member, &other.#member));
        let apply = quote!(<#ty as ::redraft::State>::apply(&mut self.#member, path, action));
        Rest { field, diff, same, apply }
    }

    fn show(&self, fields: &TokenStream) -> TokenStream {
        match self.field {
            None => quote!(::redraft::state::derived::map(#fields)),
            Some(Field { member, .. }) => quote!(::redraft::state::rest::show(&self.#member, #fields)),
        }
    }
}

/// Fields that are not shown are no business of a patch, so they stay as they are.
fn replace_whole(fields: &[Field]) -> TokenStream {
    let skipped = |field: &&Field| matches!(field.missing, Missing::Skipped);
    let kept: Vec<_> = fields.iter().filter(skipped).map(|field| &field.member).collect();
    if kept.is_empty() {
        return quote!(::redraft::state::derived::apply_whole(self, action));
    }
    quote! {
        ::redraft::state::derived::apply_whole_keeping(self, action, |new, old| {
            #(::core::mem::swap(&mut new.#kept, &mut old.#kept);)*
        })
    }
}
