#!/usr/bin/python3
"""The contract as the PACS itself saw it: its own record of every C-MOVE, while the server is killed, its rules are
replaced and an administrator stops everything."""
import collections
import contextlib
import json
import os
import random
import subprocess
import sys
import time
import uuid

from harness import eventually, run_tests
from lone_server import PROJECT, LoneServer, programs, with_keys

from tools.site.contract import PROJECTS
from tools.site.people import GENERAL, PEOPLE

CONCURRENT, PER_MINUTE = 2, 10
STUDIES_OF_A_PATIENT, INSTANCES = 4, 12
RUN_S = 100
SECOND_NS = 1_000_000_000
SEED = 20260311
MRNS = sorted(PEOPLE[index].gh_mrn for index in PROJECTS[PROJECT].patients if PEOPLE[index].gh_mrn)[:8]


def script(mrns, destination):
    """A PACS whose retrievals take seconds."""
    text = ["ae_title = \"GHPACS\"", "destinations = [\"PENSTOCK=127.0.0.1:%d\"]" % destination]
    for number, mrn in enumerate(mrns):
        text += ["[[patient]]", "mrn = \"%s\"" % mrn, "name = \"Patient^%d\"" % number, "[[patient.study]]",
                 "study_uid = \"2.25.%d\"" % (1000 + number), "instances = %d" % INSTANCES,
                 "count = %d" % STUDIES_OF_A_PATIENT]
    text += ["[[fault]]", "name = \"slow\"", "when = { command = \"C-MOVE\" }", "do = { pause = \"400 ms\" }"]
    return "\n".join(text) + "\n"


class Archive:
    """penstock-pacs in the place of the General Hospital's PACS."""

    def __init__(self, server, mrns):
        self._folder = server.folder
        self.log = os.path.join(server.folder, "pacs.jsonl")
        script_file, ready = os.path.join(server.folder, "pacs.toml"), os.path.join(server.folder, "pacs.ready")
        with open(script_file, "w", encoding="utf-8") as file:
            file.write(script(mrns, server.ports["dicom"]))
        command = [os.path.join(programs(), "penstock-pacs"), script_file, "--port", "0", "--log", self.log,
                   "--ready-file", ready]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        eventually(lambda: os.path.exists(ready), 20, "penstock-pacs")
        with open(ready, encoding="utf-8") as file:
            self.port = json.load(file)["port"]

    def stop(self):
        self._process.terminate()
        self._process.wait(20)

    def moves(self):
        """(begin, end) of each C-MOVE on CLOCK_BOOTTIME in ns; the end of one under way is never."""
        begins, ends = {}, collections.defaultdict(lambda: float("inf"))
        with open(self.log, encoding="utf-8") as log:
            for line in log:
                event = json.loads(line)
                if event["event"] == "request" and event["command"] == "C-MOVE-RQ":
                    begins[event["request"]] = event["boottime_ns"]
                elif event["event"] == "end":
                    ends[event["request"]] = event["boottime_ns"]
        return sorted((begin, ends[request]) for request, begin in begins.items())


@contextlib.contextmanager
def governed_site():
    with LoneServer() as server:
        archive = Archive(server, MRNS)
        server.rules = os.path.join(server.folder, "governance.toml")
        server.rules_text = server.rule_general(port=archive.port, concurrent=CONCURRENT, per_minute=PER_MINUTE)
        server.start()
        try:
            yield server, archive
        finally:
            archive.stop()


def find_studies(server):
    with server.connect() as amy:
        found = amy.find("studies.find", {"pacs": [GENERAL], "mrns": MRNS}, PROJECT)["studies"]
    return [{"pacs": GENERAL, "StudyInstanceUID": study["StudyInstanceUID"]} for study in found]


def kill_and_start(server):
    server.process.kill()
    server.process.wait()
    server.start()


def replace_rules(server, per_minute):
    with open(server.rules + ".new", "w", encoding="utf-8") as file:
        file.write(with_keys(server.rules_text, per_minute=per_minute))
    os.replace(server.rules + ".new", server.rules)


def pause_and_resume(server):
    with server.connect("ada") as ada:
        ada.ask("governor.pause", {"pacs": GENERAL, "reason": "a test"}, op=uuid.uuid4().hex)
        paused_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        time.sleep(3)
        resumed_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        ada.ask("governor.resume", {"pacs": GENERAL, "reason": "a test"}, op=uuid.uuid4().hex)
    return paused_ns, resumed_ns


def most_in_a_minute(moves):
    begins = [begin for begin, _ in moves]
    return max(sum(1 for other in begins if at - 60 * SECOND_NS < other <= at) for at in begins)


def most_in_flight(moves):
    return max(sum(1 for begin, end in moves if begin <= at < end) for at, _ in moves)


def run_for_a_while(server):
    """Kills, other rules and pauses, at random but always the same; the stretches during which it was paused."""
    dice, deeds, pauses = random.Random(SEED), [], []
    until = time.monotonic() + RUN_S
    while time.monotonic() < until:
        time.sleep(dice.uniform(2, 9))
        if not deeds:
            deeds = ["kill", "rules", "pause", "nothing", "nothing", "nothing", "nothing"]
            dice.shuffle(deeds)
        deed = deeds.pop()
        if deed == "kill":
            kill_and_start(server)
        elif deed == "rules":
            replace_rules(server, dice.choice((PER_MINUTE, PER_MINUTE - 3)))
        elif deed == "pause":
            pauses.append(pause_and_resume(server))
    return pauses


def test_the_pacs_itself_saw_the_contract_kept(_):
    with governed_site() as (server, archive):
        items = find_studies(server)
        assert len(items) >= 30, items
        with server.connect() as amy:
            amy.ask("requests.submit", {"items": items}, PROJECT, op=uuid.uuid4().hex)
        pauses = run_for_a_while(server)
        moves = archive.moves()
        print("   contract: limit, most seen by the PACS")
        print("   starts in any 60 s  %4d %4d" % (PER_MINUTE, most_in_a_minute(moves)))
        print("   in flight           %4d %4d" % (CONCURRENT, most_in_flight(moves)))
        print("   %d C-MOVEs, %d pauses" % (len(moves), len(pauses)))
        assert len(moves) >= PER_MINUTE, moves
        assert most_in_a_minute(moves) <= PER_MINUTE
        assert most_in_flight(moves) <= CONCURRENT
        for begin, end in pauses:
            assert not [at for at, _ in moves if begin < at < end], "a start during a pause"


if __name__ == "__main__":
    sys.exit(run_tests(None, [test_the_pacs_itself_saw_the_contract_kept]))
