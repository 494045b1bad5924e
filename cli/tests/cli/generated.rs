//! The generated files of the documentation are up to date.

use expect_test::expect_file;

use crate::{meshlane, workspace};

#[test]
fn the_schema_is_the_committed_one() {
    let schema = meshlane(&["schema", "traffic-tag"]).output;
    let file = workspace().join("docs/reference/traffic-tag.schema.json");
    expect_file![file].assert_eq(&schema);
}

#[test]
fn the_reference_is_the_committed_one() {
    let reference = meshlane(&["schema", "traffic-tag", "--format", "markdown"]).output;
    let file = workspace().join("docs/reference/traffic-tag.md");
    expect_file![file].assert_eq(&reference);
}
