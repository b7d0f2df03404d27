#!/usr/bin/python3
"""TLS towards PACS, both ways: Orthanc and DCMTK's tools are the peers. Whatever is between them and the server goes
through recorders, which must hold nothing that can be read.

usage: tls_test.py [PROGRAM_DIRECTORY]"""
import contextlib
import datetime
import io
import os
import shutil
import signal
import socket
import sys
import threading
import time
import urllib.request
import uuid

from certificates import Authority
from harness import eventually, requests_of, run_tests
from lone_server import PROJECT, LoneServer, programs, with_keys
from pacs_tools import Pacs, run_tool

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from tools.site.archives import start_orthanc
from tools.site.contract import PROJECTS
from tools.site.people import CITY, GENERAL, PEOPLE
from tools.site.processes import Child, free_ports, listens

TIMEOUT_S = 60
MR_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
WHOLE = 12
SOMEBODY = next(PEOPLE[index] for index in PROJECTS[PROJECT].patients
                if PEOPLE[index].gh_mrn and PEOPLE[index].mrns().get(CITY))
MRNS = SOMEBODY.mrns()
NAME = "Unmistakable^Jane"
BY_MOVE, BY_GET, LATER, LAST = ("2.25.%d" % number for number in range(8100, 8104))
PACS_OF = {BY_MOVE: GENERAL, BY_GET: CITY, LATER: GENERAL, LAST: GENERAL}
SECRETS = [text.encode() for text in (NAME, *MRNS.values(), *PACS_OF, "PENSTOCK", "GHPACS", "CHPACS")]
HANDSHAKE_LIMIT_S = 10
CLIENT_HELLO = bytes.fromhex("160301020001")


class Recorder:
    """Forwards every connection to `target`, a port of this machine, and keeps what passes, both ways."""

    def __init__(self, target):
        self.target, self.heard = target, bytearray()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self._listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.heard += data
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def secrets(self):
        return [secret for secret in SECRETS if secret in self.heard]


