#!/usr/bin/python3
"""What PACS were seen to do wrong, done by penstock-pacs: each ends with the truth, and a retry fetches what lacks and
nothing else."""
import contextlib
import os
import sys
import uuid

from harness import eventually, requests_of, run_tests
from lone_server import PROJECT, LoneServer, programs
from pacs_tools import Pacs

from tools.site.contract import PROJECTS
from tools.site.people import GENERAL, PEOPLE

MRN = next(PEOPLE[index].gh_mrn for index in PROJECTS[PROJECT].patients if PEOPLE[index].gh_mrn)
SERIES, INSTANCES = 2, 6
WHOLE = SERIES * INSTANCES
SETTLE_TIMEOUT_S = 90
ENDED = ("completed", "incomplete", "failed", "cancelled")
# Faults by the name of the study that they meet; each meets the first C-MOVE only, unless it says otherwise.
FIRST_MOVE = {
    "success although two failed": "lose = 2, status = 0x0000",
    "two lost and nothing said": "lose = 2, lose_silently = true",
    "warning with failed list": "lose = 2",
    "everything failed": "lose = %d" % WHOLE,
    "no pending": 'pending = "none"',
    "pending for ever": 'pending = "forever"',
    "final response first": 'objects_after = "1 s"',
    "objects too late": 'objects_after = "12 s"',
    "every object twice": "copies = 2",
    "another calling AE, no originator": 'store_as = "STORE01", originator = false',
    "abort in the middle": 'break_with = "abort", break_after = 8, break_in = "both"',
    "connection lost in an object": 'break_with = "close", break_after = 8, break_in = "object"',
    "hang in the middle": 'break_with = "hang", break_after = 8, break_in = "object"',
    "out of resources": "refuse = 0xA701",
    "cannot send": "refuse = 0xA702",
    "unable to process": "refuse = 0xC001",
    "an object of another patient": 'set = ["PatientID=0000000"], alter_first = 1',
    "an object of a study not asked for": 'set = ["StudyInstanceUID=2.25.9"], alter_first = 1',
    "another SOP Instance UID in the data set": 'set = ["SOPInstanceUID=2.25.8"], alter_first = 1',
    "a truncated data set": "truncate = true, alter_first = 1",
    "counts wrong": 'counts = "wrong"',
    "counts missing": 'counts = "none"',
    "slow link": 'bytes_per_second = "96 KiB"',
    "no instance level": "lose = 2",
    "no series level": "lose = 2",
}
# Other faults, in full.
MORE = {
    "no instance level": 'when = { command = "C-MOVE", study = "%s", level = "IMAGE" }\ndo = { refuse = 0xA900 }',
    "no series level": 'when = { command = "C-MOVE", study = "%s", level = "IMAGE" }\ndo = { refuse = 0xA900 }\n'
                       '[[fault]]\nname = "nor series"\n'
                       'when = { command = "C-MOVE", study = "%s", level = "SERIES" }\ndo = { refuse = 0xC002 }',
    "no IMAGE query": 'when = { command = "C-FIND", study = "%s", level = "IMAGE" }\ndo = { refuse = 0xA900 }',
    "IMAGE query cut": 'when = { command = "C-FIND", study = "%s", level = "IMAGE" }\n'
                       'do = { most_rows = 3, status = 0xA700 }',
    "IMAGE query cut silently": 'when = { command = "C-FIND", study = "%s", level = "IMAGE" }\ndo = { most_rows = 3 }',
    "no character set": 'when = { command = "C-FIND", study = "%s" }\n'
                        'do = { character_set = "ISO_IR 100", absent = ["SpecificCharacterSet"] }',
}
NEARLINE = "on tape"
COMPLETE_AT_ONCE = ("no pending", "pending for ever", "final response first", "every object twice",
                    "another calling AE, no originator", "counts wrong", "counts missing", "slow link",
                    "no character set")
UNPROVEN = ("no IMAGE query", "IMAGE query cut", "IMAGE query cut silently")
NAMES = sorted({*FIRST_MOVE, *MORE, NEARLINE})
STUDY_OF = {name: "2.25.%d" % (5000 + number) for number, name in enumerate(NAMES)}


