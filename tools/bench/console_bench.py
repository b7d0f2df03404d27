#!/usr/bin/python3
"""What the console costs: idle, under a storm of events, for a key, for one changed cell, and in memory.

  tools/bench/console_bench.py [--bin DIR] [--rows N] [--seconds N] [--quick]

A scripted server answers `penstock console` with so many requests and sends as many events a second as it is told; the
console runs in a pseudo terminal that this program reads. Each figure is printed beside the limit it is held to.
"""
import argparse
import contextlib
import fcntl
import json
import multiprocessing
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

import zmq

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROJECT, USER = "alz-brain", "amy"
COLUMNS, LINES = 120, 40
UPDATES_A_SECOND = 100
SEEN_ONE_IN = 5  # of the updates: on a row that is on the screen
KEYS = 200
SETTLE_S = 2
QUIET_S = 0.4
PATIENCE_S = 120
TICKS = os.sysconf("SC_CLK_TCK")
FIRST_SUBMITTED_S = 1_790_000_000
NOW = "2026-11-22T10:00:00.000Z"

LIMITS = {"idle, % of a core": 0.5, "events, % of a core": 5, "key to frame, ms, median": 5,
          "key to frame in the storm, ms, median": 5, "event to frame, ms, median": 100, "one changed cell, bytes": 500,
          "resident, MiB": 64}


# ----------------------------------------------------------------------------------------------------------- the server

def study(number):
    return {"pacs": "gh-rad", "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.%039d" % number,
            "PatientID": "%08d" % (number // 3), "AccessionNumber": "A%09d" % number, "StudyDate": "20110811",
            "Modality": ["MR", "SR"] if number % 5 == 0 else "CT"}


def request(number):
    row = {"id": "r%09d" % number, "state": "scheduled", "position": number + 1,
           "reason": "rate reached: 12 in any minute, next at 14:31:10", "estimate": "Mon 23 Nov 22:10",
           "institution": "General Hospital / Radiology", "priority": "normal", "user": USER,
           "submitted": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(FIRST_SUBMITTED_S + number)),
           "started": "", "ended": "", "attempts": 1, "counts": {"expected": 64, "received": number % 64},
           "bytes": 12345678 + number, "error": "", **study(number)}
    return row


def event(number, received):
    return {"at": NOW, "kind": "progress", "project": PROJECT, "user": USER, "request": "r%09d" % number,
            "counts": {"expected": 64, "received": received, "failed": 0}, "bytes": 1000000 * received}


