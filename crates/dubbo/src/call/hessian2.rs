//! Calls in Hessian 2.0.

use meshlane_hessian2::{Decoder, Kind, Path, Scalar};

use super::{Attachments, Call, GenericParts, Parts, generic_method, text};
use crate::call_head::is_plain;
use crate::{CallHead, InvalidBody, InvalidBodyKind, Limits, Serialization, Wanted, descriptor};

pub(super) fn read<'a>(
    body: &'a [u8],
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Call<'a>, InvalidBody> {
    let mut decoder = Decoder::new(body, &limits.values);
    let head = CallHead::read_hessian2(&mut decoder, limits)?;
    let at = decoder.offset();
    let parameters = descriptor::parameters(&head.param_types, at, limits.max_parameters)?;
    let mut parts = Parts::new(head, wanted);
    if parts.is_generic(parameters) {
        generic_arguments(&mut decoder, &mut parts, wanted)?;
    } else {
        arguments(&mut decoder, parameters, &mut parts, wanted)?;
    }
    let start = decoder.offset();
    let attachments = attachments(&mut decoder, &mut parts, wanted, limits)?;
    let range = start..decoder.offset();
    Ok(parts.into_call(Serialization::HESSIAN2, attachments, Some(range)))
}

fn arguments<'a>(
    decoder: &mut Decoder<'a>,
    parameters: usize,
    parts: &mut Parts<'a>,
    wanted: &Wanted,
) -> Result<(), InvalidBody> {
    for argument in 0..parameters {
        match wanted.of_argument(argument) {
            Some(selected) => {
                decoder.select_value(&selected.paths, &mut |path, scalar| {
                    keep(&mut parts.arguments, selected.places.get(path), scalar);
                })?;
            }
            None => decoder.skip_value()?,
        }
    }
    Ok(())
}

/// The method's name, the names of its parameter types, and its arguments in an array.
fn generic_arguments<'a>(
    decoder: &mut Decoder<'a>,
    parts: &mut Parts<'a>,
    wanted: &Wanted,
) -> Result<(), InvalidBody> {
    let at = decoder.offset();
    let whole = [Path::default()];
    let mut method = None;
    decoder.select_value(&whole, &mut |_, scalar| method = Some(scalar))?;
    let mut types = None;
    decoder.select_value(&whole, &mut |_, scalar| types = Some(scalar))?;
    let param_types = match types {
        Some(Scalar::List(types)) => types.into_iter().filter_map(text).collect(),
        _ => Vec::new(),
    };
    parts.generic = Some(GenericParts {
        method: Some(generic_method(method, at)?),
        param_types,
    });
    let selected = wanted.of_generic_call();
    if selected.paths.is_empty() {
        decoder.skip_value()?;
    } else {
        decoder.select_value(&selected.paths, &mut |path, scalar| {
            keep(&mut parts.arguments, selected.places.get(path), scalar);
        })?;
    }
    Ok(())
}

/// The map at the end: names and values, mostly texts.
fn attachments<'a>(
    decoder: &mut Decoder<'a>,
    parts: &mut Parts<'a>,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Attachments<'a>, InvalidBody> {
    let mut attachments = Attachments::default();
    if !decoder.enter_map()? {
        return Ok(attachments);
    }
    for _ in 0..=limits.max_attachments {
        if decoder.leave_map()? {
            return Ok(attachments);
        }
        // An enum constant is no text to Java, whatever its name is.
        let name = plain_scalar(decoder)?.and_then(text);
        let value_at = decoder.offset();
        let value = plain_scalar(decoder)?;
        if let Some(name) = name {
            let found = &mut parts.attachments;
            attachments.entry(&name, value, value_at, wanted, found)?;
        }
    }
    Err(InvalidBodyKind::TooManyAttachments.at(decoder.offset()))
}

/// The next value if it is a scalar of its own and no object that stands for one.
fn plain_scalar<'a>(decoder: &mut Decoder<'a>) -> Result<Option<Scalar<'a>>, InvalidBody> {
    let kind = decoder.peek()?;
    if kind == Kind::Text {
        return Ok(Some(Scalar::Text(decoder.read_text()?)));
    }
    if is_plain(kind) {
        return Ok(decoder.read_scalar()?);
    }
    decoder.skip_value()?;
    Ok(None)
}

fn keep<'a>(found: &mut [Option<Scalar<'a>>], place: Option<&usize>, scalar: Scalar<'a>) {
    if let Some(found) = place.and_then(|place| found.get_mut(*place)) {
        *found = Some(scalar);
    }
}
