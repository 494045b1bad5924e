use std::time::Duration;

use meshlane_tag_route::ClusterHealth;
use serde_json::{Value, json};

use super::*;
use crate::testing::{document, group, named, services, user, with};
use crate::{merge, render};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn mesh(spec: Value) -> Mesh {
    Mesh::new(&render(&group(&document(spec)))).unwrap()
}

/// The mesh of five services with the lane `gray` for three of them.
fn five(spec: Value) -> Mesh {
    let lane =
        json!([{"name": "gray", "services": ["one", "three", "five"], "entry": user("alice")}]);
    let services = services(FIVE);
    mesh(with(json!({"services": services, "lanes": lane}), spec))
}

const FIVE: &[&str] = &["one", "two", "three", "four", "five"];

fn request(headers: &[(&str, &str)]) -> StaticFacts {
    StaticFacts::with_headers(headers.iter().copied())
}

/// The way of a request with a header `x-user`.
fn walk(mesh: &Mesh, user: &str, services: &[&str]) -> Walk {
    let request = request(&[("x-user", user)]);
    mesh.walk(&request, services, None, &mut || [0; 16])
        .unwrap()
}

/// The destinations, `-` for none.
fn way(walk: &Walk) -> String {
    let hops = walk.hops.iter();
    let names: Vec<_> = hops
        .map(|hop| hop.destination.as_deref().unwrap_or("-"))
        .collect();
    names.join(" ")
}

/// What each workload said to the tag, and each caller of where it comes from.
fn reasons(walk: &Walk) -> String {
    let hops = walk.hops.iter();
    let of = |step: &Option<TagStep>, reason: fn(&TagStep) -> Option<&'static str>| {
        step.as_ref().and_then(reason).unwrap_or("-")
    };
    let lines: Vec<_> = hops
        .map(|hop| {
            let tag = &hop.tags[0];
            let sent = of(&tag.sent, |step| Some(step.reason));
            format!(
                "{sent} {} {}",
                hop.route.reason,
                of(&tag.received, |step| step.lane)
            )
        })
        .collect();
    lines.join("\n")
}

#[test]
fn a_gray_request_comes_back_to_its_lane_wherever_there_is_one() {
    let mesh = five(json!({}));
    let gray = walk(&mesh, "alice", FIVE);
    assert_eq!(way(&gray), "gray base gray base gray");
    assert_eq!(
        reasons(&gray),
        "- route-chosen lane-own\n\
         carried-by-correlation route-fell-back lane-fell-back\n\
         carried-by-correlation route-chosen lane-own\n\
         carried-by-correlation route-fell-back lane-fell-back\n\
         carried-by-correlation route-chosen lane-own"
    );
    let normal = walk(&mesh, "bob", FIVE);
    assert_eq!(way(&normal), "base base base base base");
    assert_eq!(
        reasons(&normal),
        "- route-chosen lane-baseline\n\
         carried-untagged route-chosen lane-baseline\n\
         carried-untagged route-chosen lane-baseline\n\
         carried-untagged route-chosen lane-baseline\n\
         carried-untagged route-chosen lane-baseline"
    );
    assert!(gray.refused().is_none() && normal.refused().is_none());
}

#[test]
fn a_walk_tells_all_that_led_to_it() {
    let clusters = json!({"services": [
        {"name": "one", "hosts": ["*.shop"], "port": 80, "host": "one.shop"}, {"name": "two", "hosts": ["two.shop"]},
    ], "lanes": [{"name": "gray", "services": ["one"], "entry": user("alice")}]});
    let walk = walk(&mesh(clusters), "alice", &["one", "two"]);
    let step = |reason: &str, lane: &str| json!({"value": "gray", "reason": reason, "lane": lane});
    let route = |reason: &str, router: &str| {
        let router = json!({"name": "lane", "reason": router, "value": "gray"});
        json!({"reason": reason, "health": "health-off", "routers": [router]})
    };
    assert_eq!(
        serde_json::to_value(&walk).unwrap(),
        json!({
            "entry": [{
                "name": "x-mse-tag", "value": "gray", "rule": "gray/1", "reason": "tag-rule-matched", "incoming": "incoming-absent",
            }],
            "hops": [
                {
                    "hop": 1, "service": "one", "destination": "gray", "cluster": "outbound|80|gray|one.shop",
                    "route": route("route-chosen", "router-narrowed"),
                    "tags": [{
                        "name": "x-mse-tag", "lane": "gray", "sent": null, "received": step("carried-by-request", "lane-own"),
                    }],
                    "refused": null, "sentOn": null,
                },
                {
                    "hop": 2, "service": "two", "destination": "base", "cluster": null,
                    "route": route("route-fell-back", "router-fell-back-untagged"),
                    "tags": [{
                        "name": "x-mse-tag", "lane": null, "sent": step("carried-by-correlation", "lane-own"),
                        "received": step("carried-by-request", "lane-fell-back"),
                    }],
                    "refused": null, "sentOn": null,
                },
            ],
        })
    );
}

