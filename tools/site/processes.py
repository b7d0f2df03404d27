"""Ports and child processes of a site."""
import ctypes
import os
import random
import signal
import socket
import subprocess
import time

# Below the kernel's ephemeral range, so that no outgoing connection takes one meanwhile. Tests that run side by side
# have a lane each: a server that is started again must find its ports as it left them.
LANES, PORTS_OF_LANE = 2, 6000
FIRST_PORT = 20000 + PORTS_OF_LANE * (int(os.environ.get("PENSTOCK_TEST_LANE") or 0) % LANES)
PORT_RANGE = (FIRST_PORT, FIRST_PORT + PORTS_OF_LANE)
PR_SET_PDEATHSIG = 1


class SiteError(Exception):
    """What went wrong, in words for the person at the terminal."""


def free_ports(count):
    """Distinct TCP ports of the loopback interface that nobody listens on now."""
    held = []
    for port in random.sample(range(*PORT_RANGE), 500):
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.close()
            continue
        held.append(probe)
        if len(held) == count:
            break
    ports = [probe.getsockname()[1] for probe in held]
    for probe in held:
        probe.close()
    if len(ports) < count:
        raise SiteError("no free ports from %d to %d" % PORT_RANGE)
    return ports


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One program in a session of its own, its output in a log file; it ends when its starter dies."""

    def __init__(self, name, command, log, cwd=None):
        self.name, self.log, self.command = name, log, command
        with open(log, "ab") as output:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                             cwd=cwd, start_new_session=True, preexec_fn=die_with_parent)
        self.pid = self._process.pid

    def exit_code(self):
        """None while it runs."""
        return self._process.poll()

    def wait_until(self, is_ready, timeout_s):
        """Returns when `is_ready()`; a child that ends or takes too long is an error that shows its last words."""
        end = time.monotonic() + timeout_s
        while not is_ready():
            if self.exit_code() is not None:
                raise SiteError("%s ended with code %s\n%s" % (self.name, self.exit_code(), self.last_words()))
            if time.monotonic() > end:
                raise SiteError("%s is not ready after %d s\n%s" % (self.name, timeout_s, self.last_words()))
            time.sleep(0.03)

    def last_words(self, lines=15):
        with open(self.log, errors="replace") as log:
            return "".join("    " + line for line in log.readlines()[-lines:])

    def stop(self, grace_s):
        """SIGTERM to the whole session, SIGKILL to what is left of it after `grace_s`."""
        for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                pass
            try:
                self._process.wait(timeout=patience_s)
            except subprocess.TimeoutExpired:
                continue
        return self.exit_code()


def listens(port):
    """Whether something listens there, found out without a connection that it would have to deal with."""
    listening, local = "0A", ":%04X" % port  # columns of /proc/net/tcp, see proc(5)
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(name, encoding="ascii") as table:
                rows = [line.split() for line in table]
        except OSError:
            continue
        if any(row[3] == listening and row[1].endswith(local) for row in rows):
            return True
    return False


def stop_strays(folder, programs):
    """Ends what somebody else started on `folder`: a server started by hand, children of one that was killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        strays = [pid for pid in _processes_about(folder, programs) if pid != os.getpid()]
        for pid in strays:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        end = time.monotonic() + 3
        while strays and time.monotonic() < end:
            time.sleep(0.05)
            strays = _processes_about(folder, programs)


def _processes_about(folder, programs):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % entry, "rb") as file:
                words = file.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        if os.path.basename(words[0]) in programs and any(word.startswith(folder + "/") for word in words[1:]):
            found.append(int(entry))
    return found
