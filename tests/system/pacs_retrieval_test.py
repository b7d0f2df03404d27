#!/usr/bin/python3
"""penstock-pacs, seen with DCMTK's tools: each way of C-MOVE and C-GET to go wrong that its README lists.

usage: pacs_retrieval_test.py [PROGRAM_DIRECTORY [TEST]...]
"""
import os
import re
import sys
import time

from harness import eventually
from pacs_tools import OBJECTS, OTHER_STUDY, SERIES, STUDY, fault, find, get, move, run_on_bench, run_tool, start_move

import pydicom


def test_success_although_objects_failed(bench):
    with bench.pacs(fault("lose = 2, status = 0x0000")) as pacs:
        answer = move(pacs, StudyInstanceUID=STUDY)
        assert answer.status == 0 and answer.counts["Failed"] == "2" and answer.counts["Completed"] == "4", answer.text
        assert bench.receiver.stored() == OBJECTS[:4]


def test_objects_lost_and_nothing_said(bench):
    with bench.pacs(fault("lose = 2, lose_silently = true")) as pacs:
        answer = move(pacs, StudyInstanceUID=STUDY)
        assert answer.status == 0 and answer.counts["Completed"] == "6" and answer.counts["Failed"] == "0", answer.text
        assert bench.receiver.stored() == OBJECTS[:4]


def test_warning_with_failed_list_the_first_time(bench):
    with bench.pacs(fault("lose = 2", "command = \"C-MOVE\", nth = 1")) as pacs:
        answer = move(pacs, StudyInstanceUID=STUDY)
        assert answer.status == 0xB000 and "[%s]" % "\\".join(OBJECTS[4:]) in answer.text, answer.text
        assert move(pacs, StudyInstanceUID=STUDY).status == 0


def test_everything_failed(bench):
    with bench.pacs() as pacs:
        answer = move(pacs, destination="NOWHERE", StudyInstanceUID=STUDY)
        assert answer.status == 0xA702 and answer.counts["Failed"] == "6", answer.text


def test_no_pending_responses(bench):
    with bench.pacs(fault("pending = \"none\"")) as pacs:
        answer = move(pacs, StudyInstanceUID=STUDY)
        assert answer.statuses == [0] and answer.counts["Completed"] == "6", answer.text


def test_pending_for_ever_until_cancelled(bench):
    with bench.pacs(fault("pending = \"forever\"")) as pacs:
        answer = move(pacs, more=["--cancel", "8"], StudyInstanceUID=STUDY)
        assert answer.pending >= 8 and answer.status == 0xFE00, answer.text
        assert len(bench.receiver.stored()) == 6
        assert pacs.ends("C-CANCEL-RQ") == ["heeded"]


def test_final_response_before_the_objects(bench):
    with bench.pacs(fault("objects_after = \"1 s\"")) as pacs:
        answer = move(pacs, StudyInstanceUID=STUDY)
        assert answer.statuses == [0] and answer.counts["Completed"] == "6", answer.text
        assert bench.receiver.stored() == []
        eventually(lambda: pacs.log("late objects"), 5, "late objects")
        assert bench.receiver.stored() == OBJECTS
        end, late = pacs.log("end", "C-MOVE-RQ")[0], pacs.log("late objects")[0]
        assert late["request"] == end["request"] and late["completed"] == 6, late
        assert late["boottime_ns"] - end["boottime_ns"] >= 1_000_000_000


def test_objects_twice(bench):
    with bench.pacs(fault("copies = 2")) as pacs:
        assert move(pacs, StudyInstanceUID=STUDY).counts["Completed"] == "6"
        assert bench.receiver.stored() == [uid for uid in OBJECTS for _ in range(2)]


def test_objects_from_another_ae_title_without_move_originator(bench):
    with bench.pacs(fault("store_as = \"STORE01\", originator = false", "command = \"C-MOVE\", first = 1")) as pacs:
        move(pacs, StudyInstanceUID=STUDY)
        words = bench.receiver.words()
        assert re.search(r"Calling Application Name: +STORE01", words), words
        assert "Move Originator AE Title" not in words, words
        bench.receiver.forget()
        move(pacs, StudyInstanceUID=STUDY)
        words = bench.receiver.words()
        assert re.search(r"Calling Application Name: +PACS", words), words
        assert re.search(r"Move Originator AE Title +: MOVESCU", words) and "Move Originator ID            : 1" in words


