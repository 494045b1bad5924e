//! The types of a method's parameters, as the JVM writes them: `Ljava/lang/String;[I`.

use std::borrow::Cow;

use crate::{InvalidBody, InvalidBodyKind};

/// The types in a descriptor, in order.
///
/// Nothing but whole types may stand in it. (Older versions of Dubbo look for types by a
/// regular expression and pass over the rest; no client relies on that.)
/// Source: JVM Specification, 4.3.2; `org.apache.dubbo.common.utils.ReflectUtils.desc2classArray`.
#[derive(Debug, Clone)]
pub struct Parameters<'a> {
    descriptor: &'a str,
    offset: usize,
}

impl<'a> Parameters<'a> {
    /// Of this descriptor.
    pub const fn of(descriptor: &'a str) -> Self {
        Self {
            descriptor,
            offset: 0,
        }
    }

    /// How many types there are, or where the descriptor is broken.
    pub fn count(descriptor: &str) -> Result<usize, usize> {
        let mut parameters = Parameters::of(descriptor);
        let found = parameters.by_ref().count();
        if parameters.offset == descriptor.len() {
            Ok(found)
        } else {
            Err(parameters.offset)
        }
    }
}

/// Ends at the end of the descriptor, or where it is broken.
impl<'a> Iterator for Parameters<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.descriptor.get(self.offset..)?;
        let dimensions = rest.bytes().take_while(|byte| *byte == b'[').count();
        let length = match rest.as_bytes().get(dimensions)? {
            b'V' | b'Z' | b'B' | b'C' | b'D' | b'F' | b'I' | b'J' | b'S' => dimensions + 1,
            b'L' => {
                let length = rest.find(';')? + 1;
                let name = rest.get(dimensions + 1..length - 1)?;
                if !is_class(name) {
                    return None;
                }
                length
            }
            _ => return None,
        };
        self.offset += length;
        rest.get(..length)
    }
}

/// A type as it is written in Java: `java.lang.String`, `int[]`. What is no type stays as it is.
pub fn java_type(descriptor: &str) -> Cow<'_, str> {
    let element = descriptor.trim_start_matches('[');
    let dimensions = descriptor.len() - element.len();
    let name: Cow<'_, str> = match element {
        "V" => "void".into(),
        "Z" => "boolean".into(),
        "B" => "byte".into(),
        "C" => "char".into(),
        "D" => "double".into(),
        "F" => "float".into(),
        "I" => "int".into(),
        "J" => "long".into(),
        "S" => "short".into(),
        _ => match element
            .strip_prefix('L')
            .and_then(|name| name.strip_suffix(';'))
        {
            Some(name) => name.replace('/', ".").into(),
            None => return descriptor.into(),
        },
    };
    if dimensions == 0 {
        return name;
    }
    let mut array = name.into_owned();
    array.extend(std::iter::repeat_n("[]", dimensions));
    array.into()
}

/// How many parameters a call has by its descriptor, which begins at `offset` of the body.
pub(crate) fn parameters(
    descriptor: &str,
    offset: usize,
    max_parameters: usize,
) -> Result<usize, InvalidBody> {
    // A type takes at least one byte, so the work is bounded by the length of the text.
    let count =
        Parameters::count(descriptor).map_err(|_place| InvalidBodyKind::Descriptor.at(offset))?;
    if count > max_parameters {
        return Err(InvalidBodyKind::TooManyParameters.at(offset));
    }
    Ok(count)
}

/// Whether this may be a class's name: parts with `/` between them.
fn is_class(name: &str) -> bool {
    name.split('/')
        .all(|part| !part.is_empty() && !part.contains(['.', '[', '(', ')']))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn descriptors() {
        for (descriptor, expected) in [
            ("", &[][..]),
            ("I", &["int"]),
            ("Ljava/lang/String;", &["java.lang.String"]),
            (
                "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;",
                &[
                    "java.lang.String",
                    "java.lang.String[]",
                    "java.lang.Object[]",
                ],
            ),
            ("[[IJLa/B$C;Z", &["int[][]", "long", "a.B$C", "boolean"]),
        ] {
            let types: Vec<_> = Parameters::of(descriptor).map(java_type).collect();
            assert_eq!(types, expected, "{descriptor}");
            assert_eq!(Parameters::count(descriptor), Ok(expected.len()));
        }
    }

    #[test]
    fn broken_descriptors() {
        for (descriptor, place) in [
            ("X", 0),
            ("IX", 1),
            ("[", 0),
            ("I[", 1),
            ("L;", 0),
            ("Ljava/lang/String", 0),
            ("Ljava.lang.String;", 0),
            ("La//B;", 0),
            ("java.lang.String", 0),
            ("I I", 1),
            ("ILa/B;;", 6),
            ("Lé;ü", 4),
        ] {
            assert_eq!(Parameters::count(descriptor), Err(place), "{descriptor}");
        }
    }
}
