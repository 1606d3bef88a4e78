"""License expressions of SPDX: `MIT OR Apache-2.0`, `(MIT OR Apache-2.0) AND Unicode-3.0`."""

import re
import zlib


def problem(expression, allowed):
    """Why a package with this license can't be used; none if it can."""
    if not expression:
        return "no license is named"
    # Before SPDX, a slash was an OR.
    words = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))
    try:
        fine, rest = alternatives(words, set(allowed))
    except IndexError:
        rest = ["the end"]
    if rest:
        return f"the license `{expression}` can't be read at `{rest[0]}`"
    return None if fine else f"the license `{expression}` is not among those that deny.toml allows"


def is_file(path, crc32):
    """Whether this is still the license's text that somebody has read."""
    return path.is_file() and zlib.crc32(path.read_bytes()) == crc32


def alternatives(words, allowed):
    fine, words = together(words, allowed)
    while words and words[0] == "OR":
        other, words = together(words[1:], allowed)
        fine = fine or other
    return fine, words


def together(words, allowed):
    fine, words = one(words, allowed)
    while words and words[0] == "AND":
        other, words = one(words[1:], allowed)
        fine = fine and other
    return fine, words


def one(words, allowed):
    if words[0] == "(":
        fine, words = alternatives(words[1:], allowed)
        return fine, words[1:] if words[0] == ")" else words
    name, words = words[0], words[1:]
    if words and words[0] == "WITH":
        name, words = f"{name} WITH {words[1]}", words[2:]
    return name in allowed, words
