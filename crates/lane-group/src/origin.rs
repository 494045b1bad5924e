//! Where the parts of a rendered document come from.
//!
//! The filters' own crates validate what is rendered. What they find wrong is told by its place in the lane group.

use meshlane_diagnostics::{JsonPath, Place, Problem, Segment, Violation, Violations};

/// Places in a rendered document with the places that they come from.
#[derive(Debug, Default)]
pub(crate) struct Origins(Vec<Origin>);

#[derive(Debug)]
struct Origin {
    rendered: JsonPath,
    written: JsonPath,
    /// Whether what is further in is called the same in both.
    is_copy: bool,
}

impl Origins {
    /// The part at `rendered` is that at `written`, as it is.
    pub(crate) fn copied(&mut self, rendered: &Place<'_>, written: &Place<'_>) {
        self.push(rendered, written, true);
    }

    /// The part at `rendered` is made of that at `written`.
    pub(crate) fn made(&mut self, rendered: &Place<'_>, written: &Place<'_>) {
        self.push(rendered, written, false);
    }

    fn push(&mut self, rendered: &Place<'_>, written: &Place<'_>, is_copy: bool) {
        self.0.push(Origin {
            rendered: rendered.to_path(),
            written: written.to_path(),
            is_copy,
        });
    }

    /// Notes what is wrong in a rendered document, each at the place where it comes from; one thing at a place.
    pub(crate) fn report(&self, found: Violations, violations: &mut Violations) {
        for violation in found {
            let (path, is_exact) = self.written(&violation.path);
            // What is known further in is what is wrong here.
            let is_known = |known: &Violation| match is_exact {
                true => known.path == path,
                false => known.path.segments().starts_with(path.segments()),
            };
            if violations.iter().any(is_known) {
                continue;
            }
            let problem = match violation.problem {
                Problem::Duplicate { value, first } => Problem::Duplicate {
                    value,
                    first: self.written(&first).0,
                },
                problem => problem,
            };
            push_at(&Place::root(), path.segments(), problem, violations);
        }
    }

    /// Where a part comes from, and whether nothing nearer is known.
    fn written(&self, rendered: &JsonPath) -> (JsonPath, bool) {
        let rest = |origin: &Origin| {
            let rest = rendered.segments().strip_prefix(origin.rendered.segments());
            rest.map(<[Segment]>::to_vec)
        };
        let origins = self.0.iter();
        let found = origins.filter_map(|origin| Some((origin, rest(origin)?)));
        let Some((origin, rest)) = found.min_by_key(|(_, rest)| rest.len()) else {
            return (rendered.clone(), true);
        };
        let is_exact = origin.is_copy || rest.is_empty();
        let rest = rest.into_iter().filter(|_| origin.is_copy);
        (rest.fold(origin.written.clone(), JsonPath::join), is_exact)
    }
}

/// Notes a problem at a path below a place.
fn push_at(place: &Place<'_>, path: &[Segment], problem: Problem, violations: &mut Violations) {
    match path.split_first() {
        None => violations.push(place, problem),
        Some((Segment::Key(key), rest)) => push_at(&place.key(key), rest, problem, violations),
        Some((Segment::Index(index), rest)) => {
            push_at(&place.index(*index), rest, problem, violations);
        }
    }
}
