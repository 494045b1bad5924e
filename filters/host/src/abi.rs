//! The host calls, each behind a function that cannot panic.
//!
//! The SDK's own wrappers panic on every status that they do not expect, and on header names
//! that are not UTF-8; a panic traps the VM and with it every request of the worker. They
//! also allocate twice for each header, where one buffer does. So the calls that the filters
//! make are declared here once more, as
//! [Proxy-Wasm ABI 0.2.1](https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1)
//! has them. A status other than 0 is "nothing".
#![allow(
    unsafe_code,
    reason = "the declarations of the host calls and the pointers they take; nowhere else in the workspace"
)]

use std::ptr::null_mut;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_log_level(level: *mut u32) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        length: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        length: usize,
        data: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_close_stream(stream: u32) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        cas: u32,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn random_get(buffer: *mut u8, size: usize) -> u32;
}

/// The request headers, among the header maps.
pub(crate) const REQUEST_HEADERS: u32 = 0;
/// The response headers, among the header maps.
pub(crate) const RESPONSE_HEADERS: u32 = 2;
/// The headers of the answer to a request of this filter's, among the header maps.
pub(crate) const CALL_RESPONSE_HEADERS: u32 = 6;
/// The body of the answer to a request of this filter's, among the buffers.
pub(crate) const CALL_RESPONSE_BODY: u32 = 4;
/// The message of the answer to a gRPC request of this filter's, among the buffers.
pub(crate) const GRPC_MESSAGE: u32 = 5;
/// What came from the downstream of a connection, among the buffers.
pub(crate) const DOWNSTREAM_DATA: u32 = 2;
/// What goes to the downstream of a connection, among the buffers.
pub(crate) const UPSTREAM_DATA: u32 = 3;
/// The request, among the streams.
pub(crate) const HTTP_REQUEST: u32 = 0;
/// The downstream connection, among the streams.
pub(crate) const DOWNSTREAM: u32 = 2;
/// The plugin's configuration, among the buffers.
pub(crate) const PLUGIN_CONFIGURATION: u32 = 7;
/// A metric that only grows.
pub(crate) const COUNTER: u32 = 0;
/// A metric that is set.
pub(crate) const GAUGE: u32 = 1;

/// A metric that is a distribution.
pub(crate) const HISTOGRAM: u32 = 2;

const OK: u32 = 0;

pub(crate) fn log_level() -> Option<u32> {
    let mut level = 0;
    // SAFETY: the host writes one u32 to a valid place.
    let status = unsafe { proxy_get_log_level(&mut level) };
    (status == OK).then_some(level)
}

pub(crate) fn set_tick_period(milliseconds: u32) -> bool {
    // SAFETY: no pointers.
    unsafe { proxy_set_tick_period_milliseconds(milliseconds) == OK }
}

pub(crate) fn buffer(buffer: u32, length: usize) -> Option<Vec<u8>> {
    buffer_part(buffer, 0, length)
}

pub(crate) fn buffer_part(buffer: u32, start: usize, length: usize) -> Option<Vec<u8>> {
    returned(|data, size| {
        // SAFETY: `data` and `size` are valid places.
        unsafe { proxy_get_buffer_bytes(buffer, start, length, data, size) }
    })
}

/// Envoy knows three ways: all is replaced (`start` 0, `length` no less than what is there),
/// put before it (both 0), or after it (`start` no less than what is there).
pub(crate) fn set_buffer(buffer: u32, start: usize, length: usize, data: &[u8]) -> bool {
    // SAFETY: the host reads one slice that lives until the call returns.
    unsafe { proxy_set_buffer_bytes(buffer, start, length, data.as_ptr(), data.len()) == OK }
}

/// Nanoseconds since 1970.
pub(crate) fn now() -> Option<u64> {
    let mut time = 0;
    // SAFETY: the host writes one u64 to a valid place.
    let status = unsafe { proxy_get_current_time_nanoseconds(&mut time) };
    (status == OK).then_some(time)
}

pub(crate) fn close(stream: u32) -> bool {
    // SAFETY: no pointers.
    unsafe { proxy_close_stream(stream) == OK }
}

pub(crate) fn continue_stream(stream: u32) -> bool {
    // SAFETY: no pointers.
    unsafe { proxy_continue_stream(stream) == OK }
}

