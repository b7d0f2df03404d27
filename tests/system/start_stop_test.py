#!/usr/bin/python3
"""How penstockd starts and ends: what is wrong is said in words and by the exit code, nothing acknowledged is lost."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from dimse_parent import Sender
from harness import eventually, run_tests
from lone_server import (CANNOT_START, CONFIGURATION_FAULT, DID_NOT_DRAIN, SERVER_PORTS, STATE_DAMAGED, STOPPED,
                         UNSEEMLY, LoneServer)
from protocol import NoAnswer

DRAIN_S = 2
SIGNALS, LATER_EACH_TIME_S = 12, 0.03
QUICK_STOP_S = 10
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


def in_state(server, name, contents=b"", link_to=None):
    """Something that lies in the state directory before penstockd comes."""
    os.makedirs(server.state, exist_ok=True)
    path = os.path.join(server.state, name)
    if link_to:
        os.symlink(link_to, path)
    else:
        with open(path, "wb") as file:
            file.write(contents)
    return path


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


def test_a_port_in_use_is_named(_):
    for name in SERVER_PORTS:
        with LoneServer() as server, socket.create_server(("127.0.0.1", server.ports[name])):
            server.refused(CANNOT_START, str(server.ports[name]), "in use")


def test_a_key_that_others_may_read_is_refused(_):
    with LoneServer() as server:
        os.chmod(server.key_file, 0o644)
        server.refused(CONFIGURATION_FAULT, server.key_file, "chmod 600")
        os.chmod(server.key_file, 0o640)
        server.start()
        assert server.stop() == STOPPED, server.said()


def test_a_pipe_in_place_of_a_file_holds_nobody(_):
    with LoneServer() as server:
        os.makedirs(server.state)
        fence = os.path.join(server.state, "journal.fence")
        os.mkfifo(fence)
        server.refused(CANNOT_START, fence, "not a regular file")
        os.unlink(server.key_file)
        os.mkfifo(server.key_file)
        server.refused(CONFIGURATION_FAULT, server.key_file, "not a regular file")


def test_no_link_in_the_state_directory_leads_to_another_file(_):
    for name in ("lock", "ballast", "journal.fence.new"):
        with LoneServer() as server:
            victim = os.path.join(server.folder, "victim")
            with open(victim, "w", encoding="utf-8") as file:
                file.write("precious")
            in_state(server, name, link_to=victim)
            server.refused(CANNOT_START, name)
            with open(victim, encoding="utf-8") as file:
                assert file.read() == "precious", name


def test_the_state_directory_of_somebody_else_is_refused(_):
    with LoneServer() as server:
        os.makedirs(server.state)
        try:
            os.chown(server.state, 12345, -1)
        except PermissionError:
            return  # only root can give a directory away
        server.refused(CANNOT_START, server.state, "belongs to user 12345")


def test_fewer_shards_than_there_are_would_hide_studies_and_are_refused(_):
    with LoneServer() as server:
        server.start()
        assert server.stop() == STOPPED, server.said()
        server.change("version = 1\n", "version = 1\ncache_shards = 1\n")
        server.refused(CONFIGURATION_FAULT, "holds shard 1", "cache_shards must be at least 2")


def test_too_few_open_files_are_refused_in_words(_):
    with LoneServer() as server:
        server.refused(CANNOT_START, "only 100 files may be open at once", through=("prlimit", "--nofile=100:100"))
        server.start(through=("prlimit", "--nofile=100:4096"))
        assert server.stop() == STOPPED, server.said()


def test_closed_standard_descriptors_are_not_given_to_the_databases(_):
    with LoneServer() as server:
        server.start(through=("sh", "-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"))
        for number in range(3):
            assert os.readlink("/proc/%d/fd/%d" % (server.process.pid, number)) == "/dev/null"
        assert server.stop() == STOPPED, server.said()


def test_a_signal_at_any_moment_ends_it_in_order(_):
    with LoneServer() as server:
        acknowledged = 0
        for attempt in range(SIGNALS):
            server.launch()
            time.sleep(attempt * LATER_EACH_TIME_S)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
                server.process.send_signal(number)
            # Before main() has begun, a signal does what it does to every program.
            assert server.ended() in (STOPPED, -signal.SIGTERM, -signal.SIGINT), server.said()
        assert not UNSEEMLY.search(server.said()), server.said()
        for attempt in range(SIGNALS):
            server.launch()
            if attempt % 3 == 0:
                eventually(server.is_healthy, 30, "a healthy server")
                with server.connect() as control:
                    acknowledged += len(server.submit(control, 5))
            time.sleep(attempt % 3 * LATER_EACH_TIME_S)
            server.process.kill()
            server.ended()
        server.start()
        assert server.count_of_requests() == acknowledged
        assert server.stop() == STOPPED, server.said()


def test_a_hangup_opens_the_log_file_anew(_):
    with LoneServer() as server:
        server.change(r"\[limits\]", "[log]\nfile = \"penstockd.log\"\n\n[limits]")
        log = os.path.join(server.folder, "penstockd.log")
        server.start()
        os.rename(log, log + ".1")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: os.path.exists(log), 10, "a new log file")
        assert server.stop() == STOPPED, server.said()
        with open(log, encoding="utf-8") as file:
            assert "stopped" in file.read()


def test_open_associations_and_sessions_do_not_hold_a_stop(_):
    with LoneServer() as server:
        server.start()
        with server.connect("amy") as amy, server.connect("raj") as raj:
            for each in (amy, raj):
                each.ask("hello", {"client": "start_stop_test", "protocol": 1})
            inside = [Sender(server.ports["dicom"], called="PENSTOCK") for _ in range(3)]
            silent = [socket.create_connection(("127.0.0.1", server.ports["dicom"])) for _ in range(3)]
            began = time.monotonic()
            assert server.stop() == STOPPED, server.said()
            assert time.monotonic() - began < QUICK_STOP_S, time.monotonic() - began
            for each in inside:
                each.socket.close()
            for each in silent:
                each.close()


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
