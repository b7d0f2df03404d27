#!/usr/bin/python3
"""A full disk: the server refuses to start on one in words, stops on one rather than lose what it acknowledged, and
goes on when there is room again. It mounts small file systems in a mount namespace of its own, which go with it."""
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time

from harness import eventually, run_tests
from lone_server import CANNOT_START, JOURNAL_FAILED, STOPPED, UNSEEMLY, LoneServer
from protocol import NoAnswer, Refused

NAMESPACES = (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"])
INSIDE = "PENSTOCK_MAY_MOUNT"
TOO_SMALL_MIB, ROOMY_MIB = 4, 192
FENCE_WITHIN_S = 1.5  # of the last entry
STUDIES_A_CALL, CALL_TIMEOUT_S, FULL_WITHIN_S = 1000, 2, 120


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


def submit_until_it_ends(server, disk):
    """Asks for more and more; how many requests were acknowledged before the server ended."""
    acknowledged = 0
    with server.connect() as control:
        acknowledged += len(server.submit(control, STUDIES_A_CALL))
        fill(disk, leave_bytes=1 << 20)
        end = time.monotonic() + FULL_WITHIN_S
        while server.process.poll() is None and time.monotonic() < end:
            try:
                acknowledged += len(server.submit(control, STUDIES_A_CALL, CALL_TIMEOUT_S))
            except (NoAnswer, Refused):
                pass
    return acknowledged


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


def test_a_disk_that_was_filled_while_the_server_was_away_is_refused_and_taken_when_there_is_room(_):
    with small_disk(ROOMY_MIB) as disk, LoneServer(os.path.join(disk, "state")) as server:
        server.start()
        with server.connect() as control:
            acknowledged = len(server.submit(control, 10))
        assert server.stop() == STOPPED, server.said()
        fill(disk)
        refused_start(server)
        empty(disk)
        server.start()
        assert server.count_of_requests() == acknowledged
        assert server.stop() == STOPPED, server.said()


def test_a_disk_that_fills_loses_nothing_that_was_acknowledged(_):
    with small_disk(ROOMY_MIB) as disk, LoneServer(os.path.join(disk, "state")) as server:
        server.start()
        acknowledged = submit_until_it_ends(server, disk)
        assert server.ended() == JOURNAL_FAILED, server.said()
        said = server.said()
        assert not UNSEEMLY.search(said), said
        assert re.search(r"the journal has failed.*no_space.*Make room", said), said
        refused_start(server)
        empty(disk)
        server.start()
        there = server.count_of_requests()  # more when an answer was lost: that is for its sender to ask again
        assert there >= acknowledged, "%d of %d acknowledged requests are lost" % (acknowledged - there, acknowledged)
        with server.connect() as control:
            assert server.submit(control, 1)
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
