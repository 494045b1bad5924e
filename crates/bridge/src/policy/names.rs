use std::collections::BTreeMap;

use crate::note::CallEnded;

/// Something for each method of each interface, for a bounded number of them.
///
/// The names come from the network, and what is kept for one is kept for good: a metric. So
/// those that come when the limit is reached share what is kept for `other`.
#[derive(Debug)]
pub struct Names<T> {
    limit: usize,
    other: T,
    known: BTreeMap<Box<str>, BTreeMap<Box<str>, T>>,
    count: usize,
}

impl<T> Names<T> {
    /// How a name is written that has none of its own.
    pub const OTHER: &'static str = "other";

    /// No names yet; `other` is for those beyond the limit.
    pub fn new(limit: usize, other: T) -> Self {
        Self {
            limit,
            other,
            known: BTreeMap::new(),
            count: 0,
        }
    }

    /// Changes the limit. Names that are known stay.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// What is kept for a method. A name that is new is taken up when `is_real`, when it can
    /// stand in a metric, and when there is room.
    pub fn of(
        &mut self,
        interface: &str,
        method: &str,
        is_real: bool,
        new: impl FnOnce(&str, &str) -> T,
    ) -> &mut T {
        let methods = self.known.get(interface);
        if methods.is_none_or(|methods| !methods.contains_key(method)) {
            let has_room = self.count < self.limit;
            if !is_real || !has_room || !is_name(interface) || !is_name(method) {
                return &mut self.other;
            }
            self.count += 1;
            let methods = self.known.entry(interface.into()).or_default();
            methods.insert(method.into(), new(interface, method));
        }
        let methods = self.known.get_mut(interface);
        let known = methods.and_then(|methods| methods.get_mut(method));
        known.unwrap_or(&mut self.other)
    }

    /// Everything that is kept.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let methods = self.known.values_mut();
        let known = methods.flat_map(BTreeMap::values_mut);
        known.chain(std::iter::once(&mut self.other))
    }
}

impl CallEnded {
    /// Whether there is a method of this name, as far as the answer tells: somebody may call
    /// whatever comes to mind.
    pub fn names_are_real(&self) -> bool {
        const BAD_REQUEST: u8 = 40;
        const SERVICE_NOT_FOUND: u8 = 60;
        !matches!(self.dubbo_status, Some(BAD_REQUEST | SERVICE_NOT_FOUND))
    }
}

/// Whether a name may stand in a metric: what Java allows in names, without letters of other
/// languages.
fn is_name(name: &str) -> bool {
    (1..=MAX_LENGTH).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._$-".contains(&b))
}

const MAX_LENGTH: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn names_beyond_the_limit_share_one_place() {
        let mut names = Names::new(2, 0);
        for (interface, method, is_real) in [
            ("org.A", "a", true),
            ("org.A", "no-such", false),
            ("org.A", "b", true),
            ("org.A", "a", false),
            ("org.B", "a", true),
            ("org.A", "b", true),
        ] {
            *names.of(interface, method, is_real, |_, _| 0) += 1;
        }
        let counts: Vec<_> = names.iter_mut().map(|count| *count).collect();
        assert_eq!(counts, [2, 2, 2]);
        names.set_limit(3);
        assert_eq!(*names.of("org.B", "a", true, |_, _| 7), 7);
    }

    #[test]
    fn what_is_no_name_has_none_of_its_own() {
        let mut names = Names::new(10, String::from(Names::<String>::OTHER));
        let long = "a".repeat(129);
        for wrong in ["", "a b", "a=b", "a\n", "\u{e9}", &long] {
            let kept = names.of("org.A", wrong, true, |_, _| String::from("own"));
            assert_eq!(kept, "other", "{wrong:?}");
        }
    }
}
