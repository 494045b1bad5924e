//! Calls in Java serialization.

use meshlane_hessian2::Scalar;

use super::{Attachments, Call, GenericParts, Parts, generic_method};
use crate::java::{Blocks, Dialect, Object, Objects};
use crate::{CallHead, InvalidBody, Limits, Serialization, Wanted, descriptor};

/// Reads a call. Arguments that are texts are found, others are passed over.
pub(super) fn read<'a>(
    serialization: Serialization,
    dialect: Dialect,
    body: &'a [u8],
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Call<'a>, InvalidBody> {
    let mut blocks = Blocks::new(body, dialect)?;
    let head = CallHead::read_java(&mut blocks, limits)?;
    let at = blocks.offset();
    let parameters = descriptor::parameters(&head.param_types, at, limits.max_parameters)?;
    let mut parts = Parts::new(head, wanted);
    let generic = parts.is_generic(parameters);
    let mut objects = Objects::default();
    for argument in 0..parameters {
        let at = blocks.offset();
        let found = match blocks.objects()? {
            Some(reader) => objects.object(reader, limits)?,
            None => Object::Null,
        };
        if generic {
            if argument == 0 {
                parts.generic = Some(GenericParts {
                    method: Some(generic_method(scalar(found), at)?),
                    param_types: Vec::new(),
                });
            }
            continue;
        }
        let (Some(selected), Some(scalar)) = (wanted.of_argument(argument), scalar(found)) else {
            continue;
        };
        for (path, place) in selected.paths.iter().zip(&selected.places) {
            if let (true, Some(argument)) =
                (path.steps().is_empty(), parts.arguments.get_mut(*place))
            {
                *argument = Some(scalar.clone());
            }
        }
    }
    let mut attachments = Attachments::default();
    if let Some(reader) = blocks.objects()? {
        objects.map(reader, limits, |name, value, value_at| {
            if let Object::Text(name) = name {
                let found = &mut parts.attachments;
                attachments.entry(&name, scalar(value), value_at, wanted, found)?;
            }
            Ok(())
        })?;
    }
    Ok(parts.into_call(serialization, attachments, None))
}

fn scalar(object: Object<'_>) -> Option<Scalar<'_>> {
    match object {
        Object::Null => Some(Scalar::Null),
        Object::Text(text) => Some(Scalar::Text(text.into())),
        Object::Other(_) => None,
    }
}
