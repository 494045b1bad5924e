//! Constants in conditions.

use std::fmt;

use meshlane_attributes::Value;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A text, a number or a boolean that an attribute is compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// A boolean.
    Bool(bool),
}

impl Scalar {
    /// Whether an attribute's value (a list: one of its elements) equals this constant.
    pub fn equals(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (_, Value::List(elements)) => elements.iter().any(|element| self.equals(element)),
            (Self::Text(text), _) => value.as_text().is_some_and(|found| found == *text),
            (Self::Number(number), _) => value.as_number() == Some(*number),
            (Self::Bool(expected), Value::Bool(found)) => expected == found,
            (Self::Bool(expected), _) => value
                .as_text()
                .is_some_and(|found| found == if *expected { "true" } else { "false" }),
        }
    }

    /// Whether this is a number that a double cannot be trusted to hold.
    pub fn is_inexact(&self) -> bool {
        matches!(self, Self::Number(number) if number.abs() > LARGEST_EXACT)
    }
}

/// 2^53 - 1: from 2^53 on a double may stand for two integers.
pub(crate) const LARGEST_EXACT: f64 = 9_007_199_254_740_991.0;

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Bool(bool) => write!(f, "{bool}"),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a number or a boolean")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }

            fn visit_bool<E: Error>(self, bool: bool) -> Result<Scalar, E> {
                Ok(Scalar::Bool(bool))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number as f64))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number as f64))
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_number_equals_every_spelling_of_it() {
        let five: Scalar = serde_json::from_str("5").unwrap();
        assert_eq!(five, serde_json::from_str("5.0").unwrap());
        for (found, equal) in [
            ("5", true),
            ("5.0", true),
            ("05", true),
            ("6", false),
            ("five", false),
        ] {
            assert_eq!(five.equals(&found.into()), equal, "{found}");
        }
    }

    #[test]
    fn a_text_equals_only_itself() {
        let five = Scalar::Text("5".into());
        assert!(five.equals(&"5".into()));
        assert!(!five.equals(&"5.0".into()));
        assert!(five.equals(&Value::Number(5.0)));
    }

    #[test]
    fn a_boolean_equals_its_name() {
        let yes = Scalar::Bool(true);
        assert!(yes.equals(&"true".into()));
        assert!(!yes.equals(&"yes".into()));
        assert!(yes.equals(&Value::Bool(true)));
        assert!(!yes.equals(&Value::Bool(false)));
    }

    #[test]
    fn one_element_of_a_list_is_enough() {
        let list = Value::List(vec!["a".into(), "b".into()]);
        assert!(Scalar::Text("b".into()).equals(&list));
        assert!(!Scalar::Text("c".into()).equals(&list));
    }

    #[test]
    fn integers_from_2_to_53_are_not_exact() {
        let number = |text| serde_json::from_str::<Scalar>(text).unwrap();
        assert!(!number("9007199254740991").is_inexact());
        assert!(number("9007199254740993").is_inexact());
        assert!(number("9007199254740993000").is_inexact());
        assert!(!number("\"9007199254740993000\"").is_inexact());
    }
}
