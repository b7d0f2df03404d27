"""Penstock from Python: find studies, request them, follow the requests, download them sealed, open them in memory.

    with Penstock.from_config() as penstock:
        studies = list(penstock.find_studies("alz-brain", ["1000001"]))
        rows = penstock.request("alz-brain", studies)
        penstock.wait("alz-brain", [row["request"] for row in rows if row["request"]])
        sealed = penstock.download("alz-brain", penstock.holdings("alz-brain"), "images", key="images.key")
        for dataset in sealed.datasets(): ...

Sizes are bytes, durations seconds, times RFC 3339 texts in UTC, dates YYYYMMDD; DICOM values have DICOM keywords. The
dicts of the server are given as they come (messages/WIRE.md) and may gain members. Nothing waits for ever: what does
not come in time is a PenstockTimeout; every other fault is a PenstockError, one of the own disk an OSError. Threads may
share a Penstock, their calls take turns; an iterator or a SealedDownload belongs to one thread at a time. Needs
python3-zmq, python3-cryptography and, for data sets, python3-pydicom.
"""
import base64
import collections
import fcntl
import json
import os
import re
import threading
import time
import typing
import uuid

import zmq
from zmq.utils.monitor import recv_monitor_message

from sealed_download import PenstockError, Reception, SealBroken, SealedDownload, make_key_file, read_private_lines

__all__ = ["ENDED", "Event", "Penstock", "PenstockError", "PenstockTimeout", "Search", "SealBroken", "SealedDownload",
           "make_key_file"]

ENDED = ("completed", "incomplete", "failed", "cancelled")  # states of a request that has come to its end
SITE_TOPICS = ("governor", "audit")
PROTOCOL = {"client": "python", "protocol": 1}
PAGE_ITEMS = 1000  # of a listing, and of a submission
PAUSE_S, LONGEST_PAUSE_S = 0.5, 15  # before another attempt; doubled each time
SEARCH_WAIT_S, PREPARATION_S = 10, 60  # what the server may take beyond the time for an answer
EVENT_CREDIT, EVENT_REFILL, RENEWAL_S = 1000, 100, 30
DATA_CREDIT, DATA_REFILL, DATA_IDLE_S, DATA_OUTAGE_S = 48, 16, 30, 600  # the server holds a session to 64 messages
MAY_PASS = ("timed_out", "shutting_down", "rate_limited")
Z85_KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
# To connect again after a day is "never" without -1, with which libzmq 4.3.4 may abort (WIRE.md, "The data socket").
SOCKET_OPTIONS = {zmq.LINGER: 0, zmq.MAXMSGSIZE: 4 << 20, zmq.RECONNECT_IVL: 24 * 3600 * 1000, zmq.HANDSHAKE_IVL: 5000,
                  zmq.HEARTBEAT_IVL: 5000, zmq.HEARTBEAT_TIMEOUT: 15000}
PHASES = {zmq.EVENT_CONNECTED: "greeting", zmq.EVENT_HANDSHAKE_SUCCEEDED: "ready"}
ENDINGS = {"connecting": "nothing answers at %s", "greeting": "%s broke off the handshake: is the server key right?",
           "ready": "the connection to %s was lost"}


class PenstockTimeout(PenstockError):
    """Nothing came in time. Of a request(), `details["op"]` is its operation: repeated under it, it is done once."""

    def __init__(self, message, what_next=None):
        super().__init__("timed_out", message, None, what_next)


class Event(typing.NamedTuple):
    """`body` as in WIRE.md. With `gap`, the events from number `seq` to before `body["to"]` are not to be had (0 and 0:
    nobody knows whether there were any)."""
    topic: str
    seq: int
    body: dict
    gap: bool = False


# --------------------------------------------------------------------------------------------- connection, settings

