//! A call, as far as somebody wants to know it.

mod attachments;
mod fastjson2;
mod hessian2;
mod java;

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};

use meshlane_hessian2::Scalar;

use crate::{
    CallHead, Change, Edit, InvalidBody, InvalidBodyKind, Limits, Serialization, Service,
    Unreadable, Wanted, splice,
};

use crate::java::Dialect;
use attachments::Attachments;
pub use attachments::describes_call;

/// A call: its head, which service it is for, and what was [`Wanted`] of it.
///
/// ```text
/// protocol version · path · version · method · parameter types │ arguments │ attachments
///                       CallHead                               │ a value each │ a map
/// ```
///
/// Hessian2 is read completely, arguments that nobody wants are skipped without building
/// values. Of fastjson2 the same is read. Of Java serialization (3 and 7) attachments and
/// arguments are found that are texts, and attachments cannot be changed: there
/// [`attachments_range`](Self::attachments_range) is `None`. A compacted stream (4) is opaque
/// behind its head, and what stands there may name another service: it is no call that can be
/// judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Call<'a> {
    /// How the body is written.
    pub serialization: Serialization,
    /// What stands before the arguments.
    pub head: CallHead<'a>,
    /// What the provider will look up.
    pub service: Service<'a>,
    /// The real method of a generic call.
    pub generic: Option<Generic<'a>>,
    /// The wanted attachments in the order of [`Wanted::attachments`]; `None` for those that
    /// are absent or no scalars. Of entries with the same name the last counts, as in Java.
    pub attachments: Vec<Option<Scalar<'a>>>,
    /// The wanted scalars of arguments in the order of [`Wanted::arguments`]. Argument 0 of a
    /// generic call is the first of the real method.
    pub arguments: Vec<Option<Scalar<'a>>>,
    /// Where the attachments stand in the body, if they can be changed.
    pub attachments_range: Option<Range<usize>>,
    /// Whether the provider may call the client back: an attachment begins with
    /// `sys_callback_arg-`.
    pub callback: bool,
    /// Whether the client does not wait for the result itself (attachment `async`).
    pub is_async: bool,
}

/// A call without the service's classes: the real method is its first argument.
///
/// A provider treats `$invoke` and `$invokeAsync` with three arguments so, whether or not
/// the attachment `generic` is there (`GenericFilter`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generic<'a> {
    /// How arguments are represented: the attachment `generic`, mostly `true`.
    pub kind: Option<Cow<'a, str>>,
    /// The real method.
    pub method: Cow<'a, str>,
    /// The names of the real parameter types: `java.lang.String`.
    pub param_types: Vec<Cow<'a, str>>,
}

impl<'a> Call<'a> {
    /// Reads a call, the whole body of a request that is no event.
    pub fn read(
        serialization: Serialization,
        body: &'a [u8],
        wanted: &Wanted,
        limits: &Limits,
    ) -> Result<Self, Unreadable> {
        match serialization {
            Serialization::HESSIAN2 => Ok(hessian2::read(body, wanted, limits)?),
            Serialization::FASTJSON2 => Ok(fastjson2::read(body, wanted, limits)?),
            // A compacted stream does not describe its classes.
            Serialization::COMPACTED_JAVA => Err(Unreadable::Serialization(serialization)),
            _ => match Dialect::of(serialization) {
                Some(dialect) => Ok(java::read(serialization, dialect, body, wanted, limits)?),
                None => Err(Unreadable::Serialization(serialization)),
            },
        }
    }

    /// The method that runs: of a generic call the real one.
    pub fn method(&self) -> &str {
        match &self.generic {
            Some(generic) => &generic.method,
            None => &self.head.method,
        }
    }

    /// The interface and the method that runs.
    pub fn into_names(self) -> (Cow<'a, str>, Cow<'a, str>) {
        let method = match self.generic {
            Some(generic) => generic.method,
            None => self.head.method,
        };
        (self.service.interface, method)
    }

    /// What to replace in the body so that its attachments change: see [`splice()`].
    pub fn splice(
        &self,
        body: &[u8],
        changes: &[Change<'_>],
        limits: &Limits,
    ) -> Result<Vec<Edit>, Unreadable> {
        match &self.attachments_range {
            Some(range) => splice(self.serialization, body, range.clone(), changes, limits),
            None => Err(Unreadable::Serialization(self.serialization)),
        }
    }
}

/// A call on its way to be read.
struct Parts<'a> {
    head: CallHead<'a>,
    generic: Option<GenericParts<'a>>,
    arguments: Vec<Option<Scalar<'a>>>,
    attachments: Vec<Option<Scalar<'a>>>,
}

/// The first two arguments of a generic call.
#[derive(Default)]
struct GenericParts<'a> {
    method: Option<Cow<'a, str>>,
    param_types: Vec<Cow<'a, str>>,
}

impl<'a> Parts<'a> {
    fn new(head: CallHead<'a>, wanted: &Wanted) -> Self {
        Self {
            head,
            generic: None,
            arguments: vec![None; wanted.arguments().len()],
            attachments: vec![None; wanted.attachments().len()],
        }
    }

    /// Whether the method calls another one.
    fn is_generic(&self, parameters: usize) -> bool {
        parameters == 3 && matches!(&*self.head.method, "$invoke" | "$invokeAsync")
    }

    fn into_call(
        self,
        serialization: Serialization,
        found: Attachments<'a>,
        range: Option<Range<usize>>,
    ) -> Call<'a> {
        let Attachments {
            path,
            group,
            version,
            generic: kind,
            callback,
            is_async,
        } = found;
        let generic = self.generic.and_then(|generic| {
            Some(Generic {
                kind,
                method: generic.method?,
                param_types: generic.param_types,
            })
        });
        Call {
            serialization,
            service: Service::new(&self.head, path, group, version),
            head: self.head,
            generic,
            attachments: self.attachments,
            arguments: self.arguments,
            attachments_range: range,
            callback,
            is_async,
        }
    }
}

/// The method of a generic call, which must be a text.
fn generic_method(method: Option<Scalar<'_>>, at: usize) -> Result<Cow<'_, str>, InvalidBody> {
    match method {
        Some(Scalar::Text(method)) => {
            let method = method.into_str();
            method.map(trimmed).ok_or(InvalidBodyKind::Encoding.at(at))
        }
        _ => Err(InvalidBodyKind::GenericCall.at(at)),
    }
}

/// Without control characters and spaces around it, as `GenericFilter` takes it
/// (`java.lang.String.trim`).
fn trimmed(method: Cow<'_, str>) -> Cow<'_, str> {
    const AROUND: RangeInclusive<char> = '\0'..=' ';
    let around = |char: char| AROUND.contains(&char);
    match method {
        Cow::Borrowed(method) => Cow::Borrowed(method.trim_matches(around)),
        Cow::Owned(method) => Cow::Owned(method.trim_matches(around).to_owned()),
    }
}

/// The text of a scalar that is one.
fn text(scalar: Scalar<'_>) -> Option<Cow<'_, str>> {
    match scalar {
        Scalar::Text(text) => text.into_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
