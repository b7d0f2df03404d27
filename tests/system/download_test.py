#!/usr/bin/python3
"""A download goes on where it was, whatever was killed, cut or full, and ends with the bytes of an undisturbed one."""
import base64
import contextlib
import json
import os
import pty
import re
import resource
import signal
import sys
import tempfile
import time
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cut_line import CutLine
from harness import eventually, refused_with, run_tests, running_site
from large_study import add_large_study
from protocol import Closed, Download

PROJECT = "alz-brain"
OK, FAILED, USAGE, NOT_EVERYTHING, VERIFICATION, UNREACHABLE, NOT_FOUND, INTERRUPTED = range(8)
ENDED = ("completed", "incomplete", "failed", "cancelled")
CLIENT_TIMEOUT_S = 90
MIB = 1 << 20
SETTLE_S = 0.3
# Bytes that pass a line besides the sealed ones: handshakes, frames, and what was on its way when it was held.
OVERHEAD = 3 * MIB


# ------------------------------------------------------------------------------------------------------------ the site

def fill_repository(site):
    """Every study that the project may have."""
    with tempfile.TemporaryDirectory() as folder:
        site.large_study = add_large_study(site, folder)
    mrns = sorted({patient["mrns"][pacs]["mrn"] for patient, _, pacs in site.studies()})
    with site.connect("amy") as control:
        items = []
        for pacs in site.facts["pacs"]:
            found = control.find("studies.find", {"pacs": [pacs], "mrns": mrns}, PROJECT)["studies"]
            items += [{"pacs": pacs, "StudyInstanceUID": study["StudyInstanceUID"]} for study in found]
        control.ask("requests.submit", {"items": items}, PROJECT, op=uuid.uuid4().hex)

        def all_ended():
            requests = control.all_pages("requests.list", {"filter": {}}, "requests", PROJECT)
            return requests and all(request["state"] in ENDED for request in requests)
        eventually(all_ended, 180, "the repository is filled")


def put_line_before_data_socket(site):
    """Clients reach the data socket through a line that the tests can cut."""
    with open(site.facts["settings"], encoding="utf-8") as file:
        settings = file.read()
    port = int(re.search(r'data_endpoint = "tcp://127.0.0.1:(\d+)"', settings).group(1))
    site.line = CutLine(("127.0.0.1", port))
    public = 'data_endpoint_public = "tcp://127.0.0.1:%d"\n' % site.line.port
    with open(site.facts["settings"], "w", encoding="utf-8") as file:
        file.write(settings.replace("http_endpoint", public + "http_endpoint", 1))
    site.kill_server()
    site.start_server()


def studies_held(control):
    items = control.all_pages("cache.list", {"level": "study", "filter": {}}, "items", PROJECT)
    return sorted({item["StudyInstanceUID"] for item in items})


def open_everything(control, **more):
    return control.ask("download.open", {"studies": studies_held(control), **more.pop("args", {})}, PROJECT,
                       op=more.pop("op", uuid.uuid4().hex))


def resume(control, download, key, **more):
    return control.ask("download.open", {"resume": download, "key": key}, PROJECT, op=uuid.uuid4().hex, **more)


# ---------------------------------------------------------------------------------------------------------- the client

