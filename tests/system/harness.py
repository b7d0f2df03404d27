"""Runs a real site for a test script and counts its tests."""
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from protocol import Control, Refused  # noqa: E402

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 60


class RunningSite:
    """A small sandbox with its manifest; `facts` is site.json."""

    def __init__(self, folder, facts):
        self.folder, self.facts = folder, facts
        with open(facts["corpus"], encoding="utf-8") as file:
            self.manifest = json.load(file)
        self.server_pid = facts["pids"]["penstockd"]
        self._servers = []

    def connect(self, user):
        keys = self.facts["users"][user]
        return Control(self.facts["control"], self.facts["server_key"], keys["public"], keys["secret"])

    def get(self, path):
        """Status and text of an HTTP answer of the server."""
        with urllib.request.urlopen(self.facts["http"] + path, timeout=5) as answer:
            return answer.status, answer.read().decode()

    def program(self, name, *arguments, user="amy", stdin="", timeout_s=120, **more):
        """One of Penstock's programs, run as a user; the completed process."""
        return subprocess.run([os.path.join(self.facts["bin"], name), *arguments], input=stdin, capture_output=True,
                              text=True, timeout=timeout_s, check=False, env=self._environment(user), **more)

    def start_program(self, name, *arguments, user="amy", **more):
        """The same, running."""
        return subprocess.Popen([os.path.join(self.facts["bin"], name), *arguments], stdin=subprocess.DEVNULL,
                                env=self._environment(user), **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                                                                "text": True, **more})

    def _environment(self, user):
        return {**os.environ, "PENSTOCK_CONFIG": self.facts["users"][user]["config"]}

    def kill_server(self):
        os.kill(self.server_pid, signal.SIGKILL)

    def start_server(self):
        """Starts penstockd by hand as a person would; returns the seconds until it was healthy."""
        began = time.monotonic()
        with open(os.path.join(self.folder, "log", "penstockd-again.log"), "ab") as log:
            command = [os.path.join(self.facts["bin"], "penstockd"), "--config", self.facts["settings"]]
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self._servers.append(server)
        self.server_pid = server.pid
        eventually(self.is_healthy, 30, "the server is healthy again")
        return time.monotonic() - began

    def is_healthy(self):
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def stop_servers(self):
        for server in self._servers:
            if server.poll() is None:
                server.terminate()
                server.wait(STOP_TIMEOUT_S)

    def studies(self):
        """(patient, study, pacs) of the manifest, one for every archive that holds the study."""
        return [(patient, study, pacs) for patient in self.manifest["patients"] for study in patient["studies"]
                for pacs in study["pacs"]]


@contextlib.contextmanager
def running_site():
    """A sandbox in a new folder, stopped and removed at the end. An argument of the test names the programs' folder."""
    with tempfile.TemporaryDirectory(prefix="penstock-site-") as folder:
        site_folder = os.path.join(folder, "site")
        command = [os.path.join(ROOT, "tools", "sandbox"), site_folder, "--scale", "small"]
        if len(sys.argv) > 1:
            command += ["--bin", sys.argv[1]]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as sandbox:
            try:
                ready = os.path.join(site_folder, "site.json")
                eventually(lambda: os.path.exists(ready) or sandbox.poll() is not None, START_TIMEOUT_S, "a site")
                if not os.path.exists(ready):
                    raise RuntimeError("the sandbox ended with code %s" % sandbox.returncode)
                with open(ready, encoding="utf-8") as file:
                    site = RunningSite(site_folder, json.load(file))
                yield site
                site.stop_servers()
            finally:
                sandbox.terminate()
                sandbox.wait(STOP_TIMEOUT_S)


def eventually(condition, timeout_s, what):
    """Waits for a condition; the first true value. `what` may be a function that tells how things stand instead."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %s s for: %s" % (timeout_s, what() if callable(what) else what))
        time.sleep(0.05)


def find_everything(site, control, project):
    """Every study that the project may ask for, as items of a submission."""
    mrns = sorted({patient["mrns"][pacs]["mrn"] for patient, _, pacs in site.studies()})
    found = []
    for pacs in site.facts["pacs"]:
        found += control.find("studies.find", {"pacs": [pacs], "mrns": mrns}, project)["studies"]
    return [{"pacs": study["pacs"], "StudyInstanceUID": study["StudyInstanceUID"]} for study in found]


def submit(control, items, project, op=None):
    """The rows of the answer."""
    return control.ask("requests.submit", {"items": items}, project, op=op or uuid.uuid4().hex)["rows"]


def requests_of(control, project):
    """All requests by their ids."""
    requests = control.all_pages("requests.list", {"filter": {}}, "requests", project)
    return {request["id"]: request for request in requests}


def refused_with(code, call, *arguments, **more):
    """Calls and expects the error answer `code`, or one of several; returns its text."""
    try:
        answer = call(*arguments, **more)
    except Refused as refused:
        assert refused.code in (code if isinstance(code, tuple) else (code,)), "expected %s, not %s" % (code, refused)
        assert refused.message, "an error without text"
        return refused.message
    raise AssertionError("expected %s, not the answer %s" % (code, answer))


def run_tests(site, tests):
    """Calls each test with the site, in order; prints and counts. The exit code."""
    passed = failed = 0
    for test in tests:
        began = time.monotonic()
        try:
            test(site)
            passed += 1
            outcome = "passed"
        except Exception:  # a test may fail in any way; the next one still runs
            failed += 1
            outcome = "FAILED"
            print(traceback.format_exc())
        print("%-6s %5.1f s  %s" % (outcome, time.monotonic() - began, test.__name__), flush=True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0
