//! The part of a request's address behind `?`: strictly read, so that nothing is guessed and nothing is passed over.
//!
//! Leaves what the values mean to those who ask. Always: a name that nobody knows, one that comes twice, and an escape that is
//! none are refused; so is a token, which does not belong in an address.

use super::problem::{Answer, Problem};
use axum::http::Uri;
use std::borrow::Cow;
use std::str::FromStr;

/// Names under which people send tokens in addresses, which are logged on the way.
const SECRETS: [&str; 5] = ["token", "access_token", "authorization", "api_key", "apikey"];

/// The parameters of a request.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads all parameters, which must be among `known`.
    pub(crate) fn of(uri: &Uri, known: &[&str]) -> Answer<Query> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if !known.contains(&&*name) {
                return Err(Problem::malformed(format!("there is no parameter {name:?} here")));
            }
            if pairs.iter().any(|(there, _)| *there == name) {
                return Err(Problem::malformed(format!("the parameter {name:?} comes twice")));
            }
            pairs.push((name, value));
        }
        Ok(Query(pairs))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(there, _)| there == name).map(|(_, value)| &**value)
    }

    /// A parameter that reads as a `T`. `wanted` says what that is.
    pub(crate) fn get<T: FromStr>(&self, name: &str, wanted: &str) -> Answer<Option<T>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let refused = || Problem::malformed(format!("the parameter {name:?} is {wanted}, found {text:?}"));
        text.parse().map(Some).map_err(|_| refused())
    }

    pub(crate) fn version(&self, name: &str) -> Answer<Option<u64>> {
        match self.text(name) {
            Some(text) => version(text).map(Some),
            None => Ok(None),
        }
    }

    /// The same parameters with others in the place of some, as an address beside this one.
    pub(crate) fn replaced(&self, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(there, _)| there != name);
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<String> = kept
            .chain([(name, value)])
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        format!("?{}", pairs.join("&"))
    }
}

/// Refuses an address that carries a token, on any route.
pub(crate) fn without_secret(uri: &Uri) -> Answer<()> {
    for part in uri.query().unwrap_or_default().split('&') {
        let name = decoded(part.split('=').next().unwrap_or_default())?;
        if SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
            let advice = "a token does not belong in an address, which is logged on the way: send it as \
                          \"Authorization: Bearer ..\", and replace this one, which was seen";
            return Err(Problem::malformed(advice));
        }
    }
    Ok(())
}

/// A version: digits and nothing else.
pub(crate) fn version(text: &str) -> Answer<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let refused =
        || Problem::malformed(format!("{text:?} is not a version: versions are whole numbers from 0 on"));
    plain.then(|| text.parse().ok()).flatten().ok_or_else(refused)
}

/// `+` is a space here, as forms have it.
pub(crate) fn decoded(text: &str) -> Answer<String> {
    let refused = || Problem::malformed("the address has an escape that is none, or is not UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit().ok_or_else(refused)?, digit().ok_or_else(refused)?);
                u8::try_from(high * 16 + low).map_err(|_| refused())?
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| refused())
}

fn encoded(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte);
    if text.bytes().all(plain) {
        return text.into();
    }
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}
