//! Hosts, as Istio understands them.

/// A host as Istio's clusters name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Host {
    /// `NAME.NAMESPACE.svc.cluster.local`
    Service {
        /// The Service's name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// A host outside of Kubernetes.
    Other(String),
}

impl Host {
    /// The host of a Service.
    pub(super) fn in_namespace(name: &str, namespace: &str) -> Self {
        Self::Service {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    /// The host that a resource in a namespace means. Istio completes a name without dots, and
    /// takes any other as it is.
    pub(super) fn resolve(written: &str, namespace: &str) -> Self {
        let written = written.to_ascii_lowercase();
        let local = written.strip_suffix(DOMAIN);
        match local.and_then(|local| local.split_once('.')) {
            Some((name, namespace)) if !namespace.contains('.') => {
                Self::in_namespace(name, namespace)
            }
            _ if !written.contains('.') => Self::in_namespace(&written, namespace),
            _ => Self::Other(written),
        }
    }

    /// A name for people: `NAME.NAMESPACE`.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Service { name, namespace } => format!("{name}.{namespace}"),
            Self::Other(host) => host.clone(),
        }
    }

    /// The name in Istio's clusters.
    pub(super) fn full(&self) -> String {
        match self {
            Self::Service { name, namespace } => format!("{name}.{namespace}{DOMAIN}"),
            Self::Other(host) => host.clone(),
        }
    }

    /// The name that is understood in the namespace itself.
    pub(super) fn short(&self) -> Option<&str> {
        match self {
            Self::Service { name, .. } => Some(name),
            Self::Other(_) => None,
        }
    }

    /// The namespace of a Service.
    pub(super) fn namespace(&self) -> Option<&str> {
        match self {
            Self::Service { namespace, .. } => Some(namespace),
            Self::Other(_) => None,
        }
    }

    /// The names that are understood in every namespace.
    pub(super) fn long(&self) -> Vec<String> {
        match self {
            Self::Service { .. } => {
                let name = self.name();
                vec![name.clone(), format!("{name}.svc"), self.full()]
            }
            Self::Other(host) => vec![host.clone()],
        }
    }
}

const DOMAIN: &str = ".svc.cluster.local";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_without_dots_are_completed() {
        for (written, full) in [
            ("orders", "orders.shop.svc.cluster.local"),
            ("Orders", "orders.shop.svc.cluster.local"),
            (
                "orders.pay.svc.cluster.local",
                "orders.pay.svc.cluster.local",
            ),
            ("orders.pay", "orders.pay"),
            ("api.example.com", "api.example.com"),
            ("a.b.c.svc.cluster.local", "a.b.c.svc.cluster.local"),
        ] {
            assert_eq!(Host::resolve(written, "shop").full(), full);
        }
        let host = Host::resolve("orders.pay", "shop");
        assert_eq!(host, Host::Other("orders.pay".to_owned()));
    }
}
