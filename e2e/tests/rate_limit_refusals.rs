//! What clients see of rate limits: HTTP, gRPC and Java Dubbo; and what attackers and new configurations do to them.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    access_log::{AccessLog, ID_HEADER},
    bootstrap::{Bootstrap, ConfigFile, FailurePolicy, Listener, WasmFilter},
    client::{Client, Request},
    dubbo::{
        Call,
        DubboVersion::{V2_7, V3_3},
        RpcCode, Target,
        mesh::{Plan, Port},
        troupe::play,
    },
    envoy::Envoy,
    gate::Gate,
    grpc,
    limited::{Limited, Staying},
    peer::memory,
    poll,
    scene::{on_every_version, on_last_version},
    shop::Shop,
};
use meshlane_proto::e2e::v1::EchoRequest;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};
use tonic::Code;

/// One request, and then none for a day.
fn once(name: &str) -> Value {
    json!({"name": name, "tokenBucket": {"requests": 1, "per": 86_400}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_in_the_form_that_the_client_reads() -> Result<()> {
    on_every_version(async |scene| {
        let mut own = once("own");
        own["when"] = json!({"attribute": "path", "exact": "/own"});
        own["refusal"] = json!({"status": 503, "body": "later\n", "json": r#"{"code": 7}"#,
            "headers": {"x-shop": "busy"}, "rateLimitHeaders": "never"});
        let limits = json!([own, once("all")]);
        let limited = Limited::start(scene, 1, &limits, Gate::opened().await?).await?;
        let send = async |path: &str, accept: &str| {
            let request = Request::get(path).header("accept", accept);
            limited.client()?.send(&request.header(ID_HEADER, "r")).await
        };
        let passed = send("/own", "*/*").await?;
        ensure!(passed.status == 200, "{passed:?}");

        let plain = send("/", "*/*").await?;
        ensure!(plain.status == 429, "{plain:?}");
        ensure!(plain.body == "meshlane: limit-over: all\n", "{plain:?}");
        for (name, value) in [
            ("x-meshlane-reason", "limit-over"),
            ("x-meshlane-limit", "all"),
            ("content-type", "text/plain; charset=utf-8"),
            ("retry-after", "86400"),
            ("x-ratelimit-limit", "1, 1;w=86400"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "86400"),
        ] {
            let found = plain.header(name);
            ensure!(found == Some(value), "{name}: {found:?}");
            let count = plain.headers.iter().filter(|(known, _)| known == name).count();
            ensure!(count == 1, "{name} {count} times");
        }
        let json = send("/", "application/json").await?;
        ensure!(json.body == "{\"reason\":\"limit-over\",\"limit\":\"all\"}\n", "{json:?}");
        ensure!(json.header("content-type") == Some("application/json"), "{json:?}");

        let own = send("/own", "*/*").await?;
        ensure!((own.status, &*own.body) == (503, b"later\n"), "{own:?}");
        ensure!(own.header("x-shop") == Some("busy"), "{own:?}");
        ensure!(own.header("x-ratelimit-limit").is_none(), "{own:?}");
        let own = send("/own", "application/problem+json").await?;
        ensure!(&*own.body == br#"{"code": 7}"#, "{own:?}");

        let entry = limited.log.entry("r").await?;
        let line = "own=limit-allowed;left=0, all=limit-allowed;left=0";
        ensure!(entry.limits.as_deref() == Some(line), "{entry:?}");
        for (limit, reason, count) in [("all", "limit-over", 2), ("own", "limit-over", 2), ("all", "limit-allowed", 1)] {
            let name = format!("wasmcustom.meshlane_rate_limit_decisions.plugin=limits.limit={limit}.reason={reason}");
            limited.envoy.admin().expect_stat(&name, count).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_grpc_client_sees_that_something_is_exhausted() -> Result<()> {
    on_every_version(async |scene| {
        let mut limit = once("echoes");
        limit["when"] = json!({"attribute": "grpc.method", "exact": "Echo"});
        let filter = WasmFilter::rate_limit(&json!({"limits": [limit]}))?;
        let shop = Shop::open(scene, Bootstrap::gateway(), |listener| {
            listener.filter(&filter)
        })
        .await?;
        let mut client = grpc::connect(shop.address()?).await?;
        let hello = EchoRequest {
            message: "hello".to_owned(),
        };
        client.echo(hello.clone()).await?;
        let Err(status) = client.echo(hello.clone()).await else {
            anyhow::bail!("the second call passed");
        };
        ensure!(status.code() == Code::ResourceExhausted, "{status:?}");
        ensure!(
            status.message().contains("limit-over: echoes"),
            "{status:?}"
        );
        let told = |name: &str| {
            status
                .metadata()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        ensure!(told("x-meshlane-limit") == Some("echoes"), "{status:?}");
        ensure!(told("retry-after") == Some("86400"), "{status:?}");
        Ok(())
    })
    .await
}

/// By method, hot argument, attachment, at the consumer and at the provider.
#[tokio::test]
async fn a_dubbo_client_is_told_which_limit_and_goes_on() -> Result<()> {
    for version in [V2_7, V3_3] {
        dubbo(version)
            .await
            .with_context(|| format!("Dubbo {version}"))?;
    }
    Ok(())
}

async fn dubbo(version: meshlane_e2e::dubbo::DubboVersion) -> Result<()> {
    play(version, async |scene, troupe| {
        let method = |mut limit: Value, name: &str| {
            limit["when"] = json!({"attribute": "dubbo.method", "exact": name});
            limit
        };
        let mut hot = method(once("hot-names"), "sayHello");
        hot["key"] = json!(["dubbo.arg.0"]);
        let mut users = method(once("users"), "who");
        users["key"] = json!(["dubbo.attachment.user"]);
        let consumer_side = json!({"limits": [method(once("sums"), "addInt"), hot, users]});
        let provider_side =
            json!({"dubboHeaders": "peer", "limits": [method(once("long-sums"), "addLong")]});
        let port = Port::dubbo()
            .expose(&["0"], &["user"])
            .filter(&WasmFilter::rate_limit(&consumer_side)?);
        let between = Port::new("v1")
            .http2()
            .filter(&WasmFilter::rate_limit(&provider_side)?);
        let (v1, _) = troupe.addresses()?;
        let mesh = Plan::shop(&[v1], &[], port)
            .between(between)
            .start(scene)
            .await?;
        let target = Target::new(mesh.address("dubbo")?);
        let consumer = &mut troupe.consumer;
        let hello = |name: &str| Call::new("sayHello").argument(name);
        let by = |user: &str| Call::new("who").attachment("user", user);
        let sum = |method: &str| Call::new(method).argument(1).argument(2);
        for (call, over) in [
            (sum("addInt"), "limit-over: sums"),
            (sum("addLong"), "limit-over: long-sums"),
            (hello("hot"), "limit-over: hot-names"),
            (by("alice"), "limit-over: users"),
        ] {
            let first = consumer.call(&target, &call).await?;
            ensure!(first.is_ok(), "{first:?}");
            let second = consumer.call(&target, &call).await?;
            second.expect_rpc_exception(RpcCode::Network, &["429", "limit-over", over])?;
        }
        // Other values, and calls without the attribute, go on: on the same connection.
        for call in [
            hello("bob"),
            hello("eve"),
            by("bob"),
            Call::new("who"),
            Call::new("who"),
        ] {
            let outcome = consumer.call(&target, &call).await?;
            ensure!(outcome.is_ok(), "{outcome:?}");
        }
        let stats = mesh.outbound.admin().stats().await?;
        let connections = stats.value("http.dubbo.downstream_cx_total");
        ensure!(connections == Some(1), "{connections:?} connections");
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_and_modules_share_a_limit_by_its_name() -> Result<()> {
    on_every_version(async |scene| {
        let document = json!({"limits": [
            {"name": "shared", "tokenBucket": {"requests": 1, "per": 86_400, "burst": 30}},
        ]});
        let alone = WasmFilter::rate_limit(&document)?;
        let suite = WasmFilter::rate_limit(&document)?
            .named("other")
            .of_module("suite")?;
        let gate = Gate::opened().await?;
        let bootstrap = Bootstrap::gateway()
            .listener(Listener::new("one").filter(&alone))
            .listener(Listener::new("two").filter(&suite))
            .raw_cluster(gate.to_cluster("v1"));
        let envoy = Envoy::start_with(scene, &bootstrap, &["--concurrency", "4"]).await?;
        let mut connections = Vec::new();
        for listener in ["one", "two"].into_iter().cycle().take(16) {
            connections.push(Client::http1(envoy.address(listener)?).connect().await?);
        }
        let mut clients = JoinSet::new();
        for mut connection in connections {
            clients.spawn(async move {
                for _ in 0..10 {
                    connection.send(&Request::get("/")).await?;
                }
                anyhow::Ok(())
            });
        }
        for client in clients.join_all().await {
            client?;
        }
        ensure!(gate.came() == 30, "{}", gate.came());
        Ok(())
    })
    .await
}

/// Whoever invents keys takes nothing from those that are counted, and no memory.
#[tokio::test(flavor = "multi_thread")]
async fn invented_keys_cost_a_bounded_amount_of_memory() -> Result<()> {
    invented_keys(100_000).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make e2e-full"]
async fn a_million_invented_keys_cost_no_more() -> Result<()> {
    invented_keys(1_000_000).await
}

async fn invented_keys(keys: u32) -> Result<()> {
    const CLIENTS: u32 = 16;
    on_last_version(async |scene| {
        let limits = json!([{"name": "users", "key": ["header.x-user"], "capacity": 1_024,
            "tokenBucket": {"requests": 1, "per": 86_400, "burst": 3}}]);
        let limited = Limited::start(scene, 4, &limits, Gate::opened().await?).await?;
        let alice = Request::get("/").header("x-user", "alice");
        ensure!(limited.through(1, &alice).await? == 3);
        let process = limited.envoy.process_id();
        let mut resident = 0;
        for part in 0..10 {
            let mut clients = JoinSet::new();
            for client in 0..CLIENTS {
                let mut connection = limited.client()?.connect().await?;
                let numbers = (part * keys / 10..(part + 1) * keys / 10)
                    .filter(move |number| number % CLIENTS == client);
                clients.spawn(async move {
                    for number in numbers {
                        let user = format!("invented-{number}");
                        connection
                            .send(&Request::get("/").header("x-user", user))
                            .await?;
                    }
                    anyhow::Ok(())
                });
            }
            for client in clients.join_all().await {
                client?;
            }
            if part == 1 {
                resident = memory::resident_of(process)?;
            }
        }
        let after = memory::resident_of(process)?;
        ensure!(
            after <= resident + resident / 10 + 4 * 1024 * 1024,
            "Envoy held {resident} bytes and now holds {after}"
        );
        let through = limited.through(1, &alice).await?;
        ensure!(through == 0, "{through} of a user who is over the limit");
        let shared = "wasmcustom.meshlane_rate_limit_shared.plugin=limits.limit=users";
        let shared = limited
            .envoy
            .admin()
            .stats()
            .await?
            .value(shared)
            .unwrap_or_default();
        ensure!(shared > u64::from(keys) / 2, "{shared} found no room");
        limited.expect_all_workers_busy().await
    })
    .await
}

#[tokio::test]
async fn without_a_good_document_requests_are_refused() -> Result<()> {
    on_every_version(async |scene| {
        for (document, status) in [
            (json!({"limits": [{"name": "a"}]}), 503),
            (json!({"limits": 1}), 503),
            (json!({"onInvalidConfig": "passThrough", "limits": 1}), 200),
            (json!({}), 200),
        ] {
            let filter = WasmFilter::rate_limit(&document)?;
            let shop = Shop::open(scene, Bootstrap::gateway(), |listener| {
                listener.filter(&filter)
            })
            .await?;
            let answer = shop
                .client(meshlane_e2e::client::Protocol::Http1)?
                .send(&Request::get("/"))
                .await?;
            ensure!(answer.status == status, "{document}: {answer:?}");
            if status == 503 {
                let reason = answer.header("x-meshlane-reason");
                ensure!(reason == Some("config-refuse"), "{answer:?}");
            }
        }
        Ok(())
    })
    .await
}

/// A new VM, as another module or another environment makes one: requests on their way hold what they have, and give it back.
#[tokio::test(flavor = "multi_thread")]
async fn what_requests_hold_outlives_their_vm() -> Result<()> {
    on_every_version(async |scene| {
        let filter = |number: u32| {
            let limits = json!({"limits": [
                {"name": format!("document-{number}"), "tokenBucket": {"requests": 1_000_000}},
                {"name": "at-a-time", "concurrency": {"requests": 5, "lease": 3}},
            ]});
            Ok::<_, anyhow::Error>(
                WasmFilter::rate_limit(&limits)?.environment("VM", &number.to_string()),
            )
        };
        let file = ConfigFile::new(scene, &filter(1)?)?;
        let gate = Gate::closed().await?;
        let log = AccessLog::new(scene)?;
        let listener = Listener::new("edge")
            .access_log(log.file())
            .discovered_filter(&file);
        let bootstrap = Bootstrap::gateway()
            .listener(listener)
            .raw_cluster(gate.to_cluster("v1"));
        let envoy = Envoy::start_with(scene, &bootstrap, &["--concurrency", "2"]).await?;
        let limited = Limited::of(envoy, gate, log, 2);
        let mut staying = Staying::send(&limited, 5, &Request::get("/")).await?;
        limited.gate.expect_inside(5).await?;

        file.publish(&filter(2)?)?;
        let mut attempt = 0;
        poll::until("the second VM decides", async || {
            attempt += 1;
            let id = attempt.to_string();
            let request = Request::get("/").header(ID_HEADER, &id);
            let answer = limited.client()?.send(&request).await?;
            ensure!(answer.status == 429, "{answer:?}");
            let line = limited.log.entry(&id).await?.limits.unwrap_or_default();
            ensure!(line.starts_with("document-2="), "{line}");
            Ok(())
        })
        .await?;
        // Longer than the lease: the first VM gives signs of life for those that are still there.
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(1_000)).await;
            let answer = limited.client()?.send(&Request::get("/")).await?;
            ensure!(answer.status == 429, "somebody was let in: {answer:?}");
        }
        limited.gate.open();
        let statuses = staying.answers(5).await?;
        ensure!(statuses == [200; 5], "{statuses:?}");
        poll::until("all is given back", async || {
            limited.gate.expect_inside(0).await?;
            limited.gate.close();
            let mut staying = Staying::send(&limited, 5, &Request::get("/")).await?;
            let refused = staying.refused(&limited).await?;
            limited.gate.open();
            staying.answers(5 - refused).await?;
            ensure!(refused == 0, "{refused} are refused");
            Ok(())
        })
        .await
    })
    .await
}

/// A VM that is gone from one moment to the next gives nothing back: what its requests held counts until the lease is over, and no
/// longer.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_trapped_vm_held_is_free_after_the_lease() -> Result<()> {
    on_every_version(async |scene| {
        let limits = json!({"limits": [
            // Never lets anybody in, and so tells that there is somebody who decides.
            {"name": "none", "when": {"attribute": "path", "exact": "/none"}, "tokenBucket": {"requests": 1, "per": 86_400}},
            {"name": "at-a-time", "concurrency": {"requests": 5, "lease": LEASE.as_secs()}},
        ]});
        let reload = FailurePolicy::FailReload;
        let filter = WasmFilter::rate_limit(&limits)?.of_module("trap")?;
        let trap = WasmFilter::new("trap", "")?.named("trap");
        let gate = Gate::closed().await?;
        let log = AccessLog::new(scene)?;
        let edge = Listener::new("edge").access_log(log.file());
        let bootstrap = Bootstrap::gateway()
            .listener(edge.filter(&filter.failure_policy(reload)))
            .listener(Listener::new("trap").filter(&trap.failure_policy(reload)))
            .raw_cluster(gate.to_cluster("v1"));
        // All listeners of a worker share the VM.
        let envoy = Envoy::start_with(scene, &bootstrap, &["--concurrency", "1"]).await?;
        let limited = Limited::of(envoy, gate, log, 1);
        limited.gate.open();
        limited.client()?.send(&Request::get("/none")).await?;
        limited.gate.close();
        let _held = Staying::send(&limited, 3, &Request::get("/")).await?;
        limited.gate.expect_inside(3).await?;

        let address = limited.envoy.address("trap")?;
        let answer = Client::http1(address).send(&Request::get("/")).await?;
        ensure!(answer.status == 503, "the VM did not trap: {answer:?}");
        let trapped = Instant::now();
        // Envoy makes a new VM a second later, when a request asks for it; until then it refuses by itself.
        poll::until("there is a new VM", async || {
            let answer = limited.client()?.send(&Request::get("/none")).await?;
            ensure!(answer.status == 429, "{answer:?}");
            Ok(())
        })
        .await?;
        // How many of five are let in.
        let admitted = async || {
            let before = limited.gate.inside() as usize;
            let mut sent = Staying::send(&limited, 5, &Request::get("/")).await?;
            let refused = sent.refused_beside(&limited, before).await;
            limited.gate.open();
            let passed = 5 - refused?;
            sent.answers(passed).await?;
            limited.gate.close();
            anyhow::Ok(passed)
        };
        poll::until("the new VM counts what the old one held", async || {
            let passed = admitted().await?;
            ensure!(passed == 2, "{passed} of 5 were let in");
            Ok(())
        })
        .await?;
        ensure!(trapped.elapsed() < LEASE, "too late to tell");
        poll::until("the lease is over", async || {
            let passed = admitted().await?;
            ensure!(passed == 5, "{passed} of 5 were let in");
            Ok(())
        })
        .await?;
        ensure!(trapped.elapsed() < 2 * LEASE, "it took {:?}", trapped.elapsed());
        Ok(())
    })
    .await
}

/// Long enough for Envoy to make a new VM, which it does after a second.
const LEASE: Duration = Duration::from_secs(8);
