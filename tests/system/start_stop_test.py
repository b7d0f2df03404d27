#!/usr/bin/python3
"""How penstockd starts and ends: what is wrong is said in words and by the exit code, nothing acknowledged is lost."""
import json
import os
import shutil
import subprocess
import sys
import time

from harness import run_tests
from lone_server import DID_NOT_DRAIN, STATE_DAMAGED, STOPPED, LoneServer
from protocol import NoAnswer

DRAIN_S = 2
# Preloaded, it makes every write that must reach the disk wait while the file named by SLOW_DISK exists.
SLOW_DISK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
int fdatasync(int descriptor) {
  const char* flag = getenv("SLOW_DISK");
  while (flag && access(flag, F_OK) == 0) usleep(20000);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(descriptor);
}
"""


def fence_of(server):
    with open(os.path.join(server.state, "journal.fence"), encoding="utf-8") as file:
        return json.load(file)["size"]


def slow_disk(server):
    """(environment, file): while the file exists, the disk of a server started with the environment hangs."""
    source, library = os.path.join(server.folder, "slow.c"), os.path.join(server.folder, "slow.so")
    with open(source, "w", encoding="utf-8") as file:
        file.write(SLOW_DISK)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    flag = os.path.join(server.folder, "slow")
    return {"LD_PRELOAD": library, "SLOW_DISK": flag}, flag


def test_an_orderly_stop_leaves_the_fence_at_the_end_of_the_journal(_):
    with LoneServer() as server:
        server.start()
        with server.connect() as control:
            assert len(server.submit(control, 7)) == 7
        entries = int(server.metric("penstock_journal_entries"))
        assert server.stop() == STOPPED, server.said()
        assert fence_of(server) >= entries, (fence_of(server), entries)


def test_what_hangs_is_cut_off_after_the_drain_timeout(_):
    with LoneServer() as server:
        server.change(r"\[limits\]", "[limits]\ndrain_timeout = \"%d s\"" % DRAIN_S)
        environment, flag = slow_disk(server)
        server.start(**environment)
        with server.connect() as control:
            before = len(server.submit(control, 3))
            with open(flag, "w", encoding="utf-8"):
                pass
            try:
                server.submit(control, 1, timeout_s=1)
                raise AssertionError("acknowledged before it was on the disk")
            except NoAnswer:
                pass
            began = time.monotonic()
            assert server.stop() == DID_NOT_DRAIN, server.said()
        assert DRAIN_S <= time.monotonic() - began < DRAIN_S + 10, time.monotonic() - began
        os.unlink(flag)
        server.start()
        assert server.count_of_requests() >= before


def roll_back(server):
    """State of some requests, then the state that it had before them with the fence that has seen them."""
    server.start()
    with server.connect() as control:
        server.submit(control, 2)
    assert server.stop() == STOPPED, server.said()
    backup = server.state + ".backup"
    shutil.copytree(os.path.join(server.state, "core"), backup)
    server.start()
    with server.connect() as control:
        server.submit(control, 3)
    assert server.stop() == STOPPED, server.said()
    shutil.rmtree(os.path.join(server.state, "core"))
    shutil.move(backup, os.path.join(server.state, "core"))


def test_a_rolled_back_journal_is_refused_until_an_administrator_accepts_it(_):
    with LoneServer() as server:
        roll_back(server)
        code, said = server.run()
        assert code == STATE_DAMAGED, (code, said)
        assert "journal was rolled back: it holds" in said and "--accept-rollback" in said, said
        server.start("--accept-rollback")
        assert server.count_of_requests() == 2
        assert "accepted by the administrator" in server.said(), server.said()
        assert server.stop() == STOPPED, server.said()
        server.start()  # the fence was set anew
        assert server.stop() == STOPPED, server.said()


def test_accepting_a_rollback_without_need_is_advised_against(_):
    with LoneServer() as server:
        server.start("--accept-rollback")
        assert server.stop() == STOPPED, server.said()
        assert "--accept-rollback was not needed" in server.said(), server.said()


if __name__ == "__main__":
    sys.exit(run_tests(None, [value for name, value in list(globals().items()) if name.startswith("test_")]))
