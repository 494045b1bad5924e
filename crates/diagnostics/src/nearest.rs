//! "Did you mean …?"

/// The name among `known` that `found` was most likely meant to be, if any is near
/// enough: at most a third of its letters (and at least one) mistyped, or the same
/// word in another spelling (`trusted_hops` for `trustedHops`).
pub fn nearest<'k>(found: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = plain_spelling(found);
    let allowed = (plain.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| {
            let distance = strsim::damerau_levenshtein(&plain, &plain_spelling(name));
            (distance, name)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Lower case without the separators that naming conventions differ in.
fn plain_spelling(name: &str) -> String {
    name.chars()
        .take(MAX_COMPARED)
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Longer names are compared by their beginning: the distance is quadratic.
const MAX_COMPARED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const KNOWN: [&str; 4] = ["exact", "prefix", "trustedHops", "in"];

    #[test]
    fn finds_a_mistyped_name() {
        assert_eq!(nearest("exakt", KNOWN), Some("exact"));
        assert_eq!(nearest("perfix", KNOWN), Some("prefix"));
    }

    #[test]
    fn finds_another_spelling_of_the_same_name() {
        assert_eq!(nearest("trusted_hops", KNOWN), Some("trustedHops"));
        assert_eq!(nearest("IN", KNOWN), Some("in"));
    }

    #[test]
    fn does_not_guess_wildly() {
        assert_eq!(nearest("weight", KNOWN), None);
        assert_eq!(nearest("", ["a-long-name"]), None);
    }
}
