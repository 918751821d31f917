//! `#[state(..)]`: what may stand in it, and what may stand together.
//!
//! Read by `model`. Always: what is not understood is an error at its place in the source, in our words.

use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, ExprPath, LitStr, Result};

/// What the attributes of a field or variant say.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) rename: Option<LitStr>,
    pub(crate) default: Option<DefaultBy>,
    pub(crate) skip: bool,
    pub(crate) atomic: bool,
}

/// Where the value of a missing field comes from.
pub(crate) enum DefaultBy {
    Trait,
    Function(ExprPath),
}

/// What the attribute stands on; decides what may be said.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    Type,
    Variant,
    NamedField,
    UnnamedField,
}

impl Attributes {
    pub(crate) fn read(attributes: &[Attribute], place: Place) -> Result<Self> {
        let mut read = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("state")) {
            attribute.parse_nested_meta(|meta| read.take(&meta, place))?;
            read.agree(attribute)?;
        }
        Ok(read)
    }

    fn take(&mut self, meta: &ParseNestedMeta<'_>, place: Place) -> Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        refuse_misplaced(meta, &name, place)?;
        match name.as_str() {
            "rename" => self.rename = Some(meta.value()?.parse()?),
            "skip" => self.skip = true,
            "atomic" => self.atomic = true,
            _ => self.default = Some(default_by(meta)?),
        }
        Ok(())
    }

    /// A field that is not shown has no name, needs no default and no form.
    fn agree(&self, attribute: &Attribute) -> Result<()> {
        if self.skip && (self.rename.is_some() || self.default.is_some() || self.atomic) {
            let why = "a skipped field is not shown: remove the other attributes, or `skip`";
            return Err(Error::new(attribute.span(), why));
        }
        Ok(())
    }
}

fn refuse_misplaced(meta: &ParseNestedMeta<'_>, name: &str, place: Place) -> Result<()> {
    let why = match (name, place) {
        ("rename" | "default" | "skip" | "atomic", Place::NamedField)
        | ("rename", Place::Variant)
        | ("atomic", Place::UnnamedField) => return Ok(()),
        ("rename" | "default" | "skip" | "atomic", Place::Type) => {
            format!("`{name}` belongs on a field or variant, not on the type")
        }
        ("default" | "skip" | "atomic", Place::Variant) => {
            format!("`{name}` belongs on a field, not on a variant")
        }
        ("rename" | "default" | "skip", Place::UnnamedField) => {
            format!("`{name}` needs a field with a name: an unnamed one is known by its position only")
        }
        _ => "unknown attribute; there are `rename = \"..\"`, `default`, `default = \"path\"`, `skip` and `atomic`".into(),
    };
    Err(meta.error(why))
}

fn default_by(meta: &ParseNestedMeta<'_>) -> Result<DefaultBy> {
    if !meta.input.peek(syn::Token![=]) {
        return Ok(DefaultBy::Trait);
    }
    let path: LitStr = meta.value()?.parse()?;
    let why =
        "`default` takes the path of a function without arguments, as in `default = \"path::to::function\"`";
    path.parse().map(DefaultBy::Function).map_err(|_| Error::new(path.span(), why))
}