/// Makes the calls that follow, until the callback returns, calls of another context.
pub(crate) fn set_effective_context(context: u32) -> bool {
    // SAFETY: no pointers.
    unsafe { proxy_set_effective_context(context) == OK }
}

pub(crate) fn header_pairs(map: u32) -> Option<Vec<u8>> {
    returned(|data, size| {
        // SAFETY: `data` and `size` are valid places.
        unsafe { proxy_get_header_map_pairs(map, data, size) }
    })
}

pub(crate) fn set_header(map: u32, name: &str, value: &[u8]) -> bool {
    // SAFETY: the host reads two slices that live until the call returns.
    let status = unsafe {
        proxy_replace_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    };
    status == OK
}

pub(crate) fn add_header(map: u32, name: &str, value: &[u8]) -> bool {
    // SAFETY: the host reads two slices that live until the call returns.
    let status = unsafe {
        proxy_add_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    };
    status == OK
}

pub(crate) fn remove_header(map: u32, name: &str) -> bool {
    // SAFETY: the host reads one slice that lives until the call returns.
    unsafe { proxy_remove_header_map_value(map, name.as_ptr(), name.len()) == OK }
}

pub(crate) fn property(path: &[u8]) -> Option<Vec<u8>> {
    returned(|data, size| {
        // SAFETY: the host reads one slice; `data` and `size` are valid places.
        unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) }
    })
}

pub(crate) fn set_property(path: &[u8], value: &[u8]) -> bool {
    // SAFETY: the host reads two slices that live until the call returns.
    unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) == OK }
}

pub(crate) fn shared_data(key: &str) -> Option<(Vec<u8>, u32)> {
    let mut cas = 0;
    let value = returned(|data, size| {
        // SAFETY: the host reads one slice; `data`, `size` and `cas` are valid places.
        unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &mut cas) }
    })?;
    Some((value, cas))
}

/// With `cas` 0 the value is written whatever is there.
pub(crate) fn set_shared_data(key: &str, value: &[u8], cas: u32) -> bool {
    // SAFETY: the host reads two slices that live until the call returns.
    let status =
        unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) };
    status == OK
}

pub(crate) fn define_metric(kind: u32, name: &str) -> Option<u32> {
    let mut id = 0;
    // SAFETY: the host reads one slice and writes one u32 to a valid place.
    let status = unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &mut id) };
    (status == OK).then_some(id)
}

pub(crate) fn increment_metric(id: u32, offset: i64) -> bool {
    // SAFETY: no pointers.
    unsafe { proxy_increment_metric(id, offset) == OK }
}

pub(crate) fn record_metric(id: u32, value: u64) -> bool {
    // SAFETY: no pointers.
    unsafe { proxy_record_metric(id, value) == OK }
}

pub(crate) fn send_local_response(
    status: u32,
    details: &str,
    body: &[u8],
    header_pairs: &[u8],
    grpc_status: i32,
) -> bool {
    // SAFETY: the host reads three slices that live until the call returns.
    let result = unsafe {
        proxy_send_local_response(
            status,
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            header_pairs.as_ptr(),
            header_pairs.len(),
            grpc_status,
        )
    };
    result == OK
}

pub(crate) fn call_foreign_function(name: &str, arguments: &[u8]) -> Option<Vec<u8>> {
    returned(|data, size| {
        // SAFETY: the host reads two slices; `data` and `size` are valid places.
        unsafe {
            proxy_call_foreign_function(
                name.as_ptr(),
                name.len(),
                arguments.as_ptr(),
                arguments.len(),
                data,
                size,
            )
        }
    })
}

pub(crate) fn random(buffer: &mut [u8]) -> bool {
    // SAFETY: the host writes as many bytes as the buffer has.
    unsafe { random_get(buffer.as_mut_ptr(), buffer.len()) == OK }
}

/// What a call returns in memory that the host asked this module to allocate.
fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Option<Vec<u8>> {
    let mut data = null_mut();
    let mut size = 0;
    if call(&mut data, &mut size) != OK {
        return None;
    }
    if data.is_null() {
        return Some(Vec::new());
    }
    // SAFETY: the host had `size` bytes allocated by this module's exported `malloc`, which is
    // the SDK's and hands out boxed slices of exactly that length, wrote all of them, and gives
    // them up.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}
