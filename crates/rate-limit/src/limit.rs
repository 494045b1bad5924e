//! A validated limit.

use std::time::Duration;

use meshlane_attributes::{AttributeId, Request};
use meshlane_conditions::{Condition, Scalar};

use crate::algorithm::Algorithm;
use crate::config::{OnContention, OnOverflow};
use crate::counts;
use crate::refusal::Refusal;
use crate::remote::Remote;

/// A limit of a [`Policy`](crate::Policy).
#[derive(Debug, Clone)]
pub struct Limit {
    pub(crate) name: String,
    pub(crate) is_enabled: bool,
    pub(crate) is_shadow: bool,
    /// Of those over the limit this share is refused.
    pub(crate) enforced: f64,
    pub(crate) when: Option<Condition>,
    pub(crate) key: Vec<AttributeId>,
    pub(crate) capacity: usize,
    pub(crate) on_overflow: OnOverflow,
    pub(crate) on_contention: OnContention,
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) refusal: Refusal,
    pub(crate) algorithm: Algorithm,
    pub(crate) patience: Patience,
    /// Who counts it, when that is not the proxy.
    pub(crate) remote: Option<Remote>,
}

/// Keys with other numbers.
#[derive(Debug, Clone)]
pub(crate) struct Exception {
    pub(crate) key: Vec<Scalar>,
    /// None: no limit.
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) patience: Patience,
}

/// How long requests may wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patience {
    pub(crate) classes: Vec<(Condition, Duration)>,
    pub(crate) otherwise: Duration,
}

/// By which numbers of a limit a key is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Variant(u16);

impl Limit {
    /// The limit's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key of its kind, as in a document.
    pub fn kind(&self) -> &'static str {
        self.algorithm.kind()
    }

    /// Whether it is switched on.
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// The attributes that requests are counted by: of the policy's [`attributes`](crate::Policy::attributes).
    pub fn key(&self) -> &[AttributeId] {
        &self.key
    }

    /// How many keys are counted at a time.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether the numbers of its kind are those of another one, and the same service counts it when one does.
    pub fn has_numbers_of(&self, other: &Self) -> bool {
        let service = |limit: &Self| {
            let remote = limit.remote.as_ref();
            remote.map(|remote| (remote.service.clone(), remote.domain.clone()))
        };
        self.algorithm == other.algorithm && service(self) == service(other)
    }

    /// Whether the same keys are exceptions as in another one, in the same order and with the same numbers.
    pub fn has_exceptions_of(&self, other: &Self) -> bool {
        let is_same = |(here, there): (&Exception, &Exception)| {
            here.key == there.key && here.algorithm == there.algorithm
        };
        let (here, there) = (&self.exceptions, &other.exceptions);
        here.len() == there.len() && here.iter().zip(there).all(is_same)
    }

    /// Whether it is counted by keys.
    pub fn has_key(&self) -> bool {
        !self.key.is_empty()
    }

    /// How it refuses requests.
    pub fn refusal(&self) -> &Refusal {
        &self.refusal
    }

    /// How often a sign of life has to be given of what it lets in; nothing when none has to.
    pub fn renewal(&self) -> Option<Duration> {
        let exceptions = self.exceptions.iter();
        let others = exceptions.filter_map(|exception| exception.algorithm.as_ref());
        let leases = std::iter::once(&self.algorithm).chain(others);
        leases
            .filter_map(Algorithm::lease)
            .min()
            .map(counts::renewal)
    }

    /// How many buckets it is counted in; nothing when all requests are counted together.
    pub(crate) fn buckets(&self) -> Option<u32> {
        let is_keyed = self.has_key() || self.remote.is_some();
        is_keyed.then(|| counts::buckets(self.capacity))
    }

    /// The values of the key's attributes; nothing when one is absent.
    pub(crate) fn key_of(&self, request: &Request<'_>) -> Option<Vec<String>> {
        let values = self.key.iter().map(|id| {
            let text = request.value(*id).and_then(|value| value.as_text());
            text.map(|text| text.into_owned())
        });
        values.collect()
    }

    pub(crate) fn variant(&self, key: &[String]) -> Variant {
        let is_it = |exception: &Exception| {
            let pairs = exception.key.iter().zip(key);
            let mut pairs = pairs.map(|(expected, found)| expected.equals(&found.as_str().into()));
            pairs.all(|is_equal| is_equal)
        };
        let at = self.exceptions.iter().position(is_it);
        Variant(at.map_or(0, |at| at as u16 + 1))
    }

    /// The numbers of a variant; nothing when it has no limit.
    pub(crate) fn algorithm(&self, variant: Variant) -> Option<&Algorithm> {
        match self.exception(variant) {
            Some(exception) => exception.algorithm.as_ref(),
            None => Some(&self.algorithm),
        }
    }

    pub(crate) fn patience(&self, variant: Variant, request: &Request<'_>) -> Duration {
        let exception = self.exception(variant);
        let patience = exception.map_or(&self.patience, |exception| &exception.patience);
        patience.of(request)
    }

    pub(crate) fn is_idle(&self, variant: Variant, state: &[u8], now: Duration) -> bool {
        let algorithm = self.algorithm(variant);
        algorithm.is_none_or(|algorithm| algorithm.is_idle(state, now))
    }

    fn exception(&self, variant: Variant) -> Option<&Exception> {
        self.exceptions.get(usize::from(variant.0).checked_sub(1)?)
    }
}

impl Patience {
    fn of(&self, request: &Request<'_>) -> Duration {
        let mut classes = self.classes.iter();
        let class = classes.find(|(when, _)| when.evaluate(request).is_true());
        class.map_or(self.otherwise, |(_, patience)| *patience)
    }
}

impl Variant {
    pub(crate) fn new(number: u16) -> Self {
        Self(number)
    }

    pub(crate) fn number(self) -> u16 {
        self.0
    }
}
