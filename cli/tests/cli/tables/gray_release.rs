use meshlane::documents::Kind;
use meshlane_decision_tables::gray_release::Expect;
use serde_json::json;

use super::{Explained, assert_headers, explain_tables};

#[test]
fn explain_carries_as_the_tables_say() {
    explain_tables(Kind::GrayRelease, assert_case);
}

fn assert_case(explained: Explained<'_, Expect>) {
    let Explained {
        case,
        decided,
        name,
        ..
    } = &explained;
    let expect = &case.expect;
    let tags = decided["tags"].as_array().unwrap();
    assert_eq!(tags.len(), expect.tags.len(), "{name}");
    for (tag, expected) in tags.iter().zip(&expect.tags) {
        for (key, value) in json!(expected).as_object().unwrap() {
            assert_eq!(&tag[key], value, "{name}: {key} of {}", tag["name"]);
        }
    }
    for (key, expected) in [
        ("refused", json!(expect.refused)),
        ("correlation", json!(expect.correlation)),
    ] {
        assert_eq!(decided[key], expected, "{name}: {key}");
    }
    let keys = decided["keys"].as_array().unwrap();
    let keys: Vec<_> = keys.iter().map(|key| key.as_str().unwrap()).collect();
    // What is told to be remembered is known by the first key that is asked for.
    let is_known = case.cause.is_some() && !keys.is_empty();
    let expected = expect
        .keys
        .iter()
        .take(if is_known { keys.len() } else { usize::MAX });
    assert!(expected.eq(keys.iter()), "{name}: keys are {keys:?}");
    for (header, expected) in &expect.answer {
        let mut writes = decided["responseHeaders"].as_array().unwrap().iter();
        let found = writes.find(|write| write["name"] == *header);
        let found = found.and_then(|write| write["value"].as_str());
        assert_eq!(found, expected.as_deref(), "{name}: {header} of the answer");
    }
    assert_headers(&explained, &expect.headers);
}
