#!/usr/bin/python3
"""Whether the time of a `not_found` tells what exists: somebody else's things against things that do not exist.

  tools/bench/not_found_bench.py [--bin DIR] [--samples N] [--quick]

A server with one PACS (penstock-pacs). Project knee-mri has 300 requests, a holding, a search and an open download; amy
is no member of it. For each kind of name she asks for one of those and for one that does not exist, in turns and in
random order, on one connection, so that whatever else the machine does meets both alike. Printed are the medians, and
how often the foreign one took longer than the absent one (0.500 = time tells nothing), with three standard errors of
that figure. The last kind is a control: the same question on both sides.
"""
import argparse
import base64
import math
import os
import random
import sys
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [ROOT, os.path.join(ROOT, "tests", "system"), os.path.join(ROOT, "tools", "bench")]

from fairness_bench import REAL_STUDIES, SMALL, archive, study, submit  # noqa: E402
from harness import eventually  # noqa: E402
from lone_server import LoneServer  # noqa: E402
from protocol import Refused  # noqa: E402
from tools.site.people import GENERAL  # noqa: E402

OWN, STRANGER = "alz-brain", "amy"
FOREIGN_REQUEST, ABSENT_REQUEST = "250", "987654"
KEY = base64.b64encode(bytes(16)).decode()


def prepare(server):
    """Something of everything in the foreign project: ids of its download and of its search."""
    project, member = SMALL
    with server.connect(member) as raj:
        submit(raj, project, [study(number) for number in range(1, REAL_STUDIES + 1)])
        held = eventually(lambda: raj.ask("cache.list", {"level": "study"}, project)["items"], 90, "a holding")
        search = raj.ask("studies.find", {"pacs": [GENERAL], "accessions": ["none"], "wait_ms": 0}, project)["search"]
        uids = [held[0]["StudyInstanceUID"]]
        download = raj.ask("download.open", {"studies": uids}, project, op=uuid.uuid4().hex)["download"]
    return download, search


def another(name):
    """One that looks the same."""
    return name[:-1] + ("1" if name[-1] == "0" else "0")


def kinds(download, search):
    def resume(name):
        return "download.open", {"resume": name, "key": KEY}, OWN
    return [
        ("project", ("requests.list", {}, SMALL[0]), ("requests.list", {}, "nee-mrix")),
        ("request", ("requests.show", {"request": FOREIGN_REQUEST}, OWN),
         ("requests.show", {"request": ABSENT_REQUEST}, OWN)),
        ("search", ("search.more", {"search": search}, OWN), ("search.more", {"search": another(search)}, OWN)),
        ("download", resume(download), resume(another(download))),
        ("(control)", ("requests.list", {}, "nee-mrix"), ("requests.list", {}, "nee-mrix")),
    ]


def took_s(control, question):
    command, args, project = question
    op = uuid.uuid4().hex if command == "download.open" else None
    began = time.perf_counter()
    try:
        control.ask(command, args, project, op=op)
    except Refused as refused:
        took = time.perf_counter() - began
        assert refused.code == "not_found", refused
        return took
    raise AssertionError("%s was answered" % command)


def sample(control, foreign, absent, samples):
    times = ([], [])
    for _ in range(samples):
        for side in random.sample((0, 1), 2):
            times[side].append(took_s(control, (foreign, absent)[side]))
    return times


def share_longer(some, others):
    """How often one of `some` is longer than one of `others`: Mann and Whitney's statistic over its maximum."""
    ranked = sorted([(value, 1) for value in some] + [(value, 0) for value in others])
    rank_sum = sum(rank for rank, (_, mine) in enumerate(ranked, 1) if mine)
    return (rank_sum - len(some) * (len(some) + 1) / 2) / (len(some) * len(others))


def measure(server, samples):
    download, search = prepare(server)
    error = 3 * math.sqrt((2 * samples + 1) / (12 * samples * samples))
    print("%-10s %12s %12s   %s" % ("", "foreign", "absent", "foreign took longer"))
    with server.connect(STRANGER) as amy:
        for name, foreign, absent in kinds(download, search):
            times = sample(amy, foreign, absent, samples)
            medians = [sorted(side)[samples // 2] * 1e6 for side in times]
            print("%-10s %9.0f us %9.0f us   %.3f +- %.3f"
                  % (name, medians[0], medians[1], share_longer(*times), error), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", metavar="DIR", default=os.path.join(ROOT, ".build", "release", "bin"))
    parser.add_argument("--samples", type=int, default=3000, help="of each side (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="200 of each side")
    chosen = parser.parse_args()
    samples = 200 if chosen.quick else chosen.samples
    sys.argv[1:] = [chosen.bin]
    with LoneServer() as server:
        with archive(server) as pacs:
            server.rule_general(port=pacs.port, per_minute=1000, per_hour=1)
            server.start()
            measure(server, samples)


if __name__ == "__main__":
    main()