#[test]
fn all_that_an_entry_says_must_hold() {
    let entry = json!([
        {"hosts": ["a.example", "*.b.example"], "paths": [{"prefix": "/x/"}, {"exact": "/y"}], "users": {"attribute": "query.u", "in": [7]}},
        {"when": {"attribute": "header.x-beta", "present": true}, "enabled": false},
    ]);
    let mesh =
        mesh(json!({"services": services(&["one"]), "lanes": [{"name": "gray", "entry": entry}]}));
    for (host, path, expected) in [
        ("a.example", "/x/1?u=7", "gray"),
        ("A.example:80", "/y?u=7.0", "gray"),
        ("c.b.example", "/y?u=7", "gray"),
        ("b.example", "/y?u=7", "base"),
        ("x.a.example", "/y?u=7", "base"),
        ("a.example", "/y/?u=7", "base"),
        ("a.example", "/x?u=7", "base"),
        ("a.example", "/x/?u=8", "base"),
        ("a.example", "/x/", "base"),
    ] {
        let request = request(&[(":authority", host), (":path", path), ("x-beta", "1")]);
        let walk = mesh
            .walk(&request, &["one"], None, &mut || [0; 16])
            .unwrap();
        assert_eq!(way(&walk), expected, "{host}{path}");
    }
}

#[test]
fn a_client_does_not_choose_its_lane() {
    let mesh = five(json!({}));
    let request = request(&[("x-user", "bob"), ("x-mse-tag", "gray")]);
    let walk = mesh.walk(&request, FIVE, None, &mut || [0; 16]).unwrap();
    assert_eq!(walk.entry[0].incoming, "incoming-stripped");
    assert_eq!(way(&walk), "base base base base base");
}

#[test]
fn only_what_is_forwarded_is_recognised() {
    let mesh = five(json!({"ownLabel": false, "correlation": {"identifiers": ["x-call"]}}));
    // Envoy gives the request an id that is not looked at, so nobody knows what caused the calls.
    let lost = walk(&mesh, "alice", &["one", "three"]);
    assert_eq!(way(&lost), "gray base");
    let request = request(&[("x-user", "alice"), ("x-call", "7")]);
    let known = mesh.walk(&request, &["one", "two", "three"], None, &mut || [0; 16]);
    assert_eq!(way(&known.unwrap()), "gray base gray");
    // With its own label a workload knows at least its own lane.
    let mesh = five(json!({"correlation": {"identifiers": ["x-call"]}}));
    let own = walk(&mesh, "alice", &["one", "three", "four", "five"]);
    assert_eq!(way(&own), "gray gray base base");
    assert_eq!(
        own.hops[1].tags[0].sent.as_ref().unwrap().reason,
        "carried-by-label"
    );
}

#[test]
fn a_strict_lane_is_not_left() {
    let mesh = five(json!({"mode": "strict"}));
    let gray = walk(&mesh, "alice", FIVE);
    assert_eq!(way(&gray), "gray -");
    let refusal = Refusal {
        by: "tag-route",
        reason: "route-refused",
    };
    assert_eq!(gray.refused(), Some(&refusal));
    assert_eq!(gray.hops[1].route.routers[0].reason, "router-failed");
    assert_eq!(
        way(&walk(&mesh, "alice", &["one", "three", "five"])),
        "gray gray gray"
    );
    assert_eq!(way(&walk(&mesh, "bob", FIVE)), "base base base base base");
}

#[test]
fn an_aborted_lane_sends_everybody_to_the_baseline() {
    for mode in ["strict", "permissive"] {
        let lanes =
            json!([{"name": "gray", "enabled": false, "mode": mode, "entry": user("alice")}]);
        let mesh = five(json!({"lanes": lanes}));
        let gray = walk(&mesh, "alice", FIVE);
        assert_eq!(way(&gray), "base base base base base");
    }
}

