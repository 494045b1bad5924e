//! Documents for tests.

use serde_json::{Map, Value, json};

use crate::LaneGroup;

/// A document with a service, a lane, and some keys in its `spec` besides or instead.
pub(crate) fn document(spec: Value) -> Value {
    let mut document = json!({
        "apiVersion": "meshlane.dev/v1alpha1",
        "kind": "LaneGroup",
        "metadata": {"name": "shop"},
        "spec": {
            "services": [{"name": "orders", "hosts": ["orders.shop"]}],
            "lanes": [{"name": "gray", "entry": [{"users": {"attribute": "header.x-user", "in": ["alice"]}}]}],
        },
    });
    let Value::Object(keys) = spec else {
        panic!("the keys of a spec");
    };
    document["spec"].as_object_mut().unwrap().extend(keys);
    document
}

/// The group of a document.
pub(crate) fn group(document: &Value) -> LaneGroup {
    match LaneGroup::parse(document.to_string().as_bytes()) {
        Ok(group) => group,
        Err(violations) => panic!("{document}:\n{violations}"),
    }
}

/// Services of these names, each with a host that is called alike.
pub(crate) fn services(names: &[&str]) -> Value {
    let service = |name: &&str| json!({"name": name, "hosts": [name]});
    names.iter().map(service).collect()
}

/// An entry for a user.
pub(crate) fn user(name: &str) -> Value {
    json!([{"users": {"attribute": "header.x-user", "in": [name]}}])
}

/// A document of another group, which has a tag, a label and some keys in its `spec` besides.
pub(crate) fn named(name: &str, spec: Value) -> Value {
    let own = json!({"tag": format!("x-{name}"), "label": name});
    let mut document = document(with(own, spec));
    document["metadata"]["name"] = json!(name);
    document
}

/// An object with more keys.
pub(crate) fn with(mut object: Value, keys: Value) -> Value {
    let keys: Map<_, _> = keys.as_object().unwrap().clone();
    object.as_object_mut().unwrap().extend(keys);
    object
}
