#!/usr/bin/env python3
"""Turns recorded frames into test vectors.

    describe.py RECORDED ORACLE… >VECTORS

RECORDED has a line of JSON for each frame as the recorder wrote it; an ORACLE is a pair of a version and a file with
what Dubbo of that version reads in the same frames: 3.3.6=path. What is written is described in
testdata/dubbo/README.md. Frames that differ from an earlier one in nothing but their number (whoever wrote them) are left out, and so are
nearly all large ones.
"""

import collections
import hashlib
import json
import struct
import sys

import frame as frames

LARGE = 3_000
# The rare shapes that need size: text and bytes in chunks.
LARGE_KEPT = {"text-32769", "bytes-33000"}


def main(recorded, *oracles):
    said = {}
    for oracle in oracles:
        version, path = oracle.split("=")
        with open(path, encoding="utf-8") as lines:
            said[version] = [json.loads(line) for line in lines]
    known, unread = set(), []
    with open(recorded, encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            seen = json.loads(line)
            data = bytes.fromhex(seen["frame"])
            key = hashlib.sha256(data[:4] + data[12:]).digest()
            if key in known or too_large(seen, data):
                continue
            known.add(key)
            oracle = {version: answers[number] for version, answers in said.items()}
            vector = describe(seen, data, oracle)
            if not vector["verified_by_dubbo"]:
                unread.append((seen["description"], seen["producer"]))
            print(json.dumps(vector, ensure_ascii=False, separators=(",", ":")))
    print(f"{len(known)} vectors; not confirmed by Dubbo's own decoder: {unread}", file=sys.stderr)


def too_large(seen, data):
    if len(data) <= LARGE:
        return False
    first = seen["producer"].startswith("dubbo 3.3") and data[2] & 0x1F == frames.HESSIAN2
    return not (first and seen["description"] in LARGE_KEPT and seen["direction"] == "c2s")


def describe(seen, data, oracle):
    expected = frames.header(data)
    serialization = expected["serialization_id"]
    # Java's own serialization is an extension in Dubbo 3, fastjson2 came with it.
    reader = "3.3.6" if serialization == 23 or seen["producer"].startswith("dubbo 3") else "2.7.23"
    answer = oracle[reader]
    features = set()
    if serialization == frames.HESSIAN2:
        expected, features = frames.hessian2(data)
        verified = agrees(expected, answer)
    elif "error" in answer:
        verified = False
    else:
        expected.update({name: value for name, value in answer.items() if name != "leaves"})
        verified = True
    return {
        "description": seen["description"],
        "producer": seen["producer"],
        "peer": seen["peer"],
        "direction": seen["direction"],
        "features": sorted(features),
        "verified_by_dubbo": verified,
        "frame": data.hex(),
        "expected": expected,
    }


def agrees(expected, answer):
    """Whether Dubbo's own decoder found the same head, attachments and scalars."""
    if "error" in answer:
        return False
    ours = dict(expected, **expected.get("response", {}))
    for field in ("path", "version", "method", "param_types_desc", "kind_id", "message", "event_data"):
        if field in answer and plain(ours.get(field)) != plain(answer[field]):
            raise SystemExit(f"Dubbo reads another {field}: {ours.get(field)} is not {answer[field]}")
    if "attachments" in answer and names(ours["attachments"]) != names(answer["attachments"]):
        raise SystemExit(f"Dubbo reads other attachments: {ours['attachments']} is not {answer['attachments']}")
    found = []
    for value in values(ours):
        leaves(value, found)
    theirs = [leaf for leaf in answer.get("leaves", []) if not leaf.startswith("closed:")]
    missing = collections.Counter(map(plain_leaf, theirs))
    missing.subtract(found)
    # What Java does not let us look into has leaves in our eyes only.
    closed = len(theirs) < len(answer.get("leaves", []))
    return all(count < 0 if closed else count == 0 for count in missing.values() if count)


def values(ours):
    if "args" in ours:
        return ours["args"]
    return [ours[name] for name in ("value", "exception") if name in ours]


def plain(value):
    """Texts too long to be written out are compared by their hash."""
    return digest(value) if isinstance(value, str) else value


def names(attachments):
    """Attachments that are strings in the eyes of both."""
    if attachments is None:
        return None
    strings = {}
    for name, value in attachments.items():
        if isinstance(value, dict) and "$str_sha256" in value:
            strings[name] = value["$str_sha256"]
        elif value is None or isinstance(value, str) and not value.startswith("@"):
            strings[name] = plain(value)
    return strings


def leaves(value, found):
    if value is None:
        found.append("null")
    elif isinstance(value, bool):
        found.append(f"boolean:{str(value).lower()}")
    elif isinstance(value, int):
        found.append(f"number:{value}")
    elif isinstance(value, str):
        found.append("text:" + digest(value))
    elif "$utf16" in value:
        text = struct.pack(f">{len(value['$utf16'])}H", *value["$utf16"]).decode("utf-16-be", "surrogatepass")
        found.append("text:" + digest(text))
    elif "$str_sha256" in value:
        found.append("text:" + value["$str_sha256"])
    elif "$long" in value:
        found.append("number:" + value["$long"])
    elif "$double" in value:
        found.append("double:" + str(struct.unpack(">q", struct.pack(">d", float(value["$double"])))[0]))
    elif "$date" in value:
        found.append(f"date:{value['$date']}")
    elif "$bin" in value or "$bin_sha256" in value:
        found.append(f"bytes:{value['len'] if 'len' in value else len(value['$bin']) // 2}")
    else:
        for item in value.get("$list", []):
            leaves(item, found)
        for key, item in value.get("$map", []):
            leaves(key, found)
            leaves(item, found)
        for _, item in value.get("fields", []):
            leaves(item, found)


def plain_leaf(leaf):
    return "text:" + digest(leaf[len("text:"):]) if leaf.startswith("text:") else leaf


def digest(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])
