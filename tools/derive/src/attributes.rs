//! `#[state(..)]`: what may stand in it, and what may stand together.
//!
//! Read by `model`. Always: what is not understood is an error at its place in the source, in our words.

use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, ExprPath, LitInt, LitStr, Result};

/// What the attributes of a field or variant say.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) rename: Option<LitStr>,
    pub(crate) default: Option<DefaultBy>,
    pub(crate) skip: bool,
    pub(crate) atomic: bool,
    pub(crate) rest: bool,
    /// Of the type as a whole.
    pub(crate) schema: Option<u32>,
    /// What leads from one schema to the next.
    pub(crate) migrate: Option<ExprPath>,
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
            "rest" => self.rest = true,
            "schema" => self.schema = Some(schema(meta)?),
            "migrate" => self.migrate = Some(migrate(meta)?),
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
        if self.rest && (self.skip || self.rename.is_some() || self.default.is_some() || self.atomic) {
            let why = "what no field is there for has no name, and may be nothing: remove the other attributes, or `rest`";
            return Err(Error::new(attribute.span(), why));
        }
        let why = match (self.schema.unwrap_or(1), &self.migrate) {
            (2.., None) => {
                "a schema above 1 has others before it: name the function that leads from each to the next, as in \
                 `schema = 2, migrate = \"path::to::function\"`"
            }
            (1, Some(_)) => {
                "there is no schema before the first: say `schema = 2` or higher, or remove `migrate`"
            }
            _ => return Ok(()),
        };
        Err(Error::new(attribute.span(), why))
    }
}

fn refuse_misplaced(meta: &ParseNestedMeta<'_>, name: &str, place: Place) -> Result<()> {
    let why = match (name, place) {
        ("schema" | "migrate", Place::Type)
        | ("rename" | "default" | "skip" | "atomic" | "rest", Place::NamedField)
        | ("rename", Place::Variant)
        | ("atomic", Place::UnnamedField) => return Ok(()),
        ("schema" | "migrate", _) => format!("`{name}` belongs on the type of the whole state"),
        ("rename" | "default" | "skip" | "atomic" | "rest", Place::Type) => {
            format!("`{name}` belongs on a field or variant, not on the type")
        }
        ("default" | "skip" | "atomic" | "rest", Place::Variant) => {
            format!("`{name}` belongs on a field, not on a variant")
        }
        ("rename" | "default" | "skip" | "rest", Place::UnnamedField) => {
            format!("`{name}` needs a field with a name: an unnamed one is known by its position only")
        }
        _ => "unknown attribute; there are `rename = \"..\"`, `default`, `default = \"path\"`, `skip`, `atomic` and `rest`, and on the \
              type `schema = 2, migrate = \"path\"`"
            .into(),
    };
    Err(meta.error(why))
}

fn default_by(meta: &ParseNestedMeta<'_>) -> Result<DefaultBy> {
    if !meta.input.peek(syn::Token![=]) {
        return Ok(DefaultBy::Trait);
    }
    let why =
        "`default` takes the path of a function without arguments, as in `default = \"path::to::function\"`";
    function(meta, why).map(DefaultBy::Function)
}

fn schema(meta: &ParseNestedMeta<'_>) -> Result<u32> {
    let number: LitInt = meta.value()?.parse()?;
    let why = "schemas are numbered from 1, and fit 32 bits";
    let schema = number.base10_parse().ok().filter(|&schema| schema > 0);
    schema.ok_or_else(|| Error::new(number.span(), why))
}

fn migrate(meta: &ParseNestedMeta<'_>) -> Result<ExprPath> {
    let why = "`migrate` takes the path of a function from a schema and a document to nothing or a `Result`, as in \
               `migrate = \"path::to::function\"` with `fn function(from: u32, document: &mut Value)`";
    function(meta, why)
}

fn function(meta: &ParseNestedMeta<'_>, why: &str) -> Result<ExprPath> {
    let path: LitStr = meta.value()?.parse()?;
    path.parse().map_err(|_| Error::new(path.span(), why))
}
