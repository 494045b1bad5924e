//! The plugins of this VM.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use crate::plugin::{Plugin, Service};

thread_local! {
    static PLUGINS: RefCell<BTreeMap<String, Weak<Plugin>>> = const { RefCell::new(BTreeMap::new()) };
}

/// The plugin of this key, the same one for every configuration that it gets.
///
/// A new configuration makes a new root context, in this VM or in a new one, while connections
/// stay with what they were born with. So they hold on to the plugin, which outlives its root
/// contexts. The mode is part of the key: a connection keeps the one that it began with.
pub(crate) fn plugin(key: &str, name: &str, service: &Service) -> Rc<Plugin> {
    let key = match service {
        Service::Bridge(policy) => format!("{key} {:?}", policy.mode),
        Service::Close(_) => key.to_owned(),
    };
    let new = || Rc::new(Plugin::new(name));
    PLUGINS.with(|plugins| {
        let Ok(mut plugins) = plugins.try_borrow_mut() else {
            return new();
        };
        plugins.retain(|_, plugin| plugin.strong_count() > 0);
        if let Some(plugin) = plugins.get(&key).and_then(Weak::upgrade) {
            return plugin;
        }
        let plugin = new();
        plugins.insert(key, Rc::downgrade(&plugin));
        plugin
    })
}
