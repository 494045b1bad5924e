//! How attributes are read that can be read in several ways.

use meshlane_attributes::{DubboHeaders, RequestSettings};
use meshlane_diagnostics::{Place, Violations};

use crate::config::{Jwt, SourceIp};

/// Validates what the document at `root` says of reading attributes.
pub fn request_settings(
    source_ip: Option<&SourceIp>,
    jwt: Option<&Jwt>,
    dubbo_headers: Option<DubboHeaders>,
    root: &Place<'_>,
    violations: &mut Violations,
) -> RequestSettings {
    let mut settings = RequestSettings {
        dubbo_headers: dubbo_headers.unwrap_or_default(),
        ..RequestSettings::default()
    };
    if let Some(hops) = source_ip.and_then(|source_ip| source_ip.trusted_hops) {
        if (0.0..=MAX_TRUSTED_HOPS).contains(&hops) && hops.fract() == 0.0 {
            settings.trusted_hops = hops as u32;
        } else {
            let place = root.key("sourceIp");
            violations.invalid(&place.key("trustedHops"), hops, "an integer from 0 to 32");
        }
    }
    let place = root.key("jwt");
    let given = jwt.map(|jwt| (jwt.filter.as_ref(), jwt.payload_key.as_ref()));
    let (filter, payload_key) = given.unwrap_or_default();
    for (key, given, target) in [
        ("filter", filter, &mut settings.jwt_filter),
        ("payloadKey", payload_key, &mut settings.jwt_payload_key),
    ] {
        let Some(name) = given else { continue };
        if (1..=MAX_NAME).contains(&name.len()) {
            target.clone_from(name);
        } else {
            violations.invalid(&place.key(key), name, "a name of 1 to 128 characters");
        }
    }
    settings
}

const MAX_TRUSTED_HOPS: f64 = 32.0;
const MAX_NAME: usize = 128;
