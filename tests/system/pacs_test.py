#!/usr/bin/python3
"""penstock-pacs, seen with DCMTK's tools: good behaviour, its script and log, misbehaving queries and associations.

usage: pacs_test.py [PROGRAM_DIRECTORY [TEST]...]
"""
import os
import re
import signal
import socket
import subprocess
import sys
import time

from harness import ROOT, eventually
from pacs_tools import (NAME, OBJECTS, OTHER_STUDY, SERIES, STUDY, fault, find, get, move, run_on_bench, run_tool,
                        start_move)

import pydicom
from tools.site.archives import prepared_archives


def uids(rows, keyword="StudyInstanceUID"):
    return [getattr(row, keyword) for row in rows]


# ---- a good PACS ----

def test_good_echo_find_move_and_get(bench):
    with bench.pacs(top="ae_title = \"PACS\"") as pacs:
        assert run_tool("echoscu", pacs.port).code == 0
        assert run_tool("echoscu", pacs.port, called_ae="OTHER").code != 0
        answer, rows = find(pacs, "STUDY", PatientID="0012345", StudyInstanceUID="", PatientName="",
                            ModalitiesInStudy="", NumberOfStudyRelatedInstances="")
        assert answer.status == 0 and uids(rows) == [STUDY], rows
        assert rows[0].PatientName == NAME and rows[0].ModalitiesInStudy == "CT", rows
        assert rows[0].NumberOfStudyRelatedInstances == 6, rows
        rows = find(pacs, "SERIES", StudyInstanceUID=STUDY, SeriesInstanceUID="")[1]
        assert uids(rows, "SeriesInstanceUID") == SERIES, rows
        images = find(pacs, "IMAGE", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES[1], SOPInstanceUID="")[1]
        assert uids(images, "SOPInstanceUID") == OBJECTS[3:], images
        patients = find(pacs, "PATIENT", model="-P", PatientID="", PatientName="d*")[1]
        assert uids(patients, "PatientID") == ["0099999"], patients
        answer = move(pacs, StudyInstanceUID=STUDY)
        assert answer.status == 0 and answer.pending == 6 and answer.counts["Completed"] == "6", answer.text
        assert bench.receiver.stored() == OBJECTS
        assert move(pacs, "SERIES", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES[0]).counts["Completed"] == "3"
        assert move(pacs, "IMAGE", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES[0],
                    SOPInstanceUID="\\".join(OBJECTS[:2])).counts["Completed"] == "2"
        assert move(pacs, "STUDY", StudyInstanceUID="2.25.7").status == 0
        assert move(pacs, "STUDY").status == 0xA900
        answer = get(pacs, StudyInstanceUID=STUDY)
        assert answer.status == 0 and answer.counts["Completed"] == "6", answer.text


def test_good_matching_is_that_of_the_standard(bench):
    with bench.pacs() as pacs:
        for values, wanted in (({"PatientID": "00*"}, [STUDY, OTHER_STUDY]), ({"PatientID": "001234?"}, [STUDY]),
                               ({"PatientID": "0012345\\0099999"}, []), ({"PatientName": "doe^jane"}, [OTHER_STUDY]),
                               ({"ModalitiesInStudy": "MR"}, [OTHER_STUDY]), ({"AccessionNumber": "a1"}, []),
                               ({"StudyDate": "20230101-20241231"}, [STUDY, OTHER_STUDY]),
                               ({"StudyDate": "-2020"}, [])):
            rows = find(pacs, "STUDY", **{"StudyInstanceUID": "", **values})[1]
            assert uids(rows) == wanted, (values, rows)
        rows = find(pacs, "STUDY", StudyInstanceUID="\\".join([OTHER_STUDY, STUDY, "2.25.7"]))[1]
        assert sorted(uids(rows)) == [STUDY, OTHER_STUDY], rows
        assert find(pacs, "PATIENT", PatientID="0012345")[0].status == 0xA900


