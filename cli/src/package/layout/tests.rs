use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::package::{Layout, Module};

fn image(name: &str) -> Image {
    let module = Module {
        name: name.to_owned(),
        wasm: b"\0asm\x01\0\0\0".to_vec(),
        sbom: None,
    };
    Image::of(&module, Layout::Artifact, &BTreeMap::new()).unwrap()
}

/// A layout with an image, and where its manifest lies.
fn written() -> (tempfile::TempDir, OciLayout, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let layout = OciLayout::at(&folder.path().join("suite"));
    let image = image("suite");
    layout.write(&image, Some("0.1.0")).unwrap();
    let manifest = layout
        .folder
        .join("blobs/sha256")
        .join(image.digest().hex());
    (folder, layout, manifest)
}

#[test]
fn what_was_written_is_read() {
    let (_folder, layout, _) = written();
    assert_eq!(layout.read().unwrap(), image("suite"));
}

#[test]
fn the_index_names_one_manifest_and_its_tag() {
    let (_folder, layout, manifest) = written();
    let index: Value = parse(Path::new(""), &fs::read(layout.folder.join(INDEX)).unwrap()).unwrap();
    let manifests = index["manifests"].as_array().unwrap();
    assert_eq!(manifests.len(), 1);
    assert!(manifests[0].get("platform").is_none());
    assert_eq!(manifests[0]["annotations"][TAG], "0.1.0");
    assert_eq!(manifests[0]["size"], fs::metadata(manifest).unwrap().len());
    let marker = fs::read_to_string(layout.folder.join(MARKER)).unwrap();
    assert_eq!(marker, r#"{"imageLayoutVersion":"1.0.0"}"#);
}

#[test]
fn an_image_is_written_in_place_of_another_and_of_nothing_else() {
    let (folder, layout, manifest) = written();
    layout.write(&image("dubbo"), None).unwrap();
    assert_eq!(layout.read().unwrap(), image("dubbo"));
    assert!(!manifest.exists());
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "dear").unwrap();
    assert!(OciLayout::at(&other).write(&image("suite"), None).is_err());
    assert!(other.join("letter.txt").exists());
}

#[test]
fn what_is_wrong_with_a_layout_is_said_with_its_file() {
    let spoiled = |spoil: &dyn Fn(&OciLayout, &Path)| {
        let (_folder, layout, manifest) = written();
        spoil(&layout, &manifest);
        layout.read().unwrap_err().to_string()
    };
    let index = |text: &'static str| {
        spoiled(&|layout, _| fs::write(layout.folder.join(INDEX), text).unwrap())
    };
    assert!(index("{").contains("index.json: EOF"));
    assert!(index(r#"{"manifests": []}"#).contains("names 0 images, expected one"));
    let evil = index(
        r#"{"manifests": [{"mediaType": "a/b", "size": 1, "digest": "sha256:../../../etc/passwd"}]}"#,
    );
    assert!(evil.contains("expected a digest"), "{evil}");
    let missing = spoiled(&|_, manifest| fs::remove_file(manifest).unwrap());
    assert!(missing.starts_with("cannot read "), "{missing}");
    let changed = spoiled(&|_, manifest| fs::write(manifest, "{}").unwrap());
    assert!(
        changed.contains("has the digest sha256:44136fa3"),
        "{changed}"
    );
}
