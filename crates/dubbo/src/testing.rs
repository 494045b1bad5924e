//! Bodies for tests.

use meshlane_hessian2::Encoder;

use crate::{Serialization, jsonb};

/// The serializations whose bodies are read completely.
pub(crate) const COMPLETE: [Serialization; 2] = [Serialization::HESSIAN2, Serialization::FASTJSON2];

/// A call that is being written.
pub(crate) struct CallBody<'b> {
    pub(crate) head: [Option<&'b str>; 5],
    /// Texts.
    pub(crate) arguments: Vec<&'b str>,
    /// None for null instead of a map.
    pub(crate) attachments: Option<Vec<(&'b str, &'b str)>>,
}

impl<'b> CallBody<'b> {
    pub(crate) fn say_hello() -> Self {
        Self {
            head: [
                Some("2.0.2"),
                Some("a.Hello"),
                Some("1.0"),
                Some("sayHello"),
                Some("Ljava/lang/String;"),
            ],
            arguments: vec!["bob"],
            attachments: Some(vec![("path", "a.Hello"), ("version", "1.0")]),
        }
    }

    pub(crate) fn attachments(pairs: &[(&'b str, &'b str)]) -> Self {
        Self {
            attachments: Some(pairs.to_vec()),
            ..Self::say_hello()
        }
    }

    pub(crate) fn write(&self, serialization: Serialization) -> Vec<u8> {
        match serialization {
            Serialization::HESSIAN2 => self.write_hessian2(),
            _ => self.write_jsonb(),
        }
    }

    fn write_hessian2(&self) -> Vec<u8> {
        let mut encoder = Encoder::new();
        for text in &self.head {
            match text {
                Some(text) => encoder.write_str(text),
                None => encoder.write_null(),
            }
        }
        for argument in &self.arguments {
            encoder.write_str(argument);
        }
        match &self.attachments {
            Some(pairs) => {
                encoder.begin_map(None);
                for (name, value) in pairs {
                    encoder.write_str(name);
                    encoder.write_str(value);
                }
                encoder.end();
            }
            None => encoder.write_null(),
        }
        encoder.into_bytes()
    }

    fn write_jsonb(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for text in &self.head {
            match text {
                Some(text) => jsonb::write_framed_text(&mut body, text),
                None => body.extend_from_slice(&[0, 0, 0, 1, 0xaf]),
            }
        }
        for argument in &self.arguments {
            jsonb::write_framed_text(&mut body, argument);
        }
        let mut map = Vec::new();
        match &self.attachments {
            Some(pairs) => {
                map.push(0xa6);
                for (name, value) in pairs {
                    jsonb::write_text(&mut map, name);
                    jsonb::write_text(&mut map, value);
                }
                map.push(0xa5);
            }
            None => map.push(0xaf),
        }
        framed(&mut body, &map);
        body
    }
}

/// Appends a JSONB document behind its length.
pub(crate) fn framed(body: &mut Vec<u8>, document: &[u8]) {
    body.extend_from_slice(&(document.len() as u32).to_be_bytes());
    body.extend_from_slice(document);
}
