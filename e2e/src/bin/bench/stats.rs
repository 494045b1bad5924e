//! Medians and spreads of paired rounds.

use std::fmt;

/// What one variant cost in each round; the same index in two series is the same round.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// This series less another one, round by round.
    pub(crate) fn over(&self, base: &Self) -> Self {
        self.pairwise(base, |value, base| value - base)
    }

    /// This series divided by another one, round by round.
    pub(crate) fn ratio_to(&self, base: &Self) -> Self {
        self.pairwise(base, |value, base| value / base)
    }

    pub(crate) fn scaled(&self, factor: f64) -> Self {
        Self(self.0.iter().map(|value| value * factor).collect())
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn min(&self) -> f64 {
        self.quantile(0.0)
    }

    pub(crate) fn max(&self) -> f64 {
        self.quantile(1.0)
    }

    /// The range of the middle half of the rounds.
    pub(crate) fn middle(&self) -> Spread {
        Spread(self.quantile(0.25), self.quantile(0.75))
    }

    /// The range of all rounds.
    pub(crate) fn spread(&self) -> Spread {
        Spread(self.min(), self.max())
    }

    /// The value below which the given share of the rounds lies; not a number without rounds.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let place = (share * last as f64).round() as usize;
        sorted.get(place).copied().unwrap_or(f64::NAN)
    }

    fn pairwise(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        Self(
            self.0
                .iter()
                .zip(&other.0)
                .map(|(a, b)| combine(*a, *b))
                .collect(),
        )
    }
}

/// A range, written `low–high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread(f64, f64);

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = f.precision().unwrap_or(1);
        write!(f, "{:.places$}–{:.places$}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_compared_in_pairs() {
        let drifting = Series(vec![10.0, 20.0, 30.0]);
        let with_filter = Series(vec![11.0, 21.0, 31.5]);
        assert_eq!(with_filter.over(&drifting).median(), 1.0);
        assert_eq!(with_filter.over(&drifting).spread(), Spread(1.0, 1.5));
    }

    #[test]
    fn a_spread_is_written_with_the_wanted_places() {
        assert_eq!(
            format!("{:.2}", Series(vec![1.0, 2.0, 4.0]).spread()),
            "1.00–4.00"
        );
    }
}