def test_abort_in_the_middle_of_a_study(bench):
    with bench.pacs(fault("break_with = \"abort\", break_after = 2, break_in = \"both\"")) as pacs:
        answer = move(pacs, StudyInstanceUID=STUDY)
        assert answer.pending == 2 and answer.status == 0xFF00 and "Peer Aborted" in answer.text, answer.text
        assert bench.receiver.stored() == OBJECTS[:2]
        assert pacs.ends("C-MOVE-RQ") == ["aborted"]


def test_tcp_close_of_either_association(bench):
    with bench.pacs(fault("break_with = \"close\", break_after = 2, break_in = \"store\"")) as pacs:
        answer = move(pacs, StudyInstanceUID=STUDY)
        assert answer.status == 0xB000 and answer.counts["Failed"] == "4", answer.text
        assert bench.receiver.stored() == OBJECTS[:2]
    with bench.pacs(fault("break_with = \"close\", break_after = 2")) as pacs:
        answer = move(pacs, StudyInstanceUID=STUDY)
        assert answer.pending == 2 and answer.status == 0xFF00 and pacs.ends("C-MOVE-RQ") == ["closed"], answer.text


def test_break_in_the_middle_of_an_object(bench):
    with bench.pacs(fault("break_with = \"abort\", break_after = 2, break_in = \"object\"")) as pacs:
        answer = move(pacs, StudyInstanceUID=STUDY)
        assert answer.status == 0xB000 and answer.counts["Completed"] == "2", answer.text
        assert bench.receiver.stored() == OBJECTS[:3]
        eventually(lambda: "aborted" in bench.receiver.words().lower(), 5, bench.receiver.words)


def test_hang_in_the_middle_of_an_object(bench):
    with bench.pacs(fault("break_with = \"hang\", break_after = 2, break_in = \"object\"")) as pacs:
        hanging = start_move(pacs, StudyInstanceUID=STUDY)
        eventually(lambda: len(bench.receiver.stored()) == 3, 5, "the third object begins")
        time.sleep(0.5)
        assert hanging.poll() is None and not pacs.ends("C-MOVE-RQ")
        hanging.kill()
        hanging.wait()


def test_refused_under_load(bench):
    with bench.pacs(fault("delay = \"1 s\""),
                    fault("refuse = 0xA702, delay = \"0 s\"", "command = \"C-MOVE\", in_flight = 3")) as pacs:
        under_way = [start_move(pacs, StudyInstanceUID=STUDY) for _ in range(2)]
        eventually(lambda: len(pacs.log("request", "C-MOVE-RQ")) == 2, 5, "two moves")
        assert move(pacs, StudyInstanceUID=STUDY).statuses == [0xA702]
        assert [each.wait(10) for each in under_way] == [0, 0]
        assert sorted(line["in_flight"] for line in pacs.log("request", "C-MOVE-RQ")) == [1, 2, 3]
        assert move(pacs, StudyInstanceUID=STUDY).status == 0


def test_unknown_destination(bench):
    with bench.pacs(fault("refuse = 0xA801", "command = \"C-MOVE\", destination = \"NOWHERE\"")) as pacs:
        assert move(pacs, destination="NOWHERE", StudyInstanceUID=STUDY).statuses == [0xA801]
        assert move(pacs, destination="ABSENT", StudyInstanceUID=STUDY).statuses == [0xA801]
        assert move(pacs, StudyInstanceUID=STUDY).status == 0


def test_any_status_now_and_then(bench):
    with bench.pacs(fault("refuse = 0xC001", "command = \"C-ECHO\", percent = 50"),
                    fault("refuse = 0xC002", "command = \"C-FIND\", every = 3"),
                    fault("refuse = 0xC003", "command = \"C-MOVE\", until = \"2 s\""), top="seed = 3") as pacs:
        assert move(pacs, StudyInstanceUID=STUDY).statuses == [0xC003]
        assert {run_tool("echoscu", pacs.port).status for _ in range(16)} == {None, 0xC001}  # it says no success
        assert [find(pacs, "STUDY", StudyInstanceUID="")[0].status for _ in range(6)] == [0, 0, 0xC002] * 2
        eventually(lambda: move(pacs, StudyInstanceUID=STUDY).status == 0, 5, "the window ends")


