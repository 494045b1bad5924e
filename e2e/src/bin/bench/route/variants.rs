//! What is measured against what.

use anyhow::{Context, Result};
use meshlane_e2e::{envoy::Envoy, scene::Scene, scene::wasm_module};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::documents::{COUNTS, GRAY_TAG, Shop, cluster};
use crate::{
    envoy_config::{self, BASE, GRAY, RESERVED, SPOOFED, answer, exact, plugin},
    request::http1,
    rules::{self, TAG},
    variants::{Case, NOOP, NOTHING, Variant, noop, ten_rules},
};

/// The header that the filter writes.
const ROUTE: &str = "x-meshlane-route";

pub(super) const TWO_MODULES: &str = "traffic-tag and tag-route, 10 destinations, two modules";
pub(super) const SUITE: &str = "traffic-tag and tag-route, 10 destinations, one module (suite)";
pub(super) const ONE_CLUSTER: &str = "one route to a cluster";
pub(super) const BY_CLUSTER_HEADER: &str = "tag-route, 1000 destinations, cluster_header";

pub(super) fn by_header_routes(count: usize) -> String {
    format!("{count} routes by header, no filter")
}

pub(super) fn by_filter(count: usize) -> String {
    format!("tag-route, {count} destinations, one route")
}

pub(super) fn by_filter_and_routes(count: usize) -> String {
    format!("tag-route, {count} destinations, {count} routes")
}

/// The contest with direct responses, in the order of the report.
pub(super) fn contest_names() -> Vec<String> {
    let of_counts = |name: fn(usize) -> String| COUNTS.into_iter().map(name);
    let mut names = vec![NOTHING.to_owned(), NOOP.to_owned()];
    names.extend(of_counts(by_header_routes));
    names.extend(of_counts(by_filter));
    names.extend(of_counts(by_filter_and_routes));
    names.extend([crate::variants::TAG_FACTS, TWO_MODULES, SUITE].map(str::to_owned));
    names
}

/// The contest with direct responses.
pub(super) fn contest() -> Result<Vec<Variant>> {
    let tagged = |variant| Variant {
        request: http1(&GRAY_TAG),
        ..variant
    };
    let passive = |variant| Variant {
        routes: envoy_config::routes(ROUTE, "nowhere"),
        ..tagged(variant)
    };
    let mut variants = vec![
        passive(Variant::passive(NOTHING, None)),
        passive(noop()?),
        ten_rules()?,
        two_modules()?,
        suite()?,
    ];
    for count in COUNTS {
        variants.push(header_routes(count));
        variants.push(tag_route(count)?);
        let routes = route_by_name(&Shop::of(count))?;
        variants.push(Variant {
            name: by_filter_and_routes(count),
            filters: vec![filter(
                &format!("{count} and routes"),
                &Shop::of(count),
                "name",
            )?],
            routes,
            ..tag_route(count)?
        });
    }
    Ok(variants)
}

/// A route for each value of a header, as a VirtualService has them; the benchmark's request takes the last one.
fn header_routes(count: usize) -> Variant {
    let mut routes: Vec<Value> = (1..count)
        .map(|lane| answer(BASE, exact(TAG, &format!("lane-{lane}"))))
        .collect();
    routes.push(answer(GRAY, exact(TAG, "gray")));
    routes.push(answer(BASE, json!([])));
    Variant {
        request: http1(&GRAY_TAG),
        expected: GRAY,
        routes,
        cases: vec![
            case("the last route matches", GRAY, &GRAY_TAG),
            case("no route matches", BASE, &[(TAG, "nobody")]),
        ],
        ..Variant::passive(&by_header_routes(count), None)
    }
}

/// A route for each destination, as a VirtualService has them; that of the benchmark's request is the last one.
fn route_by_name(shop: &Shop) -> Result<Vec<Value>> {
    let names = shop.names()?;
    let chosen = shop.chosen()?;
    let mut routes = vec![answer(BASE, json!([]))];
    for name in names.iter().rev() {
        let body = if *name == chosen { GRAY } else { BASE };
        routes.insert(0, answer(body, exact(ROUTE, name)));
    }
    Ok(routes)
}

/// The filter alone, in front of a route that tells whether it has chosen as it should.
pub(super) fn tag_route(count: usize) -> Result<Variant> {
    let shop = Shop::of(count);
    let filter = filter(&count.to_string(), &shop, "name")?;
    Ok(Variant {
        request: http1(&GRAY_TAG),
        expected: GRAY,
        routes: envoy_config::routes(ROUTE, &shop.chosen()?),
        cases: vec![
            case("the tag's destination", GRAY, &GRAY_TAG),
            case("no tag", BASE, &[]),
            case("a tag that no destination has", BASE, &[(TAG, "nobody")]),
            case(
                "a client's own choice is removed",
                BASE,
                &[(ROUTE, SPOOFED)],
            ),
            case(
                "a reserved header is removed",
                GRAY,
                &[(TAG, "gray"), (RESERVED, "1")],
            ),
        ],
        ..Variant::passive(&by_filter(count), Some(filter))
    })
}

/// A module tags and another one routes.
pub(super) fn two_modules() -> Result<Variant> {
    let shop = Shop::of(SUITE_COUNT);
    let Variant { mut filters, .. } = ten_rules()?;
    filters.push(filter("second", &shop, "name")?);
    both(TWO_MODULES, &shop, filters)
}