@contextlib.contextmanager
def home(site):
    """A folder with a key file and the place of a download to come; the line is free again afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        key = os.path.join(folder, "own.key")
        assert site.program("penstock", "key", "new", key).returncode == OK
        try:
            yield os.path.join(folder, "images"), key
        finally:
            site.line.release()


def run(site, *arguments, code=OK, **more):
    done = site.program("penstock", "download", *arguments, timeout_s=CLIENT_TIMEOUT_S, **more)
    assert done.returncode == code, "%s: exit code %d\n%s%s" % (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def start(site, target, key, *which):
    return site.start_program("penstock", "download", "--to", target, "--key-file", key, *(which or ("--all",)))


def hold_in_the_middle(site, target, key, *which, after=5 * MIB):
    """A client that has received so much and gets nothing more."""
    site.line.hold_after(after)
    client = start(site, target, key, *which)
    if not site.line.held.wait(CLIENT_TIMEOUT_S):
        client.kill()
        raise AssertionError("the download was over before: %s" % (client.communicate(),))
    wait_until_taken(target)
    return client


def wait_until_taken(target):
    """What has passed the line is on the disk."""
    def sizes():
        with contextlib.suppress(FileNotFoundError):  # a file that has just got its name
            return [(name, os.path.getsize(os.path.join(target, name))) for name in files_below(target)]
        return None
    before, now = None, sizes()
    while now is None or now != before:
        time.sleep(SETTLE_S)
        before, now = now, sizes()


def ended_with(client, code):
    """What a client said that ends by itself with that code."""
    said = "".join(client.communicate(timeout=CLIENT_TIMEOUT_S))
    assert client.returncode == code, "exit code %d\n%s" % (client.returncode, said)
    return said


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(base, name), folder) for base, _, names in os.walk(folder)
                  for name in names)


def content(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


# ------------------------------------------------------------------------------------------------- what must be true

def derived(key, salt, label, size):
    return HKDF(algorithm=hashes.SHA256(), length=size, salt=salt, info=label).derive(key)


def data_key_of(target, key_file):
    """The download's key, unwrapped by an implementation that shares no code with Penstock's (SEALED_STREAM.md)."""
    record = json.loads(content(target, "penstock-download.json"))
    own = bytes.fromhex(content(key_file).decode().splitlines()[1])
    wrapped, salt = (base64.b64decode(record["holders"][0][name]) for name in ("wrapped", "salt"))
    root = derived(own, salt, b"penstock/1 key file", 32)
    return record["download"], AESSIV(derived(root, salt, b"penstock/1 key wrap", 64)).decrypt(
        wrapped, [record["download"].encode()])


def places_of(manifest):
    """index -> path below the folder."""
    lines = [line for line in manifest["objects"] if "error" not in line]
    studies = {}
    for line in lines:
        studies.setdefault((line["StudyInstanceUID"], line["PatientID"]), len(studies) + 1)
    def order(line):
        return (studies[line["StudyInstanceUID"], line["PatientID"]], line["SeriesNumber"], line["SeriesInstanceUID"],
                line["InstanceNumber"], line["SOPInstanceUID"])
    places, last = {}, (0, None, 0, 0)
    for line in sorted(lines, key=order):
        study = studies[line["StudyInstanceUID"], line["PatientID"]]
        new_study, new_series = study != last[0], line["SeriesInstanceUID"] != last[1]
        series = 1 if new_study else last[2] + new_series
        instance = 1 if new_study or new_series else last[3] + 1
        places[line["index"]] = "%04d/%04d/%06d.sealed" % (study, series, instance)
        last = (study, line["SeriesInstanceUID"], series, instance)
    return places


def check_every_byte(site, target, key_file):
    """The folder holds what an undisturbed download of the same id brings, byte for byte, and nothing else."""
    download, key = data_key_of(target, key_file)
    site.line.release()
    with site.connect("amy") as control:
        undisturbed = Download(resume(control, download, base64.b64encode(key).decode()))
    assert content(target, "index.sealed") == undisturbed.sealed[0]
    places = places_of(undisturbed.manifest)
    for index, path in places.items():
        assert content(target, path) == undisturbed.sealed[index], path
    assert set(files_below(target)) == {"index.sealed", "penstock-download.json", *places.values()}
    assert json.loads(content(target, "penstock-download.json"))["state"] == "complete"


def check_nothing_is_readable(site, target, key_file):
    """No name, UID or DICOM header in any file, and no key. Shorter words would turn up in random bytes."""
    words = {word.encode() for patient, study, _ in site.studies()
             for word in (study["StudyInstanceUID"], patient["PatientName"])}
    words |= {mrn["mrn"].encode() for patient, _, _ in site.studies() for mrn in patient["mrns"].values()}
    key = data_key_of(target, key_file)[1]
    words |= {bytes(8) + b"DICM", key, base64.b64encode(key), key.hex().encode()}
    for name in files_below(target):
        found = [word for word in words if len(word) > 6 and word in content(target, name)]
        assert not found, (name, found)


# -------------------------------------------------------------------------------------------------------------- tests

def test_the_site_is_ready(site):
    fill_repository(site)
    put_line_before_data_socket(site)
    with site.connect("amy") as control:
        opened = open_everything(control)
        whole = Download(opened)
    assert opened["bytes"] == sum(map(len, whole.sealed.values())) > 10 * MIB, opened
    assert max(map(len, whole.sealed.values())) > 2 * opened["segment_bytes"], "no object of several segments"


def test_a_client_that_was_killed_goes_on_where_it_was(site):
    for after in (MIB // 2, 5 * MIB, 9 * MIB):
        with home(site) as (target, key):
            client = hold_in_the_middle(site, target, key, after=after)
            client.kill()
            client.wait()
            check_nothing_is_readable(site, target, key)
            before, connections = site.line.passed, site.line.connections
            site.line.release()
            said = run(site, "--resume", target, "--key-file", key)
            whole = json.loads(content(target, "penstock-download.json"))["bytes"]
            assert site.line.passed - before < whole - after + OVERHEAD, "everything was sent again"
            assert site.line.connections == connections + 1
            assert "read back" in said, said
            check_every_byte(site, target, key)
            check_nothing_is_readable(site, target, key)


def test_ctrl_c_ends_in_order_and_the_same_command_goes_on(site):
    with home(site) as (target, key):
        client = hold_in_the_middle(site, target, key)
        client.send_signal(signal.SIGINT)
        said = ended_with(client, INTERRUPTED)
        assert "--resume" in said, said
        site.line.release()
        said = run(site, "--to", target, "--all", "--key-file", key)
        assert "going on" in said, said
        check_every_byte(site, target, key)
        said = run(site, "--to", target, "--all", "--key-file", key, code=FAILED)
        assert "holds a download already" in said, said


def test_a_server_that_was_killed_costs_a_pause(site):
    with home(site) as (target, key):
        client = hold_in_the_middle(site, target, key)
        site.kill_server()
        site.line.cut()
        time.sleep(3)
        assert client.poll() is None, client.communicate()
        site.line.release()
        site.start_server()
        ended_with(client, OK)
        check_every_byte(site, target, key)


def test_a_line_that_breaks_again_and_again_only_costs_time(site):
    with home(site) as (target, key):
        connections = site.line.connections
        site.line.cut_every(3 * MIB)
        ended_with(start(site, target, key), OK)
        assert site.line.connections - connections >= 4
        check_every_byte(site, target, key)


def test_a_line_that_falls_silent_is_given_up_and_tried_again(site):
    with home(site) as (target, key):
        client = hold_in_the_middle(site, target, key)
        connections = site.line.connections
        eventually(lambda: site.line.connections > connections, 40, "another connection")
        site.line.release()
        ended_with(client, OK)
        check_every_byte(site, target, key)


def test_a_large_object_goes_on_at_the_last_segment_that_is_whole(site):
    with home(site) as (target, key):
        client = hold_in_the_middle(site, target, key, "--study", site.large_study)
        client.kill()
        client.wait()
        part, = (name for name in files_below(target) if name.endswith(".part"))
        size = os.path.getsize(os.path.join(target, part))
        assert 2 * MIB < size < 6 * MIB, size
        with open(os.path.join(target, part), "r+b") as file:
            file.seek(MIB)
            byte = file.read(1)
            file.seek(MIB)
            file.write(bytes([byte[0] ^ 1]))
            file.seek(0, os.SEEK_END)
            file.write(b"half a segment")
        before = site.line.passed
        site.line.release()
        run(site, "--resume", target, "--key-file", key)
        whole = json.loads(content(target, "penstock-download.json"))["bytes"]
        assert site.line.passed - before < whole - MIB // 2, "the part was not used"
        check_every_byte(site, target, key)


def test_what_was_damaged_on_the_disk_is_found_at_the_end_and_fetched_again(site):
    with home(site) as (target, key):
        client = hold_in_the_middle(site, target, key, after=9 * MIB)
        client.send_signal(signal.SIGINT)
        ended_with(client, INTERRUPTED)
        whole = [name for name in files_below(target) if name.endswith(".sealed") and name != "index.sealed"]
        data = bytearray(content(target, whole[0]))
        data[len(data) // 2] ^= 1
        with open(os.path.join(target, whole[0]), "wb") as file:
            file.write(data)
        site.line.release()
        said = run(site, "--resume", target, "--key-file", key, code=VERIFICATION)
        assert "damaged on this disk" in said, said
        run(site, "--resume", target, "--key-file", key)
        check_every_byte(site, target, key)


def test_a_wrong_key_is_told_at_once(site):
    with home(site) as (target, key):
        client = hold_in_the_middle(site, target, key)
        client.kill()
        client.wait()
        other = os.path.join(os.path.dirname(key), "other.key")
        site.program("penstock", "key", "new", other)
        before = files_below(target)
        run(site, "--resume", target, "--key-file", other, code=VERIFICATION)
        assert files_below(target) == before
        download, right = data_key_of(target, key)
        try:
            data_key_of(target, other)
            raise AssertionError("another key file opens it")
        except InvalidTag:
            pass
        with site.connect("amy") as control:
            wrong = base64.b64encode(bytes([right[0] ^ 1]) + right[1:]).decode()
            assert "key" in refused_with("not_permitted", resume, control, download, wrong)
        with site.connect("raj") as control:
            refused_with("not_found", resume, control, download, base64.b64encode(right).decode())
        site.line.release()
        run(site, "--resume", target, "--key-file", key)
        check_every_byte(site, target, key)


def test_two_clients_do_not_work_in_one_folder(site):
    with home(site) as (target, key):
        client = hold_in_the_middle(site, target, key)
        said = run(site, "--resume", target, "--key-file", key, code=FAILED)
        assert "another penstock" in said, said
        site.line.release()
        ended_with(client, OK)
        check_every_byte(site, target, key)


def test_a_full_disk_stops_it_and_room_lets_it_go_on(site):
    """A limit of file size stands for the full disk: the kernel refuses the write in the same way."""
    def no_large_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 * MIB, 4 * MIB))
    with home(site) as (target, key):
        client = site.start_program("penstock", "download", "--to", target, "--all", "--key-file", key,
                                    preexec_fn=no_large_files, restore_signals=False)
        said = ended_with(client, FAILED)
        assert "--resume" in said and "arge" in said, said
        check_nothing_is_readable(site, target, key)
        run(site, "--resume", target, "--key-file", key)
        check_every_byte(site, target, key)


def test_a_terminal_sees_rate_and_time_left(site):
    with home(site) as (target, key):
        site.line.slow_down(8 * MIB)
        mine, its = pty.openpty()
        client = site.start_program("penstock", "download", "--to", target, "--all", "--key-file", key, stderr=its)
        os.close(its)
        seen = b""
        with contextlib.suppress(OSError):
            while data := os.read(mine, 4096):
                seen += data
        os.close(mine)
        ended_with_code = client.wait(CLIENT_TIMEOUT_S)
        client.stdout.close()
        assert ended_with_code == OK, seen
        assert re.search(rb"\d+ of \d+ images, [\d.]+ \w+ of [\d.]+ MiB, [\d.]+ MiB/s, \d+ s left", seen), seen


# ------------------------------------------------------------------------------------------------------- the protocol

def test_a_resumed_download_is_the_same_from_any_segment_across_a_restart(site):
    with site.connect("amy") as control:
        opened = open_everything(control)
        whole = Download(opened)
    site.kill_server()
    site.start_server()
    largest = max(whole.sealed, key=lambda index: len(whole.sealed[index]))
    with site.connect("amy") as control:
        for start_at in ((0, 0), (largest, 0), (largest, 1), (max(whole.sealed), 0)):
            again = resume(control, opened["download"], opened["key"])
            assert (again["objects"], again["bytes"]) == (opened["objects"], opened["bytes"])
            rest = Download(again, start_at).sealed
            skipped = start_at[1] * opened["segment_bytes"]
            expected = {index: data for index, data in whole.sealed.items() if index >= start_at[0]}
            expected[start_at[0]] = expected[start_at[0]][skipped:]
            assert rest == expected, start_at


def test_the_same_operation_opens_one_download(site):
    with site.connect("amy") as control:
        op, own = uuid.uuid4().hex, base64.b64encode(os.urandom(16)).decode()
        first = open_everything(control, op=op, args={"key": own})
        again = open_everything(control, op=op, args={"key": own})
        assert (again["download"], again["key"]) == (first["download"], own)
        assert Download(again).manifest["download"] == first["download"]
        refused_with("not_permitted", open_everything, control, op=op,
                     args={"key": base64.b64encode(bytes(16)).decode()})
        refused_with("conflict", open_everything, control, op=op)


def test_a_ticket_is_void_after_the_next_and_its_session_ends(site):
    with site.connect("amy") as control:
        first = open_everything(control)
        second = resume(control, first["download"], first["key"])
        Download(second)
        try:
            Download({**resume(control, first["download"], first["key"]), "download": "alz-brain-1"})
            raise AssertionError("a ticket has opened another download")
        except Closed as closed:
            assert str(closed) == "not_found"


def test_whoever_was_removed_goes_on_with_nothing(site):
    with open(site.facts["rules"], encoding="utf-8") as file:
        rules = file.read()
    with home(site) as (target, key):
        client = hold_in_the_middle(site, target, key)
        try:
            site.kill_server()
            replace(site.facts["rules"], rules.replace('members = ["amy"]', 'members = ["ada"]'))
            site.start_server()
            site.line.release()
            ended_with(client, NOT_FOUND)
        finally:
            site.kill_server()
            replace(site.facts["rules"], rules)
            site.start_server()
        run(site, "--resume", target, "--key-file", key)
        check_every_byte(site, target, key)


def replace(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


def test_a_study_that_was_deleted_is_named(site):
    with home(site) as (target, key):
        client = hold_in_the_middle(site, target, key)
        client.kill()
        client.wait()
        with site.connect("amy") as control:
            victim = studies_held(control)[0]
            control.ask("cache.delete", {"studies": [victim]}, PROJECT, op=uuid.uuid4().hex)
        site.line.release()
        said = run(site, "--resume", target, "--key-file", key, code=FAILED)
        assert victim in said, said


if __name__ == "__main__":
    with running_site() as running:
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
