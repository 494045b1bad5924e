//! Which plugin this is.

use meshlane_attributes::Workload;

use crate::property;

/// What tells one plugin from another, also after an update that made new VMs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    kind: &'static str,
    plugin_name: String,
    root_id: String,
}

/// The proxy that this plugin runs in.
pub(crate) fn workload() -> Workload {
    // As a whole, because a struct inside it comes in a form that has lost its types.
    let node = property::bytes(&["xds", "node"]).unwrap_or_default();
    Workload::from_node(&node)
}

impl Identity {
    /// Asks Envoy.
    pub fn of_this_plugin(kind: &'static str) -> Self {
        Self {
            kind,
            plugin_name: property::text(&["plugin_name"]).unwrap_or_default(),
            root_id: property::text(&["plugin_root_id"]).unwrap_or_default(),
        }
    }

    /// The name for metrics and logs: the document's own, Envoy's, or the kind.
    pub fn display_name<'a>(&'a self, given: Option<&'a str>) -> &'a str {
        let named = [given.unwrap_or_default(), &self.plugin_name];
        named
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or(self.kind)
    }

    /// The shared-data key for something of this plugin. A name in the document replaces what
    /// Envoy knows. All plugins of a proxy may share one key space, strangers' too: hence the prefix.
    pub fn key(&self, what: &str, given: Option<&str>) -> String {
        match given {
            Some(name) => format!("meshlane/1/{what}/{}/name={name}", self.kind),
            None => format!(
                "meshlane/1/{what}/{}/{}/{}",
                self.kind, self.plugin_name, self.root_id
            ),
        }
    }
}
