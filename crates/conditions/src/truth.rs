//! Three-valued logic.

/// Whether a condition holds (Kleene's strong logic of indeterminacy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Truth {
    /// It does not.
    False,
    /// It cannot be said.
    Unknown,
    /// It does.
    True,
}

impl Truth {
    /// True for false, false for true; unknown stays unknown.
    pub fn negated(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }

    /// Whether it does.
    pub fn is_true(self) -> bool {
        self == Self::True
    }

    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::False => "false",
            Self::Unknown => "unknown",
            Self::True => "true",
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// An answer where there is one, unknown otherwise.
impl From<Option<bool>> for Truth {
    fn from(holds: Option<bool>) -> Self {
        holds.map_or(Self::Unknown, Self::from)
    }
}
