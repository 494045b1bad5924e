//! How a call ended.

use std::fmt;

/// The status of a response; numbers without a name are legal.
///
/// Source: `org.apache.dubbo.remoting.exchange.Response`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u8);

impl Status {
    /// There is a result, be it a value or an exception of the service.
    pub const OK: Self = Self(20);
    /// The peer could not write its answer.
    pub const SERIALIZATION_ERROR: Self = Self(25);
    /// The client gave up waiting; the Java client shows a timeout.
    pub const CLIENT_TIMEOUT: Self = Self(30);
    /// The server gave up; the Java client shows a timeout.
    pub const SERVER_TIMEOUT: Self = Self(31);
    /// The connection to the server is gone.
    pub const CHANNEL_INACTIVE: Self = Self(35);
    /// The request could not be read.
    pub const BAD_REQUEST: Self = Self(40);
    /// The response could not be read.
    pub const BAD_RESPONSE: Self = Self(50);
    /// There is no such service.
    pub const SERVICE_NOT_FOUND: Self = Self(60);
    /// The service failed outside of the method.
    pub const SERVICE_ERROR: Self = Self(70);
    /// The server failed.
    pub const SERVER_ERROR: Self = Self(80);
    /// The client failed.
    pub const CLIENT_ERROR: Self = Self(90);
    /// The server has no thread for the call: it did not run.
    pub const SERVER_THREADPOOL_EXHAUSTED: Self = Self(100);

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The name in kebab-case.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::OK => "ok",
            Self::SERIALIZATION_ERROR => "serialization-error",
            Self::CLIENT_TIMEOUT => "client-timeout",
            Self::SERVER_TIMEOUT => "server-timeout",
            Self::CHANNEL_INACTIVE => "channel-inactive",
            Self::BAD_REQUEST => "bad-request",
            Self::BAD_RESPONSE => "bad-response",
            Self::SERVICE_NOT_FOUND => "service-not-found",
            Self::SERVICE_ERROR => "service-error",
            Self::SERVER_ERROR => "server-error",
            Self::CLIENT_ERROR => "client-error",
            Self::SERVER_THREADPOOL_EXHAUSTED => "server-threadpool-exhausted",
            _ => return None,
        })
    }
}

/// The number, and the name if it has one: `31 server-timeout`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn unknown_numbers_are_kept() {
        assert_eq!(Status(31).to_string(), "31 server-timeout");
        assert_eq!(Status(0).to_string(), "0");
        assert_eq!(Status(255).name(), None);
    }
}
