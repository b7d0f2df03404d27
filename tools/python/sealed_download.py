"""Sealed downloads of Penstock on the own disk: opened in memory, never a plain byte on the disk.

    sealed = SealedDownload("images", "images.key")
    for dataset in sealed.datasets(Modality="MR"): ...

Needs no server and no network, only python3-cryptography (and python3-pydicom for data sets). The folder is that of
messages/WIRE.md, "On the researcher's disk", the seal that of storage/SEALED_STREAM.md; no code is shared with the
server, and `penstock open` reads the same folder. Sizes are bytes; DICOM values stand under DICOM keywords.
"""
import base64
import contextlib
import hashlib
import io
import json
import os
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealed_keys import (RECORD_VERSION, PenstockError, SealBroken, derive, make_key_file, open_private,
                         read_private_lines, unwrap, wrap)

__all__ = ["PenstockError", "Reception", "SealBroken", "SealedDownload", "make_key_file",
           "read_private_lines"]

RECORD, INDEX, PART, NEW = "penstock-download.json", "index.sealed", ".part", ".new"
HEADER_BYTES, TAG_BYTES = 24, 16
LARGEST_MANIFEST_BYTES = 512 << 20
# ------------------------------------------------------------------------------------------------------------- the seal

class SegmentOpener:
    """Opens one sealed object segment by segment; the first brings the header. `segments` and `plain_bytes` follow from
    the size."""

    def __init__(self, key, record, index, sealed_bytes):
        self.segments = max(1, -(-sealed_bytes // record["segment_bytes"]))
        self.plain_bytes = sealed_bytes - HEADER_BYTES - TAG_BYTES * self.segments
        self._info = ("penstock/1|%s|%d|%d" % (record["download"], index, self.plain_bytes)).encode()
        self._key, self._index, self._cipher, self._prefix = key, index, None, b""

    def open(self, segment, sealed):
        """The plain bytes of a segment, or SealBroken."""
        try:
            if segment == 0:
                header, sealed = sealed[:HEADER_BYTES], sealed[HEADER_BYTES:]
                if len(header) < HEADER_BYTES or header[0] != HEADER_BYTES or self.plain_bytes < 0:
                    raise InvalidTag
                self._cipher, self._prefix = AESGCM(derive(self._key, header[1:17], self._info, 16)), header[17:]
            last = segment + 1 == self.segments
            return self._cipher.decrypt(self._prefix + segment.to_bytes(4, "big") + bytes([last]), sealed, None)
        except InvalidTag:
            raise SealBroken("object %d: segment %d is not what was sealed" % (self._index, segment)) from None


def sealed_size(plain_bytes, segment_bytes):
    return HEADER_BYTES + plain_bytes + TAG_BYTES * -(-(plain_bytes + HEADER_BYTES) // (segment_bytes - TAG_BYTES))


def _open_file(path, key, record, index):
    with open(path, "rb") as stream:
        opener = SegmentOpener(key, record, index, os.fstat(stream.fileno()).st_size)
        if index == 0 and opener.plain_bytes > LARGEST_MANIFEST_BYTES:
            raise SealBroken("'%s' is too large" % path)
        try:
            return b"".join(opener.open(n, stream.read(record["segment_bytes"])) for n in range(opener.segments))
        except SealBroken as broken:
            raise SealBroken("'%s': %s" % (path, broken.message)) from None


def _data_set(part10):
    """What follows preamble, prefix and file meta group (PS3.10 section 7.1)."""
    begin = 144 + int.from_bytes(part10[140:144], "little")
    return memoryview(part10)[begin:] if part10[128:132] == b"DICM" else b""


# ----------------------------------------------------------------------------------------------------------- the folder

def _integer(value):
    """A DICOM integer string or number; 0 when it is none."""
    found = re.match(r"-?\d+", str(value))
    return int(found.group()) if found else 0


def _places(lines):
    """{index: "0001/0002/000003"}: ordinals of study, series and instance in DICOM order, for what can be had. A study
    that two institutions hold under identifiers of their own is two."""
    there = [line for line in lines if not line.get("error")]
    studies, places, last = {}, {}, (0, None, 0, 0)
    for line in there:
        studies.setdefault((line["StudyInstanceUID"], line["PatientID"]), len(studies) + 1)

    def order(line):
        return (studies[line["StudyInstanceUID"], line["PatientID"]], _integer(line.get("SeriesNumber")),
                line["SeriesInstanceUID"], _integer(line.get("InstanceNumber")), line["SOPInstanceUID"], line["index"])
    for line in sorted(there, key=order):
        study = order(line)[0]
        new_study, new_series = study != last[0], study != last[0] or line["SeriesInstanceUID"] != last[1]
        series, instance = 1 if new_study else last[2] + new_series, 1 if new_series else last[3] + 1
        last = study, line["SeriesInstanceUID"], series, instance
        places[line["index"]] = "%04d/%04d/%06d" % (study, series, instance)
    return places


def _parse_manifest(text, record):
    manifest = json.loads(text)
    lines = manifest["objects"]
    indices = [line["index"] for line in lines]
    if manifest["download"] != record["download"] or indices != list(range(1, record["objects"])):
        raise SealBroken("the manifest is not the one of this download")
    return lines


def _load_record(directory):
    """None when the directory holds no download."""
    try:
        with open(os.path.join(directory, RECORD), encoding="utf-8") as stream:
            record = json.load(stream)
    except FileNotFoundError:
        return None
    except ValueError:
        record = {}
    if record.get("version") == 1:  # had one holder
        only = record.pop("key", {})
        record = {**record, "version": RECORD_VERSION, "holders": [only]}
    if record.get("version") != RECORD_VERSION:
        raise PenstockError("bad_configuration", "'%s' is no %s of this version" % (directory, RECORD))
    return record


class SealedDownload:
    """A download as it lies in `directory`, opened with `key`, the path of a key file or of your own user key (the one
    that a holder of the download is for), or with a `passphrase` (needs python3-argon2).

    `instances`: a dict for each image in DICOM order, with "path" below the directory, StudyInstanceUID,
    SeriesInstanceUID, SOPInstanceUID, PatientID, Modality, SeriesNumber, InstanceNumber, "plain_bytes" and more.
    `missing`: the same of what is not here, perhaps with "error". SealBroken for another key or an index that was
    altered, PenstockError not_found where there is no download."""

    def __init__(self, directory, key=None, passphrase=None):
        self.directory, self._record = os.fspath(directory), _load_record(directory)
        if self._record is None:
            raise PenstockError("not_found", "'%s' holds no sealed download" % directory, None, "download() makes one")
        self._key = unwrap(self._record, key, passphrase)
        index = _open_file(os.path.join(self.directory, INDEX), self._key, self._record, 0)
        lines = _parse_manifest(index, self._record)
        places = _places(lines)
        known = [{**line, "path": places[line["index"]] + ".sealed"} for line in lines if line["index"] in places]
        self.instances = sorted(filter(self._is_here, known), key=lambda line: line["path"])
        here = {line["index"] for line in self.instances}
        self.missing = [line for line in lines if line["index"] not in here]
        self._by_path = {line["path"]: line for line in self.instances}

    def _is_here(self, line):
        return os.path.exists(os.path.join(self.directory, line["path"]))

    def open(self, path):
        """The DICOM Part 10 file (io.BytesIO) of an instance, by its "path": every segment opened, the size and the
        SHA-256 of the data set as the index says. Takes twice its size of memory. SealBroken, else nothing of it."""
        line = self._by_path.get(os.fspath(path))
        if line is None:
            raise PenstockError("not_found", "'%s' is no instance of this download" % path, None, "see `instances`")
        plain = _open_file(os.path.join(self.directory, line["path"]), self._key, self._record, line["index"])
        digest = line.get("dataset_sha256", "").lower()
        if len(plain) != line["plain_bytes"] or digest not in ("", hashlib.sha256(_data_set(plain)).hexdigest()):
            raise SealBroken("'%s' is not what the index says" % line["path"])
        return io.BytesIO(plain)

    def datasets(self, **wanted):
        """Iterates over pydicom data sets in DICOM order, one in memory at a time; `wanted` chooses by what `instances`
        say: Modality="MR", StudyInstanceUID=..., PatientID=..."""
        import pydicom
        for line in self.instances:
            if all(line.get(name) == value for name, value in wanted.items()):
                yield pydicom.dcmread(self.open(line["path"]))


# ------------------------------------------------------------------------------------------------------------ receiving

class Reception:
    """Writes a download into a directory as it comes (WIRE.md, "The data socket"). Each segment is opened before it is
    kept; a file has its name when it is whole and synced, and ends in .part before. `position`: the (object, segment)
    that comes next. `missing`: indices of what was not sent. A directory takes one Reception at a time."""

    def __init__(self, directory, sealed, progress):
        self._directory, self._sealed, self._progress = os.fspath(directory), sealed, progress
        self.record, self.key, self.paths, self.missing, self.position = None, None, [], [], (0, 0)
        self._lines, self._places, self._manifest = None, {}, []
        self._opener, self._file, self._bytes = None, None, 0

    @property
    def done(self):
        return self._lines is not None and self.position[0] > len(self._lines)

    def studies(self):
        """The UIDs in the manifest; None when it is not here yet."""
        return None if self._lines is None else {line.get("StudyInstanceUID") for line in self._lines}

    def begin(self, opened, project, key_file):
        """A new download: `opened` as download.open answers."""
        self.key = base64.b64decode(opened["key"])
        self.record = {"version": RECORD_VERSION, "project": project,
                       **{name: opened[name] for name in ("download", "segment_bytes", "objects", "bytes")}}
        if self._sealed:
            self.record["holders"] = [wrap(self.key, key_file, opened["download"])]
            self._save("receiving")

    def take_up(self, key_file):
        """Goes on with what an earlier reception left here; False when there was none."""
        self.record = _load_record(self._directory) if self._sealed else None
        if self.record is None:
            if set(os.listdir(self._directory)) - {RECORD + NEW}:
                raise PenstockError("conflict", "'%s' is not empty" % self._directory, None, "take another directory")
            return False
        self.key = unwrap(self.record, key_file)
        index = os.path.join(self._directory, INDEX)
        if os.path.exists(index):
            self._bytes = os.path.getsize(index)
            self._take_manifest(_open_file(index, self.key, self.record, 0))
            while not self.done and self._is_whole(self.position[0]):
                self._advance()
        return True

    def take(self, frames):
        """One message; True when it is the last. SealBroken for what is not sealed so, or was not announced."""
        kind, shape = frames[0], {b"OBJ": 3, b"SEG": 4, b"ERR": 3, b"END": 1}
        if len(frames) != shape.get(kind):
            raise SealBroken("the data socket sent what is not of its protocol")
        numbers = [int.from_bytes(each, "big") for each in frames[1:3]]
        if kind == b"SEG":
            self._keep(*numbers, frames[3])
        elif kind == b"OBJ":
            self._expect(*numbers)
        elif kind == b"ERR":
            self._lose(numbers[0])
        else:
            self._end()
        self._progress(self._bytes, self.record["bytes"])
        return kind == b"END"

    def finish(self):
        """PenstockError incomplete when something is missing."""
        if self._sealed:
            self._save("incomplete" if self.missing else "complete")
        if self.missing:
            counts = len(self.missing), len(self._lines)
            raise PenstockError("incomplete", "%d of %d images could not be sent" % counts, {"missing": self.missing})

    def close(self):
        """What is partly here stays, to be taken up."""
        with contextlib.suppress(OSError):  # a full disk was told before
            if self._file:
                self._file.close()

    def _save(self, state):
        path = os.path.join(self._directory, RECORD)
        self.record["state"] = state
        with open(path + NEW, "w", encoding="utf-8", opener=open_private) as stream:
            json.dump(self.record, stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(path + NEW, path)

    def _path(self, index):
        if index == 0:
            return os.path.join(self._directory, INDEX)
        modality = re.sub("[^A-Z0-9]", "", str(self._lines[index - 1].get("Modality", "")))[:16] or "OTHER"
        place = self._places[index]
        return os.path.join(self._directory, place + ".sealed" if self._sealed else "%s/%s.dcm" % (modality, place))

    def _size(self, index):
        """Sealed; None for what the manifest does not promise."""
        if index not in self._places:
            return None
        return sealed_size(self._lines[index - 1]["plain_bytes"], self.record["segment_bytes"])

    def _is_whole(self, index):
        """Else it is gone on with behind those segments of its partial file that are authentic."""
        path, size, segment_bytes, segment = self._path(index), self._size(index), self.record["segment_bytes"], 0
        if os.path.exists(path) and os.path.getsize(path) == size:
            self._bytes += size
            return True
        if not os.path.exists(path + PART):
            return False
        self._start(index, size, "r+b")
        with contextlib.suppress(SealBroken):
            while segment < self._opener.segments:
                self._opener.open(segment, self._file.read(segment_bytes))
                segment += 1
        kept = self._file.truncate(min(segment * segment_bytes, size))
        self._file.seek(kept)
        self.position, self._bytes = (index, segment), self._bytes + kept
        if segment == self._opener.segments:
            self._name_file()
            return True
        return False

    def _start(self, index, sealed_bytes, mode):
        self._opener = SegmentOpener(self.key, self.record, index, sealed_bytes)
        if index == 0 and self._opener.plain_bytes > LARGEST_MANIFEST_BYTES:
            raise SealBroken("the manifest is too large")
        if index or self._sealed:
            os.makedirs(os.path.dirname(self._path(index)), 0o700, exist_ok=True)
            self._file = open(self._path(index) + PART, mode, opener=open_private)

    def _name_file(self):
        if self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.rename(self._file.name, self._file.name[:-len(PART)])
        self._file = None

    def _expect(self, index, sealed_bytes):
        announced = index == 0 if self._lines is None else sealed_bytes == self._size(index)
        if not announced or index < self.position[0] or (self._opener and index != self.position[0]):
            raise SealBroken("object %d is not as announced" % index)
        while self.position[0] < index:
            self._advance(missing=True)
        if not self._opener:  # else it was resumed in its middle
            self._start(index, sealed_bytes, "wb")

    def _keep(self, index, segment, sealed):
        if not self._opener or (index, segment) != self.position:
            raise SealBroken("object %d: segment %d came out of order" % (index, segment))
        plain = self._opener.open(segment, sealed)
        if index == 0:
            self._manifest.append(plain)
        if self._file:
            self._file.write(sealed if self._sealed else plain)
        self.position, self._bytes = (index, segment + 1), self._bytes + len(sealed)
        if segment + 1 == self._opener.segments:
            self._name_file()
            if index == 0:
                self._take_manifest(b"".join(self._manifest))
            else:
                self.paths.append(self._path(index))
                self._advance()

    def _take_manifest(self, text):
        self._lines = _parse_manifest(text, self.record)
        self._places = _places(self._lines)
        self._advance()

    def _advance(self, missing=False):
        """To the next object that the manifest promises; what is passed over is missing."""
        while True:
            self.missing += [self.position[0]] if missing else []
            self.position, self._opener = (self.position[0] + 1, 0), None
            missing = not self.done and self.position[0] not in self._places
            if not missing:
                return

    def _lose(self, index):
        if self._lines is None or not self.position[0] <= index <= len(self._lines):
            raise SealBroken("object %d cannot be had" % index)
        if self._file:
            self._file.close()
            os.unlink(self._file.name)
        self._file = None
        while not self.done and self.position[0] <= index:
            self._advance(missing=True)

    def _end(self):
        if self._lines is None or self._opener:
            raise SealBroken("the download ended too early")
        while not self.done:
            self._advance(missing=True)
        if not self.missing and self._bytes != self.record["bytes"]:
            raise SealBroken("the download is not of the size that was announced")
