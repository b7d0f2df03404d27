#!/usr/bin/python3
"""What becomes of requests over time: exams that are followed and topped up, studies that two projects share, commands
that come twice or too late, a PACS that does not know us."""
import contextlib
import os
import sys
import threading
import time
import uuid

from harness import eventually, requests_of, run_tests
from lone_server import PROJECT, LoneServer, programs
from pacs_tools import Pacs
from protocol import Download

from tools.site.contract import PROJECTS
from tools.site.people import GENERAL, PEOPLE

OTHER, OTHERS_MEMBER = "knee-mri", "raj"
MRN = next(PEOPLE[index].gh_mrn for index in PROJECTS[PROJECT].patients
           if PEOPLE[index].gh_mrn and index in PROJECTS[OTHER].patients)
FOLLOWED, GROWING, SHARED, LATER, SLOW, TWICE, UNKNOWN, LISTED = ("2.25.%d" % number for number in range(8001, 8009))
FEW, MORE = 4, 7
SLOW_PAUSE_S = 1
TIMEOUT_S = 60
FOLLOW_S = 10  # the least that the server takes
ENDED = ("completed", "incomplete", "failed", "cancelled")


def script(destination, grown=(), refuses_destination=False):
    """The PACS's script; the studies in `grown` have MORE instances."""
    text = ['ae_title = "GHPACS"', 'destinations = ["PENSTOCK=127.0.0.1:%d"]' % destination, "[[patient]]",
            'mrn = "%s"' % MRN, 'name = "Doe^Jane"']
    for uid in (FOLLOWED, GROWING, SHARED, LATER, SLOW, TWICE, UNKNOWN, LISTED):
        text += ["[[patient.study]]", 'study_uid = "%s"' % uid, "instances = %d" % (MORE if uid in grown else FEW)]
    for uid in (SLOW, SHARED):
        text += ["[[fault]]", 'name = "slow %s"' % uid, 'when = { command = "C-MOVE", study = "%s" }' % uid,
                 'do = { pause = "%d s" }' % SLOW_PAUSE_S]
    if refuses_destination:
        text += ["[[fault]]", 'name = "unknown destination"', 'when = { command = "C-MOVE" }',
                 "do = { refuse = 0xA801 }"]
    return "\n".join(text) + "\n"


class Bench:
    def __init__(self, server, pacs):
        self.server, self.pacs = server, pacs
        self.followed = self.submit(FOLLOWED, follow={"every_s": FOLLOW_S, "quiet_s": FOLLOW_S})
        self.until(self.followed, lambda one: one["counts"]["received"] == FEW)

    def reload(self, **more):
        self.pacs.reload(script(self.server.ports["dicom"], **more))

    def submit(self, uid, project=PROJECT, user="amy", **more):
        """The id of the request."""
        with self.server.connect(user) as control:
            args = {"items": [{"pacs": GENERAL, "StudyInstanceUID": uid}], **more}
            row, = control.ask("requests.submit", args, project, op=uuid.uuid4().hex)["rows"]
        assert row["outcome"] == "accepted", row
        return row["request"]

    def request(self, number, project=PROJECT, user="amy"):
        with self.server.connect(user) as control:
            return requests_of(control, project)[number]

    def until(self, number, condition, project=PROJECT, user="amy"):
        def now():
            return self.request(number, project, user)
        return eventually(lambda: condition(now()) and now(), TIMEOUT_S, now)

    def ends(self, number, *whose):
        return self.until(number, lambda one: one["state"] in ENDED, *whose)

    def completes(self, number, instances, *whose):
        end = self.ends(number, *whose)
        assert end["state"] == "completed" and end["counts"]["received"] == instances, end
        return end

    def tell(self, command, number):
        """The row of the answer."""
        with self.server.connect() as amy:
            row, = amy.ask(command, {"requests": [number]}, PROJECT, op=uuid.uuid4().hex)["rows"]
        return row

    def asked(self, uid):
        """Level and number of instances of each C-MOVE for that study."""
        return [(line["level"], line["instances"]) for line in self.pacs.log("request", "C-MOVE-RQ")
                if line["study_uids"] == [uid]]

    def download(self, user, project, uid):
        """How many objects a download of that study gives, all of them opened."""
        with self.server.connect(user) as control:
            return len(Download(control.ask("download.open", {"studies": [uid]}, project, op=uuid.uuid4().hex)).objects)


@contextlib.contextmanager
def site():
    with LoneServer() as server:
        with Pacs(programs(), os.path.join(server.folder, "pacs"), script(server.ports["dicom"])) as pacs:
            server.rule_general(port=pacs.port, concurrent=8, per_minute=600)
            server.start()
            for user, project in (("amy", PROJECT), (OTHERS_MEMBER, OTHER)):
                with server.connect(user) as control:
                    control.find("studies.find", {"pacs": [GENERAL], "mrns": [MRN]}, project)
            yield Bench(server, pacs)


def test_a_retry_of_a_completed_study_fetches_what_the_pacs_has_gained(bench):
    number = bench.submit(GROWING)
    bench.completes(number, FEW)
    bench.reload(grown=(FOLLOWED, GROWING))
    assert bench.tell("requests.retry", number)["outcome"] == "scheduled"
    bench.completes(number, MORE)
    assert bench.asked(GROWING) == [("STUDY", 0), ("IMAGE", MORE - FEW)], bench.asked(GROWING)


