//! Limits that a rate limit service counts; the service is played.

use meshlane_diagnostics::Reason;
use meshlane_proto::envoy::config::core::v3::HeaderValue;
use meshlane_proto::envoy::service::ratelimit::v3::rate_limit_response::{
    Code, DescriptorStatus, RateLimit,
};
use meshlane_proto::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use meshlane_shared_data::SharedData;
use prost::Message;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::Proxy;
use crate::{Decision, Now};

fn proxy(keys: &str) -> Proxy {
    Proxy::new(&format!(
        r#"{{"limits": [{{"name": "users", "cluster": {{"service": "rls", "domain": "shop", {keys}
            "descriptors": [{{"entries": [{{"key": "user", "attribute": "header.x-user"}}, {{"value": "slow"}}]}},
                            {{"entries": [{{"attribute": "path"}}]}}]}}}}]}}"#
    ))
}

const ALICE: [(&str, &str); 2] = [("x-user", "alice"), (":path", "/a")];

fn status(code: Code, remaining: u32, reset: i64) -> DescriptorStatus {
    let mut limit = RateLimit {
        requests_per_unit: 10,
        ..RateLimit::default()
    };
    // An hour.
    limit.unit = 3;
    let mut status = DescriptorStatus {
        current_limit: Some(limit),
        limit_remaining: remaining,
        duration_until_reset: Some(prost_types::Duration {
            seconds: reset,
            nanos: 0,
        }),
        ..DescriptorStatus::default()
    };
    status.set_code(code);
    status
}

fn said(code: Code, remaining: u32, reset: i64) -> RateLimitResponse {
    let mut response = RateLimitResponse {
        statuses: vec![DescriptorStatus::default(), status(code, remaining, reset)],
        ..RateLimitResponse::default()
    };
    response.set_overall_code(code);
    response
}

impl Proxy {
    /// What the service is asked about a request.
    fn asked(&self, decision: &Decision) -> Vec<RateLimitRequest> {
        let questions = decision.questions.iter();
        questions
            .map(|question| {
                assert_eq!(question.service(&self.policy), Some("rls"));
                RateLimitRequest::decode(&*question.message(&self.policy)).unwrap()
            })
            .collect()
    }

    /// Takes in what the service says to all that it is asked.
    fn answered(&self, decision: &mut Decision, message: Option<&[u8]>) {
        let now = Now {
            time: self.now,
            holder: 1,
        };
        for question in decision.questions.clone() {
            let mut random = || [0x80; 16];
            let stores: (_, &dyn SharedData) = (&self.counts, &self.data);
            self.policy
                .answer(stores, decision, &question, message, now, &mut random);
        }
        assert!(decision.questions.is_empty());
    }

    /// Decides about a request to which the service says this.
    fn ask_with(&self, headers: &[(&str, &str)], said: Option<&RateLimitResponse>) -> Decision {
        let mut decision = self.ask(headers);
        let message = said.map(Message::encode_to_vec);
        self.answered(&mut decision, message.as_deref());
        decision
    }
}

fn reason(decision: &Decision) -> Reason {
    decision.limits[0].reason
}

