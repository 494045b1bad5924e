//! Calls as a peer writes them: they are read as written, and changed attachments change nothing else.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use meshlane_dubbo::{
    ArgumentSelector, Call, Change, Limits, Serialization, Wanted, apply, spliced_length,
};
use meshlane_hessian2::{Encoder, Path, Scalar, Text};

fuzz_target!(|input: &[u8]| {
    let mut choices = Choices(input);
    let arguments = choices.next() % 4;
    let pairs = choices.pairs();
    let changes = choices.changes();
    let body = body(&mut choices, arguments, &pairs);

    let names: Vec<String> = pairs
        .iter()
        .map(|(name, _)| name.clone())
        .chain(changes.iter().map(|(name, _)| name.clone()))
        .collect();
    let selectors = (0..arguments).map(|argument| ArgumentSelector {
        argument: argument.into(),
        path: Path::default(),
    });
    let wanted = Wanted::new(names.clone(), selectors.collect());
    let limits = Limits::default();
    let call = Call::read(Serialization::HESSIAN2, &body, &wanted, &limits).expect("a call");
    assert_eq!(call.method(), "method");
    let mut expected: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for (name, value) in &pairs {
        expected.insert(name, value.as_deref());
    }
    check(&names, &call, &expected);

    let changes: Vec<Change<'_>> = changes
        .iter()
        .map(|(name, value)| Change {
            name,
            value: value.as_deref(),
        })
        .collect();
    let edits = call.splice(&body, &changes, &limits).expect("a map");
    let spliced = apply(&body, &edits);
    assert_eq!(spliced.len(), spliced_length(body.len(), &edits));
    let start = call.attachments_range.clone().expect("a map").start;
    assert_eq!(body.get(..start), spliced.get(..start));
    for change in &changes {
        match change.value {
            Some(value) => expected.insert(change.name, Some(value)),
            None => expected.remove(change.name),
        };
    }
    let again = Call::read(Serialization::HESSIAN2, &spliced, &wanted, &limits).expect("a call");
    check(&names, &again, &expected);
    assert_eq!(
        format!("{:?}", again.arguments),
        format!("{:?}", call.arguments)
    );
    // All is as wanted already.
    let edits = again.splice(&spliced, &changes, &limits).expect("a map");
    assert!(edits.is_empty(), "{edits:?}");
});

/// Values that are no scalars are absent, or null once they were removed.
fn check(names: &[String], call: &Call<'_>, expected: &BTreeMap<&str, Option<&str>>) {
    for (name, found) in names.iter().zip(&call.attachments) {
        match expected.get(&**name) {
            Some(Some(text)) => assert_eq!(*found, Some(Scalar::Text(Text::from(*text)))),
            Some(None) => assert!(!matches!(found, Some(Scalar::Text(_)))),
            None => assert!(matches!(found, None | Some(Scalar::Null))),
        }
    }
}

/// The fuzzer's bytes, one decision after the other.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// One of few names, so that some come twice.
    fn name(&mut self) -> String {
        let names = ["tag", "dubbo.tag", "x", "", "é😀", "traceparent"];
        names[usize::from(self.next()) % names.len()].into()
    }

    fn text(&mut self) -> String {
        let text = ["a", "文", "😀", "\0", "", "gray"][usize::from(self.next()) % 6];
        // Seldom so long that it comes in several chunks.
        let times = if self.next() == 7 { 200 } else { 1 };
        text.repeat(usize::from(self.next()) * times)
    }

    /// Names and texts; no text stands for a value that is a list.
    fn pairs(&mut self) -> Vec<(String, Option<String>)> {
        (0..self.next() % 8)
            .map(|_| {
                let name = self.name();
                let value = (self.next() % 5 > 0).then(|| self.text());
                (name, value)
            })
            .collect()
    }

    fn changes(&mut self) -> Vec<(String, Option<String>)> {
        (0..self.next() % 5)
            .map(|_| {
                let name = self.name();
                let value = (self.next() % 3 > 0).then(|| self.text());
                (name, value)
            })
            .collect()
    }
}

fn body(choices: &mut Choices<'_>, arguments: u8, pairs: &[(String, Option<String>)]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    let types = "Ljava/lang/Object;".repeat(arguments.into());
    for text in ["2.0.2", "a.Interface", "0.0.0", "method", &types] {
        encoder.write_str(text);
    }
    for _ in 0..arguments {
        match choices.next() % 6 {
            0 => encoder.write_null(),
            1 => encoder.write_int(choices.next().into()),
            2 => encoder.write_double(f64::from(choices.next()) / 8.0),
            3 => encoder.write_str(&choices.text()),
            4 => encoder.write_binary(&[7; 300]),
            _ => {
                encoder.begin_map(None);
                encoder.write_str("id");
                encoder.begin_list(None, 1);
                encoder.write_long(choices.next().into());
                encoder.end();
            }
        }
    }
    if pairs.is_empty() && choices.next() % 2 == 0 {
        encoder.write_null();
        return encoder.into_bytes();
    }
    encoder.begin_map(None);
    for (name, value) in pairs {
        encoder.write_str(name);
        match value {
            Some(value) => encoder.write_str(value),
            None => {
                encoder.begin_list(None, 2);
                encoder.write_str("a");
                encoder.write_str("b");
            }
        }
    }
    encoder.end();
    encoder.into_bytes()
}
