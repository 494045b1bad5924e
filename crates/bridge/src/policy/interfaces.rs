/// An interface, or the beginning of some.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfacePattern {
    text: Box<str>,
    is_prefix: bool,
}

/// The text is no interface, with or without a `*` at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an interface")]
pub(crate) struct InvalidInterface;

impl InterfacePattern {
    pub(crate) const EXPECTED: &'static str =
        "an interface, or its beginning followed by `*`, of at most 256 bytes";

    pub(crate) fn parse(text: &str) -> Result<Self, InvalidInterface> {
        let (name, is_prefix) = match text.strip_suffix('*') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let is_separate = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '/');
        let is_valid = (1..=MAX_LENGTH).contains(&text.len()) && !name.contains(is_separate);
        if is_valid {
            let text = name.into();
            Ok(Self { text, is_prefix })
        } else {
            Err(InvalidInterface)
        }
    }

    /// The services of Dubbo's application-level discovery: a consumer asks one exact instance.
    pub(crate) fn metadata_services() -> Self {
        Self {
            text: "org.apache.dubbo.metadata.MetadataService".into(),
            is_prefix: true,
        }
    }

    /// Whether the interface is one of these.
    pub fn matches(&self, interface: &str) -> bool {
        if self.is_prefix {
            interface.starts_with(&*self.text)
        } else {
            interface == &*self.text
        }
    }

    /// How exact the pattern is: of two that match, the greater one counts.
    pub(crate) fn exactness(&self) -> (bool, usize) {
        (!self.is_prefix, self.text.len())
    }
}

const MAX_LENGTH: usize = 256;
