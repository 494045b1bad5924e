//! The identity in a peer's mTLS certificate.

/// A SPIFFE identity as Istio issues it: `spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/SERVICE_ACCOUNT`
/// ([Istio: secure naming](https://istio.io/latest/docs/concepts/security/)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerIdentity<'a>(&'a str);

impl<'a> PeerIdentity<'a> {
    /// Takes the URI of a certificate; nothing when it is no SPIFFE id.
    pub fn from_uri(uri: &'a str) -> Option<Self> {
        uri.strip_prefix("spiffe://")
            .filter(|id| !id.is_empty())
            .map(Self)
    }

    /// The identity as Istio's policies write it: without the scheme.
    pub fn principal(&self) -> &'a str {
        self.0
    }

    /// The namespace, when the identity has Istio's form.
    pub fn namespace(&self) -> Option<&'a str> {
        self.istio().map(|(namespace, _)| namespace)
    }

    /// The service account, when the identity has Istio's form.
    pub fn service_account(&self) -> Option<&'a str> {
        self.istio().map(|(_, account)| account)
    }

    fn istio(&self) -> Option<(&'a str, &'a str)> {
        let mut parts = self.0.split('/');
        let _trust_domain = parts.next()?;
        match (
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next(),
        ) {
            ("ns", namespace, "sa", account, None) => Some((namespace, account)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn has_the_parts_that_istio_writes() {
        let identity = PeerIdentity::from_uri("spiffe://cluster.local/ns/shop/sa/trade").unwrap();
        assert_eq!(identity.principal(), "cluster.local/ns/shop/sa/trade");
        assert_eq!(identity.namespace(), Some("shop"));
        assert_eq!(identity.service_account(), Some("trade"));
    }

    #[test]
    fn other_spiffe_ids_have_only_a_principal() {
        let identity = PeerIdentity::from_uri("spiffe://example.org/billing").unwrap();
        assert_eq!(identity.principal(), "example.org/billing");
        assert_eq!(identity.namespace(), None);
        assert_eq!(PeerIdentity::from_uri("https://example.org"), None);
        assert_eq!(PeerIdentity::from_uri("spiffe://"), None);
        let longer = PeerIdentity::from_uri("spiffe://d/ns/a/sa/b/c").unwrap();
        assert_eq!(longer.service_account(), None);
    }
}
