//! Calls in JSONB: every value behind its length.

use meshlane_hessian2::{Path, Scalar};

use super::{Attachments, Call, GenericParts, Parts, generic_method, text};
use crate::jsonb;
use crate::reader::Reader;
use crate::{CallHead, InvalidBody, Limits, Serialization, Wanted, descriptor};

pub(super) fn read<'a>(
    body: &'a [u8],
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Call<'a>, InvalidBody> {
    let mut reader = Reader::new(body);
    let head = CallHead::read_jsonb(body, &mut reader, limits)?;
    let at = reader.offset();
    let parameters = descriptor::parameters(&head.param_types, at, limits.max_parameters)?;
    let mut parts = Parts::new(head, wanted);
    let generic = parts.is_generic(parameters);
    for argument in 0..parameters {
        let document = jsonb::framed(&mut reader)?;
        let selected = if !generic {
            wanted.of_argument(argument)
        } else if argument == 2 {
            Some(wanted.of_generic_call())
        } else {
            let at = document.start;
            let whole = jsonb::select(body, document, &Path::default(), limits)?;
            let generic = parts.generic.get_or_insert_with(GenericParts::default);
            match (argument, whole) {
                (0, method) => generic.method = Some(generic_method(method, at)?),
                (_, Some(Scalar::List(types))) => {
                    generic.param_types = types.into_iter().filter_map(text).collect();
                }
                _ => {}
            }
            continue;
        };
        let Some(selected) = selected else { continue };
        for (path, place) in selected.paths.iter().zip(&selected.places) {
            let scalar = jsonb::select(body, document.clone(), path, limits)?;
            if let Some(argument) = parts.arguments.get_mut(*place) {
                *argument = scalar;
            }
        }
    }
    let document = jsonb::framed(&mut reader)?;
    let mut attachments = Attachments::default();
    jsonb::walk(body, document.clone(), limits, |pair| {
        if let Some(name) = &pair.name {
            let value = pair.value.and_then(|token| jsonb::scalar(token, limits));
            let found = &mut parts.attachments;
            attachments.entry(name, value, pair.value_start, wanted, found)?;
        }
        Ok(())
    })?;
    Ok(parts.into_call(Serialization::FASTJSON2, attachments, Some(document)))
}
