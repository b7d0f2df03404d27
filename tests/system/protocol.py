"""A small client of Penstock's protocol (messages/WIRE.md) that shares no code with Penstock's own."""
import base64
import collections
import json
import math
import os
import sys
import time
import uuid

import zmq

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import open_sealed  # noqa: E402

HEADER_BYTES, TAG_BYTES = 24, 16
ANSWER_TIMEOUT_S = 20
DATA_TIMEOUT_S = 30
DATA_CREDIT = 32


class Refused(Exception):
    """An error answer of the server."""

    def __init__(self, error):
        super().__init__("%s: %s" % (error.get("code"), error.get("message")))
        self.code, self.message, self.details = error.get("code"), error.get("message", ""), error.get("details")


class NoAnswer(Exception):
    """Nothing came in time."""


class Control:
    """A control connection of one user. Events that arrive between answers are kept in order in `events`."""

    def __init__(self, endpoint, server_key, public, secret):
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.ROUTING_ID, b"\x01" + os.urandom(16))
        self._socket.curve_serverkey, self._socket.curve_publickey = server_key.encode(), public.encode()
        self._socket.curve_secretkey = secret.encode()
        self._socket.connect(endpoint)
        self.events = collections.deque()
        self._answers = {}

    def close(self):
        self._socket.close(0)
        self._context.term()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, kind, document):
        """Sends [TYPE, JSON]; `document` may be bytes that are no JSON."""
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self._socket.send_multipart([kind.encode(), data])

    def ask(self, command, args=None, project=None, op=None, timeout_s=ANSWER_TIMEOUT_S, **more):
        """The `ok` part of the answer, else Refused or NoAnswer."""
        message = {"id": uuid.uuid4().hex, "do": command, "args": args or {}, **more}
        if project:
            message["project"] = project
        if op:
            message["op"] = op
        self.send("CMD", message)
        return self.answer(message["id"], timeout_s)

    def answer(self, message_id, timeout_s=ANSWER_TIMEOUT_S):
        end = time.monotonic() + timeout_s
        while message_id not in self._answers:
            if not self._take(end - time.monotonic()):
                raise NoAnswer("no answer to %s in %s s" % (message_id, timeout_s))
        answer = self._answers.pop(message_id)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["ok"]

    def subscribe(self, topic, first=0, credit=10000):
        self.send("SUB", {"topic": topic, "from": first, "credit": credit})

    def next_event(self, timeout_s):
        """(kind, topic, seq, document) of the next EV, GAP or REVOKED, or None."""
        end = time.monotonic() + timeout_s
        while not self.events:
            if not self._take(end - time.monotonic()):
                return None
        return self.events.popleft()

    def _take(self, timeout_s):
        if not self._socket.poll(max(0, int(timeout_s * 1000))):
            return False
        frames = self._socket.recv_multipart()
        kind = frames[0].decode()
        if kind == "ANS":
            answer = json.loads(frames[1])
            self._answers[answer.get("id")] = answer
        elif kind == "EV":
            self.events.append((kind, frames[1].decode(), int.from_bytes(frames[2], "big"), json.loads(frames[3])))
        else:
            self.events.append((kind, frames[1].decode(), None, frames[2:]))
        return True

    def all_pages(self, command, args, key, project, **more):
        """Every item of a paged listing."""
        items, cursor = [], None
        while True:
            page = self.ask(command, {**args, **({"cursor": cursor} if cursor else {})}, project, **more)
            items += page[key]
            cursor = page.get("next")
            if not cursor:
                return items

    def find(self, command, args, project, timeout_s=60):
        """A search followed to its end: the rows and what was found, all pages together."""
        page = self.ask(command, {"wait_ms": 2000, **args}, project)
        whole, end = collections.defaultdict(list), time.monotonic() + timeout_s
        while True:
            for key in ("rows", "patients", "studies", "series"):
                whole[key] += page.get(key, [])
            if page["done"] and not page.get("next"):
                return whole
            if time.monotonic() > end:
                raise NoAnswer("the search is not done after %d s" % timeout_s)
            more = {"search": page["search"], "cursor": page.get("next"), "wait_ms": 2000}
            page = self.ask("search.more", more, project)


def plain_bytes_of(sealed_bytes, segment_bytes):
    """How long the plain text of a sealed object is."""
    return sealed_bytes - HEADER_BYTES - TAG_BYTES * max(1, math.ceil(sealed_bytes / segment_bytes))


class Closed(Exception):
    """The server has ended the session on the data socket; the text is the code."""


class Download:
    """One download taken to its end. `objects` are the plain bytes by index, `manifest` is object 0. With `start`, an
    (object, segment), only `sealed` is there: what was sent from there on."""

    def __init__(self, opened, start=None):
        self._opened, self._key, self._start = opened, base64.b64decode(opened["key"]), start
        self.sealed, self.objects, self._sizes, self.missing = {}, {}, {}, []
        self._receive()
        if start:
            return
        for index, sealed in self.sealed.items():
            self.objects[index] = self.open(index, sealed)
        self.manifest = json.loads(self.objects.pop(0))

    def open(self, index, sealed, key=None):
        plain_bytes = plain_bytes_of(self._sizes[index], self._opened["segment_bytes"])
        associated_data = "penstock/1|%s|%d|%d" % (self._opened["download"], index, plain_bytes)
        return open_sealed.open_bytes(sealed, key or self._key, associated_data.encode(), self._opened["segment_bytes"])

    def _receive(self):
        context = zmq.Context()
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RECONNECT_IVL, -1)
        socket.plain_username, socket.plain_password = self._opened["ticket"].encode(), self._opened["secret"].encode()
        socket.connect(self._opened["data_endpoint"])
        try:
            where = [json.dumps(dict(zip(("object", "segment"), self._start))).encode()] if self._start else []
            socket.send_multipart([b"OPEN", self._opened["download"].encode(), *where])
            socket.send_multipart([b"CREDIT", DATA_CREDIT.to_bytes(4, "big")])
            while self._take(socket):
                socket.send_multipart([b"CREDIT", (1).to_bytes(4, "big")])
        finally:
            socket.close(0)
            context.term()

    def _take(self, socket):
        if not socket.poll(DATA_TIMEOUT_S * 1000):
            raise NoAnswer("nothing on the data socket in %d s" % DATA_TIMEOUT_S)
        frames = socket.recv_multipart()
        if frames[0] == b"CLOSED":
            raise Closed(json.loads(frames[1])["code"])
        numbers = [int.from_bytes(frame, "big") for frame in frames[1:3]]
        if frames[0] == b"OBJ":
            self._sizes[numbers[0]], self.sealed[numbers[0]] = numbers[1], b""
        elif frames[0] == b"SEG":
            self.sealed[numbers[0]] += frames[3]
        elif frames[0] == b"ERR":
            self.missing.append(numbers[0])
        return frames[0] != b"END"