def test_good_files_are_sent_byte_for_byte(bench):
    prepared = prepared_archives("small", os.path.join(ROOT, ".cache"), print)
    folder = os.path.join(prepared, "corpus", "ch-rad")
    with bench.pacs(arguments=("--directory", folder)) as pacs:
        rows = find(pacs, "STUDY", StudyInstanceUID="", PatientID="")[1]
        for row in rows:
            move(pacs, StudyInstanceUID=row.StudyInstanceUID)
        received = bench.receiver.files()
        sent = {}
        for base, _, names in os.walk(folder):
            for path in (os.path.join(base, name) for name in names):
                sent[pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID] = path
        assert len(sent) > 100 and set(sent) <= set(received), (len(sent), len(received))
        for uid, path in sent.items():
            assert data_set(path) == data_set(received[uid]), path


def data_set(path):
    """The bytes after the file meta group."""
    with open(path, "rb") as file:
        content = file.read()
    return content[144 + int.from_bytes(content[140:144], "little"):]


def test_good_log_tells_what_was_asked_and_when(bench):
    with bench.pacs() as pacs:
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        move(pacs, "SERIES", StudyInstanceUID=STUDY, SeriesInstanceUID="\\".join(SERIES))
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        request, = pacs.log("request", "C-MOVE-RQ")
        end, = pacs.log("end", "C-MOVE-RQ")
        assert before < request["boottime_ns"] < end["boottime_ns"] < after
        assert request["calling_ae"] == "MOVESCU" and request["peer"].startswith("127.0.0.1:"), request
        assert (request["level"], request["study_uids"], request["series"], request["instances"]) == \
            ("SERIES", [STUDY], 2, 0), request
        assert request["destination"] == "DEST" and request["in_flight"] == 1, request
        assert end["request"] == request["request"] and end["status"] == "0x0000" and end["pending"] == 6, end
        assert end["sub_operations"] == {"remaining": 0, "completed": 6, "failed": 0, "warning": 0}, end
        assert pacs.log("association over")[-1]["ended"] == "released"


def test_good_script_may_change_while_it_runs(bench):
    with bench.pacs() as pacs:
        assert len(find(pacs, "IMAGE", StudyInstanceUID=STUDY, SOPInstanceUID="")[1]) == 6
        pacs.reload(bench.script().replace("instances = 3", "instances = 4"))
        assert len(find(pacs, "IMAGE", StudyInstanceUID=STUDY, SOPInstanceUID="")[1]) == 8
        pacs.write_script("nonsense")
        os.kill(pacs.child.pid, signal.SIGHUP)
        eventually(lambda: "pacs.toml:1:" in pacs.child.last_words(), 5, "the fault in the script")
        assert len(find(pacs, "IMAGE", StudyInstanceUID=STUDY, SOPInstanceUID="")[1]) == 8


def test_good_many_associations_at_once(bench):
    with bench.pacs() as pacs:
        moves = [start_move(pacs, StudyInstanceUID=STUDY) for _ in range(12)]
        assert [each.wait(20) for each in moves] == [0] * 12
        assert [end["sub_operations"]["completed"] for end in pacs.log("end", "C-MOVE-RQ")] == [6] * 12


def test_script_faults_have_line_and_column(bench):
    program = os.path.join(bench.programs, "penstock-pacs")
    path = os.path.join(bench.folder, "bad.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write("[[fault]]\nname = \"x\"\nwhen = { command = \"C-ECHO\" }\ndo = { lose = 2, sett = 1 }\n")
    done = subprocess.run([program, "--check", path], capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == 2 and "bad.toml:4:15: lose: means nothing for C-ECHO" in done.stderr, done
    assert "bad.toml:4:18: unknown key \"sett\"" in done.stderr, done
    for arguments, code in ((["--help"], 0), (["--nonsense"], 2), (["--destination", "X"], 2),
                            (["/nowhere.toml"], 2), (["--directory", "/nowhere", "--check"], 3)):
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=10)
        assert done.returncode == code, (arguments, done)


