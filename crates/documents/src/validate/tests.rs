use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{DubboService, FilterDocument, FilterKind, Proxies};

fn document(kind: &str, spec: Value) -> Vec<u8> {
    let metadata = json!({"name": "shop", "namespace": "shop"});
    json!({"apiVersion": "meshlane.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec})
        .to_string()
        .into_bytes()
}

/// What is wrong, a line each.
fn wrong(kind: FilterKind, spec: Value) -> String {
    let found = FilterDocument::parse(kind, &document(kind.as_str(), spec));
    found.unwrap_err().to_string()
}

fn wrong_service(spec: Value) -> String {
    let found = DubboService::parse(&document(DubboService::KIND, spec));
    found.unwrap_err().to_string()
}

fn service() -> Value {
    json!({
        "selector": {"app": "order"},
        "interfaces": ["org.example.Order", "org.example.stock.*"],
        "expose": {"arguments": ["0"], "attachments": ["userId"]},
        "strictMtls": true,
    })
}

/// The service with other keys.
fn with(keys: Value) -> Value {
    let mut spec = service();
    let members = spec.as_object_mut().unwrap();
    members.extend(keys.as_object().unwrap().clone());
    spec
}

#[test]
fn proxies_are_named_in_one_way() {
    let spec = |workloads: Value, keys: Value| {
        let mut spec = json!({"workloads": workloads, "config": {"limits": []}});
        let members = spec.as_object_mut().unwrap();
        members.extend(keys.as_object().unwrap().clone());
        spec
    };
    let kind = FilterKind::RateLimit;
    let read = |workloads: Value, keys: Value| {
        let document = document(kind.as_str(), spec(workloads, keys));
        FilterDocument::parse(kind, &document).unwrap()
    };
    let inbound = json!({"direction": "inbound", "ports": [8080]});
    let document = read(json!({"selector": {}}), inbound);
    assert!(matches!(document.proxies, Proxies::Sidecars { .. }));
    assert_eq!(document.ports, [8080]);
    let document = read(json!({"service": "orders"}), json!({}));
    let expected = Proxies::WaypointService("orders".to_owned());
    assert_eq!(document.proxies, expected);

    let none = wrong(kind, spec(json!({}), json!({})));
    assert!(none.contains("spec.workloads: expected exactly one of `selector`"));
    let two = json!({"selector": {}, "gateway": "shop"});
    assert!(wrong(kind, spec(two, json!({}))).contains("found `selector`, `gateway`"));
    let undirected = wrong(kind, spec(json!({"selector": {}}), json!({})));
    assert!(undirected.contains("spec: key `direction` is missing"));
    let both = wrong(
        kind,
        spec(
            json!({"waypoint": "Way"}),
            json!({"direction": "inbound", "ports": [0.5]}),
        ),
    );
    let expected = [
        "spec.workloads.waypoint: found `Way`",
        "spec.direction: ",
        "spec.ports: ",
        "spec.ports[0]: found `0.5`",
    ];
    for line in expected {
        assert!(both.contains(line), "{line} in {both}");
    }
    let labels = wrong(
        kind,
        spec(json!({"gatewaySelector": {"a b": "c d"}}), json!({})),
    );
    assert!(labels.contains("found `a b`") && labels.contains("found `c d`"));
    let empty = wrong(kind, spec(json!({"gatewaySelector": {}}), json!({})));
    assert!(empty.contains("spec.workloads.gatewaySelector: "));
}

#[test]
fn routes_of_chains_are_checked() {
    let chain = json!({
        "workloads": {"selector": {}}, "hosts": ["orders", "a/b"], "config": {},
        "routes": {"otherwise": "", "gateways": ["shop", "a/b/c"], "retries": {"attempts": 11, "retryOn": "a, b"}},
    });
    let found = wrong(FilterKind::RouterChain, chain);
    for line in [
        "spec.hosts[1]: found `a/b`",
        "spec.routes.otherwise: ",
        "spec.routes.gateways[1]: found `a/b/c`",
        "spec.routes.retries.attempts: found `11`",
        "spec.routes.retries.retryOn: found `a, b`",
    ] {
        assert!(found.contains(line), "{line} in {found}");
    }
    let good = json!({
        "workloads": {"selector": {"app": "web"}}, "hosts": ["orders"], "config": {},
        "routes": {"otherwise": "v1", "retries": {}},
    });
    let document = document("RouterChain", good);
    let document = FilterDocument::parse(FilterKind::RouterChain, &document).unwrap();
    let retries = document.routes.unwrap().retries.unwrap();
    assert_eq!(
        (retries.attempts, &*retries.on),
        (2, "connect-failure,refused-stream")
    );
}

#[test]
fn a_service_is_complete_with_its_interfaces() {
    let document = document(DubboService::KIND, service());
    let service = DubboService::parse(&document).unwrap();
    assert_eq!((service.port, service.loopback_port), (20_880, 20_887));
    assert_eq!(service.access, None);

    let rule = json!({
        "serviceAccounts": ["web", "pay/web"], "methods": ["who"], "interfaces": ["org.example.Order"],
    });
    let access = with(json!({"access": [rule, {"namespaces": ["pay"]}]}));
    let service = DubboService::parse(&super::tests::document("DubboService", access)).unwrap();
    let rules = service.access.unwrap();
    let rule = &rules[0];
    let accounts = [("shop", "web"), ("pay", "web")];
    let accounts = accounts.map(|(namespace, name)| (namespace.to_owned(), name.to_owned()));
    assert_eq!(rule.service_accounts, accounts);
    assert_eq!(rule.interfaces, ["org.example.Order"]);
    assert_eq!(rules[1].interfaces.len(), 2);
}

#[test]
fn what_is_wrong_with_a_service_is_found_at_once() {
    let found = wrong_service(with(json!({
        "selector": {}, "interfaces": ["org.example.Order", "a b", "org.example.Order"],
        "port": 20887, "expose": {"arguments": ["x"]},
        "consumers": [{"selector": {}}, {"selector": {"app": "web"}}, {"selector": {"app": "web"}}],
        "versions": {"tagged": ["gray", "gray"], "otherwise": "-", "header": "X"},
    })));
    for line in [
        "spec.selector: ",
        "spec.interfaces[1]: found `a b`",
        "spec.interfaces[2]: `org.example.Order` is already used",
        "spec.loopbackPort: found `20887`",
        "spec.expose.arguments[0]: ",
        "spec.consumers[0].selector: ",
        "spec.consumers[2].selector: ",
        "spec.versions.tagged[1]: ",
        "spec.versions.otherwise: found `-`",
        "spec.versions.header: found `X`",
    ] {
        assert!(found.contains(line), "{line} in {found}");
    }
}

#[test]
fn access_is_given_to_somebody_for_something_that_is_shown() {
    let rule = json!({
        "interfaces": ["org.example.stock.Stock", "org.other.Order", "org.example.stock.a*"],
        "methods": ["a-b"], "arguments": {"1": ["x"]}, "attachments": {"userId": []},
    });
    let found = wrong_service(with(json!({"strictMtls": false, "access": [rule]})));
    for line in [
        "spec.access: ",
        "spec.access[0]: ",
        "spec.access[0].interfaces[1]: unknown interface `org.other.Order`",
        "spec.access[0].methods: ",
        "spec.access[0].methods[0]: found `a-b`",
        "spec.access[0].arguments.1: unknown exposed value `1`",
        "spec.access[0].attachments.userId: ",
    ] {
        assert!(found.contains(line), "{line} in {found}");
    }
    assert!(!found.contains("interfaces[0]"), "{found}");
}
