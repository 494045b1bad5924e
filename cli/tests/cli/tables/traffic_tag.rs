use meshlane::documents::Kind;
use meshlane::explain::{HeaderText, Request};
use meshlane_attributes::RequestSettings;
use meshlane_decision_tables::HeaderValue;
use meshlane_decision_tables::traffic_tag::Expect;
use serde_json::{Value, json};

use super::{Explained, explain_tables};

#[test]
fn explain_tags_as_the_tables_say() {
    explain_tables(Kind::TrafficTag, assert_case);
}

fn assert_case(explained: Explained<'_, Expect>) {
    let Explained {
        case,
        proxy,
        decided,
        name,
    } = explained;
    let tags = decided["tags"].as_array().unwrap();
    assert_eq!(tags.len(), case.expect.tags.len(), "{name}");
    for (tag, expected) in tags.iter().zip(&case.expect.tags) {
        for (key, value) in json!(expected).as_object().unwrap() {
            assert_eq!(&tag[key], value, "{name}: {key} of {}", tag["name"]);
        }
    }

    let settings = proxy.plugins[0].policy.settings();
    for (header, expected) in &case.expect.headers {
        assert_eq!(
            upstream(&decided, settings, &case.request, header),
            expected.as_ref().map(text),
            "{name}: header {header}"
        );
    }

    let cookies = decided["setCookies"].as_array().unwrap();
    match (&case.expect.set_cookie, cookies.as_slice()) {
        (None, []) => {}
        (Some(beginning), [cookie]) if cookie.as_str().unwrap().starts_with(beginning) => {}
        (expected, _) => panic!("{name}: expected {expected:?}, found {cookies:?}"),
    }
}

/// A header as people read it.
fn text(value: &HeaderValue) -> String {
    HeaderText::from(value.bytes().to_vec()).to_string()
}

/// What the upstream sees for a header: what is written, otherwise what came.
fn upstream(
    decided: &Value,
    settings: &RequestSettings,
    request: &Request,
    header: &str,
) -> Option<String> {
    let writes = decided["headers"].as_array().unwrap();
    if let Some(write) = writes.iter().find(|write| write["name"] == header) {
        return write["value"].as_str().map(str::to_owned);
    }
    let removed = decided["reservedHeadersRemoved"].as_array().unwrap();
    if removed.iter().any(|name| name == header) {
        return None;
    }
    let (facts, _) = request.facts(settings);
    let bytes = facts.headers.joined(header)?.into_owned();
    Some(HeaderText::from(bytes).to_string())
}
