#!/usr/bin/python3
"""Every limit of penstockd.toml that can be seen from outside does what its line there says."""
import contextlib
import os
import re
import signal
import sys
import time
import uuid

from dimse_parent import Sender
from harness import eventually, refused_with, run_tests, running_site
from lone_server import PROJECT, LoneServer

HELLO = {"client": "limits_test", "protocol": 1}
GIB = 1 << 30
STATISTICS_WITHIN_S = 1


@contextlib.contextmanager
def server_with(limits):
    with LoneServer() as server:
        server.change(r"\[limits\]", "[limits]\n" + limits)
        server.start()
        yield server


@contextlib.contextmanager
def sessions(server, users):
    """One session a user. Each follows a topic: an idle one would make room for another."""
    with contextlib.ExitStack() as open_ones:
        opened = [open_ones.enter_context(server.connect(user)) for user in users]
        for each in opened:
            project = each.ask("hello", HELLO)["projects"][0]["id"]
            each.subscribe("p/%s/requests" % project)
            each.ask("hello", HELLO)
        yield opened


def children_of(pid):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open("/proc/%s/stat" % entry, encoding="utf-8") as file:
            if int(file.read().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(entry))
    return found


def test_max_sessions(_):
    with server_with("max_sessions = 2") as server, sessions(server, ["amy", "raj"]), server.connect("ada") as third:
        refused_with("rate_limited", third.ask, "hello", HELLO)  # the answer carries the command's id


def test_max_sessions_per_user(_):
    with server_with("max_sessions_per_user = 2") as server, sessions(server, ["raj", "amy", "amy"]):
        eventually(lambda: server.metric("penstock_control_sessions") == "3", 5, "three sessions")
        with server.connect("amy") as third:  # takes the place of amy's longest silent one, and of nobody else's
            third.ask("hello", HELLO)
            time.sleep(STATISTICS_WITHIN_S)
            assert server.metric("penstock_control_sessions") == "3"


def test_max_subscriptions_per_session(_):
    with server_with("max_subscriptions_per_session = 1") as server, sessions(server, ["amy"]) as (amy,):
        amy.subscribe("p/%s/cache" % PROJECT)
        refused_with("rate_limited", amy.answer, "")


def test_max_inbound_associations_per_peer(_):
    with server_with("max_inbound_associations_per_peer = 2") as server:
        inside = [Sender(server.ports["dicom"], called="PENSTOCK") for _ in range(2)]
        try:
            Sender(server.ports["dicom"], called="PENSTOCK")
            raise AssertionError("a third association of one peer")
        except OSError:
            pass
        for each in inside:
            each.socket.close()


def test_child_memory(_):
    for size in ("768 MiB", "3 GiB"):
        number, unit = size.split()
        with server_with("child_memory = \"%s\"" % size) as server:
            sender = Sender(server.ports["dicom"], called="PENSTOCK")
            child, = children_of(server.process.pid)
            with open("/proc/%d/limits" % child, encoding="utf-8") as file:
                allowed = re.search(r"Max address space\s+(\d+)", file.read()).group(1)
            assert int(allowed) == int(number) * (GIB if unit == "GiB" else GIB >> 10), (size, allowed)
            sender.socket.close()


def start_again_with(site, pattern, replacement):
    """The server of the site, stopped and started with other settings."""
    os.kill(site.server_pid, signal.SIGTERM)
    site.stop_servers()
    eventually(lambda: not os.path.exists("/proc/%d" % site.server_pid), 30, "the server has stopped")
    with open(site.facts["settings"], encoding="utf-8") as file:
        text, changed = re.subn(pattern, replacement, file.read())
    assert changed == 1, pattern
    with open(site.facts["settings"], "w", encoding="utf-8") as file:
        file.write(text)
    site.start_server()


def test_min_free_disk(site):
    study = next(study for _, study, pacs in site.studies() if pacs == "gh-rad")
    start_again_with(site, "min_free_disk = \"200 MiB\"", "min_free_disk = \"1000 TiB\"")
    with site.connect("amy") as control:
        item = {"pacs": "gh-rad", "StudyInstanceUID": study["StudyInstanceUID"]}
        row, = control.ask("requests.submit", {"items": [item]}, PROJECT, op=uuid.uuid4().hex)["rows"]

        def shown():
            return control.ask("requests.show", {"request": row["request"]}, PROJECT)
        eventually(lambda: "disk" in shown()["reason"], 60, lambda: "a word about the disk in %s" % shown())
        assert shown()["state"] == "scheduled" and not shown()["error"], shown()
        assert control.ask("cache.usage", {}, PROJECT)["studies"] == 0
    start_again_with(site, "min_free_disk = \"1000 TiB\"", "min_free_disk = \"200 MiB\"")
    with site.connect("amy") as control:
        eventually(lambda: shown()["state"] == "completed", 60, "the study, now that there is room")


if __name__ == "__main__":
    with running_site() as running:
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
