//! Which service a call is for.

use std::borrow::Cow;

use crate::CallHead;

/// The service that a provider looks up for a call.
///
/// A Java provider overwrites the path and the version of the head with the attachments
/// `path` and `version` before it looks for the service
/// (`DecodeableRpcInvocation.decode`: `addObjectAttachments(map)`; `DubboProtocol.getInvoker`).
/// So a policy must judge this, never the head alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service<'a> {
    /// The attachment `path`, or the head's when there is none.
    pub interface: Cow<'a, str>,
    /// The attachment `group`, the only place where a group travels.
    pub group: Option<Cow<'a, str>>,
    /// The attachment `version`, or the head's when there is none.
    pub version: Option<Cow<'a, str>>,
    /// Whether the call can be taken for another one: head and attachments name different
    /// services (legal for a service with a path of its own), or the path holds one of the
    /// characters that divide group, path and version in Java's service keys.
    pub ambiguous: bool,
}

impl<'a> Service<'a> {
    /// The service of a call with this head and these attachments.
    pub(crate) fn new(
        head: &CallHead<'a>,
        path: Option<Cow<'a, str>>,
        group: Option<Cow<'a, str>>,
        version: Option<Cow<'a, str>>,
    ) -> Self {
        let interface = path.unwrap_or_else(|| head.path.clone());
        let version = version.or_else(|| head.version.clone());
        let ambiguous = interface != head.path
            || version_key(version.as_deref()) != version_key(head.version.as_deref())
            || interface.contains([':', '/'])
            || group.as_deref().is_some_and(|group| group.contains('/'));
        Self {
            interface,
            group,
            version,
            ambiguous,
        }
    }
}

/// No version, an empty one and `0.0.0` are one to Java (`GroupServiceKeyCache`).
fn version_key(version: Option<&str>) -> &str {
    match version {
        None | Some("0.0.0") => "",
        Some(version) => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn service(
        head: (&'static str, Option<&'static str>),
        attachments: [Option<&'static str>; 3],
    ) -> Service<'static> {
        let head = CallHead {
            dubbo_version: Some("2.0.2".into()),
            path: head.0.into(),
            version: head.1.map(Cow::from),
            method: "m".into(),
            param_types: "".into(),
        };
        let [path, group, version] = attachments.map(|text| text.map(Cow::from));
        Service::new(&head, path, group, version)
    }

    #[test]
    fn attachments_win() {
        let found = service(("a.A", Some("1")), [Some("a.B"), Some("g"), Some("2")]);
        assert_eq!(found.interface, "a.B");
        assert_eq!(found.group.as_deref(), Some("g"));
        assert_eq!(found.version.as_deref(), Some("2"));
        assert!(found.ambiguous);
    }

    #[test]
    fn no_version_has_three_spellings() {
        for head in [None, Some(""), Some("0.0.0")] {
            for attachment in [None, Some(""), Some("0.0.0")] {
                let found = service(("a.A", head), [Some("a.A"), None, attachment]);
                assert!(!found.ambiguous, "{head:?} {attachment:?}");
            }
            assert!(service(("a.A", head), [None, None, Some("1")]).ambiguous);
        }
    }

    #[test]
    fn characters_of_service_keys() {
        for path in ["a.A:2", "g/a.A"] {
            assert!(service((path, None), [None, None, None]).ambiguous);
        }
        assert!(service(("a.A", None), [None, Some("g/h"), None]).ambiguous);
        assert!(!service(("a.A", None), [None, Some("g"), None]).ambiguous);
    }
}