def image(study, mrn, number):
    """One object of a study in two series, as a file."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = MR_STORAGE
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = "%s.%d.%d" % (study, number % 2, number)
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.is_little_endian, made.is_implicit_VR = True, False
    made.PatientID, made.PatientName, made.StudyInstanceUID = mrn, NAME, study
    made.SeriesInstanceUID = "%s.%d" % (study, number % 2)
    made.Modality, made.StudyDate, made.AccessionNumber = "MR", "20200102", "A" + study[-4:]
    made.InstanceNumber = number
    made.Rows = made.Columns = 128
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation, made.SamplesPerPixel = 15, 0, 1
    made.PhotometricInterpretation, made.PixelData = "MONOCHROME2", os.urandom(2 * 128 * 128)
    file = io.BytesIO()
    pydicom.dcmwrite(file, made, write_like_original=False)
    return file.getvalue()


class Bench:
    def __init__(self, server):
        self.server, folder = server, os.path.join(server.folder, "tls")
        self.hospital, self.stranger = Authority(folder, "hospital"), Authority(folder, "stranger")
        day = datetime.timedelta(days=1)
        self.own = self.hospital.vouch("penstock")
        self.pacs_own = self.hospital.vouch("orthanc")
        self.expired = self.hospital.vouch("expired", begins=-2 * day, ends=-day)
        self.elsewhere = self.hospital.vouch("elsewhere", names=("pacs.elsewhere.example",), addresses=())
        self.unknown = self.stranger.vouch("unknown")
        # What the server reads; tests exchange the files.
        self.ca, self.certificate, self.key = (os.path.join(folder, name) for name in ("ca", "crt", "key"))
        self.put_files_right()
        self.orthanc_port, self.http_port, self.peer_port = free_ports(3)
        self.in_line = Recorder(server.ports["dicom"])
        self.out_line, self.get_line = Recorder(self.orthanc_port), Recorder(self.orthanc_port)

    def put_files_right(self, ca=None, own=None):
        own = own or self.own
        shutil.copy(ca or self.hospital.ca, self.ca)
        shutil.copy(own.certificate, self.certificate)
        shutil.copy(own.key, self.key)

    def files(self):
        return '{ ca = "%s", certificate = "%s", key = "%s" }' % (self.ca, self.certificate, self.key)

    def write_rules(self):
        """Both PACS of the rules are that Orthanc: one sends by C-MOVE, the other answers C-GET."""
        self.server.rule_general(port="%d\ntls = %s" % (self.out_line.port, self.files()), concurrent=4, per_minute=600)
        rules = os.path.join(self.server.folder, "governance.toml")
        with open(rules, encoding="utf-8") as file:
            before, head, after = file.read().partition("[pacs.%s]" % CITY)
        after = with_keys(after, port="%d\nretrieve = \"get\"\ntls = %s" % (self.get_line.port, self.files()))
        # Asked again at once, so that the state of the PACS follows its last echo.
        breaker = "\n[pacs.%s.breaker]\nfirst_probe = \"1 s\"\nlongest_probe = \"1 s\"\n" % GENERAL
        with open(rules, "w", encoding="utf-8") as file:
            file.write(before + head + after + breaker)

    def orthanc(self):
        folder = os.path.join(self.server.folder, "orthanc")
        os.makedirs(folder)
        modality = {"AET": "PENSTOCK", "Host": "127.0.0.1", "Port": self.in_line.port, "UseDicomTls": True,
                    "AllowGet": True}
        child = start_orthanc(folder, os.path.join(folder, "log"), "GHPACS", self.orthanc_port, self.http_port,
                              ("PENSTOCK", self.in_line.port), DicomTlsEnabled=True, DicomCheckCalledAet=False,
                              DicomTlsCertificate=self.pacs_own.certificate, DicomTlsPrivateKey=self.pacs_own.key,
                              DicomTlsTrustedCertificates=self.hospital.ca, DicomModalities={"penstock": modality})
        for study, pacs in PACS_OF.items():
            for number in range(WHOLE):
                urllib.request.urlopen("http://127.0.0.1:%d/instances" % self.http_port,
                                       image(study, MRNS[pacs], number), timeout=20).close()
        return child

    @contextlib.contextmanager
    def peer(self, certificate):
        """DCMTK's storescp with this certificate where the PACS is expected."""
        command = ["storescp", "--enable-tls", certificate.key, certificate.certificate, "--add-cert-file",
                   self.hospital.ca, "--ignore", str(self.peer_port)]
        child = Child("storescp", command, os.path.join(self.server.folder, "storescp.log"))
        try:
            child.wait_until(lambda: listens(self.peer_port), 10)
            with self.at(self.peer_port):
                yield
        finally:
            child.stop(5)

    @contextlib.contextmanager
    def at(self, port):
        """Something else listens where the PACS is expected."""
        self.out_line.target, before = port, self.out_line.target
        try:
            yield
        finally:
            self.out_line.target = before

    def echo(self, pacs=GENERAL):
        with self.server.connect("ada") as ada:
            return ada.ask("pacs.echo", {"pacs": pacs}, timeout_s=60)

    def status(self):
        with self.server.connect("ada") as ada:
            return next(one for one in ada.ask("governor.status")["pacs"] if one["pacs"] == GENERAL)

    def fails_with(self, *words):
        """An echo fails for that reason, and it is what the state of the PACS says."""
        answer = self.echo()
        assert not answer["ok"], answer
        for word in words:
            assert word in answer["error"], answer
        eventually(lambda: all(word in self.status()["problem"] for word in words), 20, self.status)

    def submit(self, study):
        with self.server.connect() as amy:
            items = [{"pacs": PACS_OF[study], "StudyInstanceUID": study}]
            row, = amy.ask("requests.submit", {"items": items}, PROJECT, op=uuid.uuid4().hex)["rows"]
        assert row["outcome"] == "accepted", row
        return row["request"]

    def request(self, number):
        with self.server.connect() as amy:
            return requests_of(amy, PROJECT)[number]

    def completes(self, number):
        end = eventually(lambda: self.request(number)["state"] in ("completed", "incomplete", "failed")
                         and self.request(number), TIMEOUT_S, lambda: self.request(number))
        assert end["state"] == "completed" and end["counts"]["received"] == WHOLE, end
        return end

    def call(self, *arguments, calling="GHPACS"):
        """The exit code of a C-ECHO to the server."""
        return run_tool("echoscu", self.server.ports["dicom"], "--aetitle", calling, *arguments,
                        called_ae="PENSTOCK").code

    def call_over_tls(self, certificate):
        return self.call("--enable-tls", certificate.key, certificate.certificate, "--add-cert-file", self.hospital.ca)


@contextlib.contextmanager
def secure_site():
    with LoneServer() as server:
        bench = Bench(server)
        bench.write_rules()
        server.change(r"\[dicom\]\n", "[dicom]\ntls = %s\n" % bench.files())
        orthanc = bench.orthanc()
        try:
            server.start()
            yield bench
        finally:
            orthanc.stop(10)