def script(destination):
    text = ['ae_title = "GHPACS"', 'destinations = ["PENSTOCK=127.0.0.1:%d"]' % destination, "[[patient]]",
            'mrn = "%s"' % MRN, 'name = "Müller^Jürgen"']
    for number, name in enumerate(NAMES):
        text += ["[[patient.study]]", 'study_uid = "%s"' % STUDY_OF[name], "series = %d" % SERIES,
                 "instances = %d" % INSTANCES, 'accession = "A%d"' % (number // 2)]
    for name, deed in FIRST_MOVE.items():
        text += ["[[fault]]", 'name = "%s"' % name,
                 'when = { command = "C-MOVE", study = "%s", nth = 1 }' % STUDY_OF[name], "do = { %s }" % deed]
    for name, fault in MORE.items():
        text += ["[[fault]]", 'name = "%s, more"' % name, fault.replace("%s", STUDY_OF[name])]
    text += ["[[nearline]]", 'study = "%s"' % STUDY_OF[NEARLINE], 'recall = "3 s"', "status = 0xA702"]
    return "\n".join(text) + "\n"


class Bench:
    """A server, its penstock-pacs, and all studies of the table: asked for once, then again."""

    def __init__(self, server, pacs):
        self.server, self.pacs = server, pacs
        self.first, self.last = {}, {}

    def requests(self):
        with self.server.connect() as amy:
            by_study = {one["StudyInstanceUID"]: one for one in requests_of(amy, PROJECT).values()}
        return {name: by_study[uid] for name, uid in STUDY_OF.items() if uid in by_study}

    def moves(self, name):
        """The C-MOVEs for that study, in the order of the PACS's log."""
        return [line for line in self.pacs.log("request", "C-MOVE-RQ") if line["study_uids"] == [STUDY_OF[name]]]

    def settled(self, names):
        """Each of those requests as it was when it first had ended or waited for a retry."""
        seen = {}

        def all_settled():
            for name, one in self.requests().items():
                if name in names and name not in seen and is_settled(one):
                    seen[name] = one
            return len(seen) == len(names)
        eventually(all_settled, SETTLE_TIMEOUT_S, self.standing)
        return seen

    def standing(self):
        return "everything settled, not: %s" % [(name, one["state"], one["reason"]) for name, one
                                                in self.requests().items() if not is_settled(one)]

    def ask_for_all(self):
        items = [{"pacs": GENERAL, "StudyInstanceUID": uid} for uid in STUDY_OF.values()]
        with self.server.connect() as amy:
            rows = amy.ask("requests.submit", {"items": items}, PROJECT, op=uuid.uuid4().hex)["rows"]
            assert {row["outcome"] for row in rows} == {"accepted"}, rows
        self.first = self.settled(NAMES)

    def retry_the_others(self):
        names = [name for name, one in self.first.items() if one["state"] != "completed"]
        with self.server.connect() as amy:
            ids = [self.first[name]["id"] for name in names]
            amy.ask("requests.retry", {"requests": ids}, PROJECT, op=uuid.uuid4().hex)
        eventually(lambda: all(one["state"] in ENDED for one in self.requests().values()), SETTLE_TIMEOUT_S,
                   self.standing)
        self.last = self.requests()


def is_settled(request):
    return request["state"] in ENDED or "next try" in request["reason"]


@contextlib.contextmanager
def misbehaving_site():
    with LoneServer() as server:
        with Pacs(programs(), os.path.join(server.folder, "pacs"), script(server.ports["dicom"])) as pacs:
            server.rule_general(port=pacs.port, concurrent=16, per_minute=600, idle_timeout='"5 s"',
                                lease_quiet='"4 s"', total_timeout='"40 s"')
            server.start()
            with server.connect() as amy:
                amy.find("studies.find", {"pacs": [GENERAL], "mrns": [MRN]}, PROJECT)
            bench = Bench(server, pacs)
            bench.ask_for_all()
            bench.retry_the_others()
            yield bench


def test_nothing_is_called_complete_that_is_not(bench):
    complete = {name for name, one in bench.first.items() if one["state"] == "completed"}
    assert complete == set(COMPLETE_AT_ONCE), (sorted(complete ^ set(COMPLETE_AT_ONCE)), bench.first)
    for name in complete:
        counts = bench.first[name]["counts"]
        assert (counts["expected"], counts["received"]) == (WHOLE, WHOLE), (name, counts)


def test_what_is_sound_at_first_is_asked_for_once(bench):
    assert {name: len(bench.moves(name)) for name in COMPLETE_AT_ONCE} == dict.fromkeys(COMPLETE_AT_ONCE, 1)


def test_everything_that_can_be_proven_is_complete_after_a_retry(bench):
    states = {name: one["state"] for name, one in bench.last.items() if name not in UNPROVEN}
    assert set(states.values()) == {"completed"}, [(name, one["state"], one["reason"], one["error"])
                                                   for name, one in bench.last.items() if one["state"] != "completed"]


def test_a_retry_asks_for_the_missing_instances_only(bench):
    for name in ("success although two failed", "two lost and nothing said", "warning with failed list"):
        again = bench.moves(name)[1:]
        assert [(move["level"], move["instances"]) for move in again] == [("IMAGE", 2)], (name, again)
    for name in ("an object of another patient", "another SOP Instance UID in the data set", "a truncated data set"):
        again = bench.moves(name)[1:]
        assert [(move["level"], move["instances"]) for move in again] == [("IMAGE", 1)], (name, again)


def test_a_break_in_the_middle_keeps_what_came(bench):
    for name in ("abort in the middle", "connection lost in an object", "hang in the middle"):
        first = bench.first[name]
        assert 0 < first["counts"]["received"] < WHOLE, (name, first)
        asked = sum(move["instances"] for move in bench.moves(name)[1:])
        assert asked == WHOLE - first["counts"]["received"], (name, first["counts"], bench.moves(name))


def test_a_pacs_without_the_finer_levels_is_asked_for_more(bench):
    levels = [move["level"] for move in bench.moves("no instance level")]
    assert levels == ["STUDY", "IMAGE", "SERIES"], levels
    levels = [move["level"] for move in bench.moves("no series level")]
    assert levels == ["STUDY", "IMAGE", "SERIES", "STUDY"], levels


def test_what_cannot_be_listed_is_kept_and_never_called_complete(bench):
    for name in UNPROVEN:
        last = bench.last[name]
        assert last["state"] == "incomplete" and last["counts"]["received"] == WHOLE, (name, last)
        assert "list" in last["error"], last
    with bench.server.connect() as amy:
        held = amy.all_pages("cache.list", {"level": "study", "filter": {}}, "items", PROJECT)
        studies = {one["StudyInstanceUID"]: one for one in held}
    for name in UNPROVEN:
        assert STUDY_OF[name] in studies, name


def test_tape_takes_its_time_and_burns_no_attempt(bench):
    first = bench.first[NEARLINE]
    assert first["state"] == "scheduled" and first["attempts"] == 0 and "slow storage" in first["reason"], first
    assert len(bench.moves(NEARLINE)) == 2, bench.moves(NEARLINE)


def test_foreign_objects_are_refused_and_alarmed(bench):
    first = bench.first["an object of another patient"]
    assert first["counts"]["received"] == WHOLE - 1, first
    assert "refused" in first["reason"], first


def test_two_studies_under_one_accession_number_are_both_shown(bench):
    with bench.server.connect() as amy:
        found = amy.find("studies.find", {"pacs": [GENERAL], "mrns": [MRN]}, PROJECT)["studies"]
    by_accession = [one for one in found if one["AccessionNumber"] == "A0"]
    assert len(by_accession) == 2, by_accession


def test_nothing_was_asked_of_the_pacs_beyond_need(bench):
    for name in NAMES:
        assert len(bench.moves(name)) <= 4, (name, bench.moves(name))


if __name__ == "__main__":
    with misbehaving_site() as bench_of_all:
        code = run_tests(bench_of_all, [
            test_nothing_is_called_complete_that_is_not, test_what_is_sound_at_first_is_asked_for_once,
            test_everything_that_can_be_proven_is_complete_after_a_retry,
            test_a_retry_asks_for_the_missing_instances_only,
            test_a_break_in_the_middle_keeps_what_came, test_a_pacs_without_the_finer_levels_is_asked_for_more,
            test_what_cannot_be_listed_is_kept_and_never_called_complete,
            test_tape_takes_its_time_and_burns_no_attempt,
            test_foreign_objects_are_refused_and_alarmed,
            test_two_studies_under_one_accession_number_are_both_shown,
            test_nothing_was_asked_of_the_pacs_beyond_need,
        ])
    sys.exit(code)
