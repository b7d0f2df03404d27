#!/usr/bin/python3
"""A full disk: what is new stops first, then every change; the server shows and ends things from what it has, loses
nothing that it acknowledged, and goes on when there is room again. It mounts small file systems in a mount namespace of
its own, which go with it."""
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid

from harness import eventually, refused_with, run_tests
from lone_server import CANNOT_START, JOURNAL_FAILED, PROJECT, STOPPED, UNSEEMLY, LoneServer
from protocol import NoAnswer, Refused

NAMESPACES = (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"])
INSIDE = "PENSTOCK_MAY_MOUNT"
TOO_SMALL_MIB, ROOMY_MIB = 4, 192
FENCE_WITHIN_S = 1.5  # of the last entry
STUDIES_A_CALL, CALL_TIMEOUT_S, FULL_WITHIN_S = 1000, 2, 120
BACK_WITHIN_S = 5


@contextlib.contextmanager
def small_disk(mebibytes, more=""):
    """A file system of that size; the folder where it is mounted."""
    with tempfile.TemporaryDirectory(prefix="penstock-disk-") as folder:
        options = "size=%dm,mode=700%s" % (mebibytes, more)
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk, leave_bytes=0):
    """Somebody else's file takes the room."""
    room = os.statvfs(disk)
    with open(os.path.join(disk, "other"), "wb") as other:
        os.posix_fallocate(other.fileno(), 0, room.f_bavail * room.f_frsize - leave_bytes)


def empty(disk):
    os.unlink(os.path.join(disk, "other"))


def refused_start(server):
    """What it says when it finds no room."""
    said = server.refused(CANNOT_START)
    found = re.search(r"state directory (\S+): (\d+) MiB free, (\d+) MiB needed", said)
    assert found, said
    assert found.group(1) == server.state and int(found.group(2)) < int(found.group(3)), said
    assert "Make room" in said and "state_directory" in said, said
    return said


def disk_state(server):
    return json.loads(server.get("/healthz")[1])["disk"]


def submit_without_pause(server, disk, acknowledged):
    """Asks for more and more while the disk fills, until the server refuses or ends; counts what is acknowledged."""
    with server.connect() as control:
        acknowledged += [len(server.submit(control, STUDIES_A_CALL))]
        filler = threading.Timer(0.1, fill, (disk,))
        filler.start()
        end = time.monotonic() + FULL_WITHIN_S
        while server.process.poll() is None and time.monotonic() < end:
            try:
                acknowledged += [len(server.submit(control, STUDIES_A_CALL, CALL_TIMEOUT_S))]
            except NoAnswer:
                pass
            except Refused as refused:
                assert refused.code == "disk_full", refused
                break
        filler.join()


def is_read_only(server):
    """Lists and status answer, ending things works, changes are refused with the reason."""
    assert server.metric("penstock_state_read_only") == "1"
    with server.connect() as amy, server.connect("ada") as ada:
        assert amy.ask("hello", {"client": "full_disk_test", "protocol": 1})["user"] == "amy"
        newest = amy.ask("requests.list", {"filter": {}, "limit": 1}, PROJECT)["requests"][0]["id"]
        assert amy.ask("cache.usage", {}, PROJECT)["studies"] == 0
        item = {"pacs": "gh-rad", "StudyInstanceUID": "2.25.1"}
        said = refused_with("disk_full", amy.ask, "requests.submit", {"items": [item]}, PROJECT, op="full-1")
        assert "disk is full" in said, said
        refused_with("disk_full", amy.ask, "studies.find", {"pacs": ["gh-rad"], "mrns": ["1"]}, PROJECT)
        refused_with("disk_full", ada.ask, "governor.resume", {"pacs": "all", "reason": "x"}, op="full-2")
        rows = amy.ask("requests.cancel", {"requests": [newest]}, PROJECT, op=uuid.uuid4().hex)["rows"]
        assert rows[0]["outcome"] in ("cancelled", "conflict"), rows
        status = ada.ask("server.status")
        assert status["disk"]["state"] == "read_only", status["disk"]


def is_back(server, disk):
    """Seconds until everything is done again, once there is room."""
    empty(disk)
    began = time.monotonic()
    eventually(lambda: disk_state(server) == "ample", BACK_WITHIN_S, "everything is done again")
    with server.connect() as control:
        assert len(server.submit(control, 1)) == 1
    assert os.path.exists(os.path.join(server.state, "ballast"))
    return time.monotonic() - began


def test_a_disk_that_is_too_small_is_refused_in_words(_):
    with small_disk(TOO_SMALL_MIB) as disk, LoneServer(os.path.join(disk, "state")) as server:
        refused_start(server)


def test_a_disk_that_takes_nothing_at_all_is_refused_in_words(_):
    with small_disk(TOO_SMALL_MIB) as disk, LoneServer(os.path.join(disk, "deep", "state")) as server:
        fill(disk)
        refused_start(server)


def test_a_disk_without_room_for_another_file_is_refused_in_words(_):
    with small_disk(ROOMY_MIB, ",nr_inodes=1") as disk, LoneServer(os.path.join(disk, "state")) as server:
        server.refused(CANNOT_START, "takes no more files")


