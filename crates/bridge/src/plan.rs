use std::rc::Rc;

use meshlane_attributes::dubbo::{argument_header, attachment_header};
use meshlane_attributes::{ArgumentPath, ArgumentStep};
use meshlane_dubbo::{ArgumentSelector, Limits, Wanted};
use meshlane_hessian2::Step;

use crate::policy::Policy;

/// A policy with what follows from it for every call.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) policy: Rc<Policy>,
    /// What toHttp reads of a call: the exposed attachments, then the carriers, then `timeout`;
    /// and the exposed arguments.
    pub(crate) wanted: Wanted,
    pub(crate) reading: Limits,
    /// The headers of the exposed attachments, in their order; nothing for one that is a carrier
    /// or whose name is too long.
    pub(crate) attachment_headers: Vec<Option<String>>,
    /// The headers of the exposed arguments, in their order.
    pub(crate) argument_headers: Vec<Option<String>>,
    /// The headers of the carriers, sorted.
    carrier_headers: Vec<Box<str>>,
}

impl Plan {
    pub(crate) fn new(policy: Rc<Policy>) -> Self {
        let exposed = policy
            .exposed_attachments
            .iter()
            .map(|name| name.to_string());
        let carriers = policy.carriers.iter().map(|c| c.attachment.to_string());
        let timeout = std::iter::once(TIMEOUT.to_owned());
        let attachments = exposed.chain(carriers).chain(timeout).collect();
        let arguments = policy.exposed_arguments.iter().map(selector).collect();
        let mut reading = Limits::default();
        reading.values.depth = u32::try_from(policy.limits.max_depth).unwrap_or(u32::MAX);
        let is_carrier = |name: &str| {
            let mut carriers = policy.carriers.iter();
            carriers.any(|carrier| carrier.header.eq_ignore_ascii_case(name))
        };
        let attachment_headers = policy.exposed_attachments.iter().map(|name| match name {
            name if is_carrier(name) => None,
            name => attachment_header(name),
        });
        let mut carrier_headers: Vec<_> =
            policy.carriers.iter().map(|c| c.header.clone()).collect();
        carrier_headers.sort_unstable();
        carrier_headers.dedup();
        Self {
            attachment_headers: attachment_headers.collect(),
            carrier_headers,
            argument_headers: policy
                .exposed_arguments
                .iter()
                .map(argument_header)
                .collect(),
            wanted: Wanted::new(attachments, arguments),
            reading,
            policy,
        }
    }

    /// Whether a header carries an attachment.
    pub(crate) fn is_carrier_header(&self, name: &[u8]) -> bool {
        let found = self
            .carrier_headers
            .binary_search_by(|header| header.as_bytes().cmp(name));
        found.is_ok()
    }

    /// Where the carriers begin among the attachments of [`wanted`](Self::wanted).
    pub(crate) fn first_carrier(&self) -> usize {
        self.policy.exposed_attachments.len()
    }
}

/// Where to look for an argument.
pub(crate) fn selector(path: &ArgumentPath) -> ArgumentSelector {
    let step = |step: &ArgumentStep| match step {
        ArgumentStep::Field(name) => Step::Field(name.clone()),
        ArgumentStep::Element(index) => Step::Element(*index),
    };
    ArgumentSelector {
        argument: path.argument,
        path: path.steps.iter().map(step).collect(),
    }
}

/// The attachment in which a consumer says how long it waits, in milliseconds.
pub(crate) const TIMEOUT: &str = "timeout";