#[test]
fn a_lane_that_is_not_healthy_is_not_gone_to() {
    let services = json!([{"name": "one", "hosts": ["one"], "port": 80, "host": "one"}]);
    let lanes = json!([
        {"name": "gray", "entry": user("alice")},
        {"name": "load", "mode": "strict", "entry": user("robot")},
    ]);
    let mesh = mesh(json!({"health": {"cluster": "admin"}, "services": services, "lanes": lanes}));
    let snapshot = |healthy: &[(&str, u32)]| -> Snapshot {
        let clusters = healthy.iter().map(|(lane, healthy)| {
            let health = ClusterHealth {
                healthy: *healthy,
                total: 2,
            };
            (format!("outbound|80|{lane}|one"), health)
        });
        let clusters: Vec<_> = clusters.collect();
        let clusters = clusters.iter();
        clusters
            .map(|(name, health)| (name.as_str(), *health))
            .collect()
    };
    let of = |user, snapshot: &Snapshot| {
        let request = request(&[("x-user", user)]);
        let walk = mesh.walk(&request, &["one"], Some(snapshot), &mut || [0; 16]);
        way(&walk.unwrap())
    };
    let sick = snapshot(&[("base", 2), ("gray", 0), ("load", 0)]);
    assert_eq!(
        [of("alice", &sick), of("robot", &sick), of("bob", &sick)],
        ["base", "-", "base"]
    );
    let well = snapshot(&[("base", 0), ("gray", 1), ("load", 1)]);
    // Without a tag nobody comes into a lane, whatever is wrong with the baseline.
    assert_eq!(
        [of("alice", &well), of("robot", &well), of("bob", &well)],
        ["gray", "load", "-"]
    );
}

#[test]
fn a_service_falls_back_to_another_lane() {
    let lanes = json!([
        {"name": "gray", "services": ["one"], "entry": user("alice")},
        {"name": "blue", "services": ["two"], "entry": user("bob")},
        {"name": "red", "services": ["one"], "entry": user("carol")},
    ]);
    let spec = json!({
        "onOtherLane": "accept",
        "onUnknownTag": "accept",
        "services": [{"name": "one", "hosts": ["one"]}, {"name": "two", "hosts": ["two"], "fallback": {"gray": "blue"}}],
        "lanes": lanes,
    });
    let way = |spec: &Value, user| way(&walk(&mesh(spec.clone()), user, &["one", "two", "one"]));
    let ways = |spec: &Value| ["alice", "bob", "carol", "dave"].map(|user| way(spec, user));
    // Only who has this fallback takes it.
    assert_eq!(
        ways(&spec),
        [
            "gray blue gray",
            "base blue base",
            "red base red",
            "base base base"
        ]
    );
    let mut closed = spec.clone();
    closed["lanes"][1]["enabled"] = json!(false);
    assert_eq!(
        ways(&closed),
        [
            "gray base gray",
            "base base base",
            "red base red",
            "base base base"
        ]
    );
}

#[test]
fn steps_add_users_until_they_are_frozen() {
    let step = |day: u32, percent: u32| json!({"at": format!("2027-01-{day:02}T00:00:00Z"), "percent": percent});
    let steps = json!([step(1, 10), step(2, 50), step(3, 100)]);
    let entry = |keys: Value| {
        let share = json!({"by": {"attribute": "header.x-user"}, "steps": steps});
        json!([{"until": "2027-01-05T00:00:00Z", "share": with(share, keys)}])
    };
    let mesh = |keys| {
        let lanes = json!([{"name": "gray", "entry": entry(keys)}]);
        mesh(json!({"services": services(&["one"]), "lanes": lanes}))
    };
    let users: Vec<_> = (0..200).map(|user| format!("user-{user}")).collect();
    let gray = |mesh: &Mesh, time: u64| -> Vec<&String> {
        let is_gray = |user: &&String| {
            let mut request = request(&[("x-user", user)]);
            request.time = Some(Duration::from_secs(time));
            let walk = mesh.walk(&request, &["one"], None, &mut || [0; 16]);
            way(&walk.unwrap()) == "gray"
        };
        users.iter().filter(is_gray).collect()
    };
    const FIRST: u64 = 1_798_761_600;
    const DAY: u64 = 86_400;
    let growing = mesh(json!({}));
    assert!(gray(&growing, FIRST - 1).is_empty());
    let [first, second, third] = [0, 1, 2].map(|day| gray(&growing, FIRST + day * DAY));
    assert!((10..=30).contains(&first.len()), "{}", first.len());
    assert!((80..=120).contains(&second.len()), "{}", second.len());
    assert_eq!(third.len(), users.len());
    assert!(first.iter().all(|user| second.contains(user)));
    assert!(gray(&growing, FIRST + 4 * DAY + 1).is_empty());
    let frozen = mesh(json!({"freeze": "2027-01-02T00:00:00Z"}));
    assert_eq!(gray(&frozen, FIRST + 3 * DAY), second);
    // Without a clock no step has happened.
    assert!(walk(&frozen, "user-1", &["one"]).entry[0].value.is_none());
}

