#!/usr/bin/python3
"""Retrieval by C-GET (`retrieve = "get"`): over one association that we ask for, under the same contract and with the
same proof as C-MOVE."""
import sys

from harness import eventually, run_tests
from lone_server import PROJECT
from one_pacs import TIMEOUT_S, one_pacs

from tools.site.contract import PROJECTS
from tools.site.people import PEOPLE

MRN = next(PEOPLE[index].gh_mrn for index in PROJECTS[PROJECT].patients if PEOPLE[index].gh_mrn)
WHOLE = 12
FAULTS = {
    "sound": None,
    "two failed": "lose = 2, status = 0x0000",
    "aborted": 'break_with = "abort", break_after = 8',
    "of another patient": 'set = ["PatientID=0000000"], alter_first = 1',
    "slow": 'pause = "2 s"',
}
STUDY_OF = {name: "2.25.%d" % (7000 + number) for number, name in enumerate(FAULTS)}


def script(_):
    text = ['ae_title = "GHPACS"', "[[patient]]", 'mrn = "%s"' % MRN, 'name = "Doe^Jane"']
    for uid in STUDY_OF.values():
        text += ["[[patient.study]]", 'study_uid = "%s"' % uid, "series = 2", "instances = %d" % (WHOLE // 2)]
    for name, deed in FAULTS.items():
        if deed:
            text += ["[[fault]]", 'name = "%s"' % name,
                     'when = { command = "C-GET", study = "%s", nth = 1 }' % STUDY_OF[name], "do = { %s }" % deed]
    return "\n".join(text) + "\n"


def asked(site, name):
    return site.asked(STUDY_OF[name], "C-GET")


def falls_short_and_completes(site, name):
    """What it had received after the first try."""
    number = site.submit(STUDY_OF[name])
    short = site.until(number, lambda one: "next try" in one["reason"] or one["state"] == "incomplete")
    assert site.tell("requests.retry", number)["outcome"] == "scheduled"
    site.completes(number, WHOLE)
    return short["counts"]["received"]


def test_a_study_comes_whole_and_by_no_c_move(site):
    site.completes(site.submit(STUDY_OF["sound"]), WHOLE)
    assert asked(site, "sound") == [("STUDY", 0)], asked(site, "sound")
    assert not site.pacs.log("request", "C-MOVE-RQ")


def test_a_retry_asks_for_the_missing_instances_only(site):
    assert falls_short_and_completes(site, "two failed") == WHOLE - 2
    assert asked(site, "two failed") == [("STUDY", 0), ("IMAGE", 2)], asked(site, "two failed")


def test_what_came_before_an_abort_is_kept(site):
    received = falls_short_and_completes(site, "aborted")
    assert 0 < received < WHOLE, received
    assert sum(instances for _, instances in asked(site, "aborted")) == WHOLE - received, asked(site, "aborted")


def test_an_object_of_another_patient_is_refused(site):
    assert falls_short_and_completes(site, "of another patient") == WHOLE - 1


def test_a_cancel_ends_it_at_once_and_keeps_what_came(site):
    number = site.submit(STUDY_OF["slow"])
    site.until(number, lambda one: one["state"] == "processing")
    eventually(lambda: asked(site, "slow"), TIMEOUT_S, "the C-GET")
    assert site.tell("requests.cancel", number)["outcome"] == "cancelled"
    eventually(lambda: len(site.pacs.ends("C-GET-RQ")) == len(site.pacs.log("request", "C-GET-RQ")), 20,
               "the end of the C-GET")
    site.until(number, lambda one: one["state"] == "cancelled")
    assert site.tell("requests.retry", number)["outcome"] == "scheduled"
    site.completes(number, WHOLE)


if __name__ == "__main__":
    with one_pacs(script, added='retrieve = "get"') as the_site:
        the_site.find("studies.find", {"mrns": [MRN]})
        code = run_tests(the_site, [
            test_a_study_comes_whole_and_by_no_c_move, test_a_retry_asks_for_the_missing_instances_only,
            test_what_came_before_an_abort_is_kept, test_an_object_of_another_patient_is_refused,
            test_a_cancel_ends_it_at_once_and_keeps_what_came,
        ])
    sys.exit(code)
