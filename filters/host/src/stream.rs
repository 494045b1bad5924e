use crate::abi;

/// Lets the paused request of a context go on, out of a callback of another one.
pub fn resume_request(context: u32) {
    if abi::set_effective_context(context) && !abi::continue_stream(abi::HTTP_REQUEST) {
        log::error!("the host would not let a request go on");
    }
}
