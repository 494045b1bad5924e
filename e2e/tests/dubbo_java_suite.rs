//! Every call gives the same result through the bridge as on a direct connection.
#![allow(
    clippy::indexing_slicing,
    reason = "a test that looks at nothing fails"
)]

use anyhow::{Context, Result};
use meshlane_e2e::{
    dubbo::{
        DubboVersion::{self, V2_6, V2_7, V3_3},
        Serialization::{self, Fastjson2, Hessian2, Java},
        Target,
        cast::{Cast, Pair},
        mesh::{Cluster, Mesh, Plan, Port, Wire},
        suite,
    },
    scene::{Scene, on_every_version},
};

/// One run of the suite: who calls whom, over how many connections of its own (0: the shared one), through Envoys with
/// how many workers.
#[derive(Clone, Copy, Debug)]
struct Run {
    pair: Pair,
    connections: u32,
    workers: u32,
}

const fn run(
    consumer: DubboVersion,
    provider: DubboVersion,
    serialization: Serialization,
    connections: u32,
    workers: u32,
) -> Run {
    Run {
        pair: (consumer, provider, serialization),
        connections,
        workers,
    }
}

/// Every two values of two columns meet at least once, as far as they can.
const PAIRWISE: [Run; 9] = [
    run(V3_3, V3_3, Hessian2, 0, 1),
    run(V3_3, V3_3, Fastjson2, 4, 4),
    run(V3_3, V2_7, Hessian2, 4, 1),
    run(V3_3, V2_6, Hessian2, 0, 4),
    run(V2_7, V3_3, Hessian2, 0, 4),
    run(V2_7, V2_7, Java, 4, 1),
    run(V2_7, V2_6, Java, 0, 4),
    run(V2_6, V3_3, Hessian2, 4, 1),
    run(V2_6, V2_7, Java, 0, 4),
];

/// Everything that the versions have in common.
fn everything() -> Vec<Run> {
    let mut runs = Vec::new();
    for consumer in DubboVersion::ALL {
        for provider in DubboVersion::ALL {
            for serialization in consumer.serializations() {
                if provider.serializations().contains(serialization) {
                    for (connections, workers) in [(0, 1), (0, 4), (4, 1), (4, 4)] {
                        runs.push(run(
                            consumer,
                            provider,
                            *serialization,
                            connections,
                            workers,
                        ));
                    }
                }
            }
        }
    }
    runs
}

#[tokio::test]
async fn plain_envoy_changes_nothing() -> Result<()> {
    // Of the harness: were the direct results not the same each time, comparing with them would mean nothing.
    compare(&[run(V2_7, V2_7, Hessian2, 0, 1)], Wire::Dubbo).await
}

#[tokio::test]
async fn the_bridge_changes_no_result() -> Result<()> {
    compare(&PAIRWISE, Wire::Http2).await
}

#[tokio::test]
#[ignore = "takes minutes: make e2e-full"]
async fn the_bridge_changes_no_result_whoever_calls_whom() -> Result<()> {
    compare(&everything(), Wire::Http2).await
}

async fn compare(runs: &[Run], wire: Wire) -> Result<()> {
    let cast = tokio::sync::Mutex::new(Cast::new()?);
    on_every_version(async |scene| {
        let mut cast = cast.lock().await;
        for workers in [1, 4] {
            let runs: Vec<Run> = runs
                .iter()
                .copied()
                .filter(|it| it.workers == workers)
                .collect();
            if !runs.is_empty() {
                compare_on(scene, &mut cast, &runs, wire).await?;
            }
        }
        Ok(())
    })
    .await?;
    cast.into_inner().pass();
    Ok(())
}

/// All runs go through the same two Envoys, each by a port of its own.
async fn compare_on(scene: &Scene, cast: &mut Cast, runs: &[Run], wire: Wire) -> Result<()> {
    let mut plan = Plan::new().wire(wire).workers(runs[0].workers);
    for (number, run) in runs.iter().enumerate() {
        let (_, provider, serialization) = run.pair;
        let name = format!("run-{number}");
        let address = cast.address(provider, serialization).await?;
        plan = plan
            .cluster(Cluster::new(&name, &[address]))
            .port(Port::new(&name).to(&name));
    }
    let mesh = plan.start(scene).await?;
    for (number, run) in runs.iter().enumerate() {
        compare_run(cast, &mesh, &format!("run-{number}"), run, wire)
            .await
            .with_context(|| format!("{run:?}"))?;
    }
    mesh.expect_alive().await
}

async fn compare_run(
    cast: &mut Cast,
    mesh: &Mesh,
    port: &str,
    run: &Run,
    wire: Wire,
) -> Result<()> {
    let direct = cast.direct(run.pair).await?;
    let (consumer, provider, serialization) = run.pair;
    let mut target = Target::new(mesh.address(port)?).serialization(serialization);
    if run.connections > 0 {
        target = target.connections(run.connections);
    }
    let through = cast.consumer(consumer).await?.suite(&target, &[]).await?;
    cast.expect_one_way(provider).await?;
    suite::expect_equal(&direct, &through, wire)
}
