use std::cell::{Cell, RefCell};
use std::rc::Rc;

use meshlane_attributes::ProxyKind;
use meshlane_bridge::{Budget, Policy};
use meshlane_diagnostics::{ConfigState, Reason};
use meshlane_host::{Configured, Newest};

use crate::metrics::Metrics;

/// What the connections of a plugin share in this VM.
pub(crate) struct Plugin {
    name: String,
    service: RefCell<Service>,
    version: Cell<u32>,
    newest: RefCell<Option<Newest>>,
    pub(crate) metrics: Metrics,
}

/// What is done with connections.
#[derive(Clone)]
pub(crate) enum Service {
    /// They are bridged, unless the policy is switched off.
    Bridge(Rc<Policy>),
    /// They are closed, because there is no configuration to bridge them by.
    Close(Reason),
}

impl Service {
    /// What a configuration, or its absence, comes to.
    ///
    /// A bad document is asked for its mode: without a good one before, that is bridged with
    /// defaults. A good one of another mode belongs to another plugin that Envoy knows by the
    /// same name; it does not count.
    pub(crate) fn of(configured: &Configured<Policy>, document: impl FnOnce() -> Vec<u8>) -> Self {
        let kept = configured.policy.clone();
        let policy = match configured.state {
            ConfigState::Accepted | ConfigState::Empty | ConfigState::Refuse => kept,
            ConfigState::LastGood | ConfigState::PassThrough => {
                match Policy::salvage(&document()) {
                    Some(salvaged) => {
                        let same_mode = |kept: &Policy| kept.mode == salvaged.mode;
                        Some(kept.filter(same_mode).unwrap_or(salvaged))
                    }
                    None => kept,
                }
            }
        };
        match policy {
            Some(policy) => Self::Bridge(Rc::new(policy)),
            None => Self::Close(configured.state.reason()),
        }
    }
}

impl Plugin {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            service: RefCell::new(Service::Close(Reason::ConfigRefuse)),
            version: Cell::new(0),
            newest: RefCell::new(None),
            metrics: Metrics::new(name),
        }
    }

    /// Puts what Envoy configured in force, for the connections that are open as well.
    pub(crate) fn take_up(&self, service: Service, newest: Newest) {
        self.serve(service);
        if let Ok(mut current) = self.newest.try_borrow_mut() {
            *current = Some(newest);
        }
    }

    /// Puts a document in force that another VM took up since the last look. One of another
    /// mode, or that this code does not understand, is for that VM's connections only.
    pub(crate) fn follow(&self) {
        let newer = match self.newest.try_borrow_mut() {
            Ok(mut newest) => newest.as_mut().and_then(Newest::poll),
            Err(_) => None,
        };
        let policy = newer.map(|document| Policy::parse(&document, ProxyKind::Bare));
        let Some(Ok(policy)) = policy else { return };
        let is_ours = match self.service() {
            Service::Bridge(current) => current.mode == policy.mode,
            Service::Close(_) => true,
        };
        if is_ours {
            let name = &self.name;
            log::info!("dubbo {name}: open connections follow a newer document");
            self.serve(Service::Bridge(Rc::new(policy)));
        }
    }

    fn serve(&self, service: Service) {
        if let Service::Bridge(policy) = &service {
            self.metrics.limit_names(policy.max_metric_names);
        }
        if let Ok(mut current) = self.service.try_borrow_mut() {
            *current = service;
            self.version.set(self.version.get().wrapping_add(1));
        }
    }

    pub(crate) fn service(&self) -> Service {
        match self.service.try_borrow() {
            Ok(service) => service.clone(),
            Err(_) => Service::Close(Reason::ConfigRefuse),
        }
    }

    /// Changes whenever another service is taken up.
    pub(crate) fn version(&self) -> u32 {
        self.version.get()
    }
}

thread_local! {
    static BUDGET: Budget = Budget::new();
}

/// What all connections of this VM may hold together.
pub(crate) fn budget() -> Budget {
    BUDGET.with(Budget::clone)
}
