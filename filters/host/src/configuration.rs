//! The life of a configuration.

use meshlane_attributes::{ProxyKind, RequestSettings, Workload};
use meshlane_diagnostics::{
    ConfigState, Loaded, OnInvalidConfig, Reason, Violations, document_name, load,
};

use crate::abi::{self, PLUGIN_CONFIGURATION};
use crate::facts::HostFacts;
use crate::identity::{Identity, workload};
use crate::metric::{self, Counter, Gauge};
use crate::shared_data;

/// What the life of a configuration needs to know about a kind of filter.
#[derive(Debug, Clone, Copy)]
pub struct KindOfFilter<P> {
    /// The kind's name: `traffic-tag`.
    pub name: &'static str,
    /// What happens with a bad document that does not say.
    pub on_invalid_config: OnInvalidConfig,
    /// From a document to a policy.
    pub parse: fn(&[u8], ProxyKind) -> Result<P, Violations>,
}

/// A plugin with the configuration in force.
#[derive(Debug)]
pub struct Configured<P> {
    /// What to decide by; nothing when no document was ever good.
    pub policy: Option<P>,
    /// How it came to that.
    pub state: ConfigState,
    /// The plugin's name in metrics and logs.
    pub name: String,
    /// The proxy that it runs in.
    pub workload: Workload,
    /// Where a newer document will be found.
    pub newest: Newest,
    reserved_removed: Counter,
}

/// Where the newest good document of a plugin is found.
///
/// What Envoy configures anew it may configure in a new VM, while connections live on in the
/// old one. The old one learns of it by looking here.
#[derive(Debug, Clone)]
pub struct Newest {
    version_key: String,
    document_key: String,
    seen: Option<Vec<u8>>,
}

impl Newest {
    /// The newest good document, when it is another one than at the last look.
    pub fn poll(&mut self) -> Option<Vec<u8>> {
        let version = shared_data::value(&self.version_key);
        if version == self.seen {
            return None;
        }
        self.seen = version;
        shared_data::value(&self.document_key)
    }

    /// What distinguishes this plugin from others in the proxy.
    pub fn key(&self) -> &str {
        &self.document_key
    }
}

impl<P> Configured<P> {
    /// Reads the plugin's configuration, of `size` bytes, and decides what is in force.
    ///
    /// A good document is kept in shared data for the day on which a bad one comes: it survives
    /// new VMs. What is wrong with a bad one is logged and counted once for the proxy, not once
    /// for each worker; the gauge tells for as long as it lasts.
    pub fn load(kind: &KindOfFilter<P>, size: usize) -> Self {
        let document = document(size);
        let identity = Identity::of_this_plugin(kind.name);
        let workload = workload();
        let given = document_name(&document);
        let mut kept = None;
        let Loaded {
            policy,
            state,
            violations,
        } = load(
            &document,
            kind.on_invalid_config,
            || {
                kept = last_good(&identity, given.as_deref());
                kept.clone()
            },
            |document| (kind.parse)(document, workload.proxy),
        );
        // The name of the document in force, so that a mistyped one starts no metrics of its own.
        let in_force = kept.as_deref().filter(|_| policy.is_some());
        let named = in_force.map_or_else(|| given.clone(), document_name);
        let name = identity.display_name(named.as_deref()).to_owned();
        let metric = |metric| metric::name(metric, &[("filter", kind.name), ("plugin", &name)]);
        let rejected = identity.key("rejected", named.as_deref());
        if state.is_good() {
            keep(&identity, given.as_deref(), &document);
            shared_data::replace(&rejected, b"");
            log::info!("{} {name}: {}", kind.name, state.reason());
        } else if shared_data::replace(&rejected, &document) {
            Counter::new(&metric("config_rejected")).add(1);
            log::error!("{} {name}: {}", kind.name, state.reason());
            for violation in &violations {
                log::error!("{} {name}: {violation}", kind.name);
            }
        }
        Gauge::new(&metric("config_state")).set(state.gauge());
        Self {
            policy,
            state,
            workload,
            reserved_removed: Counter::new(&metric("reserved_headers_removed")),
            newest: newest(&identity, named.as_deref()),
            name,
        }
    }

    /// Takes in the request at hand: reads its headers, removes the reserved ones and counts them. `settings` are those of the
    /// policy.
    ///
    /// # Errors
    /// Why the request has to be refused.
    pub fn enter(&self, settings: fn(&P) -> &RequestSettings) -> Result<HostFacts, Reason> {
        let settings = self.policy.as_ref().map(settings);
        let believed = settings.map(|settings| settings.dubbo_headers);
        let entered = HostFacts::enter(believed.unwrap_or_default());
        let (facts, reserved) = entered.ok_or(Reason::RequestUnreadable)?;
        if reserved > 0 {
            self.reserved_removed.add(reserved);
        }
        match self.state {
            ConfigState::Refuse => Err(self.state.reason()),
            _ => Ok(facts),
        }
    }
}

/// The plugin's configuration, in `on_configure`. One that cannot be read is a bad one, not an
/// empty one.
pub fn document(size: usize) -> Vec<u8> {
    match size {
        0 => Vec::new(),
        _ => abi::buffer(PLUGIN_CONFIGURATION, size).unwrap_or_else(|| b"unreadable".to_vec()),
    }
}

/// Keeps a good document under its name, or under what Envoy knows the plugin by.
///
/// A bad document may have lost or mistyped its name. So a named one is also found by what Envoy
/// knows, unless several names share that: on plain Envoy plugins often have the same (empty) one.
fn keep(identity: &Identity, name: Option<&str>, document: &[u8]) {
    shared_data::replace(&identity.key("last-good", name), document);
    shared_data::replace(&identity.key("version", name), &version(document));
    let Some(name) = name else { return };
    let key = identity.key("named", None);
    let known = shared_data::value(&key);
    match known.as_deref() {
        None => shared_data::replace(&key, name.as_bytes()),
        Some(known) if known == name.as_bytes() => false,
        Some(_) => shared_data::replace(&key, SEVERAL_NAMES),
    };
}

/// The last good document of the plugin.
fn last_good(identity: &Identity, name: Option<&str>) -> Option<Vec<u8>> {
    let own = shared_data::value(&identity.key("last-good", name));
    own.or_else(|| {
        let name = shared_data::value(&identity.key("named", None))?;
        let name = String::from_utf8(name)
            .ok()
            .filter(|name| name.as_bytes() != SEVERAL_NAMES)?;
        shared_data::value(&identity.key("last-good", Some(&name)))
    })
}

fn newest(identity: &Identity, name: Option<&str>) -> Newest {
    let version_key = identity.key("version", name);
    Newest {
        seen: shared_data::value(&version_key),
        version_key,
        document_key: identity.key("last-good", name),
    }
}

/// FNV-1a: tells one document from the next, not from one that somebody forged.
fn version(document: &[u8]) -> [u8; 8] {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    document
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, mix)
        .to_le_bytes()
}

/// No name is empty.
const SEVERAL_NAMES: &[u8] = b"";
