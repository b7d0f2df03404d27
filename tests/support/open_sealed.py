#!/usr/bin/python3
"""Opens and seals sealed objects with an implementation that shares no code with Penstock's (python3-cryptography).

The format is storage/SEALED_STREAM.md, which is the public "Streaming AEAD AES128_GCM_HKDF":
https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming

usage: open_sealed.py open KEY_HEX ASSOCIATED_DATA SEGMENT_BYTES SEALED_FILE   plain bytes to standard output
       open_sealed.py check CASES      every case both ways, see check_case
       open_sealed.py selftest         the official test vectors
Exit code 0 = all opened, 1 = usage or fault, 2 = refused.
"""
import io
import json
import pathlib
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TAG_BYTES = 16
NONCE_PREFIX_BYTES = 7


class Refused(Exception):
    """The bytes are not what was sealed under this key and associated data."""


def cipher_of(key, header, associated_data, hash_algorithm, derived_key_bytes):
    salt = header[1:1 + derived_key_bytes]
    hkdf = HKDF(algorithm=hash_algorithm, length=derived_key_bytes, salt=salt, info=associated_data)
    return AESGCM(hkdf.derive(key)), header[1 + derived_key_bytes:]


def nonce_of(prefix, segment, last):
    return prefix + segment.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


def open_segments(stream, key, associated_data, segment_bytes, hash_algorithm=None, derived_key_bytes=16):
    """Yields the plain bytes of each segment once it has authenticated."""
    header_bytes = 1 + derived_key_bytes + NONCE_PREFIX_BYTES
    header = stream.read(header_bytes)
    if len(header) != header_bytes or header[0] != header_bytes:
        raise Refused("header")
    cipher, prefix = cipher_of(key, header, associated_data, hash_algorithm or hashes.SHA256(), derived_key_bytes)
    segment, room = 0, segment_bytes - header_bytes
    current = stream.read(room)
    while True:
        following = stream.read(segment_bytes) if len(current) == room else b""
        last = not following
        if len(current) < TAG_BYTES or (segment > 0 and len(current) == TAG_BYTES):
            raise Refused("length of segment %d" % segment)
        try:
            yield cipher.decrypt(nonce_of(prefix, segment, last), current, None)
        except InvalidTag:
            raise Refused("segment %d" % segment) from None
        if last:
            return
        segment, current, room = segment + 1, following, segment_bytes


def open_bytes(sealed, *args, **kwargs):
    return b"".join(open_segments(io.BytesIO(sealed), *args, **kwargs))


def seal_bytes(plain, key, associated_data, segment_bytes, header, hash_algorithm=None, derived_key_bytes=16):
    cipher, prefix = cipher_of(key, header, associated_data, hash_algorithm or hashes.SHA256(), derived_key_bytes)
    first, other = segment_bytes - len(header) - TAG_BYTES, segment_bytes - TAG_BYTES
    parts = [plain[:first]] + [plain[at:at + other] for at in range(first, len(plain), other)]
    sealed = [cipher.encrypt(nonce_of(prefix, n, n + 1 == len(parts)), part, None) for n, part in enumerate(parts)]
    return header + b"".join(sealed)


