use meshlane::documents::Kind;
use meshlane_decision_tables::traffic_tag::Expect;
use serde_json::json;

use super::{Explained, assert_headers, explain_tables};

#[test]
fn explain_tags_as_the_tables_say() {
    explain_tables(Kind::TrafficTag, assert_case);
}

fn assert_case(explained: Explained<'_, Expect>) {
    let Explained {
        case,
        decided,
        name,
        ..
    } = &explained;
    let tags = decided["tags"].as_array().unwrap();
    assert_eq!(tags.len(), case.expect.tags.len(), "{name}");
    for (tag, expected) in tags.iter().zip(&case.expect.tags) {
        for (key, value) in json!(expected).as_object().unwrap() {
            assert_eq!(&tag[key], value, "{name}: {key} of {}", tag["name"]);
        }
    }
    assert_headers(&explained, &case.expect.headers);

    let cookies = decided["setCookies"].as_array().unwrap();
    match (&case.expect.set_cookie, cookies.as_slice()) {
        (None, []) => {}
        (Some(beginning), [cookie]) if cookie.as_str().unwrap().starts_with(beginning) => {}
        (expected, _) => panic!("{name}: expected {expected:?}, found {cookies:?}"),
    }
}
