//! What can be combined: versions of Dubbo, serializations.

use std::fmt;

/// A version of Apache Dubbo for Java that `make setup` fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DubboVersion {
    /// The last with the packages of Alibaba.
    V2_6,
    /// The last of Dubbo 2.
    V2_7,
    /// Dubbo 3.
    V3_3,
}

impl DubboVersion {
    /// All, oldest first.
    pub const ALL: [Self; 3] = [Self::V2_6, Self::V2_7, Self::V3_3];

    /// The newest.
    pub const NEWEST: Self = Self::V3_3;

    /// The version in full, as in `scripts/versions`.
    pub fn name(self) -> &'static str {
        match self {
            Self::V2_6 => "2.6.12",
            Self::V2_7 => "2.7.23",
            Self::V3_3 => "3.3.6",
        }
    }

    /// The serializations that this version knows without extensions.
    pub fn serializations(self) -> &'static [Serialization] {
        match self {
            Self::V2_6 | Self::V2_7 => &[Serialization::Hessian2, Serialization::Java],
            Self::V3_3 => &[Serialization::Hessian2, Serialization::Fastjson2],
        }
    }
}

impl fmt::Display for DubboVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// How arguments and results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Serialization {
    /// Number 2, the default of Dubbo 2.
    Hessian2,
    /// Number 3: Java's own.
    Java,
    /// Number 23: JSONB, the default of Dubbo 3.
    Fastjson2,
}

impl Serialization {
    /// The name in Dubbo's URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hessian2 => "hessian2",
            Self::Java => "java",
            Self::Fastjson2 => "fastjson2",
        }
    }
}

impl fmt::Display for Serialization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