def test_a_recorder_would_show_what_goes_in_the_clear(bench):
    script = 'ae_title = "GHPACS"\n'
    with Pacs(programs(), os.path.join(bench.server.folder, "clear"), script) as pacs:
        line = Recorder(pacs.port)
        assert run_tool("echoscu", line.port, "--aetitle", "PENSTOCK", called_ae="GHPACS").code == 0
    assert line.secrets() == [b"PENSTOCK", b"GHPACS"], line.secrets()


def test_an_echo_and_a_search_go_over_tls(bench):
    for pacs in (GENERAL, CITY):
        answer = bench.echo(pacs)
        assert answer["ok"], answer
    with bench.server.connect() as amy:
        for pacs in (GENERAL, CITY):
            found = amy.find("studies.find", {"pacs": [pacs], "mrns": [MRNS[pacs]]}, PROJECT)["studies"]
            assert {study["StudyInstanceUID"] for study in found} >= {
                study for study, where in PACS_OF.items() if where == pacs}, found


def test_a_study_comes_whole_by_c_move_over_tls(bench):
    before = len(bench.in_line.heard)
    bench.completes(bench.submit(BY_MOVE))
    assert len(bench.in_line.heard) - before > WHOLE * 128 * 128 * 2, "the objects did not come this way"


def test_a_study_comes_whole_by_c_get_over_tls(bench):
    before, inbound = len(bench.get_line.heard), len(bench.in_line.heard)
    bench.completes(bench.submit(BY_GET))
    assert len(bench.get_line.heard) - before > WHOLE * 128 * 128 * 2
    assert len(bench.in_line.heard) == inbound


def test_nothing_of_it_can_be_read_on_the_way(bench):
    for line in (bench.out_line, bench.get_line, bench.in_line):
        assert line.heard.startswith(b"\x16\x03") and not line.secrets(), line.secrets()


def test_a_title_of_a_tls_pacs_is_rejected_in_the_clear(bench):
    assert bench.call(calling="GHPACS") != 0
    said = bench.server.said()
    assert "it calls itself %s in the clear, and the rules demand TLS" % GENERAL in said, said[-2000:]
    assert bench.call(calling="SOMEBODY") == 0, "a title without such rules may echo in the clear"


def test_a_store_in_the_clear_under_that_title_is_rejected(bench):
    path = os.path.join(bench.server.folder, "object.dcm")
    with open(path, "wb") as file:
        file.write(image(LAST, MRNS[GENERAL], 0))
    command = ["--aetitle", "GHPACS", "--call", "PENSTOCK", "127.0.0.1", str(bench.server.ports["dicom"]), path]
    sent = Child("storescu", ["storescu", *command], os.path.join(bench.server.folder, "storescu.log"))
    assert eventually(lambda: sent.exit_code() is not None, 20, "an end") and sent.exit_code() != 0, sent.last_words()
    assert "Rejected" in sent.last_words(), sent.last_words()


def test_who_calls_over_tls_needs_a_certificate_that_is_trusted(bench):
    assert bench.call_over_tls(bench.pacs_own) == 0
    for certificate, words in ((bench.unknown, "(CN=unknown) is not vouched for"),
                               (bench.expired, "(CN=expired) has expired on")):
        assert bench.call_over_tls(certificate) != 0, words
        eventually(lambda words=words: words in bench.server.said(), 10, lambda: bench.server.said()[-2000:])
    assert bench.call("--anonymous-tls", "--add-cert-file", bench.hospital.ca) != 0
    eventually(lambda: "shows no certificate" in bench.server.said(), 10, lambda: bench.server.said()[-2000:])


def test_a_handshake_that_takes_for_ever_is_cut(bench):
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", bench.server.ports["dicom"]), timeout=1) as slow:
        slow.sendall(CLIENT_HELLO)
        ended = False
        while not ended and time.monotonic() - began < HANDSHAKE_LIMIT_S + 15:
            with contextlib.suppress(socket.timeout):
                try:
                    slow.sendall(b"\0")
                    ended = slow.recv(100) == b""
                except ConnectionError:
                    ended = True
            assert bench.call_over_tls(bench.pacs_own) == 0 or ended, "others wait for it"
    assert ended and time.monotonic() - began > HANDSHAKE_LIMIT_S - 2, time.monotonic() - began


def test_a_pacs_that_speaks_no_tls_is_told_nothing(bench):
    with Pacs(programs(), os.path.join(bench.server.folder, "plain"), 'ae_title = "GHPACS"\n') as pacs:
        heard = len(bench.out_line.heard)
        with bench.at(pacs.port):
            bench.fails_with("TLS: the peer", "no TLS")
        assert not pacs.log("request"), "it was asked in the clear"
        assert not [secret for secret in SECRETS if secret in bench.out_line.heard[heard:]]


