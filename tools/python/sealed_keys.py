"""Who can open a sealed download: passphrases, key files and persons' own key pairs (storage/SEALED_STREAM.md, "Wrapped
keys"). Part of sealed_download.py; no code is shared with the program `penstock`.
"""
import base64
import binascii
import datetime
import hmac
import os
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RECORD_VERSION = 2
KEY_HEADING, KEY_LINE = "penstock-key 1", re.compile("[0-9a-f]{64}")
USER_KEY_LINE = re.compile(r"(public|secret)[ \t]+(\S{40})\s*")
LONGEST_KEY_FILE = 4096
Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
# What is refused before any work.
MOST_HOLDERS, MOST_PASSPHRASES = 32, 4
MOST_ARGON2ID = {"memory_kib": 1 << 20, "passes": 16, "lanes": 4}
HOLDER_BYTES = {"salt": 16, "key_check": 32, "wrapped": 32}
PERSON_BYTES = {"public_key": 32, "ephemeral": 32}
WHAT_NEXT = {
    "not_found": "it is not there, or not yours to see; projects() lists your projects",
    "not_permitted": "ask the administrator whether your role allows this",
    "patient_not_permitted": "the IRB has not approved this patient for the project",
    "bad_request": "the message begins with the argument that is at fault",
    "unknown_command": "the server is of another version than this client",
    "internal": "tell the administrator, with the time; then try again",
    "project_expired": "the approval has ended; ask the investigator to extend it",
    "pacs_unavailable": "try later; pacs() tells the state of each",
    "quota_exceeded": "make room, or ask for a larger quota",
    "conflict": "take another directory, or another op",
    "too_large": "ask for less at once",
    "rate_limited": "wait a little and try again",
    "shutting_down": "the server is going down; try again in a minute",
    "timed_out": "is the server running, is its address right? Then call again",
    "authentication_failed": "is it the right key? If so, the data was altered: download it again",
    "bad_configuration": "tools/python/README.md tells where the settings come from",
    "incomplete": "what came is kept; download again into the same directory to try for the rest",
}


class PenstockError(Exception):
    """What went wrong: `code` (those of messages/WIRE.md and of WHAT_NEXT), `message`, `details` as the server gave
    them, and `what_next`, which helps. Never holds a key."""

    def __init__(self, code, message, details=None, what_next=None):
        self.code, self.message, self.details = code, message, details or {}
        self.what_next = what_next or WHAT_NEXT.get(code, "")
        super().__init__(message)

    def __str__(self):
        return "%s: %s%s" % (self.code, self.message, "; " + self.what_next if self.what_next else "")


class SealBroken(PenstockError):
    """Not what was sealed: another key, or bytes that were altered, cut, lengthened, or put in another's place."""

    def __init__(self, message):
        super().__init__("authentication_failed", message)


# ----------------------------------------------------------------------------------------------------------------- keys

def read_private_lines(path):
    """The lines of a small file that only its owner may read; PenstockError not_permitted when others may."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        if os.fstat(stream.fileno()).st_mode & 0o077:
            raise PenstockError("not_permitted", "'%s' can be read by others" % path, None, "chmod 600 '%s'" % path)
        return stream.read(LONGEST_KEY_FILE).splitlines()


def make_key_file(path):
    """A new download key, as `penstock key new` makes it. Keep a copy: without it nobody can open what
    was sealed for it. FileExistsError when there is a file."""
    text = "%s\n%s\n" % (KEY_HEADING, os.urandom(32).hex())
    with open(path, "x", encoding="ascii", opener=open_private) as stream:
        stream.write(text)


def open_private(path, flags):
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def derive(key, salt, label, size):
    return HKDF(algorithm=hashes.SHA256(), length=size, salt=salt, info=label).derive(key)


def _z85(text):
    """The bytes of Z85 text (RFC 32/Z85)."""
    raw = b""
    for begin in range(0, len(text), 5):
        value = 0
        for character in text[begin:begin + 5].encode():
            value = value * 85 + Z85.index(character)
        raw += value.to_bytes(4, "big")
    return raw


def _own_key(path):
    """("key_file", 32 bytes) of a download key file, ("person", X25519 secret key) of a user key file."""
    lines = read_private_lines(path)
    if len(lines) == 2 and lines[0] == KEY_HEADING and KEY_LINE.fullmatch(lines[1]):
        return "key_file", bytes.fromhex(lines[1])
    words = dict(found.groups() for found in map(USER_KEY_LINE.fullmatch, lines) if found)
    try:
        return "person", X25519PrivateKey.from_private_bytes(_z85(words["secret"]))
    except (KeyError, ValueError, OverflowError):
        raise PenstockError("bad_configuration", "'%s' is no download key file" % path, None,
                            "make_key_file() or 'penstock key new' makes one") from None


def _raw(public_key):
    return public_key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _root_of_passphrase(passphrase, salt, cost):
    try:
        from argon2.low_level import Type, hash_secret_raw
    except ImportError:
        raise PenstockError("not_permitted", "a passphrase needs the module argon2", None,
                            "apt-get install python3-argon2, or give a key") from None
    return hash_secret_raw(passphrase.encode(), salt, cost["passes"], cost["memory_kib"], cost["lanes"], 32, Type.ID)


def _root_of_person(secret, salt, public, ephemeral):
    """None for another's holder, and for a shared secret that everybody knows."""
    if _raw(secret.public_key()) != public:
        return None
    try:
        shared = secret.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    except ValueError:  # all zeros
        return None
    return derive(shared, salt, b"penstock/1 person" + ephemeral + public, 32)


