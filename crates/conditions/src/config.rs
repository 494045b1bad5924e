use serde::{Deserialize, Serialize};

pub use crate::scalar::Scalar;

/// A condition: `attribute` with exactly one operator, or exactly one of `all`, `any`, `not`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Condition {
    /// The fact that is looked at: `header.x-user`, `query.uid`, `source.ip`, `jwt.sub` …
    pub attribute: Option<String>,
    /// Holds when the attribute equals this. A number equals every spelling of it.
    pub exact: Option<Scalar>,
    /// Holds when the attribute begins with this text.
    pub prefix: Option<String>,
    /// Holds when the attribute ends with this text.
    pub suffix: Option<String>,
    /// Holds when the attribute contains this text.
    pub contains: Option<String>,
    /// Holds when the whole attribute matches this regular expression (linear time; values over 8 KiB are not tried).
    pub regex: Option<String>,
    /// Holds when the attribute equals one of these.
    #[serde(rename = "in")]
    pub one_of: Option<Vec<Scalar>>,
    /// Holds when the attribute is present and equals none of these.
    pub not_in: Option<Vec<Scalar>>,
    /// Holds when the attribute is present (`true`) or absent (`false`).
    pub present: Option<bool>,
    /// Holds when the attribute is a number in this range, ends included.
    pub range: Option<Range>,
    /// Holds when the attribute is an address in one of these networks.
    pub cidr: Option<Vec<String>>,
    /// Holds when the attribute is an integer with one of these remainders.
    #[serde(rename = "mod")]
    pub modulo: Option<Modulo>,
    /// Holds when the attribute falls by its hash into the first `below` of `of` parts.
    pub bucket: Option<Bucket>,
    /// Holds when every one of these holds.
    pub all: Option<Vec<Condition>>,
    /// Holds when at least one of these holds.
    pub any: Option<Vec<Condition>>,
    /// Holds when this can be decided and does not hold.
    pub not: Option<Box<Condition>>,
}

impl Condition {
    /// Reads a condition from JSON.
    ///
    /// # Errors
    /// The first structural error.
    pub fn from_json(document: &[u8]) -> Result<Self, serde_json::Error> {
        // What reads a condition is so generated here, once, and not again in each crate whose documents have conditions in them.
        meshlane_diagnostics::read_json(document)
    }
}

/// A range of numbers, ends included; one end may be open.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Range {
    /// The smallest number in the range.
    pub min: Option<f64>,
    /// The largest number in the range.
    pub max: Option<f64>,
}

/// Arithmetic on the number itself: `uid % 100 == 20`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Modulo {
    /// What the attribute is divided by: a positive integer.
    pub divisor: f64,
    /// The remainders that count, each from 0 to below the divisor.
    #[serde(rename = "in")]
    pub remainders: Vec<f64>,
}

/// A sticky share by hash. Raising `below` only adds; different salts are independent.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Bucket {
    /// How many of the `of` parts count.
    pub below: f64,
    /// How many parts there are.
    #[cfg_attr(feature = "schema", schemars(extend("default" = 100)))]
    pub of: Option<f64>,
    /// What makes this share independent of others (only with `xxh64`).
    pub salt: Option<String>,
    /// How the attribute is hashed.
    pub algorithm: Option<HashAlgorithm>,
}

/// How a key is hashed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HashAlgorithm {
    /// XXH64 over salt, a zero byte and the key: the default.
    #[default]
    #[serde(rename = "xxh64")]
    Xxh64,
    /// The first 8 bytes of SHA-256, big-endian, modulo 100: as Higress traffic-tag.
    #[serde(rename = "sha256-mod100")]
    Sha256Mod100,
    /// CRC-32 modulo 100: as Higress frontend-gray.
    #[serde(rename = "crc32-mod100")]
    Crc32Mod100,
    /// 64-bit FNV-1a modulo `of`.
    #[serde(rename = "fnv1a")]
    Fnv1a,
    /// 32-bit FNV-1a modulo `of`.
    #[serde(rename = "fnv1a32")]
    Fnv1a32,
}

impl HashAlgorithm {
    /// The name in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Xxh64 => "xxh64",
            Self::Sha256Mod100 => "sha256-mod100",
            Self::Crc32Mod100 => "crc32-mod100",
            Self::Fnv1a => "fnv1a",
            Self::Fnv1a32 => "fnv1a32",
        }
    }
}

/// How `source.ip` is found.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct SourceIp {
    /// How many proxies in front of this one are trusted to append to `X-Forwarded-For`. With 0 (when not given) the address counts that Envoy itself takes for the client's. Not to be combined with Envoy's `skip_xff_append` or `xff_num_trusted_hops`.
    pub trusted_hops: Option<f64>,
}

/// Where the claims of a verified token lie: in the dynamic metadata that Envoy's jwt_authn leaves.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Jwt {
    /// The metadata's name: `envoy.filters.http.jwt_authn` when not given.
    pub filter: Option<String>,
    /// The key under which the payload lies (`payload_in_metadata` of jwt_authn): `payload` when not given.
    pub payload_key: Option<String>,
}
