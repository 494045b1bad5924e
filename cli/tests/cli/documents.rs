//! `render istio`: Istio's resources, made of documents.

use std::collections::BTreeSet;
use std::path::PathBuf;

use expect_test::expect_file;
use meshlane::command::Exit;
use meshlane::source::Source;
use serde_json::Value;

use crate::{Outcome, files, meshlane, meshlane_with_input, workspace};

fn render(arguments: &[&str], input: &str) -> Outcome {
    meshlane_with_input(&[&["render", "istio"], arguments].concat(), input)
}

/// What is printed when nothing is to say.
fn rendered(arguments: &[&str], input: &str) -> String {
    let outcome = render(arguments, input);
    assert_eq!(outcome.errors, "", "{arguments:?}");
    assert_eq!(outcome.exit, Exit::Fine, "{arguments:?}");
    outcome.output
}

/// What is said when something is wrong.
fn refused(arguments: &[&str], input: &str) -> String {
    let outcome = render(arguments, input);
    assert_eq!(outcome.output, "", "{arguments:?}");
    assert_eq!(outcome.exit, Exit::Wrong, "{arguments:?}");
    outcome.errors
}

fn examples() -> Vec<PathBuf> {
    let examples = files(&workspace().join("istio-manifests/documents"), &["yaml"]);
    assert!(examples.len() > 4);
    examples
}

fn resources(text: &str) -> Vec<Value> {
    let contents = Source::new("", text).read();
    assert!(contents.syntax_error.is_none());
    let documents = contents.documents.iter();
    documents.map(|document| document.to_json()).collect()
}

/// Kind, namespace and name.
fn identity(resource: &Value) -> String {
    let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str);
    let [kind, namespace, name] =
        ["/kind", "/metadata/namespace", "/metadata/name"].map(|pointer| text(pointer).unwrap());
    format!("{kind} {namespace}/{name}")
}

fn identities(text: &str) -> BTreeSet<String> {
    let resources = resources(text);
    let identities: BTreeSet<_> = resources.iter().map(identity).collect();
    assert_eq!(
        identities.len(),
        resources.len(),
        "a resource is there twice"
    );
    identities
}

#[test]
fn the_examples_are_the_committed_ones() {
    for example in examples() {
        let name = example.file_name().unwrap().to_str().unwrap();
        let text = rendered(&[example.to_str().unwrap()], "");
        let file = workspace().join("istio-manifests/rendered").join(name);
        expect_file![file].assert_eq(&text);
    }
    let manifests = workspace().join("istio-manifests");
    let read = |name: &str| std::fs::read_to_string(manifests.join(name)).unwrap();
    let overlay = read("kustomize/overlays/example/rendered.yaml");
    assert_eq!(
        overlay,
        read("rendered/chain.yaml"),
        "a copy, so that the overlay is whole"
    );
}

#[test]
fn other_apis_say_the_same() {
    let documents = workspace().join("istio-manifests/documents");
    let golden = |name: &str| {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/render/istio");
        expect_file![format!("{directory}/{name}")]
    };
    let file = |name: &str| documents.join(name).display().to_string();
    let digest = format!("suite=sha256:{}", "0a".repeat(32));
    let options = [
        "--api",
        "traffic-extension",
        "--registry",
        "oci://registry.internal:5000/mesh/",
        "--tag",
        "1.2.3",
        "--digest",
        &digest,
        "--pull-secret",
        "registry",
    ];
    let text = rendered(&[&options[..], &[&file("edge.yaml")]].concat(), "");
    golden("traffic-extension.yaml").assert_eq(&text);
    let options = ["--routing", "gateway-api"];
    let text = rendered(&[&options[..], &[&file("chain.yaml")]].concat(), "");
    golden("gateway-api.yaml").assert_eq(&text);
    let text = rendered(&["tests/render/istio/listener.yaml"], "");
    golden("listener.rendered.yaml").assert_eq(&text);
    let text = rendered(&["tests/render/istio/cluster-header.yaml"], "");
    golden("cluster-header.rendered.yaml").assert_eq(&text);
    golden("mesh-config.yaml").assert_eq(&meshlane(&["render", "mesh-config"]).output);
}

#[test]
fn what_is_rendered_passes_check() {
    for example in examples() {
        for api in ["wasm-plugin", "traffic-extension"] {
            let text = rendered(&["--api", api, example.to_str().unwrap()], "");
            let outcome = meshlane_with_input(&["check", "--deny-warnings", "-"], &text);
            assert_eq!(outcome.exit, Exit::Fine, "{}", outcome.output);
        }
    }
}

/// Whatever order the files are in, and whether what was rendered is there already.
#[test]
fn rendering_twice_is_the_same() {
    let examples = examples();
    let mut names: Vec<_> = examples.iter().map(|name| name.to_str().unwrap()).collect();
    // Some of the examples have documents of the same name.
    let others = ["/lanes.yaml", "/waypoint.yaml"];
    names.retain(|name| !others.iter().any(|other| name.ends_with(other)));
    let text = rendered(&names, "");
    names.reverse();
    assert_eq!(rendered(&names, ""), text);
    let again = [&names[..], &["-"]].concat();
    assert_eq!(rendered(&again, &text), text);
}

