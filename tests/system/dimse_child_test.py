#!/usr/bin/python3
"""penstock-dimse against a real archive (dcmqrscp), real senders and hostile ones. This script plays its parent.

usage: dimse_child_test.py PROGRAM_DIRECTORY
"""
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


def raw_dataset(study, series, sop, patient, before_identity=b"", after_identity=b""):
    return (element(0x00080016, b"UI", MR.encode()) + element(0x00080018, b"UI", sop.encode()) + before_identity
            + element(0x00100020, b"LO", patient.encode()) + element(0x0020000D, b"UI", study.encode())
            + element(0x0020000E, b"UI", series.encode()) + after_identity)


def nested(tag, depth):
    level = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ", 0, 0xFFFFFFFF)
    level += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return level * depth


class Sender:
    def __init__(self, port, calling="SENDER", called="PENSTOCK"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.message_id = 0
        self.socket.sendall(self.request(calling, called))
        self.answer = self.pdu()

    @staticmethod
    def item(kind, body):
        return struct.pack(">BBH", kind, 0, len(body)) + body

    @classmethod
    def request(cls, calling, called):
        context = b"\x01\0\0\0" + cls.item(0x30, MR.encode()) + cls.item(0x40, EXPLICIT.encode())
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
        rest = (part(0x2, uid(MR)) + part(0x100, struct.pack("<H", 1)) + part(0x110, struct.pack("<H", self.message_id))
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


TESTS = []


def test(function):
    TESTS.append(function)
    return function


def silent_listener():
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]


# ---- outbound ----

@test
def echo_is_answered_and_the_child_ends(site):
    child = site.run({"kind": "echo_job", "peer": site.archive.peer()})
    done = child.hear_until("echo_done")
    assert done["outcome"] == "answered" and done["dimse_status"] == 0, done
    assert done["elapsed_ms"] < 2000, done
    assert child.wait() == 0


@test
def echo_says_how_it_failed(site):
    listener, port = silent_listener()
    listener.close()
    cases = [({"port": port}, "unreachable"), ({"called_ae": "NOBODY"}, "rejected")]
    for change, outcome in cases:
        child = site.run({"kind": "echo_job", "peer": site.archive.peer(**change)})
        done = child.hear_until("echo_done")
        assert done["outcome"] == outcome, done
        assert child.wait() == 1


@test
def a_silent_peer_is_given_up_in_time(site):
    listener, port = silent_listener()
    start = time.monotonic()
    child = site.run({"kind": "echo_job", "peer": site.archive.peer(port=port, association_timeout_ms=700)})
    done = child.hear_until("echo_done")
    assert done["outcome"] == "timed_out", done
    assert 0.5 < time.monotonic() - start < 4
    assert child.wait() == 1
    listener.close()


@test
def finds_studies_series_and_instances_over_one_association(site):
    queries = [
        {"level": "STUDY", "keys": {"PatientID": "0012345"},
         "return_keys": ["StudyInstanceUID", "PatientName", "00080050", "ModalitiesInStudy"]},
        {"level": "SERIES", "keys": {"StudyInstanceUID": site.study}, "return_keys": ["SeriesInstanceUID"]},
        {"level": "IMAGE", "keys": {"StudyInstanceUID": site.study, "SeriesInstanceUID": site.series[1]},
         "return_keys": ["SOPInstanceUID"]},
        {"level": "STUDY", "keys": {"PatientID": "NOBODY"}, "return_keys": ["StudyInstanceUID"]},
    ]
    child = site.run({"kind": "find_job", "peer": site.archive.peer(), "queries": queries})
    ended = child.hear_until("find_ended")
    assert ended["outcome"] == "answered" and ended["queries"] == 4, ended
    rows = {n: [m["attributes"] for m in child.log if m["kind"] == "find_row" and m["query"] == n] for n in range(4)}
    assert {row["StudyInstanceUID"] for row in rows[0]} == {site.study, site.other_study}, rows[0]
    names = {row["StudyInstanceUID"]: row["PatientName"] for row in rows[0]}
    assert names[site.study] == "Yamada^Tarou=山田^太郎", names
    assert all(row["AccessionNumber"] == "A7" for row in rows[0]), rows[0]
    assert {row["SeriesInstanceUID"] for row in rows[1]} == set(site.series)
    assert len(rows[2]) == 20 and {row["SOPInstanceUID"] for row in rows[2]} <= set(site.files)
    assert rows[3] == []
    done = [m for m in child.log if m["kind"] == "find_done"]
    assert [d["rows"] for d in done] == [2, 2, 20, 0] and not any(d["truncated"] for d in done), done
    assert child.wait() == 0


@test
def more_rows_than_wanted_are_cut_and_the_next_query_still_runs(site):
    keys = {"StudyInstanceUID": site.study, "SeriesInstanceUID": site.series[0]}
    query = {"level": "IMAGE", "keys": keys, "return_keys": ["SOPInstanceUID"]}
    child = site.run({"kind": "find_job", "peer": site.archive.peer(), "queries": [{**query, "max_rows": 3}, query]})
    ended = child.hear_until("find_ended")
    assert ended["outcome"] == "answered" and ended["queries"] == 2, ended
    first, second = [m for m in child.log if m["kind"] == "find_done"]
    assert first["rows"] == 3 and first["truncated"], first
    assert second["rows"] == 20 and not second["truncated"], second


@test
def wildcards_and_lists_never_leave(site):
    for value in ("00*", "1?", "a\\b"):
        queries = [{"level": "STUDY", "keys": {"PatientID": value}, "return_keys": ["StudyInstanceUID"]}]
        child = site.run({"kind": "find_job", "peer": site.archive.peer(), "queries": queries})
        assert child.hear() is None and child.wait() == 2


def move_job(site, **changes):
    return {"kind": "move_job", "peer": site.archive.peer(), "move_destination": "PENSTOCK", "study_uid": site.study,
            "wait_for_go": False, **changes}


def settle(receiver, count):
    """Waits until `count` instances were reported."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        arrived = [i for message in receiver.of_kind("stored") for i in message["instances"]]
        if len(arrived) >= count:
            return arrived
        time.sleep(0.02)
    raise AssertionError(f"only {len(arrived)} of {count} arrived")


@test
def moves_a_study_into_a_pack_byte_for_byte(site):
    child = site.run(move_job(site, wait_for_go=True))
    child.hear_until("ready")
    time.sleep(0.2)
    assert not site.receiver.children, "sent before go"
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    child.tell({"kind": "go", "send_before_boottime_ns": now + 1_000_000_000})
    sent = child.hear_until("move_sent")
    assert now <= sent["boottime_ns"] < now + 1_000_000_000
    done = child.hear_until("move_done")
    assert done["outcome"] == "answered" and done["dimse_status"] == 0 and done["completed"] == 40, done
    assert child.wait() == 0
    settle(site.receiver, 40)
    assert set(site.receiver.finish()) == {0}
    packs = site.receiver.packs[site.study]
    found = {uid: data for path in packs for uid, data in read_pack(path).items()}
    assert set(found) == set(site.files)
    for uid, path in site.files.items():
        # The archive adds nothing before the pixels of what pydicom wrote but may drop nothing of them either.
        assert found[uid].endswith(path.read_bytes()[-64 * 64 * 2:]), uid
    closed = site.receiver.of_kind("study_closed")
    assert sum(c["records"] for c in closed) == 40 and not any(c["problem"] for c in closed), closed
    assert sum(c["bytes"] for c in closed) == sum(p.stat().st_size for p in packs)


@test
def moves_only_the_instances_that_are_asked_for(site):
    receiver = site.receiver
    receiver.messages.clear()
    wanted = [uid for uid, path in site.files.items()
              if pydicom.dcmread(path, stop_before_pixels=True).SeriesInstanceUID == site.series[0]][:3]
    child = site.run(move_job(site, series_uids=[site.series[0]], instance_uids=wanted))
    done = child.hear_until("move_done")
    assert done["outcome"] == "answered" and done["completed"] == 3, done
    assert {i["sop_instance_uid"] for i in settle(receiver, 3)} == set(wanted)
    receiver.finish()


@test
def a_move_past_its_deadline_is_not_sent(site):
    receiver = site.receiver
    before = len(receiver.children)
    child = site.run(move_job(site, wait_for_go=True))
    child.hear_until("ready")
    child.tell({"kind": "go", "send_before_boottime_ns": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 1})
    done = child.hear_until("move_done")
    assert done["too_late"] and not done["sent"], done
    assert child.wait() == 1 and len(receiver.children) == before


@test
def a_cancelled_move_ends_early(site):
    receiver = site.receiver
    receiver.messages.clear()
    receiver.hold_decisions.clear()  # the first object waits, so the move is certainly under way
    child = site.run(move_job(site))
    child.hear_until("move_sent")
    while not receiver.of_kind("may_store"):
        time.sleep(0.01)
    child.tell({"kind": "cancel"})
    time.sleep(0.3)
    receiver.hold_decisions.set()
    done = child.hear_until("move_done")
    assert done["cancelled"] and done["sent"] and done["completed"] < 40, done
    assert done["dimse_status"] == 0xFE00, done
    child.wait()
    receiver.finish()


@test
def a_move_that_stays_idle_is_given_up(site):
    receiver = site.receiver
    receiver.messages.clear()
    receiver.hold_decisions.clear()
    start = time.monotonic()
    child = site.run(move_job(site, idle_timeout_ms=600))
    child.hear_until("move_sent")
    for _ in range(4):
        time.sleep(0.3)
        child.tell({"kind": "still_arriving", "instances": 1})
    child.channel.settimeout(0.05)
    receiver_release = threading.Timer(1.5, receiver.hold_decisions.set)
    receiver_release.start()
    done = child.hear_until("move_done")
    assert done["outcome"] == "timed_out" and done["sent"], done
    assert time.monotonic() - start > 1.7, "still_arriving did not keep it"
    child.wait()
    receiver_release.join()
    receiver.finish()


@test
def an_unknown_destination_is_told_with_its_status(site):
    child = site.run(move_job(site, move_destination="NOWHERE"))
    done = child.hear_until("move_done")
    assert done["outcome"] == "answered" and done["dimse_status"] == 0xA801, done


# ---- inbound ----

@test
def objects_of_another_patient_are_refused_while_good_ones_go_on(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "0012345"})
    folder = site.directory / "mixed"
    folder.mkdir()
    good = [save(instance(study, series, number=n), folder) for n in range(3)]
    wrong = save(instance(study, series, patient="9999999"), folder)
    unasked = save(instance(generate_uid(), series), folder)
    subprocess.run(["storescu", "-nh", "-aec", "PENSTOCK", "127.0.0.1", str(receiver.port),
                    *map(str, [good[0], wrong, good[1], unasked, good[2]])], stderr=subprocess.DEVNULL, check=False)
    assert receiver.finish() == [0]
    found = read_pack(receiver.packs[study][0])
    assert set(found) == {path.stem for path in good}
    for path in good:
        assert found[path.stem] == dataset_bytes(path)
    refused = {m["dimse_status"]: m["reason"] for m in receiver.of_kind("refused")}
    assert set(refused) == {0xC101, 0x0124}, refused
    ended = receiver.of_kind("association_ended")[0]
    assert ended["stored"] == 3 and ended["refused"] == 2 and ended["outcome"] == "answered", ended
    assert len(receiver.of_kind("may_store")) == 2
    receiver.close()


@test
def a_nesting_bomb_costs_one_object(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "P1"})
    sender = Sender(receiver.port)
    bombs = [raw_dataset(study, series, "1.2.3.1", "P1", before_identity=nested(0x00081140, 10000)),
             raw_dataset(study, series, "1.2.3.2", "P1", after_identity=nested(0x00409096, 10000))]
    assert sender.store("1.2.3.1", bombs[0]) == 0xC000
    assert sender.store("1.2.3.2", bombs[1]) == 0
    assert sender.store("1.2.3.3", raw_dataset(study, series, "1.2.3.3", "P1")) == 0
    sender.release()
    assert receiver.finish() == [0]
    assert set(read_pack(receiver.packs[study][0])) == {"1.2.3.2", "1.2.3.3"}
    receiver.close()


@test
def objects_that_contradict_their_command_are_refused(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "P1"})
    sender = Sender(receiver.port)
    assert sender.store("1.2.3.9", raw_dataset(study, series, "1.2.3.8", "P1")) == 0xA900
    assert sender.store("1.2.3.9", raw_dataset("../../evil", series, "1.2.3.9", "P1")) == 0xC000
    assert sender.store("1.2.3.9", b"\x08\x00") == 0xC000
    assert sender.store("1.2.3.9", raw_dataset(study, series, "1.2.3.9", "P1")) == 0
    sender.release()
    assert receiver.finish() == [0]
    receiver.close()


@test
def an_object_over_the_limit_is_refused_and_leaves_no_trace(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "P1"}, job={"max_instance_bytes": 3_000_000})
    sender = Sender(receiver.port)
    filler = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 4_000_000) + bytes(4_000_000)
    assert sender.store("1.2.3.1", raw_dataset(study, series, "1.2.3.1", "P1", after_identity=filler)) == 0xA700
    assert sender.store("1.2.3.2", raw_dataset(study, series, "1.2.3.2", "P1")) == 0
    sender.release()
    receiver.finish()
    assert set(read_pack(receiver.packs[study][0])) == {"1.2.3.2"}
    receiver.close()


@test
def a_peer_that_goes_within_an_object_leaves_only_whole_records(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "P1"})
    sender = Sender(receiver.port)
    assert sender.store("1.2.3.1", raw_dataset(study, series, "1.2.3.1", "P1")) == 0
    sender.store_command("1.2.3.2")
    sender.send(0, raw_dataset(study, series, "1.2.3.2", "P1", after_identity=bytes(50_000)))
    sender.socket.close()
    assert receiver.finish() == [1]
    assert set(read_pack(receiver.packs[study][0])) == {"1.2.3.1"}
    assert receiver.of_kind("association_ended")[0]["outcome"] == "aborted"
    receiver.close()


@test
def slow_and_silent_peers_are_cut(site):
    limits = {"handshake_timeout_ms": 600, "association_idle_ms": 600, "instance_idle_ms": 500, "instance_total_ms": 900}
    study = generate_uid()
    receiver = site.receive({study: "P1"}, job=limits)
    silent = socket.create_connection(("127.0.0.1", receiver.port))
    drip = socket.create_connection(("127.0.0.1", receiver.port))
    idle = Sender(receiver.port)
    slow = Sender(receiver.port)
    slow.store_command("1.2.3.1")
    request = Sender.request("SENDER", "PENSTOCK")
    start = time.monotonic()
    try:
        for byte in range(40):
            drip.send(request[byte:byte + 1])
            slow.send(0, b"\x08\x00\x05\x00CS\x02\x00" if byte == 0 else b"")
            time.sleep(0.1)
    except OSError:
        pass
    receiver.finish()
    assert time.monotonic() - start < 8
    outcomes = [m["outcome"] for m in receiver.of_kind("association_ended")]
    assert len(outcomes) == 4 and outcomes.count("timed_out") >= 3, receiver.of_kind("association_ended")
    for connection in (silent, drip, idle.socket, slow.socket):
        connection.close()
    receiver.close()


@test
def only_admitted_callers_of_our_title_associate(site):
    receiver = site.receive({})
    assert Sender(receiver.port, called="OTHER").answer[0] == 3
    receiver.admit = False
    assert Sender(receiver.port).answer[0] == 3
    receiver.finish()
    assert [m["outcome"] for m in receiver.of_kind("association_ended")] == ["rejected", "rejected"]
    receiver.close()


@test
def a_closed_study_is_let_go_and_asked_for_again(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "P1"})
    sender = Sender(receiver.port)
    assert sender.store("1.2.3.1", raw_dataset(study, series, "1.2.3.1", "P1")) == 0
    receiver.children[0].tell({"kind": "close_study", "study_uid": study})
    while not receiver.of_kind("study_closed"):
        time.sleep(0.01)
    closed = receiver.of_kind("study_closed")[0]
    assert closed["records"] == 1 and closed["bytes"] == receiver.packs[study][0].stat().st_size, closed
    assert sender.store("1.2.3.2", raw_dataset(study, series, "1.2.3.2", "P1")) == 0
    sender.release()
    receiver.finish()
    assert [set(read_pack(path)) for path in receiver.packs[study]] == [{"1.2.3.1"}, {"1.2.3.2"}]
    receiver.close()


@test
def more_studies_than_are_kept_open_make_room(site):
    studies = {generate_uid(): "P1" for _ in range(20)}
    receiver = site.receive(studies)
    sender = Sender(receiver.port)
    for number, study in enumerate(studies):
        sop = f"1.2.3.{number}"
        assert sender.store(sop, raw_dataset(study, "1.2.4", sop, "P1")) == 0
    sender.release()
    assert receiver.finish() == [0]
    assert len(receiver.of_kind("study_closed")) == 20
    assert all(len(read_pack(paths[0])) == 1 for paths in receiver.packs.values())
    receiver.close()


@test
def the_child_is_locked_in_and_dies_with_its_channel(site):
    receiver = site.receive({})
    sender = Sender(receiver.port)
    child = receiver.children[0]
    status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status, status
    limits = pathlib.Path(f"/proc/{child.pid}/limits").read_text()
    assert "Max core file size        0" in limits, limits
    child.channel.shutdown(socket.SHUT_RDWR)
    assert child.wait(3) == 1
    sender.socket.close()
    receiver.close()


def main():
    program = str(pathlib.Path(sys.argv[1]) / "penstock-dimse")
    chosen = sys.argv[2:]
    failures, passed = 0, 0
    with tempfile.TemporaryDirectory() as directory:
        site = Site(program, directory)
        for case in TESTS:
            if chosen and case.__name__ not in chosen:
                continue
            start = time.monotonic()
            try:
                case(site)
                passed += 1
                print(f"ok      {case.__name__} ({time.monotonic() - start:.2f} s)", flush=True)
            except Exception:
                failures += 1
                print(f"FAILED  {case.__name__}\n{traceback.format_exc()}", flush=True)
        site.close()
    print(f"{passed} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
