//! What attachments say about the call itself.

use std::borrow::Cow;

use meshlane_hessian2::Scalar;

use crate::{InvalidBody, InvalidBodyKind, Wanted};

/// The attachments that every call is asked for.
#[derive(Debug, Default)]
pub(super) struct Attachments<'a> {
    pub(super) path: Option<Cow<'a, str>>,
    pub(super) group: Option<Cow<'a, str>>,
    pub(super) version: Option<Cow<'a, str>>,
    pub(super) generic: Option<Cow<'a, str>>,
    pub(super) callback: bool,
    pub(super) is_async: bool,
}

impl<'a> Attachments<'a> {
    /// Takes an entry; a later one of the same name wins, as in Java's maps.
    ///
    /// The value is `None` when it is no scalar.
    pub(super) fn entry(
        &mut self,
        name: &str,
        value: Option<Scalar<'a>>,
        value_at: usize,
        wanted: &Wanted,
        found: &mut [Option<Scalar<'a>>],
    ) -> Result<(), InvalidBody> {
        for place in wanted.places(name) {
            if let Some(found) = found.get_mut(place) {
                found.clone_from(&value);
            }
        }
        match name {
            "path" => self.path = service_text(value, value_at)?,
            "group" => self.group = service_text(value, value_at)?,
            "version" => self.version = service_text(value, value_at)?,
            "generic" => self.generic = text(value),
            "async" => self.is_async = text(value).is_some_and(|text| text == "true"),
            _ if name.starts_with(CALLBACK) => self.callback = true,
            _ => {}
        }
        Ok(())
    }
}

/// A text or null. Anything else makes a Java provider fail, or means something to it
/// that cannot be seen here (a reference).
fn service_text(value: Option<Scalar<'_>>, at: usize) -> Result<Option<Cow<'_, str>>, InvalidBody> {
    match value {
        Some(Scalar::Null) => Ok(None),
        Some(Scalar::Text(text)) => {
            let text = text.into_str().ok_or(InvalidBodyKind::Encoding.at(at))?;
            Ok(Some(text))
        }
        _ => Err(InvalidBodyKind::ServiceAttachment.at(at)),
    }
}

fn text(value: Option<Scalar<'_>>) -> Option<Cow<'_, str>> {
    match value? {
        Scalar::Text(text) => text.into_str(),
        Scalar::Bool(bool) => Some(if bool { "true" } else { "false" }.into()),
        _ => None,
    }
}

/// `CallbackServiceCodec.INV_ATT_CALLBACK_KEY`
const CALLBACK: &str = "sys_callback_arg-";