class _Link:
    """A DEALER socket that never connects again by itself: once it is lost, every call says so."""

    def __init__(self, endpoint, identity, refusal):
        self._endpoint, self._phase, self._ended, self._refusal = endpoint, "connecting", None, refusal
        self._pushed = collections.deque()
        self._socket = zmq.Context.instance().socket(zmq.DEALER)
        self._monitor = self._socket.get_monitor_socket()
        try:
            for option, value in {**SOCKET_OPTIONS, zmq.ROUTING_ID: b"\x01" + os.urandom(16), **identity}.items():
                self._socket.setsockopt(option, value)
            self._socket.connect(endpoint)
        except zmq.ZMQError:
            self.close()
            raise PenstockError("bad_configuration", "'%s' is no tcp://host:port, or its key none" % endpoint) from None

    def close(self):
        if not self._socket.closed:
            self._socket.disable_monitor()
            self._monitor.close(0)
            self._socket.close(0)

    def send(self, *frames):
        """Frames are bytes, or what becomes JSON."""
        data = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in frames]
        try:
            self._socket.send_multipart(data, zmq.NOBLOCK)
        except zmq.Again:
            raise PenstockTimeout("%s takes nothing more" % self._endpoint) from None

    def receive(self, until):
        """The frames of the next message; None when there is none at `until` (time.monotonic)."""
        return self._pushed.popleft() if self._pushed else self._receive(until)

    def ask(self, question, until):
        """The `ok` of the answer. Events that come meanwhile are kept for `receive`."""
        self.send(b"CMD", question)
        while frames := self._receive(until):
            if frames[0] != b"ANS":
                self._pushed.append(frames)
                continue
            answer = json.loads(frames[1])
            if answer.get("id") in (question["id"], ""):
                return _ok_of(answer)
        raise PenstockTimeout("%s did not answer %s in time" % (self._endpoint, question["do"]))

    def _receive(self, until):
        while True:
            self._watch()
            if self._socket.poll(0):  # what came before the end is given before the end is told
                return self._socket.recv_multipart()
            if self._ended:
                raise self._ended
            if (left_s := until - time.monotonic()) <= 0:
                return None
            zmq.zmq_poll([(self._socket, zmq.POLLIN), (self._monitor, zmq.POLLIN)], int(min(left_s, 60) * 1000) + 1)

    def _watch(self):
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            self._phase = PHASES.get(event, self._phase)
            if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                self._ended = self._refusal
            elif event in (zmq.EVENT_CLOSED, zmq.EVENT_DISCONNECTED):
                self._ended = self._ended or PenstockTimeout(ENDINGS[self._phase] % self._endpoint)


def _ok_of(answer):
    if "ok" in answer:
        return answer["ok"]
    error = answer["error"]
    raise PenstockError(error["code"], error["message"], error.get("details"))


def _question(command, args=None, project=None, op=None):
    return {"id": uuid.uuid4().hex, "do": command, "project": project, "op": op, "args": args or {}}


def _settings(path, named):
    """As the program `penstock` finds them."""
    base = os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "penstock")
    file, found = path or os.environ.get("PENSTOCK_CONFIG"), {}
    try:
        with open(file or os.path.join(base, "config.json"), encoding="utf-8") as stream:
            found = dict(json.load(stream))
    except (OSError, ValueError, TypeError) as problem:
        if file or not isinstance(problem, FileNotFoundError):
            raise PenstockError("bad_configuration", "settings: %s" % problem) from None
    variables = {"server": "SERVER", "server_key": "SERVER_KEY", "project": "PROJECT", "key_file": "KEY"}
    chosen = {name: named.pop(name, "") or os.environ.get("PENSTOCK_" + variable) or found.get(name) or ""
              for name, variable in variables.items()}
    if named:
        raise PenstockError("bad_configuration", "settings: there is no '%s'" % "', '".join(named))
    return {**chosen, "key_file": chosen["key_file"] or os.path.join(base, "key")}


def _user_key(path):
    """(public, secret) of a user's key file, Z85."""
    try:
        words = [line.split() for line in read_private_lines(path)]
        keys = {line[0]: line[1].encode() for line in words if len(line) == 2 and Z85_KEY.fullmatch(line[1])}
        if zmq.curve_public(keys["secret"]) == keys["public"]:
            return keys["public"], keys["secret"]
        problem = "its keys do not belong together"
    except OSError as fault:
        problem = fault.strerror
    except (KeyError, ValueError, zmq.ZMQError):
        problem = "it is no Penstock user key"
    raise PenstockError("bad_configuration", "'%s': %s" % (path, problem), None, "'penstock keygen' makes a key")