def _values(holder):
    """The binary members of a holder; PenstockError for one that is malformed, unknown or too costly."""
    kind, cost = holder.get("protection"), holder.get("argon2id", {})
    sizes = {**HOLDER_BYTES, **(PERSON_BYTES if kind == "person" else {})}
    try:
        values = {name: base64.b64decode(holder[name], validate=True) for name in sizes}
        good = holder["version"] == 1 and kind in ("passphrase", "key_file", "person")
        good = good and all(len(values[name]) == size for name, size in sizes.items())
        if kind == "passphrase":
            good = good and all(0 < int(cost[name]) <= most for name, most in MOST_ARGON2ID.items())
    except (KeyError, TypeError, ValueError, binascii.Error):
        good = False
    if not good:
        raise PenstockError("bad_configuration", "the record has a holder that is not as it should be")
    return values


def _ciphers(root, salt):
    return derive(root, salt, b"penstock/1 key check", 32), AESSIV(derive(root, salt, b"penstock/1 key wrap", 64))


def wrap(data_key, key_file, download):
    """A holder for a key file."""
    kind, key = _own_key(key_file)
    if kind != "key_file":
        raise PenstockError("bad_configuration", "'%s' is no download key file" % key_file, None,
                            "make_key_file() or 'penstock key new' makes one")
    salt = os.urandom(16)
    check, cipher = _ciphers(derive(key, salt, b"penstock/1 key file", 32), salt)
    values = {"salt": salt, "key_check": check, "wrapped": cipher.encrypt(data_key, [download.encode()])}
    added = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {"version": 1, "protection": "key_file", "added": added, "label": "",
            "fingerprint": derive(key, None, b"penstock/1 key file fingerprint", 8).hex(),
            **{name: base64.b64encode(value).decode() for name, value in values.items()}}


def _roots(record, key, passphrase):
    """(values, root) of each holder that may be meant; nothing is computed before all were looked at."""
    holders = record.get("holders", [])
    if not 0 < len(holders) <= MOST_HOLDERS or \
            sum(holder.get("protection") == "passphrase" for holder in holders) > MOST_PASSPHRASES:
        raise PenstockError("bad_configuration", "the record has too many holders, or none")
    checked = [(holder, _values(holder)) for holder in holders]
    kind, own = ("passphrase", passphrase) if key is None else _own_key(key)
    if own is None or kind not in {holder["protection"] for holder in holders}:
        known = sorted({holder["protection"] for holder in holders})
        raise PenstockError("not_permitted", "this download opens with: %s" % ", ".join(known), None,
                            "give key= (a path) or passphrase=")
    for holder, values in checked:
        if holder["protection"] != kind:
            continue
        if kind == "passphrase":
            yield values, _root_of_passphrase(own, values["salt"], holder["argon2id"])
        elif kind == "key_file":
            yield values, derive(own, values["salt"], b"penstock/1 key file", 32)
        else:
            yield values, _root_of_person(own, values["salt"], values["public_key"], values["ephemeral"])


def unwrap(record, key=None, passphrase=None):
    """The key of a download. SealBroken when the key or passphrase is not of one of its holders."""
    for values, root in _roots(record, key, passphrase):
        if root is None:
            continue
        check, cipher = _ciphers(root, values["salt"])
        if hmac.compare_digest(check, values["key_check"]):
            try:
                return cipher.decrypt(values["wrapped"], [record["download"].encode()])
            except InvalidTag:
                pass
    raise SealBroken("this %s does not open the download" % ("passphrase" if key is None else "key"))
