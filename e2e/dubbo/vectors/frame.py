"""Describes a Dubbo frame in the notation of testdata/dubbo/README.md."""

import struct

from hessian2 import Reader

KINDS = ["exception", "value", "null", "exception+attachments", "value+attachments", "null+attachments"]
OK = 20
HESSIAN2 = 2


def header(frame):
    """The fields of the header, which every serialization has."""
    magic, flags, status, number, length = struct.unpack(">HBBqI", frame[:16])
    if magic != 0xDABB or length != len(frame) - 16:
        raise ValueError("not one frame")
    request = bool(flags & 0x80)
    fields = {"request": request}
    if request:
        fields["two_way"] = bool(flags & 0x40)
    fields["event"] = bool(flags & 0x20)
    fields["serialization_id"] = flags & 0x1F
    if not request:
        fields["status"] = status
    fields["request_id"] = str(number)
    fields["body_len"] = length
    return fields


def hessian2(frame):
    """The whole frame, and the features of Hessian that occur in it."""
    expected = header(frame)
    reader = Reader(frame)
    reader.offset = 16
    if expected["event"]:
        expected["event_data"] = None if reader.at_end() else reader.value()
    elif expected["request"]:
        request(reader, expected)
    else:
        expected["response"] = response(reader, expected["status"])
    if not reader.at_end():
        expected["trailing_bytes"] = len(frame) - reader.offset
    expected["ref_count"] = reader.references
    return expected, reader.features


def request(reader, expected):
    expected["dubbo_version"] = reader.text()
    for field in ("path", "version", "method", "param_types_desc"):
        expected[field] = reader.optional_text()
    expected["args"] = [reader.value() for _ in parameters(expected["param_types_desc"] or "")]
    expected["attachments_offset"] = reader.offset
    attachments = reader.value()
    expected["attachments"] = members(attachments)
    expected["attachments_type"] = attachments and attachments["type"]


def response(reader, status):
    if status != OK:
        return {"kind": "error", "message": reader.optional_text()}
    number = reader.int()
    described = {"kind": KINDS[number], "kind_id": number}
    if number in (1, 4):
        described["value"] = reader.value()
    if number in (0, 3):
        described["exception"] = reader.value()
    if number >= 3:
        described["attachments_offset"] = reader.offset
        described["attachments"] = members(reader.value())
    return described


def parameters(descriptor):
    """Splits `ILjava/lang/String;[J` into its types."""
    types, start = [], 0
    while start < len(descriptor):
        end = start
        while descriptor[end] == "[":
            end += 1
        end = descriptor.index(";", end) if descriptor[end] == "L" else end
        types.append(descriptor[start : end + 1])
        start = end + 1
    return types


def members(attachments):
    if attachments is None:
        return None
    return {name if isinstance(name, str) else repr(name): value for name, value in attachments["$map"]}
