#!/usr/bin/python3
"""What happens to the state directory of a running server is noticed: it is removed, bytes of it change, images are
lost; and a thousand clients that say nothing cost little."""
import contextlib
import os
import random
import resource
import shutil
import subprocess
import sys
import time
import uuid

import zmq

from backup_test import damage_tables, requests_of, states_of
from contract_test import find_studies, governed_site
from harness import eventually, refused_with, run_tests
from lone_server import PROJECT, STATE_DAMAGED, STOPPED, LoneServer, programs

IDLE_CLIENTS, AT_ONCE, QUICK_S, MEMORY_A_CLIENT = 1000, 25, 0.25, 128 << 10
NOTICED_WITHIN_S = 3
STUDIES = 3


def test_a_state_directory_that_is_removed_under_it_ends_the_server_at_once(_):
    for victim in ("core", "", "core/CURRENT"):
        with LoneServer() as server:
            server.start()
            path = os.path.join(server.state, victim)
            os.unlink(path) if os.path.isfile(path) else shutil.rmtree(path)
            assert server.ended(NOTICED_WITHIN_S) == STATE_DAMAGED, server.said()
            assert "was removed or replaced under the server" in server.said(), server.said()


def test_a_state_directory_that_was_moved_away_and_made_anew_is_not_taken_for_the_old_one(_):
    with LoneServer() as server:
        server.start()
        shutil.move(os.path.join(server.state, "core"), server.state + ".moved")
        shutil.copytree(server.state + ".moved", os.path.join(server.state, "core"))
        assert server.ended(NOTICED_WITHIN_S) == STATE_DAMAGED, server.said()


def files_below(folder, suffix):
    return sorted(os.path.join(path, name) for path, _, names in os.walk(folder) for name in names
                  if name.endswith(suffix))


def fetch(server, studies=STUDIES):
    items = find_studies(server)[:studies]
    with server.connect() as amy:
        amy.ask("requests.submit", {"items": items}, PROJECT, op=uuid.uuid4().hex)
    eventually(lambda: states_of(server) == {"completed"}, 90, lambda: requests_of(server))


def check(server, repair=False):
    """Exit code and output of `penstock admin check`."""
    command = [os.path.join(programs(), "penstock"), "admin", "check"] + (["--repair"] if repair else [])
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "PENSTOCK_CONFIG": os.path.join(server.folder, "keys", "ada.json")})
    return done.returncode, done.stdout + done.stderr


def retry_all(server):
    failed = [key for key, request in requests_of(server).items() if request["state"] == "failed"]
    with server.connect() as amy:
        amy.ask("requests.retry", {"requests": failed}, PROJECT, op=uuid.uuid4().hex)
    eventually(lambda: states_of(server) == {"completed"}, 120, lambda: requests_of(server))
    return len(failed)