/// `kubectl apply --prune` knows by the labels what is gone.
#[test]
fn a_document_takes_its_own_resources_with_it() {
    for example in examples() {
        let text = std::fs::read_to_string(&example).unwrap();
        let all = rendered(&["-"], &text);
        let documents: Vec<_> = text.split("---\n").collect();
        let is_own = |document: &&str| document.contains("meshlane.dev/v1alpha1");
        let own = documents.iter().filter(|document| is_own(document)).count();
        if own < 2 {
            continue;
        }
        for (index, document) in documents.iter().enumerate().filter(|(_, one)| is_own(one)) {
            let mut rest = documents.clone();
            rest.remove(index);
            let rest = rendered(&["-"], &rest.join("---\n"));
            let gone = &identities(&all) - &identities(&rest);
            assert!(identities(&rest).is_subset(&identities(&all)));
            let value = &resources(document)[0];
            let owned = resources(&all).into_iter().filter(|resource| {
                let labels = &resource["metadata"]["labels"];
                labels["meshlane.dev/kind"] == value["kind"]
                    && labels["meshlane.dev/name"] == value["metadata"]["name"]
                    // The same name in another namespace is another document's.
                    && (resource["metadata"]["namespace"] == value["metadata"]["namespace"]
                        || value["kind"] == "LaneGroup")
            });
            let owned: BTreeSet<_> = owned.map(|resource| identity(&resource)).collect();
            assert!(!owned.is_empty());
            assert_eq!(gone, owned, "{}: {document}", example.display());
        }
    }
}

#[test]
fn filters_of_captured_calls_stand_in_the_order_of_their_phases() {
    let text = rendered(
        &[workspace()
            .join("istio-manifests/documents/lanes.yaml")
            .to_str()
            .unwrap()],
        "",
    );
    let resources = resources(&text);
    let filter = resources.iter().find(|one| one["kind"] == "EnvoyFilter");
    let patches = filter.unwrap()["spec"]["configPatches"].as_array().unwrap();
    let manager = patches
        .iter()
        .find(|patch| patch["patch"]["operation"] == "REPLACE");
    let filters = &manager.unwrap()["patch"]["value"]["typed_config"]["http_filters"];
    let names: Vec<_> = filters
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(
        names,
        [
            "meshlane.lanes-gray-release-sidecars",
            "meshlane.lanes-tag-route-sidecars",
            "envoy.filters.http.fault",
            "envoy.filters.http.router",
        ]
    );
    for name in &names[..2] {
        let is_it = |patch: &&Value| patch["patch"]["value"]["name"] == **name;
        let added = patches.iter().find(is_it).unwrap();
        assert_eq!(added["applyTo"], "EXTENSION_CONFIG");
    }
}

#[test]
fn two_documents_do_not_undo_each_other() {
    let document = "
apiVersion: meshlane.dev/v1alpha1
kind: RateLimit
metadata: {name: orders, namespace: shop}
spec: {workloads: {service: orders}, config: {limits: [{name: a, tokenBucket: {requests: 1}}]}}
---";
    let errors = refused(&["-"], &format!("{document}{document}"));
    let said = "WasmPlugin shop/rate-limit-orders follows from another document, too";
    assert!(errors.contains(said), "{errors}");
    let other = CHAIN.replace("name: versions", "name: others");
    let errors = refused(&["-"], &format!("{CHAIN}{RULE}{SERVICE}---{other}"));
    assert!(
        errors.contains("VirtualService shop/orders follows"),
        "{errors}"
    );
}

#[test]
fn an_interface_is_of_one_service_for_its_consumers() {
    let service = |name: &str, consumer: &str| {
        format!(
            "
apiVersion: meshlane.dev/v1alpha1
kind: DubboService
metadata: {{name: {name}, namespace: shop}}
spec: {{selector: {{app: {name}}}, interfaces: [org.example.Order], consumers: [{{selector: {{app: {consumer}}}}}]}}
---"
        )
    };
    let errors = refused(
        &["-"],
        &(service("order", "web") + &service("stock", "web")),
    );
    assert!(
        errors.contains("`org.example.Order` is an interface of order, too"),
        "{errors}"
    );
    rendered(
        &["-"],
        &(service("order", "web") + &service("stock", "trade")),
    );
}

const CHAIN: &str = "
apiVersion: meshlane.dev/v1alpha1
kind: RouterChain
metadata: {name: versions, namespace: shop}
spec:
  workloads: {selector: {}}
  hosts: [orders]
  routes: {otherwise: v1}
  config: {}
";

const SERVICE: &str = "---
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop}
spec: {selector: {app: orders}, ports: [{name: http, port: 8080}]}
";

const RULE: &str = "---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: theirs, namespace: shop}
spec: {host: orders, subsets: [{name: v1, labels: {version: v1}}, {name: gray, labels: {version: gray}}]}
";

