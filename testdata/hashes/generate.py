#!/usr/bin/env python3
"""Writes vectors.json: positions of keys by hash, computed by other implementations than ours.

Needs: pip install xxhash fnvhash   (SHA-256 and CRC-32 are Python's own)
"""
import hashlib
import json
import zlib

import fnvhash
import xxhash

KEYS = [
    "", "a", "alice", "bob", "00000001", "00000002", "user-7", "u-1234567890", "zhang3", "张三", "用户-42",
    "héllo", "a b", "x" * 64, "0b8f1f0e-6f0c-4c8e-9b57-0b8f1f0e6f0c", "13800138000", "alice@example.com",
    "-1", "0", "18446744073709551615", "😀", "A", "tag|a|b", "%20", "trailing ",
]


def vector(key):
    data = key.encode()
    xxh = xxhash.xxh64(b"exp-7" + b"\0" + data, seed=0).intdigest()
    return {
        "key": key,
        "sha256_mod100": int.from_bytes(hashlib.sha256(data).digest()[:8], "big") % 100,
        "crc32_mod100": zlib.crc32(data) % 100,
        "fnv1a_mod1000": fnvhash.fnv1a_64(data) % 1000,
        "fnv1a32_mod1000": fnvhash.fnv1a_32(data) % 1000,
        "xxh64_exp7_of_100": (xxh >> 11) / 2**53 * 100,
    }


with open("vectors.json", "w", encoding="utf-8") as file:
    json.dump([vector(key) for key in KEYS], file, ensure_ascii=False, indent=1)
    file.write("\n")
