//! The service that requests are for.

use meshlane_tag_route::Service;

use super::Failure;
use crate::documents::Kind;
use crate::explain::{Explained, Explanation, Request};
use crate::policy::Policy;

/// The service that requests are for.
pub(super) struct Target<'p> {
    service: &'p Service,
}

impl<'p> Target<'p> {
    /// The service of that name, whichever plugin knows it.
    pub(super) fn find(name: &str, policies: &[&'p Policy]) -> Result<Self, Failure> {
        let services: Vec<&Service> = policies
            .iter()
            .filter_map(|policy| match policy {
                Policy::TagRoute(policy) => Some(policy.services()),
                Policy::GrayRelease(_) | Policy::RateLimit(_) | Policy::TrafficTag(_) => None,
            })
            .flatten()
            .collect();
        if services.is_empty() {
            let (option, kind) = ("service", Kind::TagRoute);
            return Err(Failure::NoneOfKind { option, kind });
        }
        let named = services.iter().find(|service| service.name() == name);
        match named {
            Some(service) => Ok(Self { service }),
            None => Err(Failure::NoSuchService {
                name: name.to_owned(),
                names: services
                    .iter()
                    .map(|service| service.name().to_owned())
                    .collect(),
            }),
        }
    }

    /// Makes a request that says no host one for the service's first.
    pub(super) fn address(&self, request: &mut Request) -> Result<(), Failure> {
        if !request.authority.is_empty() {
            return Ok(());
        }
        let mut hosts = self.service.hosts().iter();
        match hosts.find(|host| !host.starts_with('*')) {
            Some(host) => {
                request.authority.clone_from(host);
                Ok(())
            }
            None => Err(Failure::NoHost(self.service.name().to_owned())),
        }
    }

    /// Whether the request really was for the service. One that an earlier plugin refused was for
    /// none.
    pub(super) fn verify(&self, explained: &Explained) -> Result<(), Failure> {
        let found: Vec<_> = explained
            .plugins
            .iter()
            .filter_map(|decided| match &decided.explanation {
                Explanation::TagRoute(routed) => Some(routed.explanation.service.as_deref()),
                Explanation::GrayRelease(_)
                | Explanation::RateLimit(_)
                | Explanation::TrafficTag(_) => None,
            })
            .collect();
        let wanted = self.service.name();
        if found.contains(&Some(wanted)) {
            return Ok(());
        }
        Err(Failure::OtherService {
            request: explained.request.clone(),
            found: found.into_iter().flatten().next().map(str::to_owned),
            service: wanted.to_owned(),
        })
    }
}
