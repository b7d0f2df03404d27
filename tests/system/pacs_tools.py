"""Runs penstock-pacs, and asks it with DCMTK's own tools."""
import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

from harness import ROOT, eventually, run_tests

sys.path.insert(0, ROOT)

import pydicom  # noqa: E402
from tools.site.processes import Child, die_with_parent, free_ports, listens  # noqa: E402

START_TIMEOUT_S, STOP_TIMEOUT_S, TOOL_TIMEOUT_S = 10, 5, 20
DESTINATION = "DEST"
STATUS = re.compile(r"(?:DIMSE Status +: |Unknown Status: )0x([0-9a-f]{4})")
COUNT = re.compile(r"(Remaining|Completed|Failed|Warning) Suboperations +: (\w+)")
STORED = re.compile(r"Affected SOP Instance UID +: (\S+)")


class Pacs:
    """A running penstock-pacs with this script; its files lie in `folder`."""

    def __init__(self, programs, folder, script, *arguments, port=0):
        os.makedirs(folder)
        self.folder, self._ready = folder, os.path.join(folder, "ready.json")
        self._script, self._log = os.path.join(folder, "pacs.toml"), os.path.join(folder, "requests.jsonl")
        self.write_script(script)
        command = [os.path.join(programs, "penstock-pacs"), self._script, "--port", str(port), "--log", self._log,
                   "--ready-file", self._ready, *arguments]
        self.child = Child("penstock-pacs", command, os.path.join(folder, "output"))
        self.child.wait_until(lambda: os.path.exists(self._ready), START_TIMEOUT_S)
        with open(self._ready, encoding="utf-8") as file:
            self.port = json.load(file)["port"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop(STOP_TIMEOUT_S)

    def write_script(self, script):
        with open(self._script, "w", encoding="utf-8") as file:
            file.write(script)

    def reload(self, script):
        """Another script while it runs."""
        before = len(self.log("script read"))
        self.write_script(script)
        os.kill(self.child.pid, signal.SIGHUP)
        eventually(lambda: len(self.log("script read")) > before, START_TIMEOUT_S, "the script is read again")

    def log(self, event=None, command=None):
        """The lines of its log, in order."""
        with open(self._log, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        return [line for line in lines if event in (None, line["event"]) and command in (None, line.get("command"))]

    def ends(self, command):
        """How each request of that command ended."""
        return [line["ended"] for line in self.log("end", command)]


class Answer:
    """What one of DCMTK's tools got, read from what it prints with --debug."""

    def __init__(self, text, code):
        self.code, self.text = code, text
        self.statuses = [int(found, 16) for found in STATUS.findall(self.text)]
        final = self.text[self.text.rfind("DIMSE Status") - 400:] if self.statuses else ""
        self.counts = {name: count for name, count in COUNT.findall(final)}

    @property
    def status(self):
        """Of the last response; None without any."""
        return self.statuses[-1] if self.statuses else None

    @property
    def pending(self):
        return self.statuses.count(0xFF00)


def run_tool(name, port, *arguments, called_ae="PACS", timeout_s=TOOL_TIMEOUT_S):
    """What it got; a tool that takes longer is killed and has no exit code."""
    command = [name, "--debug", "--call", called_ae, "--timeout", "5", *arguments, "127.0.0.1", str(port)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", errors="replace") as tool:
        try:
            return Answer(tool.communicate(timeout=timeout_s)[0], tool.returncode)
        except subprocess.TimeoutExpired:
            tool.kill()
            return Answer(tool.communicate()[0], None)


def keys(level, **values):
    """-k options for DCMTK: the level and attributes by keyword."""
    options = ["-k", "QueryRetrieveLevel=" + level]
    for keyword, value in values.items():
        options += ["-k", "%s=%s" % (keyword, value)]
    return options


def find(pacs, level, model="-S", more=(), **values):
    """(answer, rows as pydicom data sets)."""
    folder = os.path.join(pacs.folder, "rows")
    os.makedirs(folder, exist_ok=True)
    for old in glob.glob(os.path.join(folder, "*")):
        os.unlink(old)
    answer = run_tool("findscu", pacs.port, model, "--extract", "--output-directory", folder, "--dimse-timeout", "3",
                      *more, *keys(level, **values))
    return answer, [pydicom.dcmread(path) for path in sorted(glob.glob(os.path.join(folder, "*.dcm")))]


def move(pacs, level="STUDY", more=(), destination=DESTINATION, **values):
    return run_tool("movescu", pacs.port, "-S", "--move", destination, "--dimse-timeout", "3", *more,
                    *keys(level, **values))


def get(pacs, **values):
    """The objects go into the folder of the PACS."""
    return run_tool("getscu", pacs.port, "-S", "--output-directory", pacs.folder, *keys("STUDY", **values))


def start_move(pacs, *more, level="STUDY", destination=DESTINATION, **values):
    """movescu without waiting for it."""
    command = ["movescu", "--call", "PACS", "-S", "--move", destination, *more, *keys(level, **values), "127.0.0.1",
               str(pacs.port)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            preexec_fn=die_with_parent)


class Receiver:
    """DCMTK's storescp, a process for every association; it tells what came since `forget`."""

    def __init__(self, folder):
        self._objects, self._log = os.path.join(folder, "received"), os.path.join(folder, "storescp.log")
        os.makedirs(self._objects)
        self.port, = free_ports(1)
        self._seen = 0
        command = ["storescp", "--debug", "--fork", "--bit-preserving", "--output-directory", self._objects,
                   "--aetitle", DESTINATION, "--accept-all", str(self.port)]
        self.child = Child("storescp", command, self._log)
        self.child.wait_until(lambda: listens(self.port), START_TIMEOUT_S)

    def stop(self):
        self.child.stop(STOP_TIMEOUT_S)

    def forget(self):
        self._seen = os.path.getsize(self._log)
        for path in glob.glob(os.path.join(self._objects, "*")):
            os.unlink(path)

    def words(self):
        """What it has printed."""
        with open(self._log, encoding="utf-8", errors="replace") as log:
            log.seek(self._seen)
            return log.read()

    def stored(self):
        """The SOP Instance UIDs of the C-STORE requests that came, in order."""
        requests = self.words().split("C-STORE RQ")[1:]
        return [STORED.search(request).group(1) for request in requests if STORED.search(request)]

    def files(self):
        """Path by the SOP Instance UID of the command."""
        return {os.path.basename(path).split(".", 1)[1]: path for path in glob.glob(os.path.join(self._objects, "*"))}

    def objects(self):
        return {uid: pydicom.dcmread(path, force=True) for uid, path in self.files().items()}


# What the PACS of most tests holds.
STUDY, OTHER_STUDY = "2.25.100", "2.25.200"
SERIES = [STUDY + ".1", STUDY + ".2"]
OBJECTS = ["%s.%d" % (series, number) for series in SERIES for number in (1, 2, 3)]
NAME = "Müller^Jürgen"
SCRIPT = """
destinations = ["DEST=127.0.0.1:%(port)d", "NOWHERE=127.0.0.1:1"]
%(top)s
[[patient]]
mrn = "0012345"
issuer = "GH"
name = "Müller^Jürgen"
[[patient.study]]
study_uid = "2.25.100"
accession = "A1"
series = 2
instances = 3
[[patient]]
mrn = "0099999"
name = "Doe^Jane"
[[patient.study]]
study_uid = "2.25.200"
accession = "B1"
modality = "MR"
%(tables)s
"""


def fault(then, when="command = \"C-MOVE\"", name="it"):
    return "[[fault]]\nname = \"%s\"\nwhen = { %s }\ndo = { %s }\n" % (name, when, then)


class Bench:
    """What all tests of a script share: a receiver, and a PACS of its own for each."""

    def __init__(self, folder):
        self.programs = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, ".build", "release", "bin")
        self.folder, self.count = folder, 0
        self.receiver = Receiver(folder)

    def script(self, *tables, top=""):
        return SCRIPT % {"port": self.receiver.port, "top": top, "tables": "\n".join(tables)}

    def pacs(self, *tables, top="", arguments=()):
        self.count += 1
        self.receiver.forget()
        return Pacs(self.programs, os.path.join(self.folder, "pacs-%d" % self.count), self.script(*tables, top=top),
                    *arguments)


def run_on_bench(tests):
    """All tests of a script, or those named by its arguments after the first."""
    chosen = [test for test in tests if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]]
    with tempfile.TemporaryDirectory(prefix="penstock-pacs-") as folder:
        bench = Bench(folder)
        try:
            return run_tests(bench, chosen)
        finally:
            bench.receiver.stop()
