//! Which configuration is in force when a document is good, bad or missing.

use serde::Deserialize;

use crate::reason::Reason;
use crate::violation::Violations;

/// What a filter does with requests while its document is invalid and there was no good one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnInvalidConfig {
    /// Requests pass untouched, except that reserved headers are removed.
    PassThrough,
    /// Requests are refused: 503, for gRPC `UNAVAILABLE`.
    Refuse,
}

/// The configuration in force.
#[derive(Debug)]
pub struct Loaded<P> {
    /// What to decide by; nothing when no document was ever good.
    pub policy: Option<P>,
    /// How it came to that.
    pub state: ConfigState,
    /// What is wrong with the newest document.
    pub violations: Violations,
}

/// How the configuration in force came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfigState {
    /// The newest document is good.
    Accepted,
    /// The newest document is empty, which is good too.
    Empty,
    /// The newest document is bad; the last good one stays.
    LastGood,
    /// The newest document is bad and there was no good one: requests pass.
    PassThrough,
    /// The newest document is bad and there was no good one: requests are refused.
    Refuse,
}

impl ConfigState {
    /// The reason code.
    pub fn reason(self) -> Reason {
        match self {
            Self::Accepted => Reason::ConfigAccepted,
            Self::Empty => Reason::ConfigEmpty,
            Self::LastGood => Reason::ConfigLastGood,
            Self::PassThrough => Reason::ConfigPassThrough,
            Self::Refuse => Reason::ConfigRefuse,
        }
    }

    /// The value of the gauge `config_state`: 0 is well, everything above wants a look.
    pub fn gauge(self) -> u64 {
        match self {
            Self::Accepted | Self::Empty => 0,
            Self::LastGood => 1,
            Self::PassThrough => 2,
            Self::Refuse => 3,
        }
    }

    /// Whether the newest document is in force, and so the one to fall back to later.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Accepted | Self::Empty)
    }
}

/// Decides which configuration is in force.
///
/// A filter must accept every document: Envoy answers 500 to every request, under every fail
/// strategy, when a filter refuses its configuration at start. So a bad document leaves the
/// last good one in force, and without one `onInvalidConfig` says what happens; it is read
/// from the bad document as far as that can be read, `default` counts otherwise.
pub fn load<P>(
    document: &[u8],
    default: OnInvalidConfig,
    last_good: impl FnOnce() -> Option<Vec<u8>>,
    parse: impl Fn(&[u8]) -> Result<P, Violations>,
) -> Loaded<P> {
    let violations = match parse(document) {
        Ok(policy) => {
            let is_empty = document.trim_ascii().is_empty();
            return Loaded {
                policy: Some(policy),
                state: if is_empty {
                    ConfigState::Empty
                } else {
                    ConfigState::Accepted
                },
                violations: Violations::default(),
            };
        }
        Err(violations) => violations,
    };
    let policy = last_good().and_then(|document| parse(&document).ok());
    let state = match (&policy, on_invalid_config(document, default)) {
        (Some(_), _) => ConfigState::LastGood,
        (None, OnInvalidConfig::PassThrough) => ConfigState::PassThrough,
        (None, OnInvalidConfig::Refuse) => ConfigState::Refuse,
    };
    Loaded {
        policy,
        state,
        violations,
    }
}

/// The `name` that a document gives itself, which may be wrong in any other way.
pub fn document_name(document: &[u8]) -> Option<String> {
    let document = serde_json::from_slice::<serde_json::Value>(document).ok()?;
    let name = document.get("name")?.as_str()?;
    (!name.is_empty() && name.len() <= MAX_NAME).then(|| name.to_owned())
}

const MAX_NAME: usize = 64;

/// `onInvalidConfig` of a document that may be wrong in any other way.
fn on_invalid_config(document: &[u8], default: OnInvalidConfig) -> OnInvalidConfig {
    serde_json::from_slice::<serde_json::Value>(document)
        .ok()
        .and_then(|document| OnInvalidConfig::deserialize(document.get("onInvalidConfig")?).ok())
        .unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, rename_all = "camelCase", default)]
    struct Document {
        on_invalid_config: Option<OnInvalidConfig>,
        number: u8,
    }

    fn state(document: &str, last_good: Option<&str>) -> (ConfigState, Option<u8>) {
        let loaded = load(
            document.as_bytes(),
            OnInvalidConfig::PassThrough,
            || last_good.map(|document| document.as_bytes().to_vec()),
            parse_json::<Document>,
        );
        assert_eq!(loaded.state.is_good(), loaded.violations.is_empty());
        (loaded.state, loaded.policy.map(|document| document.number))
    }

    #[test]
    fn a_good_document_is_in_force() {
        assert_eq!(
            state(r#"{"number": 1}"#, Some(r#"{"number": 2}"#)),
            (ConfigState::Accepted, Some(1))
        );
        assert_eq!(
            state("", Some(r#"{"number": 2}"#)),
            (ConfigState::Empty, Some(0))
        );
    }

    #[test]
    fn a_bad_document_leaves_the_last_good_one() {
        let good = Some(r#"{"number": 2}"#);
        assert_eq!(
            state(r#"{"numbr": 1}"#, good),
            (ConfigState::LastGood, Some(2))
        );
        assert_eq!(
            state(r#"{"onInvalidConfig": "refuse", "x": 1}"#, good),
            (ConfigState::LastGood, Some(2))
        );
        assert_eq!(state("not json", good), (ConfigState::LastGood, Some(2)));
    }

    #[test]
    fn with_no_good_document_the_bad_one_is_asked_what_to_do() {
        for (document, expected) in [
            (
                r#"{"onInvalidConfig": "refuse", "x": 1}"#,
                ConfigState::Refuse,
            ),
            (
                r#"{"onInvalidConfig": "passThrough", "x": 1}"#,
                ConfigState::PassThrough,
            ),
            (r#"{"onInvalidConfig": "refuze"}"#, ConfigState::PassThrough),
            (r#"{"x": 1}"#, ConfigState::PassThrough),
            ("not json", ConfigState::PassThrough),
            ("\u{0}", ConfigState::PassThrough),
        ] {
            assert_eq!(state(document, None), (expected, None), "{document}");
        }
    }

    #[test]
    fn a_last_good_document_that_no_longer_parses_is_none() {
        assert_eq!(state("x", Some("y")), (ConfigState::PassThrough, None));
    }
}
