//! What somebody wants to know of calls.

use meshlane_hessian2::{Path, Step};

/// The attachments and arguments that somebody wants to know of each call.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    attachments: Vec<String>,
    arguments: Vec<ArgumentSelector>,
    /// The places of the attachments, by length and name: most names differ in length already.
    by_name: Vec<usize>,
    /// The selectors by argument, in order.
    by_argument: Vec<(usize, Selected)>,
    /// The selectors as they are in the array of a generic call's arguments.
    in_array: Selected,
}

/// A scalar in an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentSelector {
    /// Which argument, from 0.
    pub argument: u16,
    /// Where in it.
    pub path: Path,
}

/// Paths in one value, and the places of what is found there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selected {
    pub(crate) paths: Vec<Path>,
    pub(crate) places: Vec<usize>,
}

impl Selected {
    fn push(&mut self, path: Path, place: usize) {
        self.paths.push(path);
        self.places.push(place);
    }
}

impl Wanted {
    /// These attachments, by exact name, and these scalars in arguments.
    pub fn new(attachments: Vec<String>, arguments: Vec<ArgumentSelector>) -> Self {
        let mut by_name: Vec<usize> = (0..attachments.len()).collect();
        by_name.sort_by_key(|place| attachments.get(*place).map(|name| order(name)));
        let mut by_argument: Vec<(usize, Selected)> = Vec::new();
        let mut in_array = Selected::default();
        for (place, selector) in arguments.iter().enumerate() {
            let argument = usize::from(selector.argument);
            let index = match by_argument.binary_search_by_key(&argument, |(known, _)| *known) {
                Ok(index) => index,
                Err(index) => {
                    by_argument.insert(index, (argument, Selected::default()));
                    index
                }
            };
            if let Some((_, selected)) = by_argument.get_mut(index) {
                selected.push(selector.path.clone(), place);
            }
            in_array.push(element(argument, &selector.path), place);
        }
        Self {
            attachments,
            arguments,
            by_name,
            by_argument,
            in_array,
        }
    }

    /// The names of the attachments.
    pub fn attachments(&self) -> &[String] {
        &self.attachments
    }

    /// The scalars in arguments.
    pub fn arguments(&self) -> &[ArgumentSelector] {
        &self.arguments
    }

    /// The places of an attachment: several when its name was given several times.
    pub(crate) fn places(&self, name: &str) -> impl Iterator<Item = usize> {
        let named = |place: &usize| self.attachments.get(*place).map(|found| order(found));
        let first = self
            .by_name
            .partition_point(|place| named(place) < Some(order(name)));
        let found = self.by_name.get(first..).unwrap_or_default().iter();
        found
            .take_while(move |place| named(place) == Some(order(name)))
            .copied()
    }

    /// What is wanted of an argument.
    pub(crate) fn of_argument(&self, argument: usize) -> Option<&Selected> {
        let index = self
            .by_argument
            .binary_search_by_key(&argument, |(known, _)| *known);
        self.by_argument
            .get(index.ok()?)
            .map(|(_, selected)| selected)
    }

    /// What is wanted of the array with the arguments of a generic call.
    pub(crate) const fn of_generic_call(&self) -> &Selected {
        &self.in_array
    }
}

/// The path from the array of arguments.
fn element(argument: usize, path: &Path) -> Path {
    let first = std::iter::once(Step::Element(u32::try_from(argument).unwrap_or(u32::MAX)));
    first.chain(path.steps().iter().cloned()).collect()
}

fn order(name: &str) -> (usize, &str) {
    (name.len(), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn names_are_found_where_they_were_given() {
        let names = ["dubbo.tag", "b3", "traceparent", "b3", "é"];
        let wanted = Wanted::new(names.map(str::to_owned).to_vec(), Vec::new());
        let places = |name| wanted.places(name).collect::<Vec<_>>();
        assert_eq!(places("dubbo.tag"), [0]);
        assert_eq!(places("b3"), [1, 3]);
        assert_eq!(places("é"), [4]);
        assert_eq!(places("dubbo.taG"), [0_usize; 0]);
        assert_eq!(places(""), [0_usize; 0]);
        assert_eq!(Wanted::default().places("b3").count(), 0);
    }

    #[test]
    fn selectors_are_grouped_by_argument() {
        let selector = |argument| ArgumentSelector {
            argument,
            path: Path::default(),
        };
        let wanted = Wanted::new(Vec::new(), vec![selector(7), selector(0), selector(7)]);
        assert_eq!(wanted.of_argument(7).unwrap().places, [0, 2]);
        assert_eq!(wanted.of_argument(0).unwrap().places, [1]);
        assert!(wanted.of_argument(1).is_none());
        assert_eq!(wanted.of_generic_call().places, [0, 1, 2]);
    }
}
