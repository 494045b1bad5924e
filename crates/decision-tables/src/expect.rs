//! What the tables of each filter expect.

/// What tables of `gray-release` expect.
pub mod gray_release {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use crate::HeaderValue;

    /// What must come of a request.
    #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub struct Expect {
        /// The decision on each tag.
        pub tags: Vec<Tag>,
        /// Why the request is refused.
        pub refused: Option<String>,
        /// What the receiver sees of some headers; nothing where a header must be absent.
        pub headers: BTreeMap<String, Option<HeaderValue>>,
        /// What the client sees of some headers of the answer.
        pub answer: BTreeMap<String, Option<String>>,
        /// What the request is remembered by, or its cause was looked for by.
        pub keys: Vec<String>,
        /// What came of looking for the cause.
        pub correlation: Option<String>,
    }

    /// The decision on a tag.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Tag {
        /// The tag.
        pub name: String,
        /// Its value before the lanes had their say.
        pub found: Option<String>,
        /// The value that goes on.
        pub value: Option<String>,
        /// Where the value comes from.
        pub reason: String,
        /// What the lanes say.
        pub lane: Option<String>,
    }
}

/// What tables of `tag-route` expect.
pub mod tag_route {
    use serde::Deserialize;

    /// Where a request must go.
    #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Expect {
        /// The service that it is for.
        pub service: Option<String>,
        /// The destination.
        pub destination: Option<String>,
        /// Why.
        pub reason: String,
        /// How much was known of the health of the destinations.
        pub health: Option<String>,
        /// What each router did that was reached.
        pub steps: Vec<Step>,
    }

    /// What a router must do.
    #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Step {
        /// The router.
        pub router: String,
        /// What it does.
        pub reason: String,
        /// What it keeps or looks for.
        pub value: Option<String>,
        /// How many destinations are left.
        pub left: usize,
    }
}

/// What tables of `traffic-tag` expect.
pub mod traffic_tag {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use crate::HeaderValue;

    /// What must come of a request.
    #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub struct Expect {
        /// The decision on each tag.
        pub tags: Vec<Tag>,
        /// What the upstream sees of some headers; nothing where a header must be absent.
        pub headers: BTreeMap<String, Option<HeaderValue>>,
        /// The cookie that the client gets.
        pub set_cookie: Option<String>,
    }

    /// The decision on a tag.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Tag {
        /// The tag.
        pub name: String,
        /// Its value.
        pub value: Option<String>,
        /// The rule that gives the value.
        pub rule: Option<String>,
        /// Why the value is what it is.
        pub reason: String,
        /// What is done with a value that the request comes with.
        pub incoming: String,
    }
}