class Server:
    """Answers one console, and sends the events that it is told to."""

    def __init__(self, rows, orders):
        self.rows, self.orders = rows, orders
        context = zmq.Context()
        public, secret = zmq.curve_keypair()
        self.socket = context.socket(zmq.ROUTER)
        self.socket.curve_server, self.socket.curve_secretkey = True, secret
        port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self.peer, self.topics, self.sequence = None, set(), 0
        self.rate, self.sent, self.begun = 0, 0, 0.0
        orders.send({"endpoint": "tcp://127.0.0.1:%d" % port, "server_key": public.decode()})

    def answer(self, command):
        what = command["do"]
        if what == "hello":
            return {"server": "penstockd", "version": "bench", "protocol": 1, "user": USER, "roles": [], "time": NOW,
                    "projects": [{"id": PROJECT, "title": PROJECT, "irb": "", "expires": "2030-01-01",
                                  "pacs": ["gh-rad"], "quota": 1 << 40, "used": 0}],
                    "institutions": [], "data_endpoint": "tcp://127.0.0.1:1"}
        if what == "requests.list":
            begin, limit = int(command["args"].get("cursor") or 0), int(command["args"].get("limit", 500))
            end = min(begin + limit, self.rows)
            if "filter" in command["args"]:
                end = min(end, begin + limit)
                return {"requests": [request(number) for number in range(begin, end)], "total": self.rows}
            page = {"requests": [request(number) for number in range(begin, end)], "total": self.rows}
            return page if end == self.rows else {**page, "next": str(end)}
        if what == "cache.usage":
            return {"quota": 1 << 40, "used": 0, "reserved": 0, "studies": 0}
        return {"items": [], "total": 0} if what == "cache.list" else {}

    def send_event(self, number, received):
        self.sequence += 1
        topic = "p/%s/progress" % PROJECT
        self.socket.send_multipart([self.peer, b"EV", topic.encode(), struct.pack(">Q", self.sequence),
                                    json.dumps(event(number, received)).encode()])

    def take_message(self):
        self.peer, kind, body = self.socket.recv_multipart()
        if kind == b"CMD":
            command = json.loads(body)
            answer = {"id": command["id"], "ok": self.answer(command)}
            self.socket.send_multipart([self.peer, b"ANS", json.dumps(answer).encode()])

    def take_order(self):
        order = self.orders.recv()
        if "rate" in order:
            self.rate, self.sent, self.begun = order["rate"], 0, time.monotonic()
        if "row" in order:
            self.send_event(order["row"], order["received"])
            self.orders.send(time.monotonic())
        return "end" not in order

    def serve(self):
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        poller.register(self.orders.fileno(), zmq.POLLIN)
        while True:
            ready = dict(poller.poll(1000 / self.rate if self.rate else 1000))
            if self.socket in ready:
                self.take_message()
            if self.orders.fileno() in ready and not self.take_order():
                return
            while self.rate and self.sent < (time.monotonic() - self.begun) * self.rate:
                self.sent += 1
                seen = self.sent % SEEN_ONE_IN == 0
                row = self.rows - 1 - self.sent % LINES if seen else self.sent * 7919 % self.rows
                self.send_event(row, self.sent % 65)


def serve(rows, orders):
    Server(rows, orders).serve()


# ---------------------------------------------------------------------------------------------------------- the console

class Console:
    """`penstock console` in a pseudo terminal that answers what a terminal is asked at the start."""

    ANSWERS = [(b"\x1b[>c", b"\x1b[>41;330;0c"), (b"\x1b[c", b"\x1b[?64;1;2;22c"), (b"\x1b[6n", b"\x1b[1;1R"),
               (b"\x1b[5n", b"\x1b[0n")]

    def __init__(self, program, place):
        folder = tempfile.mkdtemp(prefix="penstock-bench-")
        self.settings = os.path.join(folder, "amy.json")
        public, secret = zmq.curve_keypair()
        key = os.path.join(folder, "amy.key")
        with open(key, "w", encoding="ascii") as file:
            file.write("public %s\nsecret %s\n" % (public.decode(), secret.decode()))
        os.chmod(key, 0o600)
        with open(self.settings, "w", encoding="ascii") as file:
            json.dump({"server": place["endpoint"], "server_key": place["server_key"], "key_file": key,
                       "project": PROJECT}, file)
        self.terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.process = subprocess.Popen([program, "console"], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
                                        env={**os.environ, "PENSTOCK_CONFIG": self.settings, "TERM": "xterm-256color"},
                                        start_new_session=True)
        os.close(theirs)
        self.greet()

    def read(self, seconds):
        """What comes next, or nothing after so long."""
        ready, _, _ = select.select([self.terminal], [], [], seconds)
        try:
            return os.read(self.terminal, 1 << 16) if ready else b""
        except OSError:  # the console has ended
            return b""

    def read_until_quiet(self, seconds=QUIET_S):
        text = b""
        while part := self.read(seconds):
            text += part
        return text

    def greet(self):
        seen, deadline = b"", time.monotonic() + PATIENCE_S
        while b"live" not in seen:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the console did not start: " + self.process.stderr.read().decode())
            part = self.read(0.05)
            seen += part
            for question, answer in self.ANSWERS:
                for _ in range(part.count(question)):
                    os.write(self.terminal, answer)

    def wait_for(self, pattern):
        """Has everything drawn again and again: a frame holds only what has changed."""
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.repainted()):
            if time.monotonic() > deadline:
                raise SystemExit("the console does not show " + repr(pattern))

    def repainted(self):
        os.write(self.terminal, b"\x0c")
        return self.read_until_quiet(0.1)

    def cpu_s(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_mib(self):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024

    def cpu_share(self, seconds):
        """Per cent of a core over so long, with the terminal read all the while."""
        begin, cpu = time.monotonic(), self.cpu_s()
        frames = size = 0
        while (left := begin + seconds - time.monotonic()) > 0:
            part = self.read(left)
            size += len(part)
            frames += part.count(b"\x1b[?2026h")
        return 100 * (self.cpu_s() - cpu) / (time.monotonic() - begin), frames / seconds, size / seconds

    def key_to_frame_ms(self, key):
        """Until the first byte of the frame; what was on its way before is read first."""
        while self.read(0):
            pass
        begin = time.monotonic()
        os.write(self.terminal, key)
        self.read(1)
        return 1000 * (time.monotonic() - begin)

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        os.close(self.terminal)


@contextlib.contextmanager
def scene(program, rows):
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(rows, theirs))
    server.start()
    try:
        console = Console(program, ours.recv())
        try:
            yield console, ours
        finally:
            console.close()
    finally:
        ours.send({"end": True})
        server.join(10)
        server.kill()


