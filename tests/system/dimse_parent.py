"""Plays the server for one penstock-dimse child: the channel, sockets, archives and data sets that the tests need."""
import array
import fcntl
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

MR = "1.2.840.10008.5.1.4.1.1.4"
VERIFICATION = "1.2.840.10008.1.1"
EXPLICIT = "1.2.840.10008.1.2.1"
PATIENCE = 20


# ---- the parent's side of the channel ----

class Child:
    """One penstock-dimse; `peer` is the accepted socket of an inbound association."""

    def __init__(self, program, job, peer=None):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        high = [fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, 20)]
        actions = [(os.POSIX_SPAWN_DUP2, high[0], 3)]
        if peer is not None:
            high.append(fcntl.fcntl(peer, fcntl.F_DUPFD_CLOEXEC, 20))
            actions.append((os.POSIX_SPAWN_DUP2, high[1], 4))
        self.pid = os.posix_spawn(program, [program], os.environ, file_actions=actions)
        for descriptor in high:
            os.close(descriptor)
        theirs.close()
        if peer is not None:
            peer.close()
        self.channel = ours
        self.exit_code = None
        self.log = []
        self.tell(job)

    def tell(self, message, descriptor=None):
        ancillary = []
        if descriptor is not None:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        self.channel.sendmsg([json.dumps(message).encode()], ancillary)

    def hear(self, patience=PATIENCE):
        """The next message, or None when the child has closed the channel."""
        self.channel.settimeout(patience)
        try:
            text = self.channel.recv(1 << 17)
        except ConnectionResetError:
            text = b""
        if not text:
            return None
        self.log.append(json.loads(text))
        return self.log[-1]

    def hear_until(self, kind, patience=PATIENCE):
        while (message := self.hear(patience)) is not None:
            if message["kind"] == kind:
                return message
        raise AssertionError(f"no {kind}; heard {self.log}")

    def wait(self, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while self.exit_code is None and time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
            else:
                time.sleep(0.005)
        if self.exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            raise AssertionError("the child does not end")
        return self.exit_code

    def end(self):
        self.channel.close()
        return self.wait()


# ---- packs, read as storage/STUDY_PACK.md says ----

def crc32c(data, before=0):
    value = before ^ 0xFFFFFFFF
    for byte in data:
        value = CRC_TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ 0x82F63B78 if value & 1 else value >> 1
        table.append(value)
    return table


CRC_TABLE = crc_table()


def read_pack(path, check=True):
    """{SOP Instance UID: data set bytes}; raises when anything does not check."""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"PENSPACK" and struct.unpack_from("<I", data, 60)[0] == crc32c(data[:60])
    pack_id, found, at = data[32:48], {}, 64
    while at < len(data):
        assert data[at:at + 8] == b"PENSRECD"
        header_bytes, *lengths = struct.unpack_from("<IBBBB", data, at + 8)
        part10_bytes, meta_bytes = struct.unpack_from("<QI", data, at + 16)
        texts, position = [], at + 40
        for length in lengths:
            texts.append(data[position:position + length].decode())
            position += length
        assert position == at + header_bytes
        part10 = data[position:position + part10_bytes]
        commit = data[position + part10_bytes:position + part10_bytes + 40]
        offset, length, dataset_bytes = struct.unpack_from("<QQQ", commit, 8)
        assert commit[:8] == b"PENSCMIT" and (offset, length) == (at, part10_bytes)
        assert dataset_bytes == part10_bytes - meta_bytes and part10[128:132] == b"DICM"
        if check:
            assert struct.unpack_from("<I", commit, 36)[0] == crc32c(commit[:36], crc32c(pack_id))
            header = data[at:at + 16] + bytes(8) + data[at + 24:at + 36] + bytes(4) + data[at + 40:at + header_bytes]
            assert struct.unpack_from("<I", commit, 32)[0] == crc32c(part10, crc32c(header))
        found[texts[1]] = part10[meta_bytes:]
        at = position + part10_bytes + 40
    return found


# ---- instances ----

def instance(study, series, patient="0012345", number=1, side=16, name="Doe^Jane", charset=None, sop=None):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MR
    meta.MediaStorageSOPInstanceUID = sop or generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = Dataset()
    if charset:
        data.SpecificCharacterSet = charset
    data.SOPClassUID, data.SOPInstanceUID = MR, meta.MediaStorageSOPInstanceUID
    data.StudyDate, data.StudyTime, data.Modality, data.AccessionNumber = "20260102", "101112", "MR", "A7"
    data.PatientName, data.PatientID, data.StudyID = name, patient, "1"
    data.StudyInstanceUID, data.SeriesInstanceUID = study, series
    data.SeriesNumber, data.InstanceNumber = 1, number
    data.Rows = data.Columns = side
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.PixelData = os.urandom(side * side * 2)
    data.file_meta, data.is_little_endian, data.is_implicit_VR = meta, True, False
    return data


def save(data, directory):
    path = pathlib.Path(directory) / f"{data.SOPInstanceUID}.dcm"
    data.save_as(path, write_like_original=False)
    return path


def dataset_bytes(path):
    """The data set of a file that pydicom wrote: what follows the file meta group."""
    raw = path.read_bytes()
    return raw[144 + struct.unpack_from("<I", raw, 140)[0]:]


# ---- a sender made by hand, for what no toolkit would send ----

def element(tag, vr, value):
    if len(value) % 2:
        value += b"\0" if vr == b"UI" else b" "
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    return head + vr + struct.pack("<H", len(value)) + value


def raw_dataset(study, series, sop, patient, before_identity=b"", after_identity=b"", sop_class=MR):
    return (element(0x00080016, b"UI", sop_class.encode()) + element(0x00080018, b"UI", sop.encode()) + before_identity
            + element(0x00100020, b"LO", patient.encode()) + element(0x0020000D, b"UI", study.encode())
            + element(0x0020000E, b"UI", series.encode()) + after_identity)


def nested(tag, depth):
    level = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ", 0, 0xFFFFFFFF)
    level += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return level * depth


class Sender:
    def __init__(self, port, calling="SENDER", called="PENSTOCK", sop_class=MR, transfer_syntax=EXPLICIT):
        self.sop_class = sop_class
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.message_id = 0
        self.socket.sendall(self.request(calling, called, sop_class, transfer_syntax))
        self.answer = self.pdu()

    @staticmethod
    def item(kind, body):
        return struct.pack(">BBH", kind, 0, len(body)) + body

    @classmethod
    def request(cls, calling, called, sop_class=MR, transfer_syntax=EXPLICIT):
        context = b"\x01\0\0\0" + cls.item(0x30, sop_class.encode()) + cls.item(0x40, transfer_syntax.encode())
        user = cls.item(0x51, struct.pack(">I", 131072)) + cls.item(0x52, b"1.2.3")
        body = struct.pack(">HH16s16s32x", 1, 0, called.ljust(16).encode(), calling.ljust(16).encode())
        body += cls.item(0x10, b"1.2.840.10008.3.1.1.1") + cls.item(0x20, context) + cls.item(0x50, user)
        return struct.pack(">BBI", 1, 0, len(body)) + body

    def exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("closed")
            data += piece
        return data

    def pdu(self):
        kind, _, length = struct.unpack(">BBI", self.exactly(6))
        return kind, self.exactly(length)

    def send(self, control, data):
        body = struct.pack(">IBB", len(data) + 2, 1, control) + data
        self.socket.sendall(struct.pack(">BBI", 4, 0, len(body)) + body)

    def store_command(self, sop):
        self.message_id += 1
        def part(number, value):
            return struct.pack("<HHI", 0, number, len(value)) + value
        def uid(text):
            return text.encode() + b"\0" * (len(text) % 2)
        rest = (part(0x2, uid(self.sop_class))
                + part(0x100, struct.pack("<H", 1)) + part(0x110, struct.pack("<H", self.message_id))
                + part(0x700, b"\0\0") + part(0x800, struct.pack("<H", 0)) + part(0x1000, uid(sop)))
        self.send(3, part(0, struct.pack("<I", len(rest))) + rest)

    def store(self, sop, data):
        """The DIMSE status of the answer."""
        self.store_command(sop)
        for at in range(0, len(data), 65536):
            self.send(2 if at + 65536 >= len(data) else 0, data[at:at + 65536])
        kind, body = self.pdu()
        assert kind == 4, f"the receiver answered with a PDU of type {kind}"
        at = 6
        while at < len(body):
            group, number, length = struct.unpack_from("<HHI", body, at)
            if (group, number) == (0, 0x900):
                return struct.unpack_from("<H", body, at + 8)[0]
            at += 8 + length
        raise AssertionError("no status")

    def release(self):
        self.socket.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        assert self.pdu()[0] == 6
        self.socket.close()


# ---- the receiving side of the parent ----

class Receiver:
    """Listens, gives each connection to an `accept` child, and decides as `expected` (study -> patient) says."""

    def __init__(self, program, directory, expected, job=None, admit=True):
        self.program, self.directory, self.expected, self.admit = program, pathlib.Path(directory), expected, admit
        self.job = {"kind": "accept_job", "our_ae_titles": ["PENSTOCK"], **(job or {})}
        self.hold_decisions = threading.Event()
        self.hold_decisions.set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.listener.getsockname()[1]
        self.children, self.messages, self.threads, self.packs = [], [], [], {}
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            child = Child(self.program, self.job, peer)
            self.children.append(child)
            self.threads.append(threading.Thread(target=self.serve, args=(child,), daemon=True))
            self.threads[-1].start()

    def serve(self, child):
        while (message := child.hear(120)) is not None:
            self.messages.append(message)
            if message["kind"] == "associated":
                child.tell({"kind": "admit", "admitted": self.admit})
            if message["kind"] == "may_store":
                self.hold_decisions.wait()
                self.decide(child, message)

    def decide(self, child, message):
        study = message["study_uid"]
        answer = {"kind": "store_decision", "study_uid": study, "allowed": False, "reason": "not expected"}
        if study not in self.expected:
            return child.tell(answer)
        path = self.directory / f"{sum(map(len, self.packs.values()))}.part"
        self.packs.setdefault(study, []).append(path)
        answer.update(allowed=True, patient={"patient_id": self.expected[study], "issuer": ""})
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        child.tell(answer, descriptor)
        return os.close(descriptor)

    def of_kind(self, kind):
        return [message for message in self.messages if message["kind"] == kind]

    def finish(self):
        """Waits until every child has ended by itself."""
        for thread in list(self.threads):
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a receiving child does not end"
        return [child.wait() for child in self.children]

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Archive:
    """dcmqrscp with one patient's studies, and PENSTOCK as a move destination."""

    def __init__(self, directory, destination_port):
        self.directory = pathlib.Path(directory)
        (self.directory / "store").mkdir()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        config = self.directory / "dcmqrscp.cfg"
        config.write_text(f"""NetworkTCPPort = {self.port}
MaxPDUSize = 131072
MaxAssociations = 16
HostTable BEGIN
penstock = (PENSTOCK, 127.0.0.1, {destination_port})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
PACS {self.directory / "store"} RW (500, 1024mb) ANY
AETable END
""")
        self.process = subprocess.Popen(["dcmqrscp", "-c", str(config)], stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                time.sleep(0.02)

    def store(self, paths):
        subprocess.run(["storescu", "-aec", "PACS", "127.0.0.1", str(self.port), *map(str, paths)], check=True)

    def peer(self, **changes):
        return {"host": "127.0.0.1", "port": self.port, "called_ae": "PACS", "calling_ae": "PENSTOCK",
                "response_timeout_ms": 10000, **changes}

    def close(self):
        self.process.terminate()
        self.process.wait()


class Site:
    """What all tests share: an archive with two studies of one patient, and where packs go."""

    def __init__(self, program, directory):
        self.program, self.directory = program, pathlib.Path(directory)
        self.packs = 0
        self.study, self.other_study = generate_uid(), generate_uid()
        self.series = [generate_uid(), generate_uid()]
        self.receiver = self.receive({self.study: "0012345", self.other_study: "0012345"})
        self.archive = Archive(self.directory, self.receiver.port)
        files = self.directory / "files"
        files.mkdir()
        self.files = {}
        for number in range(1, 41):
            data = instance(self.study, self.series[number % 2], number=number, name="Yamada^Tarou=山田^太郎",
                            charset="ISO_IR 192", side=64)
            self.files[data.SOPInstanceUID] = save(data, files)
        second = save(instance(self.other_study, generate_uid()), files)
        self.archive.store([*self.files.values(), second])

    def receive(self, expected, **options):
        self.packs += 1
        directory = self.directory / f"packs{self.packs}"
        directory.mkdir()
        return Receiver(self.program, directory, expected, **options)

    def run(self, job):
        return Child(self.program, job)

    def close(self):
        self.archive.close()
        self.receiver.close()
