"""penstockd alone, in a folder of its own and without any PACS, for tests of its start and its end."""
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
import uuid

from harness import ROOT, eventually
from protocol import Control

sys.path.insert(0, ROOT)

from tools.site import contract  # noqa: E402
from tools.site.people import CITY, GENERAL  # noqa: E402
from tools.site.processes import die_with_parent, free_ports  # noqa: E402

STOPPED, FAILED, CONFIGURATION_FAULT, CANNOT_START, STATE_DAMAGED, JOURNAL_FAILED, DID_NOT_DRAIN = range(7)
PROJECT = "alz-brain"
UNSEEMLY = re.compile(r"assert|abort|terminate called|segmentation|exception|core dumped", re.IGNORECASE)
READY_TIMEOUT_S, END_TIMEOUT_S = 30, 60
SERVER_PORTS = ("control", "data", "http", "dicom")


def programs():
    """Where the programs lie: the first argument of the test."""
    return sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, ".build", "release", "bin")


def with_keys(text, **values):
    """Rules in which the first of each key has another value."""
    for key, value in values.items():
        text, count = re.subn(r"^%s = .*$" % key, "%s = %s" % (key, value), text, count=1, flags=re.M)
        assert count == 1, key
    return text


class LoneServer:
    """Settings, rules and keys in a new folder; `state` is the server's state directory. Nothing runs until `start`."""

    def __init__(self, state=None):
        self._scratch = tempfile.TemporaryDirectory(prefix="penstock-lone-")
        self.folder = self._scratch.name
        self.state = state or os.path.join(self.folder, "state")
        self.settings, self.log = os.path.join(self.folder, "penstockd.toml"), os.path.join(self.folder, "log")
        self.ports = dict(zip(SERVER_PORTS, free_ports(len(SERVER_PORTS))))
        nobody = dict(zip((GENERAL, CITY), free_ports(2)))
        self.keys = contract.make_keys()
        contract.write_keys(os.path.join(self.folder, "keys"), self.keys, self._endpoint())
        contract.write_rules(self.folder, self.keys, nobody, "small")
        contract.write_settings(self.folder, self.ports)
        self.change("= \"state\"", "= \"%s\"" % self.state)
        self.change("min_free_disk = \"[^\"]*\"", "min_free_disk = \"1 MiB\"")
        self.key_file = os.path.join(self.folder, "keys", "server.key")
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._scratch.cleanup()

    def _endpoint(self):
        return "tcp://127.0.0.1:%d" % self.ports["control"]

    def change(self, pattern, replacement):
        """Replaces `pattern`, a regular expression, in the settings."""
        with open(self.settings, encoding="utf-8") as file:
            text = file.read()
        assert re.search(pattern, text), pattern
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(re.sub(pattern, replacement, text))

    def rule_general(self, **values):
        """Sets keys of the General Hospital's PACS, whose keys come first in the rules; the whole text."""
        rules = os.path.join(self.folder, "governance.toml")
        with open(rules, encoding="utf-8") as file:
            text = with_keys(file.read(), **values)
        with open(rules, "w", encoding="utf-8") as file:
            file.write(text)
        return text

    def launch(self, *flags, through=(), **environment):
        """Starts the process, `through` a command that runs it, and waits for nothing."""
        command = [*through, os.path.join(programs(), "penstockd"), "--config", self.settings, *flags]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                            env={**os.environ, **environment}, preexec_fn=die_with_parent)

    def start(self, *flags, **more):
        """Returns when the server is ready."""
        self.launch(*flags, **more)
        eventually(lambda: self.is_healthy() or self.process.poll() is not None, READY_TIMEOUT_S, "a healthy server")
        assert self.process.poll() is None, self.said()

    def get(self, path):
        """Status and text of an HTTP answer of the server."""
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.ports["http"], path), timeout=5) as answer:
            return answer.status, answer.read().decode()

    def metric(self, name):
        return re.search("^%s ([0-9.]+)$" % name, self.get("/metrics")[1], re.MULTILINE).group(1)

    def is_healthy(self):
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def ended(self, timeout_s=END_TIMEOUT_S):
        """The exit code, once it has ended by itself."""
        return self.process.wait(timeout_s)

    def stop(self):
        self.process.terminate()
        return self.ended()

    def run(self, *flags, **more):
        """Starts it where it must end by itself: the exit code and all that it said meanwhile."""
        before = len(self.said())
        self.launch(*flags, **more)
        return self.ended(), self.said()[before:]

    def refused(self, code, *words, **more):
        """Starts it where it must end with that code and these words, and not by an accident."""
        ended, said = self.run(**more)
        assert ended == code, (ended, said)
        assert not UNSEEMLY.search(said), said
        for word in words:
            assert word in said, "no '%s' in: %s" % (word, said)
        return said

    def said(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def connect(self, user="amy"):
        return Control(self._endpoint(), self.keys["server"][0], *self.keys[user])

    def submit(self, control, count, timeout_s=20):
        """Requests so many studies that no PACS has; their ids once that is acknowledged."""
        items = [{"pacs": GENERAL, "StudyInstanceUID": "2.25.%d" % uuid.uuid4().int} for _ in range(count)]
        rows = control.ask("requests.submit", {"items": items}, PROJECT, op=uuid.uuid4().hex, timeout_s=timeout_s)
        return [row["request"] for row in rows["rows"] if row["outcome"] == "accepted"]

    def count_of_requests(self):
        with self.connect() as control:
            return control.ask("requests.list", {"filter": {}}, PROJECT)["total"]