def check_case(folder, case):
    """Opens NAME.sealed and compares it with NAME.plain; seals that under a header which Penstock did not choose, as
    NAME.resealed for Penstock to open; refuses a copy with a flipped bit."""
    key, associated_data = bytes.fromhex(case["key"]), case["associated_data"].encode()
    segment_bytes = case["segment_bytes"]
    base = folder / case["name"]
    sealed, plain = base.with_suffix(".sealed").read_bytes(), base.with_suffix(".plain").read_bytes()
    if open_bytes(sealed, key, associated_data, segment_bytes) != plain:
        raise Refused("%s opens to other bytes" % case["name"])
    if seal_bytes(plain, key, associated_data, segment_bytes, sealed[:24]) != sealed:
        raise Refused("%s is sealed to other bytes" % case["name"])
    header = bytes.fromhex(case["foreign_header"])
    base.with_suffix(".resealed").write_bytes(seal_bytes(plain, key, associated_data, segment_bytes, header))
    damaged = bytearray(sealed)
    damaged[len(sealed) // 2] ^= 1
    try:
        open_bytes(bytes(damaged), key, associated_data, segment_bytes)
    except Refused:
        return
    raise Refused("%s opens in spite of a flipped bit" % case["name"])


def check(cases_file):
    path = pathlib.Path(cases_file)
    cases = json.loads(path.read_text())
    for case in cases:
        check_case(path.parent, case)
    print("%d cases agree" % len(cases))


# Official vectors of the Tink project: key, HKDF hash, derived key bytes, segment bytes, associated data, plain and
# sealed bytes.
KEY_16 = "6eb56cdc726dfbe5d57f2fcdc6e9345b"
KEY_32 = "00112233445566778899aabbccddeeff" + KEY_16
THREE_SEGMENTS = b"This is a fairly long plaintext. It is of the exact length to create three output blocks. "
EIGHT_BLOCKS = b"BLOCK 1.BLOCK 2.BLOCK 3.BLOCK 4.BLOCK 5.BLOCK 6.BLOCK 7.BLOCK 8."
VECTORS = [
    (KEY_16, hashes.SHA1(), 16, 64, b"aad", THREE_SEGMENTS,
     "1893b3af5e14ab378d065addfc8484da642c0862877baea8"
     "db92d9c77406a406168478821c4298eab3e6d531277f4c1a051714faebcaefcbca7b7be05e9445ea"
     "a0bb2904153398a25084dd80ae0edcd1c3079fcea2cd3770630ee36f7539207b8ec9d754956d486b"
     "71cdf989f0ed6fba6779b63558be0a66e668df14e1603cd2"
     "af8944844078345286d0b292e772e7190775c51a0f83e40c0b75821027e7e538e111"),
    (KEY_16, hashes.SHA1(), 16, 64, b"", b"",
     "18ec99b2c3884194023bd41bb9bff309205354c750fa0cb3c0d02609abf71f88eaeaa48d7deca27f"),
    (KEY_16, hashes.SHA256(), 16, 64, b"", b"",
     "18be78bce0cab6fd38a9041eea8ab0ffc4cf17e3c00b661d3927f5f79069f41a210fedc40b25648c"),
    (KEY_16, hashes.SHA512(), 16, 64, b"", b"",
     "18fec8139ccb406e0f140d7e2bcc41e1b899bc1b121574cc31d1c78ed2ca1cdf324665b8dce21095"),
    (KEY_32, hashes.SHA1(), 16, 64, b"", b"",
     "180880e85a24207a7b72cefde26306ed09d7d76e58104b751d005a3ffd72dd6151f0d9c8ccf163f7"),
    (KEY_32, hashes.SHA1(), 32, 64, b"", b"",
     "28fae780c70a82d1256c8303a1261ac6a98cf557b4e173967a62f3c149517ba5"
     "b2431da93b3c6e90f508b34dc14bfda59bab05681c6ad3fa"),
    (KEY_32, hashes.SHA1(), 32, 120, bytes([0, 1, 2, 3]), EIGHT_BLOCKS,
     "28782994617714a80fa085e15051a16854522330d6d0f26c049b2192f09cdd98b2eb90c753bfff27"
     "7a29e54fa4afb15d648c28477eb07f012535c767f5fdce24ffffae318480c1d37357d6d3c5111593"
     "18afa09ef38aa3f5456fd7817c5c02dd6e1a7fef174c8bd24e38b5982ac105497c0101ac5581fe5b"),
]


def selftest():
    for number, (key, hash_algorithm, derived, segment_bytes, associated_data, plain, sealed) in enumerate(VECTORS):
        key, sealed = bytes.fromhex(key), bytes.fromhex(sealed)
        header = sealed[:1 + derived + NONCE_PREFIX_BYTES]
        if open_bytes(sealed, key, associated_data, segment_bytes, hash_algorithm, derived) != plain:
            raise Refused("vector %d opens to other bytes" % number)
        if seal_bytes(plain, key, associated_data, segment_bytes, header, hash_algorithm, derived) != sealed:
            raise Refused("vector %d is sealed to other bytes" % number)
    print("%d official vectors agree" % len(VECTORS))


def main(arguments):
    if arguments == ["selftest"]:
        selftest()
    elif len(arguments) == 2 and arguments[0] == "check":
        check(arguments[1])
    elif len(arguments) == 5 and arguments[0] == "open":
        with open(arguments[4], "rb") as stream:
            for plain in open_segments(stream, bytes.fromhex(arguments[1]), arguments[2].encode(), int(arguments[3])):
                sys.stdout.buffer.write(plain)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        print("refused: %s" % refused, file=sys.stderr)
        sys.exit(2)