def test_a_disk_that_may_only_be_read_is_refused_in_words(_):
    with small_disk(ROOMY_MIB, ",ro") as disk, LoneServer(os.path.join(disk, "state")) as server:
        server.refused(CANNOT_START, server.state, "Read-only file system")


def test_a_disk_that_was_filled_while_the_server_was_away_is_served_from_read_only(_):
    with small_disk(ROOMY_MIB) as disk, LoneServer(os.path.join(disk, "state")) as server:
        server.start()
        with server.connect() as control:
            acknowledged = len(server.submit(control, 10))
        assert server.stop() == STOPPED, server.said()
        fill(disk)
        server.start()
        assert disk_state(server) == "read_only"
        assert "read-only" in server.said()
        is_read_only(server)
        assert server.count_of_requests() == acknowledged
        print("   back after %.1f s" % is_back(server, disk))
        assert server.stop() == STOPPED, server.said()


def test_without_even_the_room_of_the_ballast_the_start_is_refused_in_words(_):
    with small_disk(ROOMY_MIB) as disk, LoneServer(os.path.join(disk, "state")) as server:
        server.start()
        assert server.stop() == STOPPED, server.said()
        os.unlink(os.path.join(server.state, "ballast"))
        fill(disk)
        refused_start(server)
        empty(disk)
        server.start()
        assert server.stop() == STOPPED, server.said()


def test_a_disk_that_fills_loses_nothing_that_was_acknowledged(_):
    with small_disk(ROOMY_MIB) as disk, LoneServer(os.path.join(disk, "state")) as server:
        server.start()
        counts = []
        submit_without_pause(server, disk, counts)
        if server.process.poll() is not None:  # the disk was full before it was seen to be
            assert server.ended() == JOURNAL_FAILED, server.said()
            assert re.search(r"the journal has failed.*no_space.*Make room", server.said()), server.said()
            server.start()
        eventually(lambda: disk_state(server) == "read_only", 5, "a server that knows")
        is_read_only(server)
        print("   back after %.1f s" % is_back(server, disk))
        there, acknowledged = server.count_of_requests() - 1, sum(counts)
        assert there >= acknowledged, "%d of %d acknowledged requests are lost" % (acknowledged - there, acknowledged)
        assert not UNSEEMLY.search(server.said()), server.said()
        assert server.stop() == STOPPED, server.said()


def test_a_disk_that_fills_slowly_first_stops_what_is_new(_):
    with small_disk(ROOMY_MIB) as disk, LoneServer(os.path.join(disk, "state")) as server:
        server.start()
        with server.connect() as amy, server.connect("ada") as ada:
            mine = server.submit(amy, 3)
            fill(disk, leave_bytes=40 << 20)
            eventually(lambda: disk_state(server) == "scarce", 5, "scarce room")
            refused_with("disk_full", server.submit, amy, 1)
            amy.ask("requests.prioritise", {"requests": mine[:1], "priority": "high"}, PROJECT, op="little")
            ada.ask("governor.pause", {"pacs": "all", "reason": "a test"}, op="pause")
            ada.ask("governor.resume", {"pacs": "all", "reason": "a test"}, op="resume")
        print("   back after %.1f s" % is_back(server, disk))
        assert server.stop() == STOPPED, server.said()


def test_a_stop_on_a_full_disk_is_an_orderly_one(_):
    with small_disk(ROOMY_MIB) as disk, LoneServer(os.path.join(disk, "state")) as server:
        server.start()
        time.sleep(FENCE_WITHIN_S)
        fill(disk)
        assert server.stop() == STOPPED, server.said()
        assert not os.path.exists(os.path.join(server.state, "ballast"))
        empty(disk)
        server.start()
        assert os.path.exists(os.path.join(server.state, "ballast"))
        assert server.stop() == STOPPED, server.said()


def test_nothing_of_the_databases_own_log_is_on_the_disk(_):
    with LoneServer() as server:
        server.start()
        eventually(lambda: "cache shard 0" in server.said() and "cache shard 1" in server.said(), 30, "both shards")
        assert server.stop() == STOPPED, server.said()
        names = [name for _, _, files in os.walk(server.state) for name in files]
        assert "CURRENT" in names and not [name for name in names if name.startswith("LOG")], names


def enter_namespace():
    """Runs this script again where it may mount; returns only when that is nowhere."""
    for namespace in NAMESPACES:
        probe = ["sh", "-c", "mount -t tmpfs none /mnt"]
        if subprocess.run(namespace + probe, stderr=subprocess.DEVNULL, check=False).returncode == 0:
            os.environ[INSIDE] = "yes"
            os.execvp(namespace[0], namespace + [sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


if __name__ == "__main__":
    tests = [value for name, value in list(globals().items()) if name.startswith("test_")]
    if INSIDE not in os.environ:
        enter_namespace()
        print("skipped: no small disk can be mounted here (unshare --mount --map-root-user is refused)")
        tests = [test_nothing_of_the_databases_own_log_is_on_the_disk]
    sys.exit(run_tests(None, tests))
