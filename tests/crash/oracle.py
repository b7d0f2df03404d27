"""What must be true of the disk after every crash. Numbers are those of the table in README.md."""
import collections
import glob
import hashlib
import json
import os

from crash_site import PROJECT

LEGAL = {None: {"scheduled"}, "scheduled": {"processing", "cancelled", "failed", "completed"},
         "processing": {"scheduled", "completed", "incomplete", "failed", "cancelled"}}
RETRIED = {"cancelled", "failed", "incomplete"}
SAME_STATE = ("request.enumerated", "request.verified", "request.prioritised", "request.deleted")
SECOND_NS = 1_000_000_000


class Violation(AssertionError):
    """An invariant does not hold."""


def require(holds, number, name, text):
    if not holds:
        raise Violation("%d %s: %s" % (number, name, text))


class Journal:
    """What crash_journal printed, sorted out."""

    def __init__(self, lines):
        self.entries = [line for line in lines if "leaf" in line]
        self.rows = {line["row"]: line["value"] for line in lines if "row" in line}
        self.operations = {line["operation"].rsplit("/", 1)[1]: json.loads(line["value"]["answer"] or "{}")
                           for line in lines if "operation" in line}
        self.instances = [line for line in lines if "instance" in line]
        self.events = collections.defaultdict(dict)
        for line in lines:
            if "event" in line:
                self.events[line["event"]][line["number"]] = line["value"]
        self.of_request = collections.defaultdict(list)
        for entry in self.entries:
            if entry["leaf"]["kind"].startswith("request.") and entry["leaf"]["project"] == PROJECT:
                self.of_request[entry["leaf"]["request"]].append(entry)

    def count(self, request, kind):
        return sum(1 for entry in self.of_request[request] if entry["leaf"]["kind"] == kind)


class Oracle:
    """Compares each journal with what the clients and the PACS saw."""

    def __init__(self, history, held):
        self._history, self._held, self._on_medium = history, held, []

    def check(self, journal, moves, state, power_was_cut):
        if self._history.faults:
            raise Violation("; ".join(self._history.faults[:3]))
        self._check_density(journal, power_was_cut)
        self._check_operations(journal)
        self._check_requests(journal)
        self._check_changes(journal)
        check_moves(journal, moves)
        self._check_events(journal)
        self._check_bytes(journal, state)

    def _check_density(self, journal, power_was_cut):
        leaves = [entry["leaf"] for entry in journal.entries]
        require([leaf["seq"] for leaf in leaves] == list(range(1, len(leaves) + 1)), 8, "journal", "not dense")
        require(leaves[:len(self._on_medium)] == self._on_medium, 8, "journal", "what was on the medium has changed")
        if power_was_cut:
            self._on_medium = leaves

    def _check_operations(self, journal):
        for operation in self._history.known():
            name = operation.name
            kept = journal.operations.get(name)
            require(not operation.acknowledged or kept is not None, 1, "lost", "%s %s was answered and is not there"
                    % (operation.command, name))
            require(not operation.acknowledged or kept == operation.answer, 3, "once", "%s %s is remembered otherwise"
                    % (operation.command, name))
        for name in journal.operations:
            known = name in self._history.operations or "-d-" in name or name.startswith("hurry-")
            require(known, 2, "uninvoked", "operation %s" % name)

    def _check_requests(self, journal):
        """Each request comes from one remembered operation, and the reverse."""
        promised = {}
        for name, answer in journal.operations.items():
            if name not in self._history.operations or self._history.operations[name].command != "requests.submit":
                continue
            items = self._history.operations[name].args["items"]
            for row in answer["rows"]:
                if row["outcome"] == "accepted":
                    require(row["request"] not in promised, 3, "once", "request %s was given twice" % row["request"])
                    promised[row["request"]] = items[row["item"]]["StudyInstanceUID"]
        for request, study in promised.items():
            require(request in journal.of_request, 1, "lost", "request %s was accepted and has no entry" % request)
            require(journal.of_request[request][0]["ids"]["study_instance_uid"] == study, 2, "uninvoked",
                    "request %s is for another study" % request)
        for request in journal.of_request:
            require(request in promised, 3, "once", "request %s is in the journal, and no operation is remembered for "
                    "it: its repeat would act again" % request)

    def _check_changes(self, journal):
        told = collections.Counter()
        for name, answer in journal.operations.items():
            for row in answer.get("rows", []):
                if "request" in row and "item" not in row:
                    told[row["request"], row["outcome"]] += 1
        open_ones = collections.Counter()
        for request, entries in journal.of_request.items():
            check_life(request, entries, journal.rows)
            for kind, outcome in (("request.deleted", "deleted"), ("request.retried", "scheduled")):
                count = journal.count(request, kind)
                require(count == told[request, outcome], 3, "once", "request %s: %d entries %s, %d answers"
                        % (request, count, kind, told[request, outcome]))
            require(journal.count(request, "request.cancelled") <= told[request, "cancelled"], 3, "once",
                    "request %s was cancelled more often than asked" % request)
            if entries[-1]["leaf"]["details"].get("state") in ("scheduled", "processing"):
                open_ones[entries[0]["ids"]["study_instance_uid"]] += 1
        require(all(count == 1 for count in open_ones.values()), 3, "once", "a study is requested twice at a time")

    def _check_events(self, journal):
        for topic, events in journal.events.items():
            require(sorted(events) == list(range(1, len(events) + 1)), 9, "events", "%s is not dense" % topic)
        for topic, seen in self._history.events.items():
            for number, document in list(seen.items()):
                require(journal.events[topic].get(number) == document, 9, "events",
                        "%s %d was sent and is not there" % (topic, number))

    def _check_bytes(self, journal, state):
        """Of what the project holds; rows of what it let go may outlive their pack until the next start."""
        paths = {os.path.basename(path): path for path in packs_in(state)}
        held = {row["study"] for key, row in journal.rows.items() if key.startswith("holding/%s/" % PROJECT)}
        there = collections.Counter()
        for row in journal.instances:
            study = row["instance"].rsplit(".", 2)[0]
            if study not in held:
                continue
            there[study] += 1
            path = paths.get(row["pack"] + ".pack")
            require(path is not None, 12, "bytes", "the pack of an instance that is held is not there")
            with open(path, "rb") as pack:
                pack.seek(row["offset"])
                digest = hashlib.sha256(pack.read(row["bytes"])).hexdigest()
            require(digest == row["sha256"] == self._held[study][row["instance"]], 12, "bytes",
                    "an instance is not what the PACS holds")
        for key, row in journal.rows.items():
            if key.startswith("holding/%s/" % PROJECT):
                require(there[row["study"]] >= row["instances"], 12, "bytes", "a holding lacks instances")

    def check_end(self, journal, usage, state):
        """Nothing runs any more and everything had time to be tidied up."""
        for request, entries in journal.of_request.items():
            require(entries[-1]["leaf"]["details"].get("state") != "processing", 7, "outcome",
                    "request %s never ended" % request)
        held = [row for key, row in journal.rows.items() if key.startswith("holding/%s/" % PROJECT)]
        require(usage["used"] == sum(row["bytes"] for row in held), 13, "quota", "%s, and the rows say %s"
                % (usage, sum(row["bytes"] for row in held)))
        files = {os.path.basename(path) for path in packs_in(state)}
        rows = {row["pack"] + ".pack" for row in journal.instances}
        require(files == rows, 12, "bytes", "files without rows %s, rows without files %s"
                % (sorted(files - rows), sorted(rows - files)))