/// One module does both, in one VM.
pub(super) fn suite() -> Result<Variant> {
    let shop = Shop::of(SUITE_COUNT);
    let module = wasm_module("suite")?;
    let plugins = [
        ("traffic-tag", rules::ten_rules()),
        ("tag-route", shop.document("name")),
    ];
    let plugins =
        plugins.map(|(root, document)| plugin("suite", root, &module, &document.to_string()));
    both(SUITE, &shop, plugins.into())
}

fn both(name: &str, shop: &Shop, filters: Vec<Value>) -> Result<Variant> {
    Ok(Variant {
        filters,
        expected: GRAY,
        routes: envoy_config::routes(ROUTE, &shop.chosen()?),
        cases: vec![
            case("the tag that a rule sets", GRAY, &[]),
            case("no rule matches", BASE, &[("x-user", "nobody")]),
            case(
                "a client's own tag is removed",
                BASE,
                &[("x-user", "nobody"), (TAG, "gray")],
            ),
            case(
                "a client's own choice is removed",
                BASE,
                &[("x-user", "nobody"), (ROUTE, SPOOFED)],
            ),
            case("a reserved header is removed", GRAY, &[(RESERVED, "1")]),
        ],
        ..Variant::passive(name, None)
    })
}

/// What answers behind the clusters: a listener for the destination of the benchmark's request and one for all others.
pub(super) fn backend(runtime: &Runtime, scene: &Scene) -> Result<Envoy> {
    let listeners = [GRAY, BASE].map(|name| Variant {
        routes: vec![answer(name, json!([]))],
        ..Variant::passive(name, None)
    });
    envoy_config::start(runtime, scene, &listeners, &[], 1)
}

/// A cluster for each of a thousand destinations.
pub(super) fn clusters(backend: &Envoy) -> Result<Vec<Value>> {
    let names = Shop::of(UPSTREAM_COUNT).names()?;
    let (chosen, others) = names.split_last().context("no destinations")?;
    let others = others.iter().map(|name| (name, BASE));
    let each = others.chain([(chosen, GRAY)]).map(|(name, listener)| {
        let address = backend.address(listener)?;
        let address = json!({"address": address.ip().to_string(), "port_value": address.port()});
        Ok(json!({
            "name": cluster(name),
            "type": "STATIC",
            "connect_timeout": "5s",
            "load_assignment": {"cluster_name": cluster(name), "endpoints": [{"lb_endpoints": [
                {"endpoint": {"address": {"socket_address": address}}},
            ]}]},
        }))
    });
    each.collect()
}

/// The contest with an upstream.
pub(super) fn upstream() -> Result<Vec<Variant>> {
    let shop = Shop::of(UPSTREAM_COUNT);
    let chosen = cluster(&shop.chosen()?);
    let names = shop.names()?;
    let to = |name: &str, headers: Value| json!({"match": {"prefix": "/", "headers": headers}, "route": {"cluster": name}});
    let base = Variant {
        request: http1(&GRAY_TAG),
        expected: GRAY,
        routes: vec![to(&chosen, json!([]))],
        cases: vec![case("the only upstream", GRAY, &GRAY_TAG)],
        ..Variant::passive(ONE_CLUSTER, None)
    };
    let mut by_lane: Vec<Value> = names
        .iter()
        .take(UPSTREAM_COUNT - 1)
        .enumerate()
        .map(|(lane, name)| to(&cluster(name), exact(TAG, &format!("lane-{lane}"))))
        .collect();
    by_lane.push(to(&chosen, exact(TAG, "gray")));
    let routes = Variant {
        routes: by_lane,
        cases: vec![
            case("the last route matches", GRAY, &GRAY_TAG),
            case("another route matches", BASE, &[(TAG, "lane-7")]),
        ],
        ..base_named(&base, &by_header_routes(UPSTREAM_COUNT))
    };
    let route = json!({"match": {"prefix": "/"}, "route": {"cluster_header": ROUTE}});
    let filtered = Variant {
        filters: vec![filter("upstream", &shop, "cluster")?],
        routes: vec![route],
        cases: vec![
            case("the tag's destination", GRAY, &GRAY_TAG),
            case("no tag", BASE, &[]),
            case(
                "a client's own choice is removed",
                BASE,
                &[(ROUTE, &chosen)],
            ),
        ],
        ..base_named(&base, BY_CLUSTER_HEADER)
    };
    Ok(vec![base, routes, filtered])
}

/// The same request, to be answered alike.
fn base_named(base: &Variant, name: &str) -> Variant {
    Variant {
        request: base.request.clone(),
        expected: base.expected,
        ..Variant::passive(name, None)
    }
}

/// The filter in a VM of its own.
fn filter(vm: &str, shop: &Shop, output: &str) -> Result<Value> {
    let document = shop.document(output).to_string();
    let module = wasm_module("tag-route")?;
    Ok(plugin(
        &format!("route {vm}"),
        "tag-route",
        &module,
        &document,
    ))
}

fn case(what: &'static str, expected: &'static str, changed: &[(&str, &str)]) -> Case {
    Case {
        what,
        expected,
        request: http1(changed),
    }
}

/// Destinations where two modules are compared with one.
const SUITE_COUNT: usize = 10;

/// Destinations where requests go to an upstream.
pub(super) const UPSTREAM_COUNT: usize = 1000;