#[test]
fn a_sticky_cookie_is_a_user() {
    let share = json!({"by": {"stickyCookie": {"name": "id"}}, "salt": "secret", "percent": 50});
    let mesh = mesh(
        json!({"services": services(&["one"]), "lanes": [{"name": "gray", "entry": [{"share": share}]}]}),
    );
    let of = |byte: u8| {
        let walk = mesh
            .walk(&request(&[]), &["one"], None, &mut || [byte; 16])
            .unwrap();
        let cookie = format!("id={}", format!("{byte:02x}").repeat(16));
        let again = mesh.walk(
            &request(&[("cookie", &cookie)]),
            &["one"],
            None,
            &mut || [0; 16],
        );
        assert_eq!(way(&walk), way(&again.unwrap()));
        way(&walk)
    };
    let gray = (0..=255).filter(|byte| of(*byte) == "gray").count();
    assert!((100..=156).contains(&gray), "{gray}");
}

#[test]
fn a_request_may_be_in_lanes_of_two_groups() {
    let orders = json!({"name": "orders", "hosts": ["orders"]});
    let combination =
        json!({"combinations": [{"name": "gray-blue", "lanes": {"one": "gray", "two": "blue"}}]});
    let groups = |orders: Value, mode: &str| {
        let lane = |name: &str, user: &str| {
            let entry = json!([{"users": {"attribute": format!("header.{user}"), "in": ["yes"]}}]);
            json!([{"name": name, "mode": mode, "entry": entry}])
        };
        let service = |name: &str| json!({"name": name, "hosts": [name]});
        let one = json!({"services": [service("cart"), orders], "lanes": lane("gray", "a")});
        let two = json!({"services": [orders, service("stock")], "lanes": lane("blue", "b")});
        let groups = [group(&named("one", one)), group(&named("two", two))];
        Mesh::new(&merge(&groups).unwrap()).unwrap()
    };
    let ways = |mesh: &Mesh, services: &[&str]| {
        let requests: [&[(&str, &str)]; 4] = [
            &[],
            &[("a", "yes")],
            &[("b", "yes")],
            &[("a", "yes"), ("b", "yes")],
        ];
        requests.map(|headers| {
            let walk = mesh.walk(&request(headers), services, None, &mut || [0; 16]);
            let walk = walk.unwrap();
            match walk.refused() {
                Some(refusal) => format!("{} {}", way(&walk), refusal.reason),
                None => way(&walk),
            }
        })
    };
    let all = &["cart", "orders", "stock"];
    // A workload that is in both lanes is not there; the request is in one, and comes back to the other.
    assert_eq!(
        ways(&groups(orders.clone(), "permissive"), all),
        [
            "base base base",
            "gray gray base",
            "base blue blue",
            "gray gray blue"
        ]
    );
    assert_eq!(
        ways(&groups(orders.clone(), "strict"), &["orders"]),
        ["base", "gray", "blue", "- route-refused"]
    );
    let orders = with(orders, combination);
    assert_eq!(
        ways(&groups(orders.clone(), "permissive"), all),
        [
            "base base base",
            "gray gray base",
            "base blue blue",
            "gray gray-blue blue"
        ]
    );
    // A service of the other group alone is not in the lane either.
    assert_eq!(
        ways(&groups(orders, "strict"), &["orders", "stock"]),
        [
            "base base",
            "gray base lane-left",
            "blue blue",
            "gray-blue blue lane-left"
        ]
    );
}

#[test]
fn services_are_those_of_the_mesh() {
    let mesh = five(json!({}));
    let violations = mesh.walk(&request(&[]), &["one", "tow"], None, &mut || [0; 16]);
    assert_eq!(
        violations.unwrap_err().to_string(),
        "[1]: unknown service `tow`, expected one of `one`, `two`, `three`, `four`, `five`; did you mean `two`?"
    );
}