def packs_in(state):
    """Settled ones and those that are arriving."""
    found = glob.glob(os.path.join(state, "shards", "*", "packs", "**", "*.pa*"), recursive=True)
    return [path for path in found if os.path.isfile(path)]


def check_life(request, entries, rows):
    """The states of one request in order; what its row says is what its last entry said."""
    state = None
    for entry in entries:
        leaf = entry["leaf"]
        if leaf["kind"] in SAME_STATE:
            continue
        to = leaf["details"].get("state", state)
        allowed = LEGAL.get(state, set()) | ({"scheduled"} if leaf["kind"] == "request.retried" and state in RETRIED
                                             else set())
        require(to in allowed or (leaf["kind"] == "request.scheduled" and to == state == "scheduled"), 5, "transitions",
                "request %s: %s from %s to %s" % (request, leaf["kind"], state, to))
        state = to
    row = rows.get("request/%s/%016x" % (PROJECT, int(request)))
    if entries[-1]["leaf"]["kind"] == "request.deleted":
        require(row is None, 1, "lost", "request %s was deleted and is there" % request)
    else:
        require(row is not None and row["state"] == state, 5, "transitions", "request %s: row and entries differ"
                % request)


def check_moves(journal, moves):
    """The k-th C-MOVE for a study comes after the k-th entry that says so."""
    started = collections.defaultdict(list)
    for entry in journal.entries:
        if entry["leaf"]["kind"] == "request.started":
            started[entry["ids"]["study_instance_uid"]].append(entry["leaf"]["boottime_ns"])
    seen = collections.Counter()
    for begin, _, study in moves:
        seen[study] += 1
        entries = sorted(started[study])
        require(len(entries) >= seen[study] and entries[seen[study] - 1] <= begin, 6, "begin",
                "the PACS saw C-MOVE %d of a study, and the journal has %d begun before" %
                (seen[study], sum(1 for each in entries if each <= begin)))


def check_contract(moves, limits):
    """By the PACS's own log."""
    begins = [begin for begin, _, _ in moves]
    for at in begins:
        count = sum(1 for other in begins if at - 60 * SECOND_NS < other <= at)
        require(count <= limits["per_minute"], 10, "contract", "%d starts in 60 s, allowed are %d"
                % (count, limits["per_minute"]))
        count = sum(1 for begin, end, _ in moves if begin <= at < end)
        require(count <= limits["concurrent"], 10, "contract", "%d in flight, allowed are %d"
                % (count, limits["concurrent"]))


def moves_of(log):
    """(begin, end, study) of each C-MOVE by the lines of penstock-pacs's log."""
    begins, ends, studies = {}, collections.defaultdict(lambda: float("inf")), {}
    for line in log:
        if line["event"] == "request" and line["command"] == "C-MOVE-RQ":
            begins[line["request"]], studies[line["request"]] = line["boottime_ns"], line["study_uids"][0]
        elif line["event"] == "end":
            ends[line["request"]] = line["boottime_ns"]
    return sorted((begin, ends[request], studies[request]) for request, begin in begins.items())
