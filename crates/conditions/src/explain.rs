//! Why a condition holds or does not.

use meshlane_attributes::{Request, Value};
use serde::Serialize;

use crate::condition::Condition;
use crate::truth::Truth;

/// A condition with what was found for a request: every part, also those that a mere
/// decision would not have looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Explanation {
    /// An attribute and what is asked of it.
    #[serde(rename_all = "camelCase")]
    Leaf {
        /// The attribute's name.
        attribute: String,
        /// What it holds; nothing when it is absent.
        found: Option<String>,
        /// The operator's name.
        operator: &'static str,
        /// The operand.
        expected: String,
        /// For `bucket`: where the value falls.
        position: Option<f64>,
        /// The result.
        truth: Truth,
    },
    /// Every one must hold.
    All {
        /// The result.
        truth: Truth,
        /// The parts.
        parts: Vec<Explanation>,
    },
    /// At least one must hold.
    Any {
        /// The result.
        truth: Truth,
        /// The parts.
        parts: Vec<Explanation>,
    },
    /// It must be decided and not hold.
    Not {
        /// The result.
        truth: Truth,
        /// The negated condition.
        part: Box<Explanation>,
    },
}

impl Condition {
    /// Explains the condition for a request.
    pub fn explain(&self, request: &Request<'_>) -> Explanation {
        let truth = self.evaluate(request);
        let explain =
            |parts: &[Condition]| parts.iter().map(|part| part.explain(request)).collect();
        match self {
            Self::Leaf {
                attribute,
                operator,
            } => {
                let value = request.value(*attribute);
                let name = request.table().attribute(*attribute);
                Explanation::Leaf {
                    attribute: name.map(ToString::to_string).unwrap_or_default(),
                    found: value.map(display),
                    operator: operator.name(),
                    expected: operator.to_string(),
                    position: value.and_then(|value| operator.position(value)),
                    truth,
                }
            }
            Self::All(parts) => Explanation::All {
                truth,
                parts: explain(parts),
            },
            Self::Any(parts) => Explanation::Any {
                truth,
                parts: explain(parts),
            },
            Self::Not(part) => Explanation::Not {
                truth,
                part: Box::new(part.explain(request)),
            },
        }
    }
}

impl Explanation {
    /// The result.
    pub fn truth(&self) -> Truth {
        let (Self::Leaf { truth, .. }
        | Self::All { truth, .. }
        | Self::Any { truth, .. }
        | Self::Not { truth, .. }) = self;
        *truth
    }
}

fn display(value: &Value<'_>) -> String {
    match value {
        Value::List(elements) => {
            let elements: Vec<_> = elements.iter().map(display).collect();
            format!("[{}]", elements.join(", "))
        }
        single => single.as_text().unwrap_or_default().into_owned(),
    }
}
