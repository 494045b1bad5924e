//! Sets of a service's destinations.

/// A set of destinations, by their positions: a bit for each destination of the service.
///
/// All sets of a service have the same length, so that nothing here grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Set(Box<[u64]>);

impl Set {
    /// The empty set of a service with that many destinations.
    pub(crate) fn none(destinations: usize) -> Self {
        Self(vec![0; destinations.div_ceil(BITS)].into())
    }

    /// The set of all destinations.
    pub(crate) fn all(destinations: usize) -> Self {
        let mut words = vec![u64::MAX; destinations.div_ceil(BITS)];
        let beyond = words.len() * BITS - destinations;
        if let Some(last) = words.last_mut() {
            *last >>= beyond;
        }
        Self(words.into())
    }

    pub(crate) fn insert(&mut self, position: usize) {
        if let Some(word) = self.0.get_mut(position / BITS) {
            *word |= 1 << (position % BITS);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.0
    }

    /// Keeps what is in `other` too.
    pub(crate) fn keep(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    /// Takes out what is in `other`.
    pub(crate) fn remove(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= !other;
        }
    }

    /// Adds what is in `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// What is in both.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.keep(other);
        both
    }

    /// The positions, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + Clone {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(index * BITS + bit)
            })
        })
    }
}

const BITS: usize = u64::BITS as usize;

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn sets_span_words() {
        let mut set = Set::none(130);
        assert!(set.is_empty());
        for position in [0, 63, 64, 129] {
            set.insert(position);
        }
        set.insert(500);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        assert_eq!(set.len(), 4);
        let mut rest = Set::all(130);
        rest.remove(&set);
        assert_eq!(rest.len(), 126);
        assert!(!rest.meets(&set));
        rest.add(&set);
        assert_eq!(rest, Set::all(130));
        assert_eq!(rest.and(&set), set);
    }
}
