#!/usr/bin/python3
"""A restore drill: a backup is made under load, the server is killed, its state destroyed, and the backup brought back.
What was acknowledged before the backup is there, what is lost is said, and the PACS sees its contract kept."""
import os
import re
import shutil
import subprocess
import sys
import time
import uuid

from contract_test import (CONCURRENT, PER_MINUTE, SECOND_NS, find_studies, governed_site, most_in_a_minute,
                           most_in_flight)
from harness import eventually, refused_with, run_tests
from lone_server import CANNOT_START, PROJECT, STATE_DAMAGED, STOPPED, LoneServer, programs

JOB_TIMEOUT_S = 240


def with_backups(server):
    server.backups = os.path.join(server.folder, "backups")
    server.change("directory = \"backups\"", "directory = \"backups\"\nkeep = 3")


def limit_minutes_only(server):
    """After a restore every window counts as full: an hour's would outlast the test."""
    with open(server.rules, encoding="utf-8") as file:
        text = re.sub(r"^per_hour = .*\n", "", file.read(), flags=re.M)
    with open(server.rules, "w", encoding="utf-8") as file:
        file.write(text)


def penstockd(server, *arguments):
    """Exit code and all that it said."""
    done = subprocess.run([os.path.join(programs(), "penstockd"), *arguments, "--config", server.settings],
                          capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def back_up(server, op=None):
    with server.connect("ada") as ada:
        return ada.ask("server.backup", {}, op=op or uuid.uuid4().hex, timeout_s=60)


def requests_of(server):
    with server.connect() as amy:
        found = amy.all_pages("requests.list", {"filter": {}}, "requests", PROJECT)
    return {request["id"]: request for request in found}


def states_of(server):
    return {request["state"] for request in requests_of(server).values()}


def completed(server):
    return {key for key, request in requests_of(server).items() if request["state"] == "completed"}


def test_a_restore_drill_loses_nothing_that_was_acknowledged_before_the_backup(_):
    with governed_site() as (server, archive):
        assert server.stop() == STOPPED
        with_backups(server)
        limit_minutes_only(server)
        server.start()
        items = find_studies(server)[:14]
        with server.connect() as amy:
            before = [row["request"] for row in
                      amy.ask("requests.submit", {"items": items[:10]}, PROJECT, op=uuid.uuid4().hex)["rows"]]
        eventually(lambda: completed(server), 60, "a first study")
        made = back_up(server)
        with server.connect() as amy:
            amy.ask("requests.submit", {"items": items[10:]}, PROJECT, op=uuid.uuid4().hex)
        eventually(lambda: len(completed(server)) >= 3, 60, "more studies")
        code, said = penstockd(server, "restore")
        assert code == CANNOT_START and "is in use by process" in said, (code, said)
        server.process.kill()
        server.ended()
        shutil.rmtree(server.state)
        began, restored_ns = time.monotonic(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        code, said = penstockd(server, "restore")
        assert code == STOPPED, (code, said)
        assert "restored from backup %d" % made["backup"] in said and "proven" in said, said
        server.start()
        print("   restored and ready after %.1f s" % (time.monotonic() - began))
        after = requests_of(server)
        assert set(after) == set(before), (set(after), set(before))
        assert not completed(server) or eventually(lambda: not completed(server), 30, "lost studies are told")
        lost = [key for key, request in after.items() if request["state"] in ("failed", "completed")]
        eventually(lambda: all("cache_lost" in requests_of(server)[key]["error"] for key in lost), 30,
                   lambda: "cache_lost in %s" % requests_of(server))
        with server.connect() as amy:
            rows = amy.ask("requests.retry", {"requests": lost}, PROJECT, op=uuid.uuid4().hex)["rows"]
        assert {row["outcome"] for row in rows} == {"scheduled"}, rows
        eventually(lambda: states_of(server) == {"completed"}, JOB_TIMEOUT_S, lambda: requests_of(server))
        moves = archive.moves()
        print("   %d C-MOVEs, at most %d in 60 s (limit %d), %d in flight (limit %d)" % (
            len(moves), most_in_a_minute(moves), PER_MINUTE, most_in_flight(moves), CONCURRENT))
        assert most_in_a_minute(moves) <= PER_MINUTE and most_in_flight(moves) <= CONCURRENT
        first_ns = min(begin for begin, _ in moves if begin > restored_ns)
        assert first_ns - restored_ns >= 60 * SECOND_NS, "a start while the minute counted as full"


def packs_of(server):
    return sorted(name for _, _, names in os.walk(server.state) for name in names if name.endswith(".pack"))


def submit(server, items):
    with server.connect() as amy:
        amy.ask("requests.submit", {"items": items}, PROJECT, op=uuid.uuid4().hex)
    eventually(lambda: states_of(server) == {"completed"}, 90, lambda: requests_of(server))


def test_a_restore_in_place_keeps_what_was_fetched_since_and_tells_what_is_gone(_):
    with governed_site() as (server, _archive):
        assert server.stop() == STOPPED
        with_backups(server)
        server.start()
        items = find_studies(server)
        submit(server, items[:1])
        old = packs_of(server)
        back_up(server)
        submit(server, items[1:2])
        every = packs_of(server)
        assert len(every) > len(old)
        assert server.stop() == STOPPED, server.said()
        for folder, _, names in os.walk(server.state):
            for name in set(names) & set(old):
                os.unlink(os.path.join(folder, name))
        code, said = penstockd(server, "restore")
        assert code == STOPPED and "stay for a week" in said, (code, said)
        server.start()
        eventually(lambda: states_of(server) == {"failed"}, 30, lambda: requests_of(server))
        assert all(request["error"].startswith("cache_lost") for request in requests_of(server).values())
        assert packs_of(server) == sorted(set(every) - set(old)), "fetched after the backup, and gone"


def test_a_server_with_one_shard_starts_after_a_restore(_):
    with LoneServer() as server:
        with_backups(server)
        server.change(r"version = 1", "version = 1\\ncache_shards = 1")
        server.start()
        back_up(server)
        assert server.stop() == STOPPED, server.said()
        code, said = penstockd(server, "restore")
        assert code == STOPPED, (code, said)
        assert os.listdir(os.path.join(server.state, "shards")) == ["0"]
        server.start()
        assert server.stop() == STOPPED, server.said()


def test_backups_are_listed_and_only_so_many_are_kept(_):
    with LoneServer() as server:
        with_backups(server)
        server.start()
        op = uuid.uuid4().hex
        assert back_up(server, op) == back_up(server, op)
        numbers = [back_up(server)["backup"] for _ in range(4)]
        assert numbers == [2, 3, 4, 5], numbers
        assert server.stop() == STOPPED, server.said()
        code, said = penstockd(server, "backups")
        assert code == STOPPED and re.findall(r"^backup (\d+) of", said, re.M) == ["3", "4", "5"], said


def test_only_an_administrator_makes_backups_and_only_where_the_settings_say(_):
    with LoneServer() as server:
        server.change(r"\[backup\]\ndirectory = \"backups\"\n", "")
        server.start()
        with server.connect("amy") as amy, server.connect("ada") as ada:
            refused_with("not_permitted", amy.ask, "server.backup", {}, op="one")
            refused_with("bad_request", ada.ask, "server.backup", {})
            assert "[backup]" in refused_with("conflict", ada.ask, "server.backup", {"directory": "/tmp"}, op="two")


def test_a_damaged_core_database_is_refused_in_words_and_comes_back_from_a_backup(_):
    with LoneServer() as server:
        with_backups(server)
        server.start()
        with server.connect() as control:
            acknowledged = len(server.submit(control, 50))
        back_up(server)
        assert server.stop() == STOPPED, server.said()
        damaged = damage_tables(os.path.join(server.state, "core"))
        said = server.refused(STATE_DAMAGED, "penstockd restore", "penstockd backups")
        assert any(name in said for name in damaged), (damaged, said)
        code, said = penstockd(server, "restore")
        assert code == STOPPED and "is kept in" in said, (code, said)
        server.start()
        assert server.count_of_requests() == acknowledged
        assert server.stop() == STOPPED, server.said()


def damage_tables(directory):
    """Flips a byte in the first block of every table file; their names."""
    names = [name for name in os.listdir(directory) if name.endswith(".sst")]
    for name in names:
        with open(os.path.join(directory, name), "r+b") as table:
            table.seek(20)
            byte = table.read(1)
            table.seek(20)
            table.write(bytes([byte[0] ^ 0x40]))
    assert names, "no table file"
    return names


if __name__ == "__main__":
    sys.exit(run_tests(None, [value for name, value in list(globals().items()) if name.startswith("test_")]))
