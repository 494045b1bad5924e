//! The rate limit service of Envoy's project: that it runs, and how it answers, which what asks it relies on.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may state what it expects"
)]

use std::{pin::pin, time::Duration};

use anyhow::Result;
use meshlane_e2e::{
    poll,
    rate_limit_service::{RateLimitService, Redis},
    scene::on_last_version,
};
use meshlane_proto::envoy::{
    extensions::common::ratelimit::v3::{
        RateLimitDescriptor,
        rate_limit_descriptor::{Entry, RateLimitOverride},
    },
    service::ratelimit::v3::{
        RateLimitRequest, RateLimitResponse,
        rate_limit_response::{Code, DescriptorStatus, rate_limit::Unit},
        rate_limit_service_client::RateLimitServiceClient,
    },
    r#type::v3::RateLimitUnit,
};
use tokio::time::timeout;
use tonic::{Code as GrpcCode, transport::Channel};

const LIMITS: &str = "
domain: shop
descriptors:
- key: user
  value: alice
  rate_limit: {unit: day, requests_per_unit: 3}
- key: batch
  rate_limit: {unit: day, requests_per_unit: 10}
";

#[tokio::test]
async fn a_limit_is_kept_and_told() -> Result<()> {
    on_last_version(async |scene| {
        let redis = Redis::start(scene).await?;
        let service = RateLimitService::start(scene, &redis, LIMITS).await?;
        let mut client = service.client().await?;
        assert_eq!(service.calls().await?, 0);

        for remaining in [2, 1, 0] {
            let answer = ask(&mut client, descriptor("user", "alice")).await?;
            assert_eq!(answer.overall_code(), Code::Ok);
            assert_eq!(told(&answer), (Code::Ok, remaining));
        }
        let answer = ask(&mut client, descriptor("user", "alice")).await?;
        assert_eq!(answer.overall_code(), Code::OverLimit);
        assert_eq!(told(&answer), (Code::OverLimit, 0));
        let status = status(&answer);
        let limit = status.current_limit.as_ref().unwrap();
        assert_eq!((limit.requests_per_unit, limit.unit()), (3, Unit::Day));
        let reset = status.duration_until_reset.unwrap();
        assert!((1..=86_400).contains(&reset.seconds), "{reset:?}");
        assert_eq!(reset.nanos, 0);
        assert_eq!(service.calls().await?, 4);

        let answer = ask(&mut client, descriptor("user", "bob")).await?;
        assert_eq!(told(&answer), (Code::Ok, 0));
        let status = self::status(&answer);
        assert_eq!(
            (&status.current_limit, status.duration_until_reset),
            (&None, None)
        );

        let both = vec![descriptor("batch", "a"), descriptor("user", "alice")];
        let answer = ask_all(&mut client, both).await?;
        assert_eq!(answer.overall_code(), Code::OverLimit);
        let codes: Vec<_> = answer.statuses.iter().map(DescriptorStatus::code).collect();
        assert_eq!(codes, [Code::Ok, Code::OverLimit]);
        assert_eq!(service.calls().await?, 6);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn hits_count_also_when_they_are_refused() -> Result<()> {
    on_last_version(async |scene| {
        let redis = Redis::start(scene).await?;
        let service = RateLimitService::start(scene, &redis, LIMITS).await?;
        let mut client = service.client().await?;
        let mut hits = async |name: &'static str, hits| -> Result<_> {
            let descriptor = RateLimitDescriptor {
                hits_addend: Some(hits),
                ..descriptor("batch", name)
            };
            Ok(told(&ask(&mut client, descriptor).await?))
        };

        assert_eq!(hits("a", 0).await?, (Code::Ok, 10));
        assert_eq!(hits("a", 8).await?, (Code::Ok, 2));
        assert_eq!(hits("a", 5).await?, (Code::OverLimit, 0));
        assert_eq!(hits("a", 1).await?, (Code::OverLimit, 0));
        assert_eq!(hits("a", 0).await?, (Code::OverLimit, 0));
        // All or nothing, and nothing is left afterwards.
        assert_eq!(hits("b", 11).await?, (Code::OverLimit, 0));
        assert_eq!(hits("b", 1).await?, (Code::OverLimit, 0));
        // To ask for nothing is to ask how much is left.
        assert_eq!(hits("c", 10).await?, (Code::Ok, 0));
        assert_eq!(hits("c", 0).await?, (Code::Ok, 0));

        // More than 63 bits are taken for a negative number: hits are given back.
        assert_eq!(hits("c", u64::MAX - 2).await?, (Code::Ok, 3));

        // Those of a descriptor stand before those of the request.
        let mut request = request(vec![descriptor("batch", "d"), descriptor("batch", "e")]);
        request.hits_addend = 4;
        request.descriptors[1].hits_addend = Some(7);
        let answer = client.should_rate_limit(request).await?.into_inner();
        let left: Vec<_> = answer
            .statuses
            .iter()
            .map(|status| status.limit_remaining)
            .collect();
        assert_eq!(left, [6, 3]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_request_can_bring_its_own_limit() -> Result<()> {
    on_last_version(async |scene| {
        let redis = Redis::start(scene).await?;
        let service = RateLimitService::start(scene, &redis, LIMITS).await?;
        let mut client = service.client().await?;
        let limit = RateLimitOverride {
            requests_per_unit: 1,
            unit: RateLimitUnit::Day.into(),
        };
        let descriptor = RateLimitDescriptor {
            limit: Some(limit),
            ..descriptor("no", "limit")
        };
        assert_eq!(
            told(&ask(&mut client, descriptor.clone()).await?),
            (Code::Ok, 0)
        );
        assert_eq!(
            told(&ask(&mut client, descriptor).await?),
            (Code::OverLimit, 0)
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn its_own_errors_are_of_no_known_code() -> Result<()> {
    on_last_version(async |scene| {
        let redis = Redis::start(scene).await?;
        let service = RateLimitService::start(scene, &redis, LIMITS).await?;
        let mut client = service.client().await?;
        let nothing = ask_all(&mut client, Vec::new()).await.unwrap_err();
        assert_eq!(nothing.code(), GrpcCode::Unknown, "{nothing:?}");

        drop(redis);
        let lost = ask(&mut client, descriptor("user", "alice"))
            .await
            .unwrap_err();
        assert_eq!(lost.code(), GrpcCode::Unknown, "{lost:?}");
        assert_eq!(service.calls().await?, 2);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn it_can_be_stopped_and_started_again() -> Result<()> {
    on_last_version(async |scene| {
        let redis = Redis::start(scene).await?;
        let mut service = RateLimitService::start(scene, &redis, LIMITS).await?;
        let address = service.address();
        let mut client = service.client().await?;
        assert_eq!(
            told(&ask(&mut client, descriptor("user", "alice")).await?),
            (Code::Ok, 2)
        );

        service.stop()?;
        assert!(ask(&mut client, descriptor("user", "alice")).await.is_err());
        assert!(service.client().await.is_err());

        service.start_again().await?;
        assert_eq!(service.address(), address);
        assert_eq!(service.calls().await?, 0);
        let answer = poll::until("the client is connected again", async || {
            Ok(ask(&mut client, descriptor("user", "alice")).await?)
        })
        .await?;
        assert_eq!(told(&answer), (Code::Ok, 1));
        assert_eq!(service.calls().await?, 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn it_can_be_slow() -> Result<()> {
    on_last_version(async |scene| {
        let redis = Redis::start(scene).await?;
        let service = RateLimitService::start(scene, &redis, LIMITS).await?;
        let mut client = service.client().await?;
        service.pause().await?;
        let mut call = pin!(ask(&mut client, descriptor("user", "alice")));
        let early = timeout(Duration::from_millis(200), &mut call).await;
        assert!(early.is_err(), "{early:?}");
        service.resume()?;
        assert_eq!(told(&call.await?), (Code::Ok, 2));
        assert_eq!(service.calls().await?, 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn limits_that_it_does_not_understand_are_an_error_with_the_log() -> Result<()> {
    on_last_version(async |scene| {
        let redis = Redis::start(scene).await?;
        let limits = "{domain: shop, descriptors: [{kye: user}]}";
        let started = RateLimitService::start(scene, &redis, limits).await;
        let error = format!("{:#}", started.unwrap_err());
        assert!(error.contains("kye"), "{error}");
        Ok(())
    })
    .await
}

fn descriptor(key: &str, value: &str) -> RateLimitDescriptor {
    let entry = Entry {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    RateLimitDescriptor {
        entries: vec![entry],
        ..RateLimitDescriptor::default()
    }
}

fn request(descriptors: Vec<RateLimitDescriptor>) -> RateLimitRequest {
    RateLimitRequest {
        domain: "shop".to_owned(),
        descriptors,
        hits_addend: 0,
    }
}

async fn ask(
    client: &mut RateLimitServiceClient<Channel>,
    descriptor: RateLimitDescriptor,
) -> Result<RateLimitResponse, tonic::Status> {
    ask_all(client, vec![descriptor]).await
}

async fn ask_all(
    client: &mut RateLimitServiceClient<Channel>,
    descriptors: Vec<RateLimitDescriptor>,
) -> Result<RateLimitResponse, tonic::Status> {
    let answer = client.should_rate_limit(request(descriptors)).await?;
    Ok(answer.into_inner())
}

/// What the answer says of the one descriptor that was sent, and how much is left.
fn told(answer: &RateLimitResponse) -> (Code, u32) {
    (status(answer).code(), status(answer).limit_remaining)
}

fn status(answer: &RateLimitResponse) -> &DescriptorStatus {
    &answer.statuses[0]
}
