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

/// Whether an attachment of this name, in any case, says which call it belongs to, or how it is made: what was judged about
/// a call no longer holds when such a one changes.
pub fn describes_call(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "path",
        "interface",
        "group",
        "version",
        "generic",
        "async",
        "timeout",
    ];
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
        || name
            .get(..CALLBACK.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(CALLBACK))
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

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn what_says_which_call_it_is() {
        for name in ["path", "Group", "VERSION", "generic", "sys_callback_arg-0"] {
            assert!(describes_call(name), "{name}");
        }
        for name in ["", "paths", "dubbo.tag", "userId", "sys_callback_arg", "å"] {
            assert!(!describes_call(name), "{name}");
        }
    }
}
