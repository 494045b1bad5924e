//! Attachments in JSONB: names and values of an object behind its length.

use std::ops::Range;

use super::{Change, Edit, Notation, Pair, Plan, Spliced, spliced_length};
use crate::jsonb::{self, Token};
use crate::{InvalidBodyKind, Limits};

pub(super) fn splice(
    body: &[u8],
    document: Range<usize>,
    changes: &[Change<'_>],
    limits: &Limits,
) -> Spliced {
    let mut plan = Plan::new(changes);
    let end = jsonb::walk(body, document.clone(), limits, |pair| {
        let change = pair.name.as_deref().and_then(|name| plan.change(name));
        if let Some((place, change)) = change {
            let replaceable = !pair.value_is_symbol
                && pair
                    .value
                    .is_some_and(|value| !matches!(value, Token::Reference(_)));
            let same = match (pair.value, change.value) {
                (Some(Token::Text(text)), Some(wanted)) => text
                    .decode(limits.max_text)
                    .is_ok_and(|text| text == wanted),
                (Some(Token::Null), None) => true,
                _ => false,
            };
            let pair = Pair {
                start: pair.start,
                value_start: pair.value_start,
                end: pair.end,
                replaceable,
                removable: replaceable && !pair.name_is_symbol,
                same,
            };
            plan.found(place, pair);
        }
        Ok(())
    })?;
    let mut edits = plan.edits(&NOTATION, document.clone(), end);
    if edits.is_empty() {
        return Ok(edits);
    }
    let length = u32::try_from(spliced_length(document.len(), &edits))
        .map_err(|_| InvalidBodyKind::Length.at(document.start))?;
    let start = document.start.checked_sub(LENGTH);
    let start = start.ok_or(InvalidBodyKind::Attachments.at(document.start))?;
    let length = Edit {
        range: start..document.start,
        replacement: length.to_be_bytes().to_vec(),
    };
    edits.insert(0, length);
    Ok(edits)
}

const NOTATION: Notation = Notation {
    text: jsonb::write_text,
    null: 0xaf,
    map: [OBJECT, OBJECT_END],
};

/// What stands before every value: its length in four bytes.
const LENGTH: usize = 4;
const OBJECT: u8 = 0xa6;
const OBJECT_END: u8 = 0xa5;
