"""Four researchers' programs that go on whatever happens to the server, and remember what it told them."""
import hashlib
import random
import threading
import time

from crash_site import GENERAL, PROJECT, STUDIES, USER, data_set_of  # first: it knows where the others lie
import protocol
from protocol import Closed, Download, NoAnswer, Refused

CLIENTS = 4
protocol.DATA_TIMEOUT_S = 5  # of a server that may be dead
ANSWER_WITHIN_S, LOOK_S = 15, 0.1
# What a client does next, and how often of a hundred.
DEEDS = (("submit", 34), ("cancel", 8), ("retry", 6), ("clear", 6), ("drop", 14), ("repeat", 12), ("list", 14),
         ("download", 6))
TOPICS = ("p/%s/requests" % PROJECT, "p/%s/cache" % PROJECT)


class Gone(Exception):
    """The server was killed, or everything is to end."""


class Operation:
    """One change that a client asked for. `answer` is the first one that it got."""

    def __init__(self, name, command, args):
        self.name, self.command, self.args, self.answer, self.code = name, command, args, None, None

    @property
    def acknowledged(self):
        return self.answer is not None


class History:
    """What all clients invoked and were told; the faults that they saw themselves."""

    def __init__(self):
        self._lock = threading.Lock()
        self.operations, self.faults, self.events = {}, [], {topic: {} for topic in TOPICS}
        self.answers = self.repeated = self.downloads = self.listings = self.resumed = 0

    def invoke(self, operation):
        with self._lock:
            self.operations[operation.name] = operation

    def known(self):
        """All operations so far; other clients go on adding theirs."""
        with self._lock:
            return list(self.operations.values())

    def acknowledge(self, operation, answer):
        with self._lock:
            if operation.answer is None:
                operation.answer = answer
                self.answers += 1
                return
            self.repeated += 1
        if operation.answer != answer:
            self.fault("3 once: %s answered %s, and again %s" % (operation.command, operation.answer, answer))

    def fault(self, text):
        with self._lock:
            self.faults.append(text)

    def saw_event(self, topic, number, document):
        before = self.events[topic].setdefault(number, document)
        if before != document:
            self.fault("9 events: %s %d was %s and is %s" % (topic, number, before, document))


class Gate:
    """Tells the clients when there is a server to talk to. `life` counts its lives."""

    def __init__(self):
        self._open, self.life, self.ended = threading.Event(), 0, False

    def raise_(self):
        self.life += 1
        self._open.set()

    def lower(self):
        self._open.clear()

    def end(self):
        self.ended = True
        self._open.set()

    def wait(self):
        self._open.wait()
        if self.ended:
            raise Gone
        return self.life

    def is_up(self, life):
        return self._open.is_set() and life == self.life and not self.ended


