#!/usr/bin/python3
"""Retrieval by C-GET (`retrieve = "get"`): over one association that we ask for, under the same contract and with the
same proof as C-MOVE."""
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
WHOLE = 12
TIMEOUT_S = 60
FAULTS = {
    "sound": None,
    "two failed": "lose = 2, status = 0x0000",
    "aborted": 'break_with = "abort", break_after = 8',
    "of another patient": 'set = ["PatientID=0000000"], alter_first = 1',
    "slow": 'pause = "2 s"',
}
STUDY_OF = {name: "2.25.%d" % (7000 + number) for number, name in enumerate(FAULTS)}


def script():
    text = ['ae_title = "GHPACS"', "[[patient]]", 'mrn = "%s"' % MRN, 'name = "Doe^Jane"']
    for uid in STUDY_OF.values():
        text += ["[[patient.study]]", 'study_uid = "%s"' % uid, "series = 2", "instances = %d" % (WHOLE // 2)]
    for name, deed in FAULTS.items():
        if deed:
            text += ["[[fault]]", 'name = "%s"' % name,
                     'when = { command = "C-GET", study = "%s", nth = 1 }' % STUDY_OF[name], "do = { %s }" % deed]
    return "\n".join(text) + "\n"


class Bench:
    def __init__(self, server, pacs):
        self.server, self.pacs = server, pacs

    def submit(self, name):
        """The id of the request."""
        with self.server.connect() as amy:
            items = [{"pacs": GENERAL, "StudyInstanceUID": STUDY_OF[name]}]
            row, = amy.ask("requests.submit", {"items": items}, PROJECT, op=uuid.uuid4().hex)["rows"]
        assert row["outcome"] == "accepted", row
        return row["request"]

    def request(self, number):
        with self.server.connect() as amy:
            return requests_of(amy, PROJECT)[number]

    def until(self, number, condition):
        return eventually(lambda: condition(self.request(number)) and self.request(number), TIMEOUT_S,
                          lambda: self.request(number))

    def tell(self, command, number):
        with self.server.connect() as amy:
            row, = amy.ask(command, {"requests": [number]}, PROJECT, op=uuid.uuid4().hex)["rows"]
        return row["outcome"]

    def asked(self, name):
        """Level and number of instances of each C-GET for that study."""
        return [(line["level"], line["instances"]) for line in self.pacs.log("request", "C-GET-RQ")
                if line["study_uids"] == [STUDY_OF[name]]]

    def completes(self, number):
        end = self.until(number, lambda one: one["state"] in ("completed", "incomplete", "failed"))
        assert end["state"] == "completed" and end["counts"]["received"] == WHOLE, end

    def falls_short_and_completes(self, name):
        """What it had received after the first try."""
        number = self.submit(name)
        short = self.until(number, lambda one: "next try" in one["reason"] or one["state"] == "incomplete")
        assert self.tell("requests.retry", number) == "scheduled"
        self.completes(number)
        return short["counts"]["received"]


@contextlib.contextmanager
def site_with_c_get():
    with LoneServer() as server:
        with Pacs(programs(), os.path.join(server.folder, "pacs"), script()) as pacs:
            server.rule_general(port='%d\nretrieve = "get"' % pacs.port)
            server.start()
            with server.connect() as amy:
                amy.find("studies.find", {"pacs": [GENERAL], "mrns": [MRN]}, PROJECT)
            yield Bench(server, pacs)


def test_a_study_comes_whole_and_by_no_c_move(bench):
    bench.completes(bench.submit("sound"))
    assert bench.asked("sound") == [("STUDY", 0)], bench.asked("sound")
    assert not bench.pacs.log("request", "C-MOVE-RQ")


def test_a_retry_asks_for_the_missing_instances_only(bench):
    assert bench.falls_short_and_completes("two failed") == WHOLE - 2
    assert bench.asked("two failed") == [("STUDY", 0), ("IMAGE", 2)], bench.asked("two failed")


def test_what_came_before_an_abort_is_kept(bench):
    received = bench.falls_short_and_completes("aborted")
    assert 0 < received < WHOLE, received
    assert sum(instances for _, instances in bench.asked("aborted")) == WHOLE - received, bench.asked("aborted")


def test_an_object_of_another_patient_is_refused(bench):
    assert bench.falls_short_and_completes("of another patient") == WHOLE - 1


def test_a_cancel_ends_it_at_once_and_keeps_what_came(bench):
    number = bench.submit("slow")
    bench.until(number, lambda one: one["state"] == "processing")
    eventually(lambda: bench.asked("slow"), TIMEOUT_S, "the C-GET")
    assert bench.tell("requests.cancel", number) == "cancelled"
    eventually(lambda: len(bench.pacs.ends("C-GET-RQ")) == len(bench.pacs.log("request", "C-GET-RQ")), 20,
               "the end of the C-GET")
    bench.until(number, lambda one: one["state"] == "cancelled")
    assert bench.tell("requests.retry", number) == "scheduled"
    bench.completes(number)


if __name__ == "__main__":
    with site_with_c_get() as the_bench:
        code = run_tests(the_bench, [
            test_a_study_comes_whole_and_by_no_c_move, test_a_retry_asks_for_the_missing_instances_only,
            test_what_came_before_an_abort_is_kept, test_an_object_of_another_patient_is_refused,
            test_a_cancel_ends_it_at_once_and_keeps_what_came,
        ])
    sys.exit(code)