def test_two_projects_that_ask_at_once_share_one_retrieval(bench):
    mine = bench.submit(SHARED)
    theirs = bench.submit(SHARED, OTHER, OTHERS_MEMBER)
    bench.completes(mine, FEW)
    bench.completes(theirs, FEW, OTHER, OTHERS_MEMBER)
    assert bench.asked(SHARED) == [("STUDY", 0)], bench.asked(SHARED)


def test_a_project_that_asks_later_is_served_from_the_cache(bench):
    bench.completes(bench.submit(LATER), FEW)
    bench.completes(bench.submit(LATER, OTHER, OTHERS_MEMBER), FEW, OTHER, OTHERS_MEMBER)
    assert bench.asked(LATER) == [("STUDY", 0)], bench.asked(LATER)


def test_what_one_project_deletes_the_other_keeps(bench):
    with bench.server.connect() as amy:
        rows = amy.ask("cache.delete", {"studies": [LATER]}, PROJECT, op=uuid.uuid4().hex)["rows"]
        assert [row["outcome"] for row in rows] == ["deleted"], rows
        held = amy.ask("cache.list", {"level": "study", "filter": {}, "limit": 100}, PROJECT)["items"]
        assert LATER not in {item["StudyInstanceUID"] for item in held}, held
    assert bench.download(OTHERS_MEMBER, OTHER, LATER) == FEW


def test_a_cancel_keeps_what_came_until_it_is_retried(bench):
    number = bench.submit(SLOW)
    bench.until(number, lambda one: one["state"] == "processing")
    eventually(lambda: bench.asked(SLOW), TIMEOUT_S, "the C-MOVE")
    time.sleep(1.5 * SLOW_PAUSE_S)  # one object has come by then, and not all
    refused = bench.tell("requests.delete", number)
    assert refused["outcome"] == "conflict" and refused["message"], refused
    assert bench.tell("requests.cancel", number)["outcome"] == "cancelled"
    # At once; what has come is counted when the association has ended.
    assert bench.request(number)["state"] == "cancelled"
    received = bench.until(number, lambda one: one["counts"]["received"])["counts"]["received"]
    assert bench.request(number)["state"] == "cancelled" and received < FEW, received
    assert bench.tell("requests.retry", number)["outcome"] == "scheduled"
    bench.completes(number, FEW)
    assert sum(instances for _, instances in bench.asked(SLOW)) == FEW - received, (received, bench.asked(SLOW))
    assert bench.tell("requests.delete", number)["outcome"] == "deleted"


def test_the_same_operation_at_once_and_after_a_kill_acts_once(bench):
    answers, op = [], uuid.uuid4().hex
    args = {"items": [{"pacs": GENERAL, "StudyInstanceUID": TWICE}]}

    def send():
        with bench.server.connect() as amy:
            answers.append(amy.ask("requests.submit", args, PROJECT, op=op)["rows"])
    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    bench.server.process.kill()
    bench.server.process.wait()
    bench.server.start()
    send()
    assert len(answers) == 5 and all(answer == answers[0] for answer in answers), answers
    bench.completes(answers[0][0]["request"], FEW)
    assert len(bench.asked(TWICE)) == 1, bench.asked(TWICE)


def test_a_pacs_that_does_not_know_us_is_left_alone_and_no_attempt_is_burnt(bench):
    """0xA801 will not go away by trying: the PACS is paused until an administrator has seen to it."""
    bench.reload(grown=(FOLLOWED, GROWING), refuses_destination=True)
    number = bench.submit(UNKNOWN)

    def paused():
        with bench.server.connect("ada") as ada:
            return next(one for one in ada.ask("governor.status")["pacs"] if one["pacs"] == GENERAL)["paused"]
    eventually(paused, TIMEOUT_S, "a pause")
    waits = bench.until(number, lambda one: one["state"] == "scheduled" and "pause" in one["reason"])
    assert waits["attempts"] <= 1, waits
    before = len(bench.asked(UNKNOWN))
    second = bench.submit(LISTED)
    time.sleep(1)  # long enough for a start at 600 a minute
    assert bench.request(second)["state"] == "scheduled" and len(bench.asked(UNKNOWN)) == before == 1
    bench.reload(grown=(FOLLOWED, GROWING))
    with bench.server.connect("ada") as ada:
        ada.ask("governor.resume", {"pacs": GENERAL, "reason": "they know us now"}, op=uuid.uuid4().hex)
    bench.tell("requests.retry", number)
    bench.completes(number, FEW)
    bench.completes(second, FEW)


def test_a_followed_exam_is_fetched_as_it_grows_and_ends_when_nothing_more_comes(bench):
    end = bench.completes(bench.followed, MORE)
    assert bench.asked(FOLLOWED) == [("STUDY", 0), ("IMAGE", MORE - FEW)], bench.asked(FOLLOWED)
    with bench.server.connect() as amy:
        history = amy.ask("requests.show", {"request": bench.followed}, PROJECT)["history"]
    assert [each["state"] for each in history].count("completed") == 1, (end, history)


if __name__ == "__main__":
    with site() as the_bench:
        code = run_tests(the_bench, [
            test_a_retry_of_a_completed_study_fetches_what_the_pacs_has_gained,
            test_two_projects_that_ask_at_once_share_one_retrieval,
            test_a_project_that_asks_later_is_served_from_the_cache, test_what_one_project_deletes_the_other_keeps,
            test_a_cancel_keeps_what_came_until_it_is_retried,
            test_the_same_operation_at_once_and_after_a_kill_acts_once,
            test_a_pacs_that_does_not_know_us_is_left_alone_and_no_attempt_is_burnt,
            test_a_followed_exam_is_fetched_as_it_grows_and_ends_when_nothing_more_comes,
        ])
    sys.exit(code)
