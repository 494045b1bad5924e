use expect_test::expect;
use serde_json::Value;

use super::*;

/// The least that is a module.
const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

fn module(sbom: Option<&str>) -> Module {
    Module {
        name: "suite".to_owned(),
        wasm: EMPTY.to_vec(),
        sbom: sbom.map(|sbom| sbom.as_bytes().to_vec()),
    }
}

fn image(layout: Layout) -> Image {
    let annotations = [("org.opencontainers.image.version", "0.1.0")];
    let annotations = annotations.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Image::of(&module(Some("{}")), layout, &annotations.into()).unwrap()
}

fn pretty(blob: &Blob) -> String {
    let value: Value = serde_json::from_slice(&blob.bytes).unwrap();
    format!("{value:#}")
}

/// Whoever changes one of these changes the digest of every image.
#[test]
fn the_manifest_of_an_image_is_this_one() {
    let image = image(Layout::Image);
    expect![[r#"
        {
          "annotations": {
            "org.opencontainers.image.version": "0.1.0"
          },
          "config": {
            "digest": "sha256:918fd667ee1cbaaa68197a5de57ef74a02f718ffae66832da59b5bd11e595db3",
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "size": 163
          },
          "layers": [
            {
              "digest": "sha256:46af8d5fc7be096b074c41b308cfb1e817780b42007675ae547f1f29967b4794",
              "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
              "size": 127
            }
          ],
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "schemaVersion": 2
        }"#]]
    .assert_eq(&pretty(&image.manifest));
    expect![[r#"
        {
          "architecture": "amd64",
          "config": {},
          "os": "linux",
          "rootfs": {
            "diff_ids": [
              "sha256:6eef99a88a416bb9d06ab45eebb9d42523217512a3d25f5f25877e4467b3f12b"
            ],
            "type": "layers"
          }
        }"#]]
    .assert_eq(&pretty(&image.blobs[0]));
}

#[test]
fn the_manifest_of_an_artifact_is_this_one() {
    let image = image(Layout::Artifact);
    expect![[r#"
        {
          "annotations": {
            "org.opencontainers.image.version": "0.1.0"
          },
          "config": {
            "digest": "sha256:11d3d09e6453e03edacf76c8b81cc737fc728d4e14b691e52dbd4edd7220f9e4",
            "mediaType": "application/vnd.module.wasm.config.v1+json",
            "size": 16
          },
          "layers": [
            {
              "digest": "sha256:93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476",
              "mediaType": "application/vnd.module.wasm.content.layer.v1+wasm",
              "size": 8
            },
            {
              "digest": "sha256:11d3d09e6453e03edacf76c8b81cc737fc728d4e14b691e52dbd4edd7220f9e4",
              "mediaType": "application/vnd.module.wasm.config.v1+json",
              "size": 16
            }
          ],
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "schemaVersion": 2
        }"#]]
    .assert_eq(&pretty(&image.manifest));
    expect![[r#"
        {
          "name": "suite"
        }"#]]
    .assert_eq(&pretty(&image.blobs[0]));
}

#[test]
fn the_same_module_gives_the_same_image() {
    for layout in [Layout::Image, Layout::Artifact] {
        assert_eq!(image(layout), image(layout));
    }
}

#[test]
fn everything_in_the_manifest_is_there_once() {
    for layout in [Layout::Image, Layout::Artifact] {
        let image = image(layout);
        let manifest: OciImageManifest = serde_json::from_slice(&image.manifest.bytes).unwrap();
        for named in [&manifest.config].into_iter().chain(&manifest.layers) {
            let blobs = image.blobs.iter();
            let found: Vec<_> = blobs
                .filter(|blob| blob.digest.to_string() == named.digest)
                .collect();
            assert_eq!(found.len(), 1, "{layout:?} {named}");
            assert_eq!(found[0].bytes.len(), usize::try_from(named.size).unwrap());
        }
    }
}

/// Istio's agent takes the last layer of an image, and an artifact only when it has two layers.
#[test]
fn the_layers_are_those_that_the_agent_accepts() {
    let layers = |layout| {
        let manifest: OciImageManifest =
            serde_json::from_slice(&image(layout).manifest.bytes).unwrap();
        let layers = manifest.layers.into_iter();
        layers.map(|layer| layer.media_type).collect::<Vec<_>>()
    };
    assert_eq!(layers(Layout::Image), [IMAGE_LAYER_GZIP_MEDIA_TYPE]);
    assert_eq!(
        layers(Layout::Artifact),
        [MODULE_MEDIA_TYPE, MODULE_CONFIG_MEDIA_TYPE]
    );
}

#[test]
fn the_parts_of_the_module_are_in_the_layer_beside_it() {
    use flate2::read::GzDecoder;
    let image = image(Layout::Image);
    let mut archive = tar::Archive::new(GzDecoder::new(image.blobs[1].bytes.as_slice()));
    let names: Vec<_> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    assert_eq!(names, ["plugin.wasm", "sbom.cdx.json"]);
    let none = Image::of(&module(None), Layout::Image, &BTreeMap::new()).unwrap();
    assert_ne!(none.digest(), image.digest());
    assert!(!pretty(&none.manifest).contains("annotations"));
}
