//! What a Dubbo status is in HTTP, and the other way round.

use meshlane_dubbo::Status;

/// The HTTP status under which a provider's answer is seen by Envoy, so that retries, outlier
/// detection and metrics mean something. An exception of the application is a result: 200.
pub(crate) fn http_status(status: Status) -> u16 {
    match status {
        Status::OK => 200,
        Status::CLIENT_TIMEOUT | Status::SERVER_TIMEOUT => 504,
        Status::BAD_REQUEST => 400,
        Status::SERVICE_NOT_FOUND => 404,
        Status::CHANNEL_INACTIVE | Status::SERVER_THREADPOOL_EXHAUSTED => 503,
        _ => 500,
    }
}

/// The Dubbo status that a client is given for an HTTP answer that is no Dubbo response.
///
/// The Java client makes an `RpcException` of each: code TIMEOUT of 30 and 31, code NETWORK of
/// all others; its cluster invokers may then try another provider.
pub(crate) fn dubbo_status(http_status: u16) -> Status {
    match http_status {
        404 => Status::SERVICE_NOT_FOUND,
        408 | 504 => Status::SERVER_TIMEOUT,
        429 => Status::SERVER_THREADPOOL_EXHAUSTED,
        400..=499 => Status::BAD_REQUEST,
        500..=599 => Status::SERVER_ERROR,
        _ => Status::BAD_RESPONSE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_failure_that_passes_two_bridges_keeps_its_kind() {
        for (status, http) in [
            (Status::OK, 200),
            (Status::SERVER_TIMEOUT, 504),
            (Status::BAD_REQUEST, 400),
            (Status::BAD_RESPONSE, 500),
            (Status::SERVICE_NOT_FOUND, 404),
            (Status::SERVICE_ERROR, 500),
            (Status::SERVER_ERROR, 500),
            (Status::CLIENT_ERROR, 500),
            (Status::SERVER_THREADPOOL_EXHAUSTED, 503),
        ] {
            assert_eq!(http_status(status), http, "{status:?}");
        }
        for (http, status) in [
            (403, Status::BAD_REQUEST),
            (404, Status::SERVICE_NOT_FOUND),
            (408, Status::SERVER_TIMEOUT),
            (429, Status::SERVER_THREADPOOL_EXHAUSTED),
            (503, Status::SERVER_ERROR),
            (504, Status::SERVER_TIMEOUT),
            (200, Status::BAD_RESPONSE),
        ] {
            assert_eq!(dubbo_status(http), status, "{http}");
        }
    }
}
