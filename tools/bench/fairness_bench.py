#!/usr/bin/python3
"""What one project that queues a million studies costs the server and everybody else.

  tools/bench/fairness_bench.py [--bin DIR] [--queued N] [--quick]

A server with one slow PACS (penstock-pacs). The first project queues N studies of which the PACS has a few hundred, in
calls of a thousand; measured are the time to accept them and how much the server's memory has grown. Then another
project asks for one study, and the PACS's own record tells how many starts of the first project came between.
"""
import argparse
import json
import os
import random
import sys
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [ROOT, os.path.join(ROOT, "tests", "system")]

from harness import eventually  # noqa: E402
from lone_server import LoneServer, programs  # noqa: E402
from pacs_tools import Pacs  # noqa: E402
from tools.site.contract import PROJECTS  # noqa: E402
from tools.site.people import GENERAL, PEOPLE  # noqa: E402

BIG, SMALL = ("alz-brain", "amy"), ("knee-mri", "raj")
STUDIES_IN_A_CALL = 1000
REAL_STUDIES = 300
PER_MINUTE = 30
GROWTH_WANTED_MIB = 64
TOLD_EVERY_S = 10


def mrns_of(project):
    return [PEOPLE[index].gh_mrn for index in PROJECTS[project].patients if PEOPLE[index].gh_mrn]


def shared_mrn():
    return next(mrn for mrn in mrns_of(BIG[0]) if mrn in mrns_of(SMALL[0]))


def archive(server):
    """The PACS of a server that has not started yet."""
    script = ("ae_title = \"GHPACS\"\ndestinations = [\"PENSTOCK=127.0.0.1:%d\"]\n[[patient]]\nmrn = \"%s\"\n"
              "[[patient.study]]\nstudy_uid = \"2.25.77\"\ninstances = 2\ncount = %d\n"
              % (server.ports["dicom"], shared_mrn(), REAL_STUDIES + 1))
    return Pacs(programs(), os.path.join(server.folder, "pacs"), script)


def resident_mib(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def study(number):
    return "2.25.77" if number == 1 else "2.25.77.0.%d" % number


def submit(control, project, uids):
    items = [{"pacs": GENERAL, "StudyInstanceUID": uid} for uid in uids]
    rows = control.ask("requests.submit", {"items": items}, project, op=uuid.uuid4().hex, timeout_s=60)["rows"]
    assert all(row["outcome"] == "accepted" for row in rows), rows[:3]


def starts(pacs):
    """The C-MOVEs that the PACS has seen, in order."""
    return pacs.log("request", "C-MOVE-RQ")


def measure(server, pacs, queued):
    with server.connect(BIG[1]) as amy:
        submit(amy, BIG[0], [study(number) for number in range(1, REAL_STUDIES + 1)])
        eventually(lambda: len(starts(pacs)) >= 2, 90, "the first starts")
        before = resident_mib(server.process.pid)
        began = time.monotonic()
        told = began
        for call in range((queued - REAL_STUDIES) // STUDIES_IN_A_CALL):
            submit(amy, BIG[0], ["2.25.%d" % random.getrandbits(120) for _ in range(STUDIES_IN_A_CALL)])
            if time.monotonic() - told >= TOLD_EVERY_S:
                told = time.monotonic()
                print("  %9d queued after %4.0f s, %4.0f MiB more"
                      % ((call + 1) * STUDIES_IN_A_CALL, told - began, resident_mib(server.process.pid) - before),
                      file=sys.stderr, flush=True)
        accepted_s = time.monotonic() - began
        grown = resident_mib(server.process.pid) - before
        waiting = amy.ask("governor.status")["pacs"]
        began_listing = time.monotonic()
        listed = amy.ask("requests.list", {"limit": 500}, BIG[0], timeout_s=60)
        listed_s = time.monotonic() - began_listing
        assert len(listed["requests"]) == 500, len(listed["requests"])
    print("queued               %10d in %.0f s (%.0f a second)" % (queued, accepted_s, queued / accepted_s))
    print("memory               %10.0f MiB more (wanted: at most %d)" % (grown, GROWTH_WANTED_MIB))
    print("newest 500 listed    %10.2f s of %d" % (listed_s, listed["total"]))
    print("waiting              %10s" % {one["pacs"]: one["waiting"] for one in waiting})
    with server.connect(SMALL[1]) as raj:
        seen = len(starts(pacs))
        submit(raj, SMALL[0], [study(REAL_STUDIES + 1)])
        asked = time.monotonic()

        def started():
            mine = study(REAL_STUDIES + 1)
            return next((i for i, one in enumerate(starts(pacs)[seen:]) if mine in json.dumps(one)), None)
        eventually(lambda: started() is not None, 180, "the start of the other project")
        print("the other's start    %10.1f s after it asked, after %d starts of the first (a start every %.0f s)"
              % (time.monotonic() - asked, started(), 60 / PER_MINUTE))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", metavar="DIR", default=os.path.join(ROOT, ".build", "release", "bin"))
    parser.add_argument("--queued", type=int, default=1_000_000, help="studies (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="20,000 studies")
    chosen = parser.parse_args()
    sys.argv[1:] = [chosen.bin]
    with LoneServer() as server:
        with archive(server) as pacs:
            server.rule_general(port=pacs.port, concurrent=1, per_minute=PER_MINUTE, per_hour=100_000)
            server.start()
            measure(server, pacs, 20_000 if chosen.quick else chosen.queued)


if __name__ == "__main__":
    main()
