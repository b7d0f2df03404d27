"""penstockd under the shim, penstock-pacs beside it, and what the PACS holds, byte for byte."""
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "system"), ROOT]

import lone_server  # noqa: E402
import pacs_tools  # noqa: E402
from disk import Disk, Memory  # noqa: E402
from tools.site.contract import PROJECTS  # noqa: E402
from tools.site.people import GENERAL, PEOPLE  # noqa: E402

PROJECT, USER = lone_server.PROJECT, "amy"
PATIENTS, STUDIES_OF_A_PATIENT, INSTANCES, INSTANCE_SIZE = 8, 5, 3, "2 KiB"
READY_WITHIN_S, POLL_S = 30, 0.004
MRNS = sorted(PEOPLE[index].gh_mrn for index in PROJECTS[PROJECT].patients if PEOPLE[index].gh_mrn)[:PATIENTS]
# What PACS do now and then; the rest of the time it is a good one.
FAULTS = """
[[fault]]
name = "slow"
when = { command = "C-MOVE", percent = 25 }
do = { pause = "60 ms" }
[[fault]]
name = "the objects break off"
when = { command = "C-MOVE", percent = 4 }
do = { break_with = "abort", break_after = 1, break_in = "store" }
[[fault]]
name = "everything breaks off"
when = { command = "C-MOVE", percent = 1 }
do = { break_with = "abort", break_after = 1, break_in = "both" }
[[fault]]
name = "late objects"
when = { command = "C-MOVE", percent = 8 }
do = { objects_after = "300 ms" }
[[fault]]
name = "every object twice"
when = { command = "C-MOVE", percent = 8 }
do = { copies = 2 }
[[fault]]
name = "out of resources"
when = { command = "C-MOVE", percent = 4 }
do = { refuse = 0xA702 }
"""


def study_uid(patient, number):
    first = "2.25.%d" % (1000 + patient)
    return first if number == 0 else "%s.0.%d" % (first, number + 1)


STUDIES = {study_uid(patient, number): MRNS[patient]
           for patient in range(PATIENTS) for number in range(STUDIES_OF_A_PATIENT)}


def pacs_script(ports, faults="", seed=1):
    """`ports`: where each destination listens."""
    where = ", ".join('"%s=127.0.0.1:%d"' % each for each in ports.items())
    text = ["seed = %d" % seed, "destinations = [%s]" % where]
    for patient, mrn in enumerate(MRNS):
        text += ["[[patient]]", 'mrn = "%s"' % mrn, 'name = "Patient^%d"' % patient, "[[patient.study]]",
                 'study_uid = "%s"' % study_uid(patient, 0), "instances = %d" % INSTANCES,
                 'instance_size = "%s"' % INSTANCE_SIZE, "count = %d" % STUDIES_OF_A_PATIENT]
    return "\n".join(text) + "\n" + faults


def data_set_of(part10):
    """The bytes after the file meta group of a Part 10 file."""
    assert part10[128:132] == b"DICM" and part10[132:138] == b"\x02\x00\x00\x00UL", "not a Part 10 file"
    return part10[144 + int.from_bytes(part10[140:144], "little"):]


def what_the_pacs_holds(programs, folder):
    """{study: {instance: SHA-256 of its data set}}, as storescp received it bit by bit."""
    receiver = pacs_tools.Receiver(folder)
    held = {study: {} for study in STUDIES}
    with pacs_tools.Pacs(programs, os.path.join(folder, "pacs-reference"),
                         pacs_script({pacs_tools.DESTINATION: receiver.port})) as pacs:
        pacs_tools.move(pacs, StudyInstanceUID="\\".join(STUDIES))
    receiver.stop()
    for instance, path in receiver.files().items():
        with open(path, "rb") as file:
            held[instance.rsplit(".", 2)[0]][instance] = hashlib.sha256(data_set_of(file.read())).hexdigest()
    assert all(len(instances) == INSTANCES for instances in held.values()), "the PACS did not send everything"
    return held