def test_images_that_are_damaged_or_gone_are_found_repaired_and_fetched_again(_):
    with governed_site() as (server, _archive):
        fetch(server)
        code, said = check(server)
        assert code == 0 and "Everything agrees." in said, (code, said)
        packs = files_below(server.state, ".pack")
        with open(packs[0], "r+b") as pack:
            pack.seek(os.path.getsize(packs[0]) // 2)
            byte = pack.read(1)
            pack.seek(-1, os.SEEK_CUR)
            pack.write(bytes([byte[0] ^ 1]))
        os.unlink(packs[1])
        code, said = check(server)
        assert code == 4 and "bytes_damaged" in said and "pack_missing" in said, (code, said)
        assert states_of(server) == {"completed"}
        code, said = check(server, repair=True)
        assert code == 0 and "repaired" in said, (code, said)
        eventually(lambda: "failed" in states_of(server), 10, "lost studies are told")
        assert retry_all(server) == 2
        code, said = check(server)
        assert code == 0 and "Everything agrees." in said, (code, said)


def test_a_damaged_catalogue_is_set_aside_and_made_again_from_the_packs(_):
    with governed_site() as (server, _archive):
        fetch(server)
        for _ in range(2):  # what was in the log of the first life lies in tables in the second
            assert server.stop() == STOPPED, server.said()
            server.start()
        shard = next(os.path.dirname(path) for path in files_below(os.path.join(server.state, "shards"), ".sst"))
        pack_of_it = files_below(os.path.dirname(shard), ".pack")[0]
        assert server.stop() == STOPPED, server.said()
        damage_tables(shard)
        os.unlink(pack_of_it)
        server.start()
        eventually(lambda: "its catalogue is damaged, kept in" in server.said(), 10, server.said)
        eventually(lambda: "failed" in states_of(server), 20, lambda: requests_of(server))
        lost, = [request for request in requests_of(server).values() if request["state"] == "failed"]
        assert lost["error"].startswith("cache_lost"), lost
        with server.connect("ada") as ada:
            states = [actor["state"] for actor in ada.ask("server.status")["actors"] if actor["actor"] == "cache_shard"]
        assert sum("its catalogue was damaged" in state for state in states) == 1, states
        assert os.path.isdir(shard + ".damaged")
        assert retry_all(server) == 1
        code, said = check(server)
        assert code == 0, (code, said)


def moved(paths, to):
    """What lies under these paths, put away; returns how to put it back."""
    os.makedirs(to, exist_ok=True)
    pairs = [(path, os.path.join(to, str(number))) for number, path in enumerate(paths)]
    for here, away in pairs:
        shutil.move(here, away)

    def back():
        for here, away in pairs:
            shutil.rmtree(here, ignore_errors=True)
            shutil.move(away, here)
    return back


def test_packs_that_are_not_mounted_or_away_for_one_start_are_taken_back(_):
    with governed_site() as (server, archive):
        fetch(server)
        fetched = len(archive.moves())
        shards = [os.path.join(server.state, "shards", name, "packs") for name in ("0", "1")]
        used = [packs for packs in shards if files_below(packs, ".pack")]
        assert server.stop() == STOPPED, server.said()
        back = moved(used, os.path.join(server.folder, "unmounted"))
        server.start()
        eventually(lambda: server.said().count("is its disk mounted?") >= len(used), 10, server.said)
        assert states_of(server) == {"completed"}
        back()
        eventually(lambda: check(server)[0] == 0, 60, "served again")
        assert states_of(server) == {"completed"}
        assert server.stop() == STOPPED, server.said()
        back = moved([files_below(server.state, ".pack")[0]], os.path.join(server.folder, "away"))
        server.start()
        eventually(lambda: "failed" in states_of(server), 20, lambda: requests_of(server))
        assert server.stop() == STOPPED, server.said()
        back()
        server.start()
        assert retry_all(server) == 1
        code, said = check(server)
        assert code == 0 and "Everything agrees." in said, (code, said)
        assert len(archive.moves()) == fetched, "a study that was here was fetched again"


def resident_bytes(process):
    with open("/proc/%d/statm" % process.pid, encoding="utf-8") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def idle_clients(server, count):
    """So many that said hello once and nothing since."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * count, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    context = zmq.Context(io_threads=1)
    context.set(zmq.MAX_SOCKETS, count + 10)
    sockets = []
    try:
        for number in range(count):
            one = context.socket(zmq.DEALER)
            one.setsockopt(zmq.LINGER, 0)
            one.setsockopt(zmq.ROUTING_ID, b"\x01" + random.randbytes(16))
            one.curve_serverkey = server.keys["server"][0].encode()
            public, secret = server.keys["amy" if number % 2 else "raj"]
            one.curve_publickey, one.curve_secretkey = public.encode(), secret.encode()
            one.connect("tcp://127.0.0.1:%d" % server.ports["control"])
            one.send_multipart([b"CMD", b'{"id":"1","do":"hello","args":{"client":"idle","protocol":1}}'])
            sockets.append(one)
            if len(sockets) % AT_ONCE == 0:  # the server gives a handshake two seconds
                for one in sockets[-AT_ONCE:]:
                    assert one.poll(60_000), "no answer to the hello of client %d" % len(sockets)
                    one.recv_multipart()
        yield sockets
    finally:
        context.destroy(linger=0)


def test_a_thousand_idle_clients_cost_little_and_leave_nothing_behind(_):
    with LoneServer() as server:
        server.change(r"\[limits\]", "[limits]\nmax_sessions = 2000\nmax_sessions_per_user = 1000")
        server.start()
        before = resident_bytes(server.process)
        with server.connect("ada") as ada:
            ada.ask("pacs.list")
            with idle_clients(server, IDLE_CLIENTS):
                eventually(lambda: int(server.metric("penstock_control_sessions")) > IDLE_CLIENTS, 10, "all sessions")
                waits = []
                for _ in range(100):
                    began = time.monotonic()
                    ada.ask("pacs.list")
                    waits.append(time.monotonic() - began)
                grown = resident_bytes(server.process) - before
                waits.sort()
                print("   %d idle clients: a command takes %.1f ms (99th of 100), %.1f KiB of memory a client" % (
                    IDLE_CLIENTS, waits[98] * 1000, grown / IDLE_CLIENTS / 1024))
                assert waits[98] < QUICK_S, waits
                assert grown < IDLE_CLIENTS * MEMORY_A_CLIENT, grown
            eventually(lambda: server.metric("penstock_control_sessions") == "1", 20, "departed sessions are forgotten")


def test_a_follower_that_leaves_is_forgotten_though_nothing_happens(_):
    with LoneServer() as server:
        server.start()
        with server.connect("amy") as amy:
            amy.subscribe("p/%s/cache" % PROJECT)
            eventually(lambda: server.metric("penstock_control_sessions") == "1", 5, "a session")
        eventually(lambda: server.metric("penstock_control_sessions") == "0", 5, "no session")
        with server.connect("amy") as amy:
            refused_with("not_permitted", amy.ask, "server.status")


if __name__ == "__main__":
    sys.exit(run_tests(None, [value for name, value in list(globals().items()) if name.startswith("test_")]))
