//! Whom a request comes from: only what Envoy, or a trusted proxy, vouches for.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use meshlane_e2e::{
    bootstrap::{Bootstrap, Listener, Tls, WasmFilter, jwt_authn},
    client::{Protocol, Request},
    jwt::{TokenIssuer, unsigned},
    pki::Authority,
    scene::{Scene, on_every_version},
    shop::Shop,
};
use serde_json::{Value, json};

/// A gateway that copies an attribute into the tag.
async fn show(
    scene: &Scene,
    attribute: &str,
    document: Value,
    equip: impl FnOnce(Listener) -> Listener,
) -> Result<Shop> {
    let mut document = document;
    document["tags"] = json!([{"name": "x-mse-tag", "rules": [{"valueFrom": attribute}]}]);
    let filter = WasmFilter::traffic_tag(&document)?;
    Shop::open(scene, Bootstrap::gateway(), |listener| {
        equip(listener).filter(&filter)
    })
    .await
}

/// The address that the filter sees for a client at 127.0.0.7 that sends this `X-Forwarded-For`.
async fn seen(shop: &Shop, forwarded_for: Option<&str>) -> Result<String> {
    let client = shop
        .client(Protocol::Http1)?
        .from_address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 7)));
    let request = match forwarded_for {
        Some(addresses) => Request::get("/").header("x-forwarded-for", addresses),
        None => Request::get("/"),
    };
    let tag = client.send(&request).await?.echo()?.header("x-mse-tag");
    Ok(tag.unwrap_or_default())
}

#[tokio::test]
async fn without_trusted_hops_the_peer_counts_at_an_edge() -> Result<()> {
    on_every_version(async |scene| {
        let shop = show(scene, "source.ip", json!({}), Listener::use_remote_address).await?;
        assert_eq!(seen(&shop, None).await?, "127.0.0.7");
        assert_eq!(seen(&shop, Some("9.9.9.9")).await?, "127.0.0.7");
        assert_eq!(seen(&shop, Some("9.9.9.9, 8.8.8.8")).await?, "127.0.0.7");
        Ok(())
    })
    .await
}

/// One trusted load balancer at 127.0.0.7 in front of Envoy: what it appended is the client, all to the left is the
/// client's own claim.
#[tokio::test]
async fn with_a_trusted_hop_what_it_appended_counts_and_nothing_else() -> Result<()> {
    on_every_version(async |scene| {
        for use_remote_address in [true, false] {
            let document = json!({"sourceIp": {"trustedHops": 1}});
            let shop = show(
                scene,
                "source.ip",
                document,
                |listener| match use_remote_address {
                    true => listener.use_remote_address(),
                    false => listener,
                },
            )
            .await?;
            for (forwarded_for, client) in [
                ("203.0.113.5", "203.0.113.5"),
                ("9.9.9.9, 203.0.113.5", "203.0.113.5"),
                ("9.9.9.9,8.8.8.8 , 203.0.113.5", "203.0.113.5"),
                // The client claims to be the proxy itself, or itself twice.
                ("127.0.0.7, 203.0.113.5", "203.0.113.5"),
                ("9.9.9.9, 203.0.113.5, 203.0.113.5", "203.0.113.5"),
                ("2001:db8::9, 2001:db8::1", "2001:db8::1"),
            ] {
                assert_eq!(
                    seen(&shop, Some(forwarded_for)).await?,
                    client,
                    "{forwarded_for} with use_remote_address: {use_remote_address}"
                );
            }
            assert_eq!(
                seen(&shop, None).await?,
                "127.0.0.7",
                "use_remote_address: {use_remote_address}"
            );
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn with_two_trusted_hops_the_outer_one_is_believed() -> Result<()> {
    on_every_version(async |scene| {
        for use_remote_address in [true, false] {
            let document = json!({"sourceIp": {"trustedHops": 2}});
            let shop = show(
                scene,
                "source.ip",
                document,
                |listener| match use_remote_address {
                    true => listener.use_remote_address(),
                    false => listener,
                },
            )
            .await?;
            for forwarded_for in ["203.0.113.5, 10.0.0.1", "9.9.9.9, 203.0.113.5, 10.0.0.1"] {
                assert_eq!(
                    seen(&shop, Some(forwarded_for)).await?,
                    "203.0.113.5",
                    "{forwarded_for} with use_remote_address: {use_remote_address}"
                );
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn claims_count_only_from_a_verified_token() -> Result<()> {
    on_every_version(async |scene| {
        let issuer = TokenIssuer::new()?;
        let authn = jwt_authn(&issuer, "payload")?;
        let shop = show(scene, "jwt.realm.lane", json!({}), |listener| {
            listener.http_filter(authn)
        })
        .await?;
        let lane = async |token: Option<String>| -> Result<Option<String>> {
            let request = match token {
                Some(token) => Request::get("/").header("authorization", format!("Bearer {token}")),
                None => Request::get("/"),
            };
            let echo = shop.echo(&request).await?;
            let tag = echo.header("x-mse-tag");
            assert_eq!(echo.upstream, if tag.is_some() { "gray" } else { "v1" });
            Ok(tag)
        };
        let claims = json!({"sub": "u1", "realm": {"lane": "gray"}});
        let signed = issuer.sign(&claims)?;
        assert_eq!(lane(Some(signed.clone())).await?.as_deref(), Some("gray"));
        assert_eq!(lane(None).await?, None);
        assert_eq!(
            lane(Some(issuer.sign(&json!({"sub": "u1"}))?)).await?,
            None,
            "another claim"
        );

        assert_eq!(
            lane(Some(unsigned(&claims)?)).await?,
            None,
            "signed by nobody"
        );
        assert_eq!(
            lane(Some(TokenIssuer::new()?.sign(&claims)?)).await?,
            None,
            "signed by another key"
        );
        let (head, signature) = (signed.split('.').next(), signed.rsplit('.').next());
        let (Some(head), Some(signature)) = (head, signature) else {
            anyhow::bail!("{signed}")
        };
        let forged = unsigned(&json!({"realm": {"lane": "gray"}, "admin": true}))?;
        let payload = forged.split('.').nth(1).unwrap_or_default();
        assert_eq!(
            lane(Some(format!("{head}.{payload}.{signature}"))).await?,
            None,
            "a payload of one's own"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_principal_is_that_of_the_client_certificate() -> Result<()> {
    on_every_version(async |scene| {
        let authority = Authority::new()?;
        let tls = Tls::new(&authority)?;
        let shop = show(scene, "source.principal", json!({}), |listener| listener.tls(&tls)).await?;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let principal = async |identity| -> Result<Option<String>> {
                let client = shop.client(protocol)?;
                let client = match identity {
                    Some(identity) => client.tls(identity),
                    None => client,
                };
                let forged = "By=spiffe://cluster.local/ns/a/sa/b;URI=spiffe://cluster.local/ns/forged/sa/forged";
                let request = Request::get("/").header("x-forwarded-client-cert", forged);
                Ok(client.send(&request).await?.echo()?.header("x-mse-tag"))
            };
            let trade = authority.client("spiffe://cluster.local/ns/shop/sa/trade")?;
            assert_eq!(principal(Some(trade)).await?.as_deref(), Some("cluster.local/ns/shop/sa/trade"));
            assert_eq!(principal(Some(authority.anonymous())).await?, None);
            assert_eq!(principal(None).await?, None);
        }
        Ok(())
    })
    .await
}
