//! What the configuration of the mesh has to say, for decisions to be seen in access logs.

use serde_json::{Value, json};

use crate::render::yaml;

/// A fragment of Istio's MeshConfig: an access log that shows decisions.
pub fn mesh_config() -> String {
    let encoding = json!({
        "accessLogFile": "/dev/stdout",
        "accessLogEncoding": "JSON",
        "accessLogFormat": format!("{:#}\n", log_format()),
    });
    let mut text = "# For the `meshConfig` of an IstioOperator, of Helm's values, or of the ConfigMap `istio`. What a filter decided\n\
                    # stands beside what became of the request; `meshlane explain` tells the same codes.\n"
        .to_owned();
    // Writing to a String cannot fail.
    let _ = yaml::document(&mut text, &json!({"meshConfig": encoding}));
    text
}

/// The fields of the access log.
pub(super) fn log_format() -> Value {
    let decision = |filter: &str| format!("%FILTER_STATE(wasm.meshlane.{filter}:PLAIN)%");
    json!({
        "start_time": "%START_TIME%",
        "method": "%REQ(:METHOD)%",
        "path": "%REQ(:PATH)%",
        "authority": "%REQ(:AUTHORITY)%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "duration": "%DURATION%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "upstream": "%UPSTREAM_HOST%",
        "cluster": "%UPSTREAM_CLUSTER_RAW%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "tags": decision("traffic-tag"),
        "lanes": decision("gray-release"),
        "route": decision("tag-route"),
        "limits": decision("rate-limit"),
    })
}