#[test]
fn what_is_missing_is_said() {
    let errors = refused(&["-"], CHAIN);
    assert!(errors.contains("nothing says which subsets orders.shop has"));
    assert!(errors.contains("<stdin>:3:7"), "{errors}");
    let errors = refused(&["-"], &format!("{CHAIN}{RULE}"));
    assert!(errors.contains("nothing says which ports of orders.shop speak HTTP"));
    rendered(&["-"], &format!("{CHAIN}{RULE}{SERVICE}"));
    let options = ["--routing", "gateway-api", "-"];
    let elsewhere = SERVICE.replace(
        "v1\nkind: Service",
        "networking.istio.io/v1\nkind: ServiceEntry",
    );
    let elsewhere = elsewhere.replace(
        "selector: {app: orders}, ",
        "hosts: [orders.shop.svc.cluster.local], ",
    );
    let elsewhere = elsewhere.replace("port: 8080", "number: 8080");
    let errors = refused(&options, &format!("{CHAIN}{RULE}{elsewhere}"));
    assert!(errors.contains("no HTTPRoute for orders.shop: the files have no such Service"));
}

#[test]
fn what_others_made_is_left_alone() {
    let subsets = CHAIN.replace("hosts: [orders]", "hosts: []");
    let subsets = subsets.replace(
        "config: {}",
        "config: {services: [{name: o, hosts: [orders], destinations: [
          {name: v1, cluster: outbound|8080|v1|orders.shop.svc.cluster.local, labels: {version: v1}},
          {name: blue, cluster: outbound|8080|blue|orders.shop.svc.cluster.local, labels: {version: blue}}]}]}",
    );
    let errors = refused(&["-"], &format!("{subsets}{RULE}"));
    assert!(
        errors.contains("orders.shop has no subset `blue`"),
        "{errors}"
    );
    assert!(
        errors.contains("{\"labels\":{\"version\":\"blue\"},\"name\":\"blue\"}"),
        "{errors}"
    );

    let routes = "---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: theirs, namespace: shop}
spec: {hosts: [orders], http: [{route: [{destination: {host: orders}}]}]}
";
    let outcome = render(&["-"], &format!("{CHAIN}{RULE}{SERVICE}{routes}"));
    assert_eq!(outcome.exit, Exit::Fine);
    let expected = "expected routes for `x-meshlane-route: gray`";
    assert!(outcome.errors.contains(expected), "{}", outcome.errors);
    assert!(!outcome.output.contains("kind: VirtualService"));
    // Of a gateway alone: another matter.
    let routes = routes.replace("spec: {", "spec: {gateways: [shop], ");
    let text = rendered(&["-"], &format!("{CHAIN}{RULE}{SERVICE}{routes}"));
    assert!(text.contains("kind: VirtualService"));
}

#[test]
fn ports_of_dubbo_services_are_http2() {
    let document = "
apiVersion: meshlane.dev/v1alpha1
kind: DubboService
metadata: {name: orders, namespace: shop}
spec: {selector: {app: orders}, interfaces: [org.example.Order], versions: {tagged: [gray], otherwise: v1}}
";
    let service = |port: &str| SERVICE.replace("{name: http, port: 8080}", port);
    let tcp = service("{name: tcp-dubbo, port: 20880, targetPort: 20881}");
    let errors = refused(&["-"], &format!("{document}{tcp}"));
    assert!(
        errors.contains("port 20880 is `tcp-dubbo` to Istio"),
        "{errors}"
    );
    assert!(errors.contains("the Service's port and the pods' port differ"));
    let other = service("{name: http2-dubbo, port: 20881}");
    let errors = refused(&["-"], &format!("{document}{other}"));
    assert!(errors.contains("the Service has no port 20880"));
    let errors = refused(&["-"], &format!("{document}{RULE}"));
    assert!(
        errors.contains("orders.shop has this already, beside `versions`"),
        "{errors}"
    );
    let good = service("{name: dubbo, appProtocol: kubernetes.io/h2c, port: 20880}");
    rendered(&["-"], &format!("{document}{good}"));
}

#[test]
fn what_cannot_be_rendered_is_said() {
    for (arguments, said) in [
        (
            vec!["tests/explain/routes.yaml"],
            "no TrafficLabel, RouterChain",
        ),
        (vec!["nothing.yaml"], "cannot read"),
        (vec!["tests/check/yaml-tab.yaml"], "not YAML"),
        (vec!["--digest", "dubo=00", "-"], "`dubo` is no module"),
        (vec!["--digest", "dubbo=00", "-"], "`00` is no digest"),
        (vec!["--api", "lua", "-"], "traffic-extension"),
        (vec![], "FILE"),
    ] {
        let outcome = render(&arguments, "");
        assert_eq!(outcome.exit, Exit::Failed, "{arguments:?}");
        assert!(
            outcome.errors.contains(said),
            "{arguments:?}: {}",
            outcome.errors
        );
    }
    // A mistake in a document, and one in the configuration in it.
    let errors = refused(
        &["-"],
        &CHAIN.replace("workloads: {selector: {}}", "workload: {}"),
    );
    assert!(errors.contains("unknown key `workload`"), "{errors}");
    let errors = refused(&["-"], &CHAIN.replace("config: {}", "config: {chain: {}}"));
    assert!(errors.contains("unknown key `chain`"), "{errors}");
}