def test_wrong_patient_study_and_uid_in_objects(bench):
    for keyword, value in (("PatientID", "0099999"), ("StudyInstanceUID", OTHER_STUDY), ("SOPInstanceUID", "2.25.8")):
        with bench.pacs(fault("set = [\"%s=%s\"], alter_first = 1" % (keyword, value))) as pacs:
            assert move(pacs, StudyInstanceUID=STUDY).status == 0
            objects = bench.receiver.objects()
            assert set(objects) == set(OBJECTS), objects.keys()
            assert [getattr(objects[uid], keyword) == value for uid in OBJECTS] == [True] + [False] * 5, objects
            assert len(objects[OBJECTS[0]].PixelData) == len(objects[OBJECTS[1]].PixelData)


def test_truncated_data_set(bench):
    with bench.pacs(fault("truncate = true, alter_first = 1")) as pacs:
        assert move(pacs, StudyInstanceUID=STUDY).status == 0
        sizes = {uid: os.path.getsize(path) for uid, path in bench.receiver.files().items()}
        assert sizes[OBJECTS[0]] < 0.6 * sizes[OBJECTS[1]], sizes


def test_counts_missing_or_wrong(bench):
    with bench.pacs(fault("counts = \"none\"")) as pacs:
        assert set(move(pacs, StudyInstanceUID=STUDY).counts.values()) == {"none"}
    with bench.pacs(fault("counts = \"wrong\"")) as pacs:
        assert move(pacs, StudyInstanceUID=STUDY).counts["Completed"] == "1006"


def test_levels_that_are_not_there(bench):
    with bench.pacs(fault("refuse = 0xA900", "command = \"C-MOVE\", level = \"SERIES\""),
                    fault("refuse = 0xA900",
                          "command = \"C-FIND\", level = \"IMAGE\", without = \"SeriesInstanceUID\"")) as pacs:
        assert move(pacs, "SERIES", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES[0]).statuses == [0xA900]
        assert move(pacs, StudyInstanceUID=STUDY).status == 0
        answer, rows = find(pacs, "IMAGE", StudyInstanceUID=STUDY, SOPInstanceUID="")
        assert answer.statuses == [0xA900] and not rows
        assert len(find(pacs, "IMAGE", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES[0], SOPInstanceUID="")[1]) == 3


def test_nearline(bench):
    for status, first in (("status = 0xA702", [0xA702]), ("", None)):
        with bench.pacs("\n[[nearline]]\nstudy = \"%s\"\nrecall = \"1500 ms\"\n%s\n" % (STUDY, status)) as pacs:
            def availability():
                rows = find(pacs, "STUDY", StudyInstanceUID="", InstanceAvailability="")[1]
                return {row.StudyInstanceUID: row.InstanceAvailability for row in rows}
            assert availability() == {STUDY: "NEARLINE", OTHER_STUDY: "ONLINE"}
            began = time.monotonic()
            answer = move(pacs, StudyInstanceUID=STUDY)
            if first:
                assert answer.statuses == first, answer.text
                eventually(lambda: move(pacs, StudyInstanceUID=STUDY).status == 0, 5, "the study is back")
            assert time.monotonic() - began > 1.4 and len(bench.receiver.stored()) == 6
            assert availability()[STUDY] == "ONLINE"


def test_slow_link(bench):
    with bench.pacs(fault("bytes_per_second = \"128 KiB\"")) as pacs:
        began = time.monotonic()
        assert move(pacs, StudyInstanceUID=STUDY).status == 0
        assert 1.2 < time.monotonic() - began < 4  # six objects of 32 KiB


def test_c_get_misbehaves_too(bench):
    then = "lose = 1, status = 0, set = [\"PatientID=9\"], alter_first = 1"
    with bench.pacs(fault(then, "command = \"C-GET\"")) as pacs:
        answer = get(pacs, StudyInstanceUID=STUDY)
        assert answer.status == 0 and answer.counts["Completed"] == "5" and answer.counts["Failed"] == "1", answer.text
        first = pydicom.dcmread(os.path.join(pacs.folder, "CT." + OBJECTS[0]))
        assert first.PatientID == "9", first


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    sys.exit(run_on_bench(TESTS))
