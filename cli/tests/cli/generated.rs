//! The generated files of the documentation are up to date.

use expect_test::expect_file;
use meshlane::schema::Subject;

use crate::{meshlane, workspace};

#[test]
fn the_schemas_are_the_committed_ones() {
    for subject in Subject::ALL {
        let name = subject.as_str();
        let schema = meshlane(&["schema", name]).output;
        let file = workspace().join(format!("docs/reference/{name}.schema.json"));
        expect_file![file].assert_eq(&schema);
    }
}

#[test]
fn the_references_are_the_committed_ones() {
    for subject in Subject::ALL {
        let name = subject.as_str();
        let reference = meshlane(&["schema", name, "--format", "markdown"]).output;
        let file = workspace().join(format!("docs/reference/{name}.md"));
        expect_file![file].assert_eq(&reference);
    }
}
