//! How requests are refused, and what answers tell of limits.

use std::time::Duration;

use meshlane_attributes::Headers;
use meshlane_diagnostics::Reason;

use crate::algorithm::Quota;
use crate::config::RateLimitHeaders;

/// How a limit refuses requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Refusal {
    pub(crate) status: Option<u32>,
    pub(crate) body: Option<String>,
    pub(crate) json: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) rate_limit_headers: RateLimitHeaders,
}

/// An answer instead of the upstream's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u32,
    /// The status for a gRPC client: `RESOURCE_EXHAUSTED`, or `UNAVAILABLE` when it is not known whether the request is one too many.
    pub grpc_status: u32,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body; to a gRPC client the message of its status.
    pub body: String,
}

impl Refusal {
    /// The answer to a request that the limit of this name refuses, for the reason of the code. After a time there may be room
    /// again.
    pub(crate) fn reply(
        &self,
        name: &str,
        reason: Reason,
        retry_after: Duration,
        quota: Option<Quota>,
        wants_json: bool,
    ) -> Reply {
        let body = match (wants_json, &self.body, &self.json) {
            (true, _, Some(json)) => json.clone(),
            // A name is an identifier, and needs no escaping.
            (true, _, None) => format!("{{\"reason\":\"{reason}\",\"limit\":\"{name}\"}}\n"),
            (false, Some(body), _) => body.clone(),
            (false, None, _) => format!("meshlane: {reason}: {name}\n"),
        };
        let content_type = match wants_json {
            true => "application/json",
            false => "text/plain; charset=utf-8",
        };
        let own = [
            ("x-meshlane-reason", reason.as_str().to_owned()),
            ("x-meshlane-limit", name.to_owned()),
            ("content-type", content_type.to_owned()),
            ("retry-after", seconds(retry_after).max(1).to_string()),
        ];
        let mut headers: Vec<_> = own.map(|(name, value)| (name.to_owned(), value)).into();
        if self.rate_limit_headers != RateLimitHeaders::Never {
            headers.extend(
                quota
                    .into_iter()
                    .flat_map(|quota| rate_limit_headers(&quota)),
            );
        }
        // What the document says counts.
        for (name, value) in &self.headers {
            headers.retain(|(own, _)| own != name);
            headers.push((name.clone(), value.clone()));
        }
        let (status, grpc_status) = match reason {
            Reason::LimitFailedClosed => (503, 14),
            _ => (429, 8),
        };
        Reply {
            status: self.status.unwrap_or(status),
            grpc_status,
            headers,
            body,
        }
    }

    /// What answers tell that are no refusals.
    pub(crate) fn tells_always(&self) -> bool {
        self.rate_limit_headers == RateLimitHeaders::Always
    }
}

/// The three headers of [draft 03](https://datatracker.ietf.org/doc/html/draft-polli-ratelimit-headers-03), as Envoy writes them.
pub(crate) fn rate_limit_headers(quota: &Quota) -> [(String, String); 3] {
    let limit = match quota.window {
        Duration::ZERO => quota.limit.to_string(),
        window => format!("{}, {0};w={}", quota.limit, seconds(window).max(1)),
    };
    [
        ("x-ratelimit-limit".to_owned(), limit),
        (
            "x-ratelimit-remaining".to_owned(),
            quota.remaining.to_string(),
        ),
        (
            "x-ratelimit-reset".to_owned(),
            seconds(quota.reset).to_string(),
        ),
    ]
}

/// Whether a client accepts JSON and names no text: browsers name both, and get text.
pub(crate) fn wants_json(request: &Headers) -> bool {
    let accept = request.joined("accept").unwrap_or_default();
    let accept = String::from_utf8_lossy(&accept).to_ascii_lowercase();
    let mut types = accept.split(',').map(|part| {
        let name = part.split(';').next().unwrap_or_default();
        name.trim()
    });
    let is_json = |name: &str| name == "application/json" || name.ends_with("+json");
    let is_text = |name: &str| name.starts_with("text/");
    let mut found = false;
    types.all(|name| {
        found |= is_json(name);
        !is_text(name)
    }) && found
}

/// Rounded up.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn accepting(accept: &str) -> Headers {
        [("accept", accept)].into_iter().collect()
    }

    const QUOTA: Quota = Quota {
        limit: 10,
        remaining: 0,
        reset: Duration::from_millis(1_500),
        window: Duration::from_secs(60),
    };

    #[test]
    fn a_refusal_says_which_limit_and_how_long() {
        let wait = Duration::from_millis(2_100);
        let refusal = Refusal::default();
        let reply = refusal.reply(
            "orders",
            Reason::LimitOver,
            wait,
            Some(QUOTA),
            wants_json(&accepting("*/*")),
        );
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (429, "meshlane: limit-over: orders\n")
        );
        let headers: Vec<_> = reply
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        assert_eq!(
            headers,
            [
                "x-meshlane-reason: limit-over",
                "x-meshlane-limit: orders",
                "content-type: text/plain; charset=utf-8",
                "retry-after: 3",
                "x-ratelimit-limit: 10, 10;w=60",
                "x-ratelimit-remaining: 0",
                "x-ratelimit-reset: 2",
            ]
        );
    }

    #[test]
    fn what_a_document_says_counts() {
        let refusal = Refusal {
            status: Some(503),
            body: Some("busy".to_owned()),
            json: Some(r#"{"code":7}"#.to_owned()),
            headers: vec![("retry-after".to_owned(), "60".to_owned())],
            rate_limit_headers: RateLimitHeaders::Never,
        };
        let reply = |accept| {
            refusal.reply(
                "a",
                Reason::LimitOver,
                Duration::ZERO,
                Some(QUOTA),
                wants_json(&accepting(accept)),
            )
        };
        let text = reply("text/html, application/json");
        assert_eq!((text.status, text.body.as_str()), (503, "busy"));
        assert_eq!(
            text.headers
                .iter()
                .filter(|(name, _)| name == "retry-after")
                .count(),
            1
        );
        assert!(
            text.headers
                .contains(&("retry-after".to_owned(), "60".to_owned()))
        );
        assert!(
            !text
                .headers
                .iter()
                .any(|(name, _)| name.starts_with("x-ratelimit"))
        );
        for accept in [
            "application/json",
            "application/problem+json;q=0.9, */*",
            "Application/JSON",
        ] {
            assert_eq!(reply(accept).body, r#"{"code":7}"#, "{accept}");
        }
        for accept in ["", "*/*", "text/plain", "application/jsonp"] {
            assert_eq!(reply(accept).body, "busy", "{accept}");
        }
    }
}
