use meshlane_attributes::Headers;

use crate::abi::{self, REQUEST_HEADERS, RESPONSE_HEADERS};

/// All request headers, by one host call; nothing where there are none to be had.
pub fn request() -> Option<Headers> {
    Headers::from_pairs(abi::header_pairs(REQUEST_HEADERS)?).ok()
}

/// Sets a request header, in place of all lines of that name. Envoy selects the route again.
pub fn set_request(name: &str, value: &[u8]) {
    if !abi::set_header(REQUEST_HEADERS, name, value) {
        log::error!("the host would not set the request header {name}");
    }
}

/// Removes all lines of a request header. Envoy selects the route again.
pub fn remove_request(name: &str) {
    if !abi::remove_header(REQUEST_HEADERS, name) {
        log::error!("the host would not remove the request header {name}");
    }
}

/// Sets a request header, or removes it when there is no value.
pub fn change_request(name: &str, value: Option<&[u8]>) {
    match value {
        Some(value) => set_request(name, value),
        None => remove_request(name),
    }
}

/// Adds a line to a response header.
pub fn add_response(name: &str, value: &[u8]) {
    if !abi::add_header(RESPONSE_HEADERS, name, value) {
        log::error!("the host would not add the response header {name}");
    }
}
