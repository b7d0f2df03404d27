#!/usr/bin/python3
"""How fast requests are accepted, and how fast a server with many of them starts again.

  tools/bench/control_bench.py [--bin DIR] [--queued N] [--quick]

Starts a small site (as tools/sandbox does), then as a researcher submits studies that the server does not know yet, a
thousand in a call, and measures each call from sending to the answer, which comes when the journal is synced. Then the
server is killed (SIGKILL) with all requests queued, started again, and three moments are measured from its start: the
health page says ok, a session is opened, a page of the requests is answered.
"""
import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [ROOT, os.path.join(ROOT, "tests", "system")]

from protocol import Control, NoAnswer, Refused  # noqa: E402
from tools.site import contract  # noqa: E402
from tools.site.processes import SiteError  # noqa: E402
from tools.site.running import Site, build_programs, is_healthy, port_of  # noqa: E402

PROJECT, USER, PACS = "alz-brain", "amy", "ch-rad"
STUDIES_IN_A_CALL = 1000
MEASURED_CALLS = 5
SUBMIT_WANTED_MS = 100
READY_WANTED_S = 5
CALL_TIMEOUT_S = 60
READY_TIMEOUT_S = 120
LOOK_INTERVAL_S = 0.005
LISTED = 500


def random_studies(count):
    """Studies that no PACS knows, under UIDs as of random UUIDs (PS3.5 annex B.2)."""
    return [{"pacs": PACS, "StudyInstanceUID": "2.25.%d" % random.getrandbits(128)} for _ in range(count)]


def connect(site):
    keys = site.description["users"][USER]
    return Control(site.description["control"], site.description["server_key"], keys["public"], keys["secret"])


def submit(control):
    """Milliseconds of one call."""
    items = random_studies(STUDIES_IN_A_CALL)
    began = time.perf_counter()
    rows = control.ask("requests.submit", {"items": items}, PROJECT, op=uuid.uuid4().hex,
                       timeout_s=CALL_TIMEOUT_S)["rows"]
    elapsed_ms = (time.perf_counter() - began) * 1000
    refused = [row for row in rows if row["outcome"] != "accepted"]
    if len(rows) != STUDIES_IN_A_CALL or refused:
        raise SiteError("submit: %d rows, not accepted: %s" % (len(rows), refused[:1]))
    return elapsed_ms


def cpu_seconds(pid):
    """User and system time of a process."""
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def fill(control, calls):
    """Submits `calls` times; milliseconds of each."""
    taken = []
    for number in range(calls):
        taken.append(submit(control))
        if (number + 1) % 20 == 0:
            print("  %6d requests submitted" % ((number + 1) * STUDIES_IN_A_CALL), flush=True)
    return taken


def first_answer(ask, began):
    """Seconds from `began` to the first answer."""
    while True:
        try:
            if ask():
                return time.monotonic() - began
        except (NoAnswer, Refused):  # not yet
            pass
        if time.monotonic() - began > READY_TIMEOUT_S:
            raise SiteError("the server is not ready after %d s" % READY_TIMEOUT_S)
        time.sleep(LOOK_INTERVAL_S)


def restart(site, log):
    """Kills the server and starts it by hand: seconds until healthy, a session, a page of requests; its total; pid."""
    os.kill(site.children["penstockd"].pid, signal.SIGKILL)
    while "penstockd" not in site.ended():
        time.sleep(LOOK_INTERVAL_S)
    http_port = port_of(site.description["http"])
    began = time.monotonic()
    command = [os.path.join(site.description["bin"], "penstockd"), "--config", site.path("penstockd.toml")]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    healthy_s = first_answer(lambda: is_healthy(http_port), began)
    with connect(site) as control:
        hello_s = first_answer(lambda: control.ask("hello", timeout_s=1), began)
        page = {}

        def listed():
            wanted = {"filter": {}, "limit": LISTED}
            page.update(control.ask("requests.list", wanted, PROJECT, timeout_s=CALL_TIMEOUT_S))
            return page
        listed_s = first_answer(listed, began)
    return (healthy_s, hello_s, listed_s), page, server


def print_machine():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    print("machine: %s, %d cores, %s %s, load %.2f" % (model, os.cpu_count(), os.uname().sysname, os.uname().release,
                                                       os.getloadavg()[0]), flush=True)


def verdict(reached):
    return "reached" if reached else "MISSED"


def measure(site, queued):
    pid = site.children["penstockd"].pid
    with connect(site) as control:
        control.ask("hello")
        cpu_before = cpu_seconds(pid)
        first = fill(control, MEASURED_CALLS)
        cpu_ms = (cpu_seconds(pid) - cpu_before) / MEASURED_CALLS * 1000
        print("submit of %d studies, durable answer: p50 %.0f ms of %s; server's CPU %.0f ms; wanted under %d ms: %s" %
              (STUDIES_IN_A_CALL, statistics.median(first), " ".join("%.0f" % ms for ms in first), cpu_ms,
               SUBMIT_WANTED_MS, verdict(statistics.median(first) < SUBMIT_WANTED_MS)), flush=True)
        calls = queued // STUDIES_IN_A_CALL - MEASURED_CALLS
        later = fill(control, calls) if calls > 0 else first
        print("the last 5 calls, with %d queued: p50 %.0f ms" % (queued, statistics.median(later[-MEASURED_CALLS:])))
    with open(site.path("log", "penstockd-again.log"), "ab") as log:
        (healthy_s, hello_s, listed_s), page, server = restart(site, log)
        try:
            print("start after SIGKILL with %s requests: healthy %.2f s, session %.2f s, requests.list of %d %.2f s; "
                  "CPU %.2f s; wanted under %d s: %s" %
                  (page.get("total", "?"), healthy_s, hello_s, len(page["requests"]), listed_s,
                   cpu_seconds(server.pid), READY_WANTED_S, verdict(listed_s < READY_WANTED_S)))
        finally:
            server.terminate()
            server.wait(CALL_TIMEOUT_S)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", metavar="DIR", help="programs to use (default: the release build, made when missing)")
    parser.add_argument("--queued", type=int, default=100_000, help="requests at the restart (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="10,000 requests")
    options = parser.parse_args()
    # One query a minute goes out to find out whose the studies are, so that the queue stays as long as it is.
    contract.PACS_RULES = contract.PACS_RULES.replace("enumerate_per_minute = 600", "enumerate_per_minute = 1")
    with tempfile.TemporaryDirectory(prefix="penstock-control-bench-") as folder:
        site = Site(os.path.join(folder, "site"), options.bin or build_programs(ROOT, print), lambda text: None)
        try:
            site.start("small", os.path.join(ROOT, ".cache"))
            print_machine()
            measure(site, 10_000 if options.quick else options.queued)
        except (SiteError, OSError) as fault:
            print("control bench: %s" % fault, file=sys.stderr)
            return 1
        finally:
            site.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