def test_readme_examples_are_all_good(bench):
    with open(os.path.join(ROOT, "tools", "pacs", "README.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| [^|]+ \| `(\{[^`]*\})`[^|]*\| ((?:`\{[^`]*\}`(?:; )?)+) \|$", file.read(), re.MULTILINE)
    faults = ["[[fault]]\nname = \"n\"\nwhen = %s\ndo = %s\n" % (when, then)
              for when, cell in rows for then in re.findall(r"`([^`]*)`", cell)]
    assert len(faults) > 35, len(faults)
    path = os.path.join(bench.folder, "examples.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(faults))
    program = os.path.join(bench.programs, "penstock-pacs")
    done = subprocess.run([program, "--check", path], capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == 0, done.stderr


# ---- queries ----

def test_rows_cut_with_and_without_a_word(bench):
    for more, status in (("", 0), (", status = 0xA700", 0xA700), (", status = 0xFE00", 0xFE00)):
        with bench.pacs(fault("most_rows = 2" + more, "command = \"C-FIND\", level = \"IMAGE\"")) as pacs:
            answer, rows = find(pacs, "IMAGE", StudyInstanceUID=STUDY, SOPInstanceUID="")
            assert len(rows) == 2 and answer.status == status, answer.text


def test_find_cancelled_heeded_or_not(bench):
    slow = fault("pause = \"200 ms\"", "command = \"C-FIND\"", "slow")
    with bench.pacs(slow) as pacs:
        answer, rows = find(pacs, "IMAGE", more=["--cancel", "2"], StudyInstanceUID=STUDY, SOPInstanceUID="")
        assert answer.status == 0xFE00 and 2 <= len(rows) < 6, answer.text
    cancel = "command = \"C-CANCEL\""
    with bench.pacs(slow, fault("ignore = true", cancel)) as pacs:
        answer, rows = find(pacs, "IMAGE", more=["--cancel", "2"], StudyInstanceUID=STUDY, SOPInstanceUID="")
        assert answer.status == 0 and len(rows) == 6, answer.text
    with bench.pacs(slow, fault("break_with = \"abort\"", cancel)) as pacs:
        answer, rows = find(pacs, "IMAGE", more=["--cancel", "2"], StudyInstanceUID=STUDY, SOPInstanceUID="")
        assert answer.status == 0xFF00 and "Peer Aborted" in answer.text, answer.text


def test_duplicate_accessions_and_several_patients_under_one_mrn(bench):
    twin = "\n[[patient]]\nmrn = \"0012345\"\nname = \"Other^Person\"\n[[patient.study]]\naccession = \"A1\"\n"
    with bench.pacs(twin) as pacs:
        rows = find(pacs, "STUDY", AccessionNumber="A1", StudyInstanceUID="", PatientID="", PatientName="")[1]
        assert {str(row.PatientName) for row in rows} == {NAME, "Other^Person"}, rows
        assert {row.PatientID for row in rows} == {"0012345"} and len(set(uids(rows))) == 2, rows
        assert len(find(pacs, "PATIENT", model="-P", PatientID="0012345", PatientName="")[1]) == 2
    with bench.pacs(fault("set = [\"AccessionNumber=A1\"]", "command = \"C-FIND\"")) as pacs:
        rows = find(pacs, "STUDY", StudyInstanceUID="", AccessionNumber="")[1]
        assert uids(rows, "AccessionNumber") == ["A1", "A1"], rows


def test_an_answer_about_somebody_else(bench):
    with bench.pacs(fault("set = [\"PatientID=0099999\"]", "command = \"C-FIND\", patient = \"0012345\"")) as pacs:
        assert uids(find(pacs, "STUDY", PatientID="0012345")[1], "PatientID") == ["0099999"]


def test_character_sets(bench):
    latin = NAME.encode("latin-1")
    cases = (("character_set = \"ISO_IR 100\"", "ISO_IR 100", latin),
             ("character_set = \"ISO_IR 100\", absent = [\"SpecificCharacterSet\"]", None, latin),
             ("set = [\"SpecificCharacterSet=ISO_IR 144\"]", "ISO_IR 144", NAME.encode()),
             ("character_set = \"ISO_IR 192\"", "ISO_IR 192", NAME.encode()))
    for then, declared, raw in cases:
        with bench.pacs(fault(then, "command = \"C-FIND\"")) as pacs:
            row, = find(pacs, "STUDY", PatientID="0012345", PatientName="")[1]
            assert row.get("SpecificCharacterSet") == declared, row
            assert row.get_item("PatientName").value.rstrip() == raw, row.get_item("PatientName")


def test_character_set_of_objects(bench):
    undeclared = fault("absent = [\"SpecificCharacterSet\"]")
    with bench.pacs() as pacs:
        pacs.reload(bench.script(undeclared).replace("\"A1\"", "\"A1\"\ncharacter_set = \"ISO_IR 100\""))
        move(pacs, StudyInstanceUID=STUDY)
        first = bench.receiver.objects()[OBJECTS[0]]
        assert "SpecificCharacterSet" not in first, first
        assert first.get_item("PatientName").value.rstrip() == NAME.encode("latin-1")


def test_attributes_absent_padded_and_in_lower_case(bench):
    with bench.pacs(fault("absent = [\"ModalitiesInStudy\"], pad = true, lower_case = true",
                           "command = \"C-FIND\"")) as pacs:
        row, = find(pacs, "STUDY", PatientID="0012345", ModalitiesInStudy="", PatientName="", AccessionNumber="")[1]
        assert "ModalitiesInStudy" not in row, row
        assert row.get_item("AccessionNumber").value.startswith(b"  a1  "), row.get_item("AccessionNumber")
        assert row.get_item("PatientID").value.startswith(b"  0012345 "), row


# ---- associations ----

def test_associations_rejected(bench):
    for reason, words in (("permanent", "Rejected Permanent"), ("transient", "Temporary Congestion"),
                          ("too many", "Local Limit Exceeded"), ("calling AE", "Calling AE Title Not Recognized")):
        with bench.pacs(fault("reject = \"%s\"" % reason, "command = \"A-ASSOCIATE\", first = 1")) as pacs:
            answer = run_tool("echoscu", pacs.port)
            assert answer.code != 0 and words in answer.text, answer.text
            assert run_tool("echoscu", pacs.port).code == 0
            assert pacs.ends("A-ASSOCIATE-RQ") == ["rejected", "accepted"]


def test_limit_of_associations(bench):
    with bench.pacs(fault("delay = \"1 s\""), top="max_associations = 2") as pacs:
        under_way = [start_move(pacs, StudyInstanceUID=STUDY) for _ in range(2)]
        eventually(lambda: len(pacs.log("request", "C-MOVE-RQ")) == 2, 5, "two moves")
        assert "Local Limit Exceeded" in run_tool("echoscu", pacs.port).text
        assert [each.wait(10) for each in under_way] == [0, 0]
        eventually(lambda: run_tool("echoscu", pacs.port).code == 0, 5, "room again")


def test_hangs_and_delays(bench):
    associate = "command = \"A-ASSOCIATE\", calling_ae = \"%s\""
    with bench.pacs(fault("break_with = \"hang\"", associate % "HUNG"), fault("delay = \"1 h\"", associate % "NOBODY"),
                    fault("delay = \"700 ms\"", "command = \"C-ECHO\"")) as pacs:
        began = time.monotonic()
        assert run_tool("echoscu", pacs.port).code == 0 and time.monotonic() - began > 0.6
        hung = run_tool("echoscu", pacs.port, "--aetitle", "HUNG", "--dimse-timeout", "1", timeout_s=2)
        assert hung.code is None and "Association Accepted" in hung.text, hung.text
        assert pacs.ends("A-ASSOCIATE-RQ")[-1] == "hung"
        silent = run_tool("echoscu", pacs.port, "--aetitle", "NOBODY", "--acse-timeout", "1")
        assert silent.code != 0 and "Association Accepted" not in silent.text, silent.text


def test_hostile_bytes_cost_one_association(bench):
    with bench.pacs() as pacs:
        for garbage in (b"GET / HTTP/1.0\r\n\r\n", b"\x01\x00\xff\xff\xff\xff", b"\x04\x00\x00\x00\x00\x00",
                        b"\x01\x00\x00"):
            with socket.create_connection(("127.0.0.1", pacs.port)) as connection:
                connection.sendall(garbage)
        assert run_tool("echoscu", pacs.port).code == 0


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    sys.exit(run_on_bench(TESTS))
