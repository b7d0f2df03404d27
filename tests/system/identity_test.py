#!/usr/bin/python3
"""Whose study is it? Several people under one record number, issuers, zeros that a spreadsheet took, answers about
somebody else and answers that are cut: what is found, and what is never fetched."""
import sys

from harness import run_tests
from lone_server import PROJECT
from one_pacs import one_pacs

from tools.site.contract import PROJECTS
from tools.site.people import PEOPLE

COHORT = [PEOPLE[index].gh_mrn for index in PROJECTS[PROJECT].patients if PEOPLE[index].gh_mrn]
SHARED_NUMBER = COHORT[0]
ZEROS = next(mrn for mrn in COHORT if mrn.startswith("0"))
ANSWERED_WRONGLY, CUT, MANY = (mrn for mrn in COHORT[1:5] if mrn != ZEROS)
STRANGER = "9999998"
MOST_STUDIES = 4
# Study Instance UIDs of the patients below.
OURS, OF_ANOTHER_ISSUER, WITHOUT_ISSUER, NAMESAKE = "2.25.9001", "2.25.9002", "2.25.9003", "2.25.9004"
OF_ZEROS, OF_THE_SAME_WITHOUT_ZEROS, OF_A_STRANGER = "2.25.9005", "2.25.9006", "2.25.9007"
OF_WRONG_ANSWER, OF_CUT_ANSWER, OF_MANY = "2.25.9008", "2.25.9009", "2.25.9010"
PATIENTS = (  # MRN, issuer, name, study, how many of them
    (SHARED_NUMBER, "GH", "One^Person", OURS, 1),
    (SHARED_NUMBER, "ELSEWHERE", "Other^Issuer", OF_ANOTHER_ISSUER, 1),
    (SHARED_NUMBER, "", "No^Issuer", WITHOUT_ISSUER, 1),
    (SHARED_NUMBER, "GH", "Second^Person", NAMESAKE, 1),
    (ZEROS, "GH", "Leading^Zeros", OF_ZEROS, 1),
    (ZEROS.lstrip("0"), "GH", "No^Zeros", OF_THE_SAME_WITHOUT_ZEROS, 1),
    (STRANGER, "GH", "Some^Stranger", OF_A_STRANGER, 1),
    (ANSWERED_WRONGLY, "GH", "Wrong^Answer", OF_WRONG_ANSWER, 1),
    (CUT, "GH", "Cut^Answer", OF_CUT_ANSWER, 3),
    (MANY, "GH", "Many^Studies", OF_MANY, MOST_STUDIES + 2),
)


def script(destination):
    text = ['ae_title = "GHPACS"', 'destinations = ["PENSTOCK=127.0.0.1:%d"]' % destination]
    for mrn, issuer, name, study, count in PATIENTS:
        text += ["[[patient]]", 'mrn = "%s"' % mrn, 'issuer = "%s"' % issuer, 'name = "%s"' % name,
                 "[[patient.study]]", 'study_uid = "%s"' % study, 'accession = "A%s"' % study[-4:],
                 "count = %d" % count]
    text += ["[[fault]]", 'name = "about somebody else"',
             'when = { command = "C-FIND", patient = "%s" }' % ANSWERED_WRONGLY,
             'do = { set = ["PatientID=%s"] }' % STRANGER,
             "[[fault]]", 'name = "cut"', 'when = { command = "C-FIND", patient = "%s" }' % CUT,
             "do = { most_rows = 2, status = 0xA700 }"]
    return "\n".join(text) + "\n"


def find(site, mrn):
    """The outcome of the line, and the studies that were found."""
    answer = site.find("studies.find", {"mrns": [mrn]})
    row, = answer["rows"]
    return row["outcome"], {one["StudyInstanceUID"] for one in answer["studies"]}


def ends(site, study):
    """The request for that study once it has ended, and how often the PACS was asked to send it."""
    return site.ends(site.submit(study)), len(site.asked(study))


def test_of_several_people_under_one_number_those_of_another_issuer_are_not_found(site):
    outcome, studies = find(site, SHARED_NUMBER)
    assert outcome == "found" and studies == {OURS, WITHOUT_ISSUER, NAMESAKE}, (outcome, studies)


def test_what_another_issuer_numbered_is_never_fetched(site):
    end, moves = ends(site, OF_ANOTHER_ISSUER)
    assert end["state"] == "failed" and moves == 0, (end, moves)
    assert OF_ANOTHER_ISSUER not in end["error"] and SHARED_NUMBER not in end["error"], end


def test_what_the_issuer_of_the_cohort_numbered_is_fetched(site):
    end, moves = ends(site, OURS)
    assert end["state"] == "completed" and moves == 1, (end, moves)


def test_zeros_that_a_spreadsheet_took_are_put_back_for_the_question_alone(site):
    outcome, studies = find(site, ZEROS.lstrip("0"))
    assert outcome == "found" and studies == {OF_ZEROS}, (outcome, studies)
    end, moves = ends(site, OF_THE_SAME_WITHOUT_ZEROS)
    assert end["state"] == "failed" and moves == 0, (end, moves)


def test_an_answer_about_somebody_else_is_no_answer(site):
    outcome, studies = find(site, ANSWERED_WRONGLY)
    assert outcome == "not_found" and not studies, (outcome, studies)
    end, moves = ends(site, OF_WRONG_ANSWER)
    assert end["state"] == "failed" and moves == 0, (end, moves)


def test_an_accession_of_a_stranger_looks_like_none(site):
    rows = site.find("studies.find", {"accessions": ["A9007", "A0000"]})["rows"]
    known, unknown = [(row["outcome"], row.get("message"), row.get("mrn")) for row in rows]
    assert known == unknown and known[0] == "not_found", rows


def test_answers_that_are_cut_are_called_so(site):
    outcome, studies = find(site, CUT)
    assert outcome == "truncated" and len(studies) == 2, (outcome, studies)
    outcome, studies = find(site, MANY)
    assert outcome == "truncated" and len(studies) == MOST_STUDIES, (outcome, studies)


if __name__ == "__main__":
    with one_pacs(script, added="max_studies_per_patient = %d" % MOST_STUDIES, per_minute=600) as the_site:
        code = run_tests(the_site, [
            test_of_several_people_under_one_number_those_of_another_issuer_are_not_found,
            test_what_another_issuer_numbered_is_never_fetched, test_what_the_issuer_of_the_cohort_numbered_is_fetched,
            test_zeros_that_a_spreadsheet_took_are_put_back_for_the_question_alone,
            test_an_answer_about_somebody_else_is_no_answer, test_an_accession_of_a_stranger_looks_like_none,
            test_answers_that_are_cut_are_called_so,
        ])
    sys.exit(code)
