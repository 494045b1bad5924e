//! Attachments in Hessian 2.0: names and values of a map at the end of the body.

use std::ops::Range;

use meshlane_hessian2::{Decoder, Encoder, Kind, Scalar};

use super::{Change, Notation, Pair, Plan, Spliced};
use crate::call_head::is_plain;
use crate::{CallHead, InvalidBody, InvalidBodyKind, Limits, descriptor};

pub(super) fn splice(
    body: &[u8],
    attachments: Range<usize>,
    changes: &[Change<'_>],
    limits: &Limits,
) -> Spliced {
    let map = body.get(attachments.clone()).unwrap_or_default();
    // Where all values are scalars, the map can be read on its own. Others may refer to
    // classes that the arguments defined.
    let mut plan = Plan::new(changes);
    let mut alone = Decoder::new(map, &limits.values);
    let end = match walk(&mut alone, Some(attachments.start), &mut plan, limits)? {
        Walked::End(end) => end,
        Walked::Container => {
            plan = Plan::new(changes);
            let mut whole = Decoder::new(body, &limits.values);
            pass_arguments(&mut whole, limits)?;
            let at = whole.offset();
            match walk(&mut whole, None, &mut plan, limits)? {
                Walked::End(end) if at == attachments.start => end,
                _ => return Err(InvalidBodyKind::Attachments.at(at)),
            }
        }
    };
    Ok(plan.edits(&NOTATION, attachments, end))
}

/// What came of a walk through the map.
enum Walked {
    /// The place of the map's end; nothing for null.
    End(Option<usize>),
    /// There is more than scalars.
    Container,
}

/// Walks through a map. One that is read alone begins at `alone` of the body, and the walk
/// ends at the first value that is no scalar.
fn walk(
    decoder: &mut Decoder<'_>,
    alone: Option<usize>,
    plan: &mut Plan<'_>,
    limits: &Limits,
) -> Result<Walked, InvalidBody> {
    let base = alone.unwrap_or_default();
    if !decoder.enter_map()? {
        return Ok(Walked::End(None));
    }
    for _ in 0..=limits.max_attachments {
        let start = base + decoder.offset();
        if decoder.leave_map()? {
            return Ok(Walked::End(Some(start)));
        }
        let kind = decoder.peek()?;
        if !is_plain(kind) && alone.is_some() {
            return Ok(Walked::Container);
        }
        let name = if kind == Kind::Text {
            decoder.read_text()?.into_str()
        } else {
            decoder.skip_value()?;
            None
        };
        let value_start = base + decoder.offset();
        let replaceable = is_plain(decoder.peek()?);
        if !replaceable && alone.is_some() {
            return Ok(Walked::Container);
        }
        let change = name.and_then(|name| plan.change(&name));
        let Some((place, change)) = change else {
            decoder.skip_value()?;
            continue;
        };
        let value = decoder.read_scalar()?;
        let same = match (value, change.value) {
            (Some(Scalar::Text(text)), Some(wanted)) => replaceable && text == wanted,
            (Some(Scalar::Null), None) => true,
            _ => false,
        };
        let pair = Pair {
            start,
            value_start,
            end: base + decoder.offset(),
            replaceable,
            removable: replaceable,
            same,
        };
        plan.found(place, pair);
    }
    Err(InvalidBodyKind::TooManyAttachments.at(base + decoder.offset()))
}

/// Passes over what stands before the attachments.
fn pass_arguments(decoder: &mut Decoder<'_>, limits: &Limits) -> Result<(), InvalidBody> {
    let head = CallHead::read_hessian2(decoder, limits)?;
    let at = decoder.offset();
    for _ in 0..descriptor::parameters(&head.param_types, at, limits.max_parameters)? {
        decoder.skip_value()?;
    }
    Ok(())
}

const NOTATION: Notation = Notation {
    text: write_text,
    null: b'N',
    map: *b"HZ",
};

fn write_text(out: &mut Vec<u8>, text: &str) {
    let mut encoder = Encoder::new();
    encoder.write_str(text);
    out.extend_from_slice(encoder.as_bytes());
}