# ----------------------------------------------------------------------------------------------------------- the client

class Search:
    """A find under way: iterate it, once, for patients or studies (WIRE.md) as they are found. `rows` then has, for
    each line of the input in its order, {"input", "outcome", "mrn", "message"}: what was not found, and why."""

    def __init__(self, ask, key, args, timeout_s):
        self._ask, self._key, self._args, self._timeout_s, self.rows = ask, key, args, timeout_s, []

    def __iter__(self):
        until, wait = time.monotonic() + self._timeout_s, {"wait_ms": 1000 * SEARCH_WAIT_S}
        part = self._ask(self._key + ".find", {**self._args, **wait})
        while True:
            self.rows += part["rows"]
            yield from part[self._key]
            if part["done"] and not part.get("next"):
                return
            if time.monotonic() > until:
                raise PenstockTimeout("the search is not done after %g s" % self._timeout_s)
            part = self._ask("search.more", {"search": part["search"], "cursor": part["next"], **wait})


class Penstock:
    """One user at one server. Connects when first asked, and again when the connection was lost. A call takes at most
    `timeout_s` to its answer, besides what it says itself. `project` is the one of the settings, or ""."""

    def __init__(self, server, server_key, key_file, project="", timeout_s=20.0):
        if not server or not Z85_KEY.fullmatch(server_key):
            raise PenstockError("bad_configuration", "no server is named, or no server key of 40 characters")
        public, secret = _user_key(key_file)
        self._server, self.project, self._timeout_s = server, project, timeout_s
        self._identity = {zmq.CURVE_SERVERKEY: server_key.encode(), zmq.CURVE_PUBLICKEY: public,
                          zmq.CURVE_SECRETKEY: secret}
        self._lock, self._link = threading.Lock(), None

    @classmethod
    def from_config(cls, path=None, *, timeout_s=20.0, **named):
        """With the settings of the program `penstock`: what is `named` (server, server_key, project, key_file), else
        the environment (PENSTOCK_SERVER, PENSTOCK_SERVER_KEY, PENSTOCK_PROJECT, PENSTOCK_KEY), else a JSON file: `path`
        or $PENSTOCK_CONFIG or ~/.config/penstock/config.json. PenstockError bad_configuration."""
        return cls(timeout_s=timeout_s, **_settings(path, named))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Event streams go on: each has a connection of its own."""
        with self._lock:
            self._drop()

    def _connect(self):
        refusal = PenstockError("not_permitted", "%s does not know this key" % self._server, None,
                                "ask the administrator to enter your public key; 'penstock keygen --show' prints it")
        return _Link(self._server, self._identity, refusal)

    def _drop(self):
        if self._link:
            self._link.close()
        self._link = None

    def ask(self, command, args=None, project=None, op=None, *, extra_s=0.0):
        """Any command of WIRE.md: its `ok`. It may take `extra_s` longer than others. It is asked again when the
        connection is lost; a change needs an `op` (at most 128 bytes, new for each change), and is then done once."""
        question, until = _question(command, args, project, op), time.monotonic() + self._timeout_s + extra_s
        with self._lock:
            while True:
                try:
                    self._link = self._link or self._connect()
                    return self._link.ask(question, until)
                except PenstockError as problem:
                    if problem.code not in ("timed_out", "shutting_down"):
                        raise
                    self._drop()
                    if time.monotonic() + PAUSE_S > until:
                        raise
                time.sleep(PAUSE_S)

    def _pages(self, command, key, args, project):
        page = {"next": None}
        while "next" in page:
            page = self.ask(command, {**args, "limit": PAGE_ITEMS, "cursor": page["next"]}, project)
            yield from page[key]

    def projects(self):
        """Yours: [{"id", "title", "irb", "expires", "pacs": [ids], "quota", "used" (None: not known now)}]."""
        return self.ask("hello", PROTOCOL)["projects"]

    def pacs(self):
        """[{"id", "institution", "department", "state": up, down, paused or unknown, "reason"}]."""
        return self.ask("pacs.list")["pacs"]

    def _find(self, key, project, args, where, timeout_s):
        if not any(where.values()):
            where = {"pacs": [each for known in self.projects() if known["id"] == project for each in known["pacs"]]}

        def ask(command, args):
            return self.ask(command, args, project, extra_s=SEARCH_WAIT_S)
        return Search(ask, key, {**args, **where}, timeout_s)

    def find_patients(self, project, mrns, *, pacs=None, institution=None, department=None, timeout_s=3600.0):
        """A Search by medical record numbers, written as the hospital does, at most 10,000. Asks the PACS in the list
        `pacs`, or those of an institution (and department); default: all of the project. It takes as long as their
        contract wants: with 60 queries a minute, a minute for 60 numbers. PenstockTimeout after `timeout_s`."""
        where = {"pacs": pacs, "institution": institution, "department": department}
        return self._find("patients", project, {"mrns": list(mrns)}, where, timeout_s)

    def find_studies(self, project, mrns=None, *, accessions=None, study_date=None, modalities=None, pacs=None,
                     institution=None, department=None, timeout_s=3600.0):
        """A Search by `mrns` or by `accessions`, else as find_patients. `study_date` ("20090101", "20090101-20120101")
        and `modalities` (["MR"]) narrow it. What it finds is what request() takes."""
        where = {"pacs": pacs, "institution": institution, "department": department}
        args = {"mrns": mrns and list(mrns), "accessions": accessions and list(accessions), "study_date": study_date,
                "modalities": modalities and list(modalities)}
        return self._find("studies", project, args, where, timeout_s)

    def request(self, project, studies, *, priority="normal", op=None):
        """Asks for studies: dicts with "pacs" and "StudyInstanceUID", perhaps "series" (a list of UIDs). A row for
        each: {"item": its place, "outcome", "request": id or "", "message"}; outcomes: accepted, already_requested,
        already_cached, not_permitted, not_found, invalid. Under the same `op` (at most 100 bytes; kept 24 h at least)
        the same studies are asked for once, and answered alike. `priority`: low, normal or high."""
        op, rows = op or uuid.uuid4().hex, []
        items = [{"pacs": each["pacs"], "StudyInstanceUID": each["StudyInstanceUID"],
                  "series": each["series"] if isinstance(each.get("series"), list) else None} for each in studies]
        for first in range(0, len(items), PAGE_ITEMS):
            args = {"items": items[first:first + PAGE_ITEMS], "priority": priority}
            try:
                answer = self.ask("requests.submit", args, project, "%s/%d" % (op, first))
            except PenstockError as problem:
                problem.details = {**problem.details, "op": op}
                raise
            rows += [{**row, "item": first + row["item"]} for row in answer["rows"]]
        return rows

    def requests(self, project, filter=None, sort=None):
        """Iterates over the project's requests (WIRE.md, "requests.list"). `filter`: {"state": {"in": ["failed"]}};
        `sort`: [["submitted", "desc"]]."""
        return self._pages("requests.list", "requests", {"filter": filter, "sort": sort}, project)

    def wait(self, project, requests, *, timeout_s=3600.0, interval_s=2.0, progress=None):
        """{id: request} once all these ids are ENDED, well or not. Looks every `interval_s`, and calls progress(ended,
        all). PenstockTimeout after `timeout_s`: they go on at the server, and one can wait again."""
        waiting, ended, until = sorted({str(each) for each in requests}), {}, time.monotonic() + timeout_s
        count = len(waiting)
        while True:
            for first in range(0, len(waiting), PAGE_ITEMS):
                some = {"id": {"in": waiting[first:first + PAGE_ITEMS]}, "state": {"in": ENDED}}
                ended.update((each["id"], each) for each in self.requests(project, some))
            waiting = [each for each in waiting if each not in ended]
            if progress:
                progress(len(ended), count)
            if not waiting:
                return ended
            if time.monotonic() + interval_s > until:
                raise PenstockTimeout("%d of %d requests have not ended" % (len(waiting), count),
                                      "requests() tells why each waits; wait again")
            time.sleep(interval_s)

    def events(self, project, topics=("requests",), *, after=None, timeout_s=60.0, outage_s=600.0):
        """Iterates over Events, oldest first, across lost connections and restarts of the server. What happens after
        this call is among them. `topics`: requests, cache, progress, searches of the project, or a whole name such as
        governor. `after`: the number, or {whole name: number}, behind which to begin; 0: with the first that the
        journal keeps; None: with what is new. In journaled topics (requests, cache, governor) none is lost or comes
        twice. What the others lose is told by an Event with `gap`, and so is a connection that was lost before any
        number was known. Ends when nothing came for `timeout_s` (None: never). PenstockTimeout when the server is away
        for `outage_s`, PenstockError not_found for a topic that is not there, or not for you."""
        names = [each if "/" in each or each in SITE_TOPICS else "p/%s/%s" % (project, each) for each in topics]
        begin = {name: after.get(name) if isinstance(after, dict) else after for name in names}
        following = {name: 0 if _is_transient(name) or number is None else number + 1 for name, number in begin.items()}
        return self._events(self._follow(following, self._timeout_s), following, timeout_s, outage_s)

    def _follow(self, following, patience_s):
        """A link on which the server has taken the subscriptions, {topic: next number, 0: what is new}."""
        until, pause_s = time.monotonic() + patience_s, PAUSE_S
        while True:
            link = self._connect()
            try:
                _subscribe(link, following, EVENT_CREDIT)
                link.ask(_question("hello", PROTOCOL), until)
                return link
            except PenstockError as problem:
                link.close()
                if problem.code not in MAY_PASS or time.monotonic() + pause_s > until:
                    raise
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _events(self, link, following, timeout_s, outage_s):
        quiet_s, spent = float("inf") if timeout_s is None else timeout_s, 0
        try:
            ends = time.monotonic() + quiet_s
            while time.monotonic() < ends:
                try:
                    frames = link.receive(min(ends, time.monotonic() + RENEWAL_S))
                    if not frames:  # of many sessions of a user the server forgets the longest silent without a word
                        _subscribe(link, following, EVENT_REFILL)
                        continue
                    spent += frames[0] == b"EV"
                    if spent == EVENT_REFILL:
                        link.send(b"CREDIT", {"credit": spent})
                        spent = 0
                    events = _events_in(frames, following)
                except PenstockTimeout:
                    link.close()
                    link, spent = self._follow(following, outage_s), 0
                    events = [Event(topic, 0, {"to": 0}, True) for topic, first in following.items() if first == 0]
                yield from events
                ends = time.monotonic() + quiet_s
        finally:
            link.close()

    def holdings(self, project, filter=None, sort=None):
        """Iterates over the studies that the project has here (WIRE.md, "cache.list"): "bytes", "instances", ..."""
        return self._pages("cache.list", "items", {"level": "study", "filter": filter, "sort": sort}, project)

    def download(self, project, studies, directory, *, key=None, sealed=True, progress=None):
        """Fetches studies that the project holds (dicts with "StudyInstanceUID", or UIDs; at most 10,000) into a new or
        empty directory; what an earlier call for the same studies left there is gone on with, for 24 h. `key`: path of
        your download key, made when there is none; without it nobody can open the images. Returns a SealedDownload;
        with sealed=False the paths of ordinary DICOM files, and what was interrupted cannot be gone on with. Calls
        progress(bytes so far, bytes of all). A line that breaks or a server that restarts costs a pause;
        PenstockTimeout after 10 minutes without a byte. PenstockError: not_found (a study is not held), conflict (other
        studies, or another program, in the directory), incomplete (some could not be sent; the others are there)."""
        if sealed and key is None:
            raise PenstockError("bad_configuration", "no key file is named", None, "give key=, or sealed=False")
        uids = list({each if isinstance(each, str) else each["StudyInstanceUID"]: None for each in studies})
        os.makedirs(directory, 0o700, exist_ok=True)
        reception = Reception(directory, sealed, progress or (lambda *_: None))
        lock, opened = os.open(directory, os.O_RDONLY | os.O_CLOEXEC), None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not reception.take_up(key):
                if sealed and not os.path.exists(key):
                    make_key_file(key)
                opened = self._open_download(project, {"studies": uids}, os.urandom(16))
                reception.begin(opened, project, key)
            elif reception.record["project"] != project or reception.studies() not in (None, set(uids)):
                raise PenstockError("conflict", "'%s' holds another download" % directory)
            self._fetch(project, reception, opened)
            reception.finish()
        except BlockingIOError:
            raise PenstockError("conflict", "another penstock is at work in '%s'" % directory) from None
        finally:
            reception.close()
            os.close(lock)
        return SealedDownload(directory, key) if sealed else reception.paths

    def _open_download(self, project, what, key):
        """The client brings the key, so that an answer that was lost is given again."""
        args = {**what, "key": base64.b64encode(key).decode()}
        return self.ask("download.open", args, project, uuid.uuid4().hex, extra_s=PREPARATION_S)

    def _fetch(self, project, reception, opened):
        until, pause_s, reached = time.monotonic() + DATA_OUTAGE_S, PAUSE_S, reception.position
        while not reception.done:
            try:
                resumed = {"resume": reception.record["download"]}
                _receive_download(opened or self._open_download(project, resumed, reception.key), reception)
            except PenstockError as problem:
                if reception.position != reached:
                    until, pause_s, reached = time.monotonic() + DATA_OUTAGE_S, PAUSE_S, reception.position
                if problem.code == "not_found":
                    problem.what_next = "its 24 h are over, or you may not have it any more: take another directory"
                if problem.code not in MAY_PASS or time.monotonic() > until:
                    raise
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            opened = None  # a ticket is good for one connection


def _is_transient(topic):
    """Its numbers begin anew when the server starts."""
    return topic.endswith(("/progress", "/searches"))


def _subscribe(link, following, credit):
    for topic, first in following.items():
        link.send(b"SUB", {"topic": topic, "from": first, "credit": credit})


def _events_in(frames, following):
    """What a message tells whoever is `following`, where the numbers are kept."""
    kind, topic, told = frames[0], frames[1].decode(), []
    if kind == b"ANS":
        _ok_of(json.loads(topic))
    elif kind == b"REVOKED":
        raise PenstockError("not_found", "the topic %s is not there, or not for you (any more)" % topic)
    elif kind == b"GAP":
        told.append(Event(topic, int.from_bytes(frames[2], "big"), {"to": int.from_bytes(frames[3], "big")}, True))
    elif kind == b"EV" and (seq := int.from_bytes(frames[2], "big")) >= following[topic]:
        if 0 < following[topic] < seq:
            told.append(Event(topic, following[topic], {"to": seq}, True))
        following[topic] = 0 if _is_transient(topic) else seq + 1
        told.append(Event(topic, seq, json.loads(frames[3])))
    return told


def _receive_download(opened, reception):
    """One connection to the data socket, from the reception's position to the end."""
    identity = {zmq.PLAIN_USERNAME: opened["ticket"].encode(), zmq.PLAIN_PASSWORD: opened["secret"].encode()}
    link = _Link(opened["data_endpoint"], identity, PenstockTimeout("the data socket did not take the ticket"))
    try:
        place, taken = dict(zip(("object", "segment"), reception.position)), 0
        link.send(b"OPEN", opened["download"].encode(), place)
        link.send(b"CREDIT", DATA_CREDIT.to_bytes(4, "big"))
        while frames := link.receive(time.monotonic() + DATA_IDLE_S):
            if frames[0] == b"CLOSED":
                code = json.loads(frames[1])["code"]  # not_found: the next attempt is told why
                raise PenstockError("timed_out" if code == "not_found" else code, "the server ended the session")
            if reception.take(frames):
                return
            taken += 1
            if taken % DATA_REFILL == 0:
                link.send(b"CREDIT", DATA_REFILL.to_bytes(4, "big"))
        raise PenstockTimeout("nothing on the data socket in %d s" % DATA_IDLE_S)
    finally:
        link.close()
