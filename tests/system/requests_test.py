#!/usr/bin/python3
"""What becomes of requests over time: exams that are followed and topped up, studies that two projects share, commands
that come twice or too late, a PACS that does not know us."""
import sys
import threading
import time
import uuid

from harness import eventually, requests_of, run_tests
from lone_server import PROJECT
from one_pacs import TIMEOUT_S, one_pacs
from protocol import Download

from tools.site.contract import PROJECTS
from tools.site.people import GENERAL, PEOPLE

OTHER, OTHERS_MEMBER = "knee-mri", "raj"
MRN = next(PEOPLE[index].gh_mrn for index in PROJECTS[PROJECT].patients
           if PEOPLE[index].gh_mrn and index in PROJECTS[OTHER].patients)
FOLLOWED, GROWING, SHARED, LATER, SLOW, TWICE, UNKNOWN, LISTED = ("2.25.%d" % number for number in range(8001, 8009))
FEW, MORE = 4, 7
SLOW_PAUSE_S = 1
FOLLOW_S = 10  # the least that the server takes


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


def reload(site, **more):
    site.pacs.reload(script(site.server.ports["dicom"], **more))


def objects_of_download(site, user, project, uid):
    """How many objects a download of that study gives, all of them opened."""
    with site.server.connect(user) as control:
        return len(Download(control.ask("download.open", {"studies": [uid]}, project, op=uuid.uuid4().hex)).objects)


def test_a_retry_of_a_completed_study_fetches_what_the_pacs_has_gained(site):
    number = site.submit(GROWING)
    site.completes(number, FEW)
    reload(site, grown=(FOLLOWED, GROWING))
    assert site.tell("requests.retry", number)["outcome"] == "scheduled"
    site.completes(number, MORE)
    assert site.asked(GROWING) == [("STUDY", 0), ("IMAGE", MORE - FEW)], site.asked(GROWING)


def test_two_projects_that_ask_at_once_share_one_retrieval(site):
    mine = site.submit(SHARED)
    theirs = site.submit(SHARED, OTHER, OTHERS_MEMBER)
    site.completes(mine, FEW)
    site.completes(theirs, FEW, OTHER, OTHERS_MEMBER)
    assert site.asked(SHARED) == [("STUDY", 0)], site.asked(SHARED)


def test_a_project_that_asks_later_is_served_from_the_cache(site):
    site.completes(site.submit(LATER), FEW)
    site.completes(site.submit(LATER, OTHER, OTHERS_MEMBER), FEW, OTHER, OTHERS_MEMBER)
    assert site.asked(LATER) == [("STUDY", 0)], site.asked(LATER)


def test_what_one_project_deletes_the_other_keeps(site):
    with site.server.connect() as amy:
        rows = amy.ask("cache.delete", {"studies": [LATER]}, PROJECT, op=uuid.uuid4().hex)["rows"]
        assert [row["outcome"] for row in rows] == ["deleted"], rows
        held = amy.ask("cache.list", {"level": "study", "filter": {}, "limit": 100}, PROJECT)["items"]
        assert LATER not in {item["StudyInstanceUID"] for item in held}, held
    assert objects_of_download(site, OTHERS_MEMBER, OTHER, LATER) == FEW


def test_a_cancel_keeps_what_came_until_it_is_retried(site):
    number = site.submit(SLOW)
    site.until(number, lambda one: one["state"] == "processing")
    eventually(lambda: site.asked(SLOW), TIMEOUT_S, "the C-MOVE")
    time.sleep(1.5 * SLOW_PAUSE_S)  # one object has come by then, and not all
    refused = site.tell("requests.delete", number)
    assert refused["outcome"] == "conflict" and refused["message"], refused
    assert site.tell("requests.cancel", number)["outcome"] == "cancelled"
    # At once; what has come is counted when the association has ended.
    assert site.request(number)["state"] == "cancelled"
    received = site.until(number, lambda one: one["counts"]["received"])["counts"]["received"]
    assert site.request(number)["state"] == "cancelled" and received < FEW, received
    assert site.tell("requests.retry", number)["outcome"] == "scheduled"
    site.completes(number, FEW)
    assert sum(instances for _, instances in site.asked(SLOW)) == FEW - received, (received, site.asked(SLOW))
    assert site.tell("requests.delete", number)["outcome"] == "deleted"