def test_a_pacs_of_another_authority_is_refused(bench):
    with bench.peer(bench.unknown):
        bench.fails_with("TLS: the peer's certificate (CN=unknown) is not vouched for by " + bench.ca)


def test_a_pacs_whose_certificate_has_expired_is_refused(bench):
    with bench.peer(bench.expired):
        bench.fails_with("TLS: the peer's certificate (CN=expired) has expired on 20")


def test_a_pacs_with_the_certificate_of_another_host_is_refused(bench):
    with bench.peer(bench.elsewhere):
        bench.fails_with("TLS: the peer's certificate is for pacs.elsewhere.example, not for 127.0.0.1")


def test_files_of_ours_that_cannot_be_used_are_named(bench):
    bench.put_files_right(own=bench.expired)
    bench.fails_with("TLS: our certificate has expired on 20", bench.certificate)
    bench.put_files_right()
    shutil.copy(bench.unknown.key, bench.key)
    bench.fails_with("TLS: our key cannot be used", "is not the key of the certificate")
    os.unlink(bench.key)
    bench.fails_with("TLS: our key cannot be used", bench.key, "No such file")
    bench.put_files_right()


def test_a_pacs_that_does_not_trust_us_says_so(bench):
    bench.put_files_right(own=bench.unknown)
    bench.fails_with("TLS: the peer does not trust our certificate")
    bench.put_files_right()


def test_what_waits_goes_on_by_itself_when_all_is_right_again(bench):
    bench.put_files_right(ca=bench.stranger.ca)
    bench.fails_with("is not vouched for by " + bench.ca)
    number = bench.submit(LATER)
    eventually(lambda: "TLS" in bench.request(number)["reason"], 20, lambda: bench.request(number))
    waits = bench.request(number)
    assert waits["state"] == "scheduled" and waits["attempts"] == 0, waits
    bench.put_files_right()
    assert bench.completes(number)["attempts"] <= 1


def test_a_fault_in_the_files_keeps_new_rules_out(bench):
    shutil.copy(bench.unknown.key, bench.key)
    with bench.server.connect("ada") as ada:
        with open(os.path.join(bench.server.folder, "governance.toml"), encoding="utf-8") as file:
            told = ada.ask("governance.check", {"toml": file.read()})
    bench.put_files_right()
    assert not told["valid"] and {fault["message"].split(":")[0] for fault in told["faults"]} == {"key"}, told
    assert all(fault["line"] > 1 and fault["column"] > 1 for fault in told["faults"]), told


def test_a_server_whose_own_files_are_wrong_does_not_start(bench):
    assert bench.server.stop() == 0
    settings = open(bench.server.settings, encoding="utf-8").read().splitlines()
    line = 1 + next(number for number, text in enumerate(settings) if text.startswith("tls = "))
    os.unlink(bench.certificate)
    bench.server.refused(2, "penstockd.toml:%d:" % line, "certificate: " + bench.certificate, "No such file")
    bench.put_files_right()


def test_no_key_is_in_any_log(bench):
    assert "PRIVATE" not in bench.server.said()


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    with secure_site() as the_bench:
        code = run_tests(the_bench, [
            test_a_recorder_would_show_what_goes_in_the_clear, test_an_echo_and_a_search_go_over_tls,
            test_a_study_comes_whole_by_c_move_over_tls, test_a_study_comes_whole_by_c_get_over_tls,
            test_nothing_of_it_can_be_read_on_the_way, test_a_title_of_a_tls_pacs_is_rejected_in_the_clear,
            test_a_store_in_the_clear_under_that_title_is_rejected,
            test_who_calls_over_tls_needs_a_certificate_that_is_trusted,
            test_a_handshake_that_takes_for_ever_is_cut, test_a_pacs_that_speaks_no_tls_is_told_nothing,
            test_a_pacs_of_another_authority_is_refused, test_a_pacs_whose_certificate_has_expired_is_refused,
            test_a_pacs_with_the_certificate_of_another_host_is_refused,
            test_files_of_ours_that_cannot_be_used_are_named, test_a_pacs_that_does_not_trust_us_says_so,
            test_what_waits_goes_on_by_itself_when_all_is_right_again,
            test_a_fault_in_the_files_keeps_new_rules_out, test_a_server_whose_own_files_are_wrong_does_not_start,
            test_no_key_is_in_any_log,
        ])
    sys.exit(code)