#[test]
fn a_service_is_asked_with_the_descriptors_that_a_request_has() {
    let proxy = proxy(r#""hits": 2, "hitsFrom": "header.x-cost","#);
    let asked = |headers: &[(&str, &str)]| {
        let decision = proxy.ask(headers);
        proxy.asked(&decision).into_iter().next()
    };
    let all = asked(&ALICE).unwrap();
    assert_eq!((all.domain.as_str(), all.hits_addend), ("shop", 2));
    let entries = |request: &RateLimitRequest, at: usize| {
        let entries = request.descriptors[at].entries.iter();
        let entries = entries.map(|entry| format!("{}={}", entry.key, entry.value));
        entries.collect::<Vec<_>>().join(",")
    };
    assert_eq!(entries(&all, 0), "user=alice,generic_key=slow");
    assert_eq!(entries(&all, 1), "path=/a");
    let one = asked(&[(":path", "/a"), ("x-user", ""), ("x-cost", "7")]).unwrap();
    assert_eq!((one.descriptors.len(), one.hits_addend), (1, 7));
    // What is no count does not count.
    for cost in ["0", "1.5", "-1", "1e9", "x"] {
        let request = asked(&[(":path", "/a"), ("x-cost", cost)]).unwrap();
        assert_eq!(request.hits_addend, 2, "{cost}");
    }
    let decision = proxy.ask(&[]);
    assert_eq!(reason(&decision), Reason::LimitKeyAbsent);
    assert!(decision.questions.is_empty());
}

#[test]
fn what_the_service_says_is_done() {
    let proxy = proxy("");
    let mut ok = said(Code::Ok, 4, 60);
    let header = |key: &str, value: &str| HeaderValue {
        key: key.to_owned(),
        value: value.to_owned(),
        ..HeaderValue::default()
    };
    ok.request_headers_to_add = vec![
        header("X-To", "upstream"),
        header("x-meshlane-route", "gray"),
    ];
    ok.response_headers_to_add = vec![header("x-from", "service"), header("b\n", "x")];
    let decision = proxy.ask_with(&ALICE, Some(&ok));
    assert_eq!(
        decision.summary(&proxy.policy),
        "users=limit-allowed;left=4"
    );
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(decision.request_headers, [pair("x-to", "upstream")]);
    assert_eq!(decision.response_headers, [pair("x-from", "service")]);

    let mut over = said(Code::OverLimit, 0, 60);
    over.raw_body = b"go away".to_vec();
    over.response_headers_to_add = vec![header("x-from", "service")];
    let decision = proxy.ask_with(&ALICE, Some(&over));
    let refused = decision.refused.unwrap();
    assert_eq!(refused.reason, Reason::LimitOver);
    assert_eq!(
        (refused.reply.status, refused.reply.body.as_str()),
        (429, "go away")
    );
    for expected in [
        pair("retry-after", "60"),
        pair("x-from", "service"),
        pair("x-ratelimit-limit", "10, 10;w=3600"),
        pair("x-ratelimit-reset", "60"),
    ] {
        assert!(refused.reply.headers.contains(&expected), "{expected:?}");
    }
}

#[test]
fn who_is_over_the_limit_is_not_asked_for_until_it_is_reset() {
    let mut proxy = proxy("");
    proxy.ask_with(&ALICE, Some(&said(Code::OverLimit, 0, 60)));
    proxy.pass(59_000);
    let decision = proxy.ask(&ALICE);
    assert!(decision.questions.is_empty());
    assert_eq!(reason(&decision), Reason::LimitOver);
    let bob = proxy.ask(&[("x-user", "bob"), (":path", "/a")]);
    assert_eq!(bob.questions.len(), 1);
    proxy.pass(1_001);
    assert_eq!(proxy.ask(&ALICE).questions.len(), 1);

    let forgets = self::proxy(r#""rememberOver": false,"#);
    forgets.ask_with(&ALICE, Some(&said(Code::OverLimit, 0, 60)));
    assert_eq!(forgets.ask(&ALICE).questions.len(), 1);
}

#[test]
fn without_an_answer_the_failure_mode_holds() {
    let open = proxy("").ask_with(&ALICE, None);
    assert_eq!(
        (reason(&open), open.refused),
        (Reason::LimitFailedOpen, None)
    );
    let closed = proxy(r#""failureMode": "closed","#).ask_with(&ALICE, None);
    assert_eq!(reason(&closed), Reason::LimitFailedClosed);
    let refused = closed.refused.unwrap();
    assert_eq!((refused.reply.status, refused.reply.grpc_status), (503, 14));
    let local =
        proxy(r#""failureMode": "local", "local": {"requests": 1, "per": 60, "burst": 2},"#);
    for expected in [
        Reason::LimitAllowed,
        Reason::LimitAllowed,
        Reason::LimitOver,
    ] {
        assert_eq!(reason(&local.ask_with(&ALICE, None)), expected);
    }
    let bob = [("x-user", "bob")];
    assert_eq!(reason(&local.ask_with(&bob, None)), Reason::LimitAllowed);
    // Once it answers, what it says counts.
    let ok = local.ask_with(&ALICE, Some(&said(Code::Ok, 4, 60)));
    assert_eq!(reason(&ok), Reason::LimitAllowed);
    // Nonsense is no answer.
    let mut decision = local.ask(&bob);
    local.answered(&mut decision, Some(b"\xff\xff"));
    assert_eq!(reason(&decision), Reason::LimitAllowed);
    assert_eq!(decision.limits[0].quota.unwrap().limit, 2);
}

/// A service that allows so many in all: what of a load passes, and how often it was asked.
fn spend(proxy: &mut Proxy, mut limit: u32, requests: u32) -> (u32, u32) {
    let (mut passed, mut calls) = (0, 0);
    for _ in 0..requests {
        proxy.pass(1);
        let mut decision = proxy.ask(&ALICE);
        let asked = proxy.asked(&decision);
        calls += asked.len() as u32;
        let hits = asked.iter().map(|request| request.hits_addend).sum();
        let answer = match limit >= hits {
            true => said(Code::Ok, limit - hits, 3_600),
            false => said(Code::OverLimit, 0, 3_600),
        };
        limit -= if limit >= hits { hits } else { 0 };
        proxy.answered(&mut decision, Some(&answer.encode_to_vec()));
        passed += u32::from(decision.refused.is_none());
    }
    (passed, calls)
}

#[test]
fn a_lease_spares_calls_and_lets_no_more_through() {
    let mut alone = proxy("");
    assert_eq!(spend(&mut alone, 1_000, 3_000), (1_000, 1_001));
    let mut leasing = proxy(r#""lease": {"requests": 50, "seconds": 60},"#);
    let (passed, calls) = spend(&mut leasing, 1_000, 3_000);
    // The last lease is refused as a whole; no more than was granted passes.
    assert!((950..=1_000).contains(&passed), "{passed}");
    assert!(calls <= 1_000 / 50 + 2, "{calls}");
}

#[test]
fn a_lease_ends_with_its_time_and_with_the_window_of_the_service() {
    for (seconds, reset, until) in [(2, 3_600, 2_000), (60, 3, 3_000)] {
        let mut proxy = proxy(&format!(
            r#""lease": {{"requests": 50, "seconds": {seconds}}},"#
        ));
        proxy.ask_with(&ALICE, Some(&said(Code::Ok, 9, reset)));
        proxy.pass(until - 1);
        assert!(proxy.ask(&ALICE).questions.is_empty(), "{seconds}, {reset}");
        proxy.pass(1);
        let decision = proxy.ask(&ALICE);
        assert_eq!(proxy.asked(&decision)[0].hits_addend, 50);
        assert_eq!(reason(&decision), Reason::LimitAsked);
        // While one asks for all, others ask for themselves.
        let other = proxy.ask(&ALICE);
        assert_eq!(proxy.asked(&other)[0].hits_addend, 1);
    }
}

#[test]
fn a_lease_is_renewed_before_it_is_spent() {
    let proxy = proxy(r#""lease": {"requests": 8, "seconds": 60},"#);
    let ok = said(Code::Ok, 100, 3_600);
    proxy.ask_with(&ALICE, Some(&ok));
    let mut asked = Vec::new();
    for _ in 0..6 {
        let decision = proxy.ask(&ALICE);
        asked.push(decision.questions.len());
    }
    // Seven were left; the one that leaves four asks for the next.
    assert_eq!(asked, [0, 0, 1, 0, 0, 0]);
    // It passes whatever the service says.
    assert_eq!(reason(&proxy.ask_with(&ALICE, None)), Reason::LimitAllowed);
}

#[test]
fn the_limits_of_the_proxy_come_first() {
    let proxy = Proxy::new(
        r#"{"limits": [
            {"name": "all", "cluster": {"service": "rls", "domain": "d", "descriptors": [{"entries": [{"value": "all"}]}]}},
            {"name": "own", "tokenBucket": {"requests": 1, "per": 60, "burst": 3}}]}"#,
    );
    // The service refuses: what was taken here is given back.
    for _ in 0..9 {
        let decision = proxy.ask_with(&[], Some(&said(Code::OverLimit, 0, 0)));
        assert_eq!(
            decision.summary(&proxy.policy),
            "all=limit-over;left=0, own=limit-allowed;left=2"
        );
        assert!(decision.held.is_empty());
    }
    for _ in 0..3 {
        let decision = proxy.ask_with(&[], Some(&said(Code::Ok, 5, 60)));
        assert!(decision.refused.is_none());
    }
    let decision = proxy.ask(&[]);
    assert!(
        decision.questions.is_empty(),
        "nobody is asked about a request that is refused here"
    );
    assert_eq!(decision.summary(&proxy.policy), "own=limit-over;left=0");
}
