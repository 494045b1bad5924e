use super::*;
use crate::{Encoder, Node};

mod forms;
mod hostile;
mod select;
mod whole;

/// Bytes from hexadecimal digits and, in quotes, ASCII: `03 'abc' 5a`.
fn bytes(written: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, part) in written.split('\'').enumerate() {
        if index % 2 == 1 {
            out.extend(part.bytes());
            continue;
        }
        for word in part.split_whitespace() {
            assert_eq!(word.len() % 2, 0, "{word}");
            let digits = (0..word.len()).step_by(2);
            out.extend(digits.map(|at| u8::from_str_radix(&word[at..at + 2], 16).unwrap()));
        }
    }
    out
}

/// All values of a body, after making sure that skipping and encoding agree.
fn read_all(body: &[u8]) -> Result<Vec<Value<'_>>, Invalid> {
    let limits = Limits::default();
    let mut reading = Decoder::new(body, &limits);
    let mut skipping = Decoder::new(body, &limits);
    let mut values = Vec::new();
    while !reading.is_at_end() {
        let value = reading.read_value();
        assert_eq!(skipping.skip_value(), value.clone().map(|_| ()));
        values.push(value?);
        assert_eq!(skipping.offset(), reading.offset());
    }
    let mut encoder = Encoder::new();
    for value in &values {
        encoder.write_value(value);
    }
    let mut again = Decoder::new(encoder.as_bytes(), &limits);
    for value in &values {
        assert_eq!(again.read_value().as_ref(), Ok(value));
    }
    assert!(again.is_at_end());
    Ok(values)
}

/// The only value of a body.
fn read(body: &[u8]) -> Result<Value<'_>, Invalid> {
    let mut values = read_all(body)?;
    assert_eq!(values.len(), 1);
    Ok(values.remove(0))
}

/// The only node of a body.
fn node(written: &str) -> Node<'static> {
    let body = bytes(written);
    let value = read(&body).unwrap_or_else(|invalid| panic!("{written}: {invalid}"));
    assert_eq!(value.root().children().count(), 0);
    value.clone().into_owned().root().node().clone()
}
