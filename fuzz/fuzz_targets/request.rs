//! Header lines that a client sent, on a policy that asks for everything: one defined outcome, and
//! nothing written that could not stand in a header. The first byte chooses what the proxy is and whom it believes; the
//! lines are separated by line feeds, name and value by the first `: ` after the name's first byte.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use meshlane_attributes::{DubboHeaders, Headers, ProxyKind, StaticFacts, Workload};
use meshlane_fuzz::header;
use meshlane_traffic_tag::Policy;

static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
    [ProxyKind::Gateway, ProxyKind::Sidecar].map(|proxy| {
        Policy::parse(include_bytes!("../policies/everything.json"), proxy).expect("a good policy")
    })
});

fuzz_target!(|input: &[u8]| {
    let Some((first, lines)) = input.split_first() else {
        return;
    };
    let mut headers: Headers = lines
        .split(|byte| *byte == b'\n')
        .filter_map(header)
        .collect();
    let believed = [DubboHeaders::Bridge, DubboHeaders::Peer][usize::from(first / 2 % 2)];
    headers.take_unproven(believed, || false);
    let facts = StaticFacts {
        headers,
        source_address: Some("127.0.0.1:80".to_owned()),
        ..StaticFacts::default()
    };
    let workload = Workload::default();
    let policy = &POLICIES[usize::from(first % 2)];
    let decision = policy.decide(&facts, &workload, &mut || [7; 16]);
    let explanation = policy.explain(&facts, &workload, &mut || [7; 16]);
    assert_eq!(explanation.summary, decision.summary(policy));
    for tag in &decision.tags {
        if let Some(value) = &tag.value {
            assert!(value.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
    for mutation in &decision.mutations {
        // Other members and cookies stay as the client sent them; a line feed cannot come from us.
        let value = mutation.value.as_deref().unwrap_or_default();
        assert!(!value.contains(&b'\n'));
    }
});
