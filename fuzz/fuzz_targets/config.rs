//! Bytes as a configuration document: errors that name their place, or a policy that decides any request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshlane_attributes::{ProxyKind, StaticFacts, Workload};
use meshlane_diagnostics::{OnInvalidConfig, document_name, load};
use meshlane_traffic_tag::Policy;

fuzz_target!(|document: &[u8]| {
    let workload = Workload::default();
    let facts = StaticFacts::with_headers([
        (":method", "GET"),
        (":authority", "shop.example:80"),
        (":path", "/cart?uid=7&v=a%20b"),
        ("cookie", "uid=u7; id=1"),
        ("baggage", "a=1,tag=gray"),
        ("x-user", "alice"),
        ("x-tag", "blue"),
    ]);
    for proxy in [ProxyKind::Bare, ProxyKind::Gateway] {
        match Policy::parse(document, proxy) {
            Ok(policy) => {
                let decision = policy.decide(&facts, &workload, &mut || [7; 16]);
                assert_eq!(decision.tags.len(), policy.tags().len());
                let explanation = policy.explain(&facts, &workload, &mut || [7; 16]);
                assert_eq!(explanation.summary, decision.summary(&policy));
            }
            Err(violations) => {
                assert!(!violations.is_empty());
                assert!(!violations.to_string().is_empty());
            }
        }
    }
    let parse = |document: &[u8]| Policy::parse(document, ProxyKind::Bare);
    let loaded = load(document, OnInvalidConfig::PassThrough, || None, parse);
    assert_eq!(loaded.policy.is_some(), loaded.violations.is_empty());
    document_name(document);
});
