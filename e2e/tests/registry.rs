//! Images of modules, in a real registry.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use meshlane::{
    package::{Digest, Image, Layout, Module, Optimiser},
    registry::{Connection, Credentials, PushError, push},
};
use meshlane_e2e::{
    registry::{Registry, image, skopeo},
    scene::{Scene, on_last_version, packaged, tool, workspace},
};
use serde_json::Value;

const LAYOUTS: [(Layout, &str); 2] = [
    (Layout::Image, "mesh/image:1"),
    (Layout::Artifact, "mesh/artifact:1"),
];

fn of(layout: Layout) -> Result<Image> {
    let module = Module::read(&workspace().join("target/wasm/noop.wasm"))?;
    Ok(Image::of(&module, layout, &module.annotations())?)
}

#[tokio::test]
async fn the_registry_has_what_was_pushed() -> Result<()> {
    on_last_version(async |scene| {
        let registry = Registry::start(scene).await?;
        for (layout, name) in LAYOUTS {
            let image = of(layout)?;
            registry.push(&image, name).await?;
            let there = skopeo(&["inspect", "--raw", TLS, &registry.skopeo(name)])?;
            let digest = Digest::of(there.as_bytes());
            ensure!(digest == *image.digest(), "{layout:?} {there}");
            // Nothing is sent that is there already.
            registry.push(&image, name).await?;
        }
        let seen = skopeo(&["inspect", TLS, &registry.skopeo("mesh/image:1")])?;
        let seen: Value = serde_json::from_str(&seen)?;
        let digest = of(Layout::Image)?.digest().to_string();
        ensure!(
            seen.get("Digest").and_then(Value::as_str) == Some(digest.as_str()),
            "{seen}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_copy_has_the_same_digest() -> Result<()> {
    on_last_version(async |scene| {
        let registry = Registry::start(scene).await?;
        for (layout, name) in LAYOUTS {
            registry.push(&of(layout)?, name).await?;
            let folder = scene.fresh("copy")?;
            let copy = format!("oci:{}:1", folder.display());
            skopeo(&[
                "copy",
                "--src-tls-verify=false",
                &registry.skopeo(name),
                &copy,
            ])?;
            ensure!(image(&folder)? == of(layout)?, "{layout:?}");
            let back = format!("{name}-back");
            skopeo(&[
                "copy",
                "--dest-tls-verify=false",
                &copy,
                &registry.skopeo(&back),
            ])?;
            let there = skopeo(&["inspect", "--raw", TLS, &registry.skopeo(&back)])?;
            ensure!(
                Digest::of(there.as_bytes()) == *of(layout)?.digest(),
                "{there}"
            );
        }
        Ok(())
    })
    .await
}

/// What `make package` has made is what others read, too.
#[tokio::test]
async fn the_images_of_the_project_can_be_copied_by_others() -> Result<()> {
    on_last_version(async |scene| {
        let registry = Registry::start(scene).await?;
        for name in ["suite", "dubbo"] {
            let folder = packaged(name)?;
            let from = format!("oci:{}", folder.display());
            let to = registry.skopeo(&format!("mesh/{name}:1"));
            skopeo(&["copy", "--dest-tls-verify=false", &from, &to])?;
            let there = skopeo(&["inspect", "--raw", TLS, &to])?;
            ensure!(
                Digest::of(there.as_bytes()) == *image(&folder)?.digest(),
                "{there}"
            );
            let manifest: Value = serde_json::from_str(&there)?;
            for (annotation, wanted) in [
                ("org.opencontainers.image.title", name),
                ("org.opencontainers.image.licenses", "Apache-2.0"),
                ("org.opencontainers.image.version", "0.1.0"),
            ] {
                let annotations = manifest.get("annotations");
                let found = annotations.and_then(|all| all.get(annotation)?.as_str());
                ensure!(found == Some(wanted), "{annotation}: {found:?}");
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_same_module_is_made_smaller_to_the_same_image() -> Result<()> {
    let module = Module::read(&workspace().join("target/wasm/noop.wasm"))?;
    let program = tool("wasm-opt")?;
    let build = || -> Result<Image> {
        let wasm = Optimiser::new(&program).optimise(&module.wasm)?;
        ensure!(wasm.len() < module.wasm.len(), "it is no smaller");
        let module = Module {
            wasm,
            ..module.clone()
        };
        Ok(Image::of(&module, Layout::Image, &BTreeMap::new())?)
    };
    ensure!(build()?.digest() == build()?.digest(), "the digests differ");
    Ok(())
}

#[tokio::test]
async fn only_those_with_credentials_may_push() -> Result<()> {
    on_last_version(async |scene| {
        let registry = Registry::start_with_password(scene, ALICE).await?;
        let image = of(Layout::Image)?;
        let to = registry.reference("mesh/image:1")?;
        let address = registry.address();
        let push_with = async |config: String| {
            let connection = Connection {
                plain_http: true,
                credentials: credentials(scene, to.registry(), &config)?,
            };
            anyhow::Ok(push(&image, &to, &connection).await)
        };
        let refused = |outcome: Result<(), PushError>, who: &str| -> Result<()> {
            let error = outcome.err().context("it was not refused")?;
            ensure!(matches!(error, PushError::Refused { .. }), "{error}");
            ensure!(error.to_string().contains(who), "{error}");
            Ok(())
        };
        refused(
            push_with("{}".to_owned()).await?,
            "anybody without credentials",
        )?;
        // alice:wrong
        let wrong = format!(r#"{{"auths": {{"{address}": {{"auth": "YWxpY2U6d3Jvbmc="}}}}}}"#);
        refused(push_with(wrong).await?, "does not let alice push")?;
        // alice:secret
        let right = format!(r#"{{"auths": {{"{address}": {{"auth": "YWxpY2U6c2VjcmV0"}}}}}}"#);
        push_with(right).await??;
        let seen = [
            "inspect",
            TLS,
            "--creds=alice:secret",
            &registry.skopeo("mesh/image:1"),
        ];
        let seen = skopeo(&seen)?;
        ensure!(seen.contains(&image.digest().to_string()), "{seen}");
        Ok(())
    })
    .await
}

fn credentials(scene: &Scene, registry: &str, config: &str) -> Result<Credentials> {
    let file = scene.fresh("config.json")?;
    fs::write(&file, config)?;
    Ok(Credentials::of(registry, Path::new(&file))?)
}

/// The registry has no certificate.
const TLS: &str = "--tls-verify=false";

/// A line of htpasswd, by bcrypt: the password is `secret`.
const ALICE: &str = "alice:$2a$04$h2O9Top/E7jTel9quJEomuvllvNel2V3M6UHPB19HtRbX8gRtXQZa\n";
