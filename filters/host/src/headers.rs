use meshlane_attributes::Headers;

use crate::abi::{self, REQUEST_HEADERS, RESPONSE_HEADERS};

/// All request headers, by one host call; nothing where there are none to be had.
pub fn request() -> Option<Headers> {
    Headers::from_pairs(abi::header_pairs(REQUEST_HEADERS)?).ok()
}

/// Sets a request header, in place of all lines of that name. Envoy selects the route again.
pub fn set_request(name: &str, value: &[u8]) {
    abi::set_header(REQUEST_HEADERS, name, value);
}

/// Removes all lines of a request header. Envoy selects the route again.
pub fn remove_request(name: &str) {
    abi::remove_header(REQUEST_HEADERS, name);
}

/// Adds a line to a response header.
pub fn add_response(name: &str, value: &[u8]) {
    abi::add_header(RESPONSE_HEADERS, name, value);
}
