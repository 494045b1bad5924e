//! Limits that are asked too early.

use meshlane_attributes::Attribute;
use meshlane_tags::Carrier;

use super::lanes;
use crate::documents::Plugin;
use crate::policy::Policy;

/// What limits do too early when another plugin runs behind them, in words.
pub(super) fn too_early(limits: &Policy, other: &Policy, plugin: &Plugin) -> Option<String> {
    let asks_for = |carrier: &Carrier| limits.attributes().any(|asked| reads(asked, carrier));
    let mut tags = other.tags().into_iter();
    if let Some((tag, _)) = tags.find(|(_, carriers)| carriers.iter().any(asks_for)) {
        return Some(format!("asks for the tag `{tag}` before it is given"));
    }
    match other {
        Policy::GrayRelease(_) => {
            let has_lanes = !lanes(plugin).is_empty();
            has_lanes.then(|| "counts requests that lanes do not take".to_owned())
        }
        Policy::TagRoute(policy) => {
            let header = policy.output().header();
            let is_it = |asked: &Attribute| matches!(asked, Attribute::Header(name) if name.as_str() == header);
            let is_asked = limits.attributes().any(is_it);
            is_asked.then(|| format!("asks for the header `{header}` before it is written"))
        }
        Policy::RateLimit(_) | Policy::TrafficTag(_) => None,
    }
}

/// Whether an attribute is what a carrier holds, or has it in it.
fn reads(attribute: &Attribute, carrier: &Carrier) -> bool {
    match (attribute, carrier) {
        (Attribute::Header(asked), Carrier::Header(name) | Carrier::Attachment(name)) => {
            asked == name
        }
        (Attribute::Header(asked), Carrier::Baggage(_)) => asked.as_str() == "baggage",
        (Attribute::Header(asked), Carrier::Cookie(_)) => asked.as_str() == "cookie",
        (Attribute::Cookie(asked), Carrier::Cookie(name)) => asked == name,
        (Attribute::DubboAttachment(asked), Carrier::Attachment(name)) => {
            asked.eq_ignore_ascii_case(name.as_str())
        }
        _ => false,
    }
}
