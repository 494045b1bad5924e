//! Which images istio-agent takes, by its own fetcher, and what becomes of calls when it takes none.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use anyhow::{Context as _, Result, ensure};
use meshlane::package::{Blob, Digest, Image, Layout, Module};
use meshlane_e2e::{
    chain::Hop,
    client::{Client, Request},
    istio::{Manifest, Mesh, Pod, PodPlan, on_mesh},
    poll,
    scene::packaged,
};
use serde_json::{Value, json};

use crate::common::service_of;

const WEB: u16 = 8080;

/// A caller whose calls a plugin tags, and the service that it calls.
struct Shop<'m> {
    mesh: &'m Mesh,
    edge: Pod,
    client: Client,
}

impl Shop<'_> {
    /// Has an image in force that tags calls with its own name, by the digest of its manifest.
    async fn apply(&self, name: &str, image: &Image) -> Result<()> {
        let place = format!("meshlane/{name}:1");
        self.mesh.control().push(image, &place).await?;
        self.apply_plugin(name, image, "FAIL_CLOSE").await
    }

    /// The same for an image that may not be there.
    async fn apply_plugin(&self, name: &str, image: &Image, strategy: &str) -> Result<()> {
        let plugin = format!(
            "apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {{name: tags, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: edge}}}}
  url: oci://registry.example.com/meshlane/{name}:1
  sha256: \"{}\"
  pluginName: traffic-tag
  failStrategy: {strategy}
  match: [{{mode: CLIENT}}]
  pluginConfig: {{tags: [{{name: x-mse-tag, onIncoming: strip, default: {name}}}]}}",
            image.digest().hex()
        );
        self.mesh.apply(&Manifest::new(plugin)).await
    }

    async fn call(&self) -> Result<u16> {
        let request = Request::get("/").authority("web:8080");
        Ok(self.client.send(&request).await?.status)
    }

    /// Waits until calls have the image's tag.
    async fn expect_accepted(&self, name: &str) -> Result<()> {
        poll::until(&format!("{name} is accepted"), async || {
            let status = self.call().await?;
            let entries = self.edge.entries()?;
            let tags = entries.last().and_then(|entry| entry.tags.as_deref());
            let tags = tags.unwrap_or_default();
            ensure!(status == 200 && tags.contains(name), "{status} {tags}");
            Ok(())
        })
        .await
    }

    /// Waits until calls pass untouched in place of the filter.
    async fn expect_passed_over(&self, name: &str) -> Result<()> {
        poll::until(&format!("calls pass without {name}"), async || {
            let status = self.call().await?;
            let entries = self.edge.entries()?;
            let tags = entries.last().and_then(|entry| entry.tags.as_deref());
            ensure!(status == 200 && tags.is_none(), "{status} {tags:?}");
            Ok(())
        })
        .await
    }

    /// Waits until nothing passes in place of the filter.
    async fn expect_refused(&self, name: &str) -> Result<()> {
        poll::until(&format!("{name} is refused"), async || {
            let status = self.call().await?;
            ensure!(status == 403, "{status}");
            Ok(())
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_layouts_are_taken_and_others_are_not() -> Result<()> {
    on_mesh(async |mesh| {
        mesh.apply(&service_of("web", "http", WEB)).await?;
        let web = mesh.pod(&PodPlan::new("web").bare()).await?;
        let _hop = Hop::serve("web", &[], web.listen(WEB).await?)?;
        let edge = mesh.pod(&PodPlan::new("edge").captured()).await?;
        let service = (mesh.cluster_ip("web").await?, WEB).into();
        let gate = edge.gate(service).await?;
        let client = Client::http1(gate.address());
        let shop = Shop { mesh, edge, client };
        let module = Module::read(&packaged("traffic-tag")?.with_extension("wasm"))?;
        let of = |layout| Image::of(&module, layout, &module.annotations());
        let (image, artifact) = (of(Layout::Image)?, of(Layout::Artifact)?);

        shop.apply("image", &image).await?;
        shop.expect_accepted("image").await?;
        shop.apply(
            "one-layer",
            &relayered(&artifact, |layers| layers.truncate(1))?,
        )
        .await?;
        shop.expect_refused("one-layer").await?;
        shop.apply("artifact", &artifact).await?;
        shop.expect_accepted("artifact").await?;
        // The list of the module's crates as a layer of its own would be such a third one.
        let third = |layers: &mut Vec<Value>| layers.extend(layers.last().cloned());
        shop.apply("three-layers", &relayered(&artifact, third)?)
            .await?;
        shop.expect_refused("three-layers").await?;
        // By what a layer says that it is.
        for (name, kind) in [("zstd", "tar+zstd"), ("plain-tar", "tar")] {
            shop.apply("image", &image).await?;
            shop.expect_accepted("image").await?;
            let other = relayered(&image, |layers| {
                let kind = format!("application/vnd.oci.image.layer.v1.{kind}");
                for layer in layers {
                    layer["mediaType"] = json!(kind);
                }
            });
            shop.apply(name, &other?).await?;
            shop.expect_refused(name).await?;
        }
        // What is not there, by what the plugin says of that.
        shop.apply("image", &image).await?;
        shop.expect_accepted("image").await?;
        for strategy in ["FAIL_OPEN", "FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"] {
            let name = format!("no-image-{}", strategy.to_lowercase().replace('_', "-"));
            shop.apply_plugin(&name, &image, strategy).await?;
            match strategy {
                "FAIL_OPEN" => shop.expect_passed_over(&name).await?,
                _ => shop.expect_refused(&name).await?,
            }
        }
        shop.edge.expect_alive().await
    })
    .await
}

/// The image with other layers.
fn relayered(image: &Image, change: impl Fn(&mut Vec<Value>)) -> Result<Image> {
    let mut manifest: Value = serde_json::from_slice(&image.manifest.bytes)?;
    let layers = manifest.get_mut("layers").and_then(Value::as_array_mut);
    change(layers.context("no layers")?);
    let bytes = serde_json::to_vec(&manifest)?;
    Ok(Image {
        manifest: Blob {
            digest: Digest::of(&bytes),
            bytes,
            ..image.manifest.clone()
        },
        ..image.clone()
    })
}