class CrashSite(lone_server.LoneServer):
    """One state directory with everything around it. `limits` are keys of the window in force."""

    def __init__(self, programs, limits, seed):
        super().__init__()
        self.programs, self._seed, self._log = programs, seed, None
        attic = os.path.join(self.folder, "attic")
        self.memory = Memory(os.path.join(self.folder, "memory"))
        self.disk = Disk(self.state, attic, self.memory)
        self._environment = {**os.environ, "LD_PRELOAD": os.path.join(programs, "libcrash_shim.so"),
                             "CRASH_STATE": self.state, "CRASH_ATTIC": attic, "CRASH_MEMORY": self.memory.path}
        self.change(r"\[limits\]", "[limits]\nmax_sessions_per_user = 64")
        self.pacs = pacs_tools.Pacs(programs, os.path.join(self.folder, "pacs"), self._script(FAULTS))
        self.rules = os.path.join(self.folder, "governance.toml")
        with open(self.rules, encoding="utf-8") as file:
            self._rules_text = file.read()
        self.set_limits(limits)

    def _script(self, faults):
        return pacs_script({"PENSTOCK": self.ports["dicom"]}, faults, self._seed)

    def __exit__(self, *_):
        self.kill_all()
        self.pacs.child.stop(1)
        self.memory.close()
        super().__exit__()

    def set_limits(self, limits):
        """Replaces the rules file whole; returns what is in it."""
        text = self._rules_text
        keys = {"port": self.pacs.port, "lease_quiet": '"1 s"', "idle_timeout": '"5 s"', "find_per_minute": 6000,
                "enumerate_per_minute": 6000, "per_hour": 100000, **limits}
        for key, value in keys.items():
            head, found, tail = text.partition("\n%s = " % key)
            assert found, key
            text = head + found + str(value) + tail[tail.index("\n"):]
        with open(self.rules + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.rules + ".new", self.rules)
        return hashlib.sha256(text.encode()).hexdigest()

    def stop_pacs_faults(self):
        self.pacs.reload(self._script(""))

    def launch(self, *flags, through=(), **environment):
        command = [*through, os.path.join(self.programs, "penstockd"), "--config", self.settings, *flags]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                            env={**self._environment, **environment}, start_new_session=True,
                                            preexec_fn=lone_server.die_with_parent)

    def wait_until_ready(self):
        """Seconds until it is healthy; None when it ended before."""
        began = time.monotonic()
        while time.monotonic() - began < READY_WITHIN_S:
            if self.process.poll() is not None:
                return None
            if self.is_healthy():
                return time.monotonic() - began
            time.sleep(POLL_S)
        raise AssertionError("not ready after %d s\n%s" % (READY_WITHIN_S, self.said()[-4000:]))

    def is_healthy(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def kill(self):
        """SIGKILL for the server alone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.disk.follow()

    def kill_all(self):
        """For its children too, as when the machine stops."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self._wait_for_children()

    def _wait_for_children(self):
        """Until nobody of its session writes any more."""
        while True:
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return
            if not any(_session_of(int(pid)) == self.process.pid for pid in filter(str.isdigit, os.listdir("/proc"))):
                return
            time.sleep(POLL_S)

    def cut_power(self, dice, tear=False):
        """Everything stops, and what was not synced is gone; all of it or, with `dice`, a part."""
        self.kill_all()
        self.disk.cut_power(dice, tear)

    def read_journal(self):
        """The lines of crash_journal over a copy of what is on the disk now; nothing runs."""
        shards = os.path.join(self.state, "shards")
        with tempfile.TemporaryDirectory(prefix="copy-", dir=self.folder) as copy:
            catalogues = []
            if not os.path.isdir(os.path.join(self.state, "core")):
                return []
            shutil.copytree(os.path.join(self.state, "core"), os.path.join(copy, "core"))
            fence = os.path.join(self.state, "journal.fence")
            if os.path.exists(fence):
                shutil.copy(fence, copy)
            for shard in sorted(os.listdir(shards)) if os.path.isdir(shards) else []:
                catalogue = os.path.join(shards, shard, "catalogue")
                if os.path.isdir(catalogue):
                    catalogues.append(shutil.copytree(catalogue, os.path.join(copy, "catalogue-" + shard)))
            done = subprocess.run([os.path.join(self.programs, "crash_journal"), os.path.join(copy, "core"),
                                   os.path.join(copy, "journal.fence"), *catalogues], capture_output=True, text=True,
                                  check=False)
        assert done.returncode == 0, "the verifier refuses the journal: " + done.stderr
        return [json.loads(line) for line in done.stdout.split("\n") if line.startswith("{")]


def _session_of(pid):
    """Of a process that is no zombie."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return None if fields[0] == "Z" else int(fields[3])
    except OSError:
        return None