class Researcher(threading.Thread):
    """One client with studies of its own, so that it knows what must become of them."""

    def __init__(self, number, site, gate, history, held, seed):
        super().__init__(name="client-%d" % number, daemon=True)
        self._number, self._site, self._gate, self._history, self._held = number, site, gate, history, held
        self._dice = random.Random("%s/%d" % (seed, number))
        self._studies = sorted(STUDIES)[number::CLIENTS]
        self._control, self._life, self._pending, self._count = None, 0, None, 0

    def run(self):
        while True:
            try:
                self._live()
            except (Gone, NoAnswer):
                if self._gate.ended:
                    return
            except Exception as problem:  # a client that cannot go on is a finding
                self._history.fault("client %d: %r" % (self._number, problem))
                return

    def _live(self):
        """One life of the server."""
        self._life = self._gate.wait()
        with self._site.connect(USER) as self._control:
            if self._pending:
                self._ask_again()
            while self._gate.is_up(self._life):
                deed = self._dice.choices([name for name, _ in DEEDS], [weight for _, weight in DEEDS])[0]
                getattr(self, "_" + deed)()
                time.sleep(self._dice.uniform(0, 0.1))

    def _ask(self, command, args, op=None):
        message = {"id": "%d" % self._count, "do": command, "args": args, "project": PROJECT,
                   **({"op": op} if op else {})}
        self._count += 1
        self._control.send("CMD", message)
        return self._answer(message["id"])

    def _answer(self, number):
        end = time.monotonic() + ANSWER_WITHIN_S
        while True:
            try:
                return self._control.answer(number, LOOK_S)
            except NoAnswer:
                if not self._gate.is_up(self._life):
                    raise Gone from None
                if time.monotonic() > end:
                    self._history.fault("17 liveness: no answer within %d s" % ANSWER_WITHIN_S)
                    raise

    # ------------------------------------------------------------------------------------------------------- changes

    def _change(self, command, args):
        self._count += 1
        operation = Operation("%s-%d-%d" % (self.name, self._life, self._count), command, args)
        self._history.invoke(operation)
        self._pending = operation
        self._send_once_or_twice(operation)
        self._pending = None
        return operation.answer

    def _ask_again(self):
        """The answer was lost: under its name the operation is answered and not done twice. Some clients give up."""
        operation, self._pending = self._pending, None
        if self._dice.random() < 0.8:
            self._send_once_or_twice(operation)

    def _send_once_or_twice(self, operation):
        names = []
        for _ in range(2 if self._dice.random() < 0.15 else 1):
            names.append("%d" % self._count)
            self._count += 1
            self._control.send("CMD", {"id": names[-1], "do": operation.command, "args": operation.args,
                                       "project": PROJECT, "op": operation.name})
        for name in names:
            try:
                self._history.acknowledge(operation, self._answer(name))
            except Refused as refused:
                if refused.code == "shutting_down":
                    raise Gone from None
                operation.code = refused.code

    def _requests(self, *states):
        listed = self._ask("requests.list", {"filter": {}, "limit": 5000})["requests"]
        return [each for each in listed if each["state"] in states and each["StudyInstanceUID"] in self._studies]

    def _submit(self):
        studies = self._dice.sample(self._studies, self._dice.randint(1, 4))
        self._change("requests.submit", {"items": [{"pacs": GENERAL, "StudyInstanceUID": uid} for uid in studies]})

    def _change_request(self, command, *states):
        found = self._requests(*states)
        if found:
            chosen = self._dice.sample(found, min(len(found), self._dice.randint(1, 2)))
            self._change(command, {"requests": [each["id"] for each in chosen]})

    def _cancel(self):
        self._change_request("requests.cancel", "scheduled", "processing")

    def _retry(self):
        self._change_request("requests.retry", "cancelled", "failed", "incomplete")

    def _clear(self):
        self._change_request("requests.delete", "completed", "cancelled", "failed", "incomplete")

    def _drop(self):
        studies = self._held_studies()
        if studies:
            self._change("cache.delete", {"studies": self._dice.sample(studies, min(len(studies), 2))})

    def _repeat(self):
        mine = [each for each in self._history.known() if each.name.startswith(self.name) and each.acknowledged]
        if mine:
            self._send_once_or_twice(self._dice.choice(mine))

    # ------------------------------------------------------------------------------------------------------- reading

    def _held_studies(self):
        items = self._ask("cache.list", {"level": "study", "filter": {}, "limit": 5000})["items"]
        return sorted({each["StudyInstanceUID"] for each in items} & set(self._studies))

    def _list(self):
        self._requests()
        self._history.listings += 1
        usage = self._ask("cache.usage", {})
        if usage["used"] > usage["quota"]:
            self._history.fault("13 quota: %s" % usage)

    def _download(self):
        studies = self._held_studies()
        if not studies:
            return
        wanted = self._dice.sample(studies, min(len(studies), 3))
        try:
            opened = self._ask("download.open", {"studies": wanted}, "%s-d-%d" % (self.name, self._count))
            self._history.downloads += check_download(opened, self._held, self._history)
        except (Refused, Closed) as refused:
            if str(refused).split(":", 1)[0] not in ("conflict", "not_found", "rate_limited", "shutting_down"):
                self._history.fault("14 download: refused with %s" % refused)


def check_download(opened, held, history):
    """Whole, and byte for byte what the PACS holds; how many objects."""
    download = Download(opened)
    lines = [line for line in download.manifest["objects"] if "error" not in line]
    for line in lines:
        instance, study = line["SOPInstanceUID"], line["StudyInstanceUID"]
        if line["index"] in download.missing:
            continue
        digest = hashlib.sha256(data_set_of(download.objects[line["index"]])).hexdigest()
        if held[study].get(instance) != digest:
            history.fault("12 bytes: instance %s is not what the PACS holds" % instance)
    return len(lines)


class Listener(threading.Thread):
    """Follows the journaled events through every life of the server; now and then from the first one again."""

    def __init__(self, site, gate, history, seed):
        super().__init__(name="listener", daemon=True)
        self._site, self._gate, self._history, self._dice = site, gate, history, random.Random("%s/l" % seed)

    def run(self):
        while True:
            try:
                life = self._gate.wait()
                with self._site.connect(USER) as control:
                    self._follow(control, life)
            except Gone:
                return

    def _follow(self, control, life):
        expected = {}
        for topic in TOPICS:
            first = 1 if self._dice.random() < 0.2 else max(list(self._history.events[topic]), default=0) + 1
            self._history.resumed += first > 1
            control.subscribe(topic, first, 1000000)
            expected[topic] = first
        while self._gate.is_up(life):
            event = control.next_event(LOOK_S)
            if event is None:
                continue
            kind, topic, number, document = event
            if kind != "EV" or number != expected[topic]:
                self._history.fault("9 events: %s %s %s, not %s" % (kind, topic, number, expected[topic]))
                return
            expected[topic] += 1
            self._history.saw_event(topic, number, document)
