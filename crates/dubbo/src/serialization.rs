//! How the body of a frame is written.

use std::fmt;

/// The number of a serialization: the low five bits of a frame's flags.
///
/// Numbers without a name are legal: a frame of any serialization passes.
/// Source: `org.apache.dubbo.common.serialize.Constants`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Serialization(u8);

impl Serialization {
    /// Hessian 2.0, what Dubbo speaks unless told otherwise.
    pub const HESSIAN2: Self = Self(2);
    /// Java serialization behind Dubbo's own markers.
    pub const JAVA: Self = Self(3);
    /// The same with shorter class descriptions.
    pub const COMPACTED_JAVA: Self = Self(4);
    /// Lines of JSON.
    pub const FASTJSON: Self = Self(6);
    /// Java serialization as it is.
    pub const NATIVE_JAVA: Self = Self(7);
    /// JSONB, each value behind its length.
    pub const FASTJSON2: Self = Self(23);

    /// The serialization with this number: only the low five bits count.
    pub const fn new(number: u8) -> Self {
        Self(number & 0x1f)
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The name that Dubbo's configuration uses.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            2 => "hessian2",
            3 => "java",
            4 => "compactedjava",
            6 => "fastjson",
            7 => "nativejava",
            8 => "kryo",
            9 => "fst",
            10 => "native-hessian",
            11 => "avro",
            12 => "protostuff",
            16 => "gson",
            18 => "jackson",
            21 => "protobuf-json",
            22 => "protobuf",
            23 => "fastjson2",
            25 => "kryo2",
            27 => "msgpack",
            28 => "fury",
            _ => return None,
        })
    }

    /// The serialization with this name, or with this number when it has none.
    pub fn from_name(name: &str) -> Option<Self> {
        let named = (0..32)
            .map(Self)
            .find(|candidate| candidate.name() == Some(name));
        named.or_else(|| {
            let number = name.parse().ok().filter(|number| *number < 32)?;
            Some(Self(number)).filter(|candidate| candidate.name().is_none())
        })
    }
}

/// The name, or the number of one without a name.
impl fmt::Display for Serialization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_number_is_found_by_what_it_prints() {
        for number in 0..32 {
            let serialization = Serialization::new(number);
            assert_eq!(
                Serialization::from_name(&serialization.to_string()),
                Some(serialization)
            );
        }
        assert_eq!(Serialization::from_name("2"), None);
        assert_eq!(Serialization::from_name("32"), None);
        assert_eq!(Serialization::from_name(""), None);
    }

    #[test]
    fn the_flags_beside_the_number_do_not_count() {
        assert_eq!(Serialization::new(0xc2), Serialization::HESSIAN2);
        assert_eq!(Serialization::new(0xf7), Serialization::FASTJSON2);
    }
}