def test_the_same_operation_at_once_and_after_a_kill_acts_once(site):
    answers, op = [], uuid.uuid4().hex
    args = {"items": [{"pacs": GENERAL, "StudyInstanceUID": TWICE}]}

    def send():
        with site.server.connect() as amy:
            answers.append(amy.ask("requests.submit", args, PROJECT, op=op)["rows"])
    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    site.server.process.kill()
    site.server.process.wait()
    site.server.start()
    send()
    assert len(answers) == 5 and all(answer == answers[0] for answer in answers), answers
    site.completes(answers[0][0]["request"], FEW)
    assert len(site.asked(TWICE)) == 1, site.asked(TWICE)


def test_a_pacs_that_does_not_know_us_is_left_alone_and_no_attempt_is_burnt(site):
    """0xA801 will not go away by trying: the PACS is paused until an administrator has seen to it."""
    reload(site, grown=(FOLLOWED, GROWING), refuses_destination=True)
    number = site.submit(UNKNOWN)

    def paused():
        with site.server.connect("ada") as ada:
            return next(one for one in ada.ask("governor.status")["pacs"] if one["pacs"] == GENERAL)["paused"]
    eventually(paused, TIMEOUT_S, "a pause")
    waits = site.until(number, lambda one: one["state"] == "scheduled" and "pause" in one["reason"])
    assert waits["attempts"] <= 1, waits
    before = len(site.asked(UNKNOWN))
    second = site.submit(LISTED)
    time.sleep(1)  # long enough for a start at 600 a minute
    assert site.request(second)["state"] == "scheduled" and len(site.asked(UNKNOWN)) == before == 1
    reload(site, grown=(FOLLOWED, GROWING))
    with site.server.connect("ada") as ada:
        ada.ask("governor.resume", {"pacs": GENERAL, "reason": "they know us now"}, op=uuid.uuid4().hex)
    site.tell("requests.retry", number)
    site.completes(number, FEW)
    site.completes(second, FEW)


def test_a_followed_exam_is_fetched_as_it_grows_and_ends_when_nothing_more_comes(site):
    with site.server.connect() as amy:
        number = next(id for id, one in requests_of(amy, PROJECT).items() if one["StudyInstanceUID"] == FOLLOWED)
    end = site.completes(number, MORE)
    assert site.asked(FOLLOWED) == [("STUDY", 0), ("IMAGE", MORE - FEW)], site.asked(FOLLOWED)
    with site.server.connect() as amy:
        history = amy.ask("requests.show", {"request": number}, PROJECT)["history"]
    assert [each["state"] for each in history].count("completed") == 1, (end, history)


if __name__ == "__main__":
    with one_pacs(script, concurrent=8, per_minute=600) as the_site:
        for whose in ((PROJECT, "amy"), (OTHER, OTHERS_MEMBER)):
            the_site.find("studies.find", {"mrns": [MRN]}, *whose)
        followed = the_site.submit(FOLLOWED, follow={"every_s": FOLLOW_S, "quiet_s": FOLLOW_S})
        the_site.until(followed, lambda one: one["counts"]["received"] == FEW)  # the rest happens while others run
        code = run_tests(the_site, [
            test_a_retry_of_a_completed_study_fetches_what_the_pacs_has_gained,
            test_two_projects_that_ask_at_once_share_one_retrieval,
            test_a_project_that_asks_later_is_served_from_the_cache, test_what_one_project_deletes_the_other_keeps,
            test_a_cancel_keeps_what_came_until_it_is_retried,
            test_the_same_operation_at_once_and_after_a_kill_acts_once,
            test_a_pacs_that_does_not_know_us_is_left_alone_and_no_attempt_is_burnt,
            test_a_followed_exam_is_fetched_as_it_grows_and_ends_when_nothing_more_comes,
        ])
    sys.exit(code)