# ------------------------------------------------------------------------------------------------------------ the bench

def keys_ms(console):
    times = []
    for number in range(KEYS):
        times.append(console.key_to_frame_ms(b"\x1b[B" if number % 40 < 20 else b"\x1b[A"))
        time.sleep(0.02)
    return times


def event_ms(console, orders, rows):
    """From the moment an event of a row that is seen is sent until the frame."""
    times = []
    for number in range(20):
        console.read_until_quiet()
        orders.send({"row": rows - 1 - number % 10, "received": 10 + number})
        sent = orders.recv()
        if not console.read(2):
            raise SystemExit("an event of a row that is seen changes nothing on the screen")
        times.append(1000 * (time.monotonic() - sent))
    return times


def changed_cell_bytes(console, orders, row):
    sizes = []
    for received in (41, 42, 43, 44, 45):
        console.read_until_quiet()
        orders.send({"row": row, "received": received})
        orders.recv()
        sizes.append(len(console.read_until_quiet()))
    return sizes


def measure(console, orders, rows, seconds):
    found = {}
    begin = time.monotonic()
    console.wait_for(b"%d rows" % rows)
    load_s = time.monotonic() - begin
    print("%d requests shown after %.1f s" % (rows, load_s), flush=True)
    console.read_until_quiet(SETTLE_S)
    found["resident, MiB"] = console.resident_mib()
    found["idle, % of a core"], _, _ = console.cpu_share(seconds)
    found["key to frame, ms, median"] = statistics.median(keys_ms(console))
    os.write(console.terminal, b"g")
    found["event to frame, ms, median"] = statistics.median(event_ms(console, orders, rows))
    found["one changed cell, bytes"] = max(changed_cell_bytes(console, orders, rows - 1))
    orders.send({"rate": UPDATES_A_SECOND})
    console.cpu_share(SETTLE_S)
    found["events, % of a core"], frames, size = console.cpu_share(seconds)
    print("in the storm: %.1f frames/s, %.1f KiB/s to the terminal" % (frames, size / 1024), flush=True)
    found["key to frame in the storm, ms, median"] = statistics.median(keys_ms(console))
    found["resident, MiB"] = max(found["resident, MiB"], console.resident_mib())
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, ".build", "release", "bin"))
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--quick", action="store_true")
    flags = parser.parse_args()
    rows, seconds = (5000, 3) if flags.quick else (flags.rows, flags.seconds)
    with scene(os.path.join(flags.bin, "penstock"), rows) as (console, orders):
        found = measure(console, orders, rows, seconds)
    print("\n%-40s %10s %8s %7s" % ("", "measured", "limit", "ratio"))
    for name, limit in LIMITS.items():
        print("%-40s %10.2f %8.1f %7.2f" % (name, found[name], limit, found[name] / limit))
    return 0


if __name__ == "__main__":
    sys.exit(main())
