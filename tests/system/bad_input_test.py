#!/usr/bin/python3
"""Wrong input gets its error code and text, changes nothing, and the server goes on."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid

import zmq

from harness import eventually, refused_with, run_tests, running_site
from protocol import Control, NoAnswer

PROJECT = "alz-brain"
SILENCE_S = 3
CONFIGURATION_FAULT, CANNOT_START = 2, 3


def still_serves(site):
    with site.connect("amy") as control:
        control.ask("hello", {"client": "bad_input_test", "protocol": 1})
    assert site.is_healthy()


def counts(site):
    with site.connect("amy") as control:
        page = control.ask("requests.list", {"filter": {}}, PROJECT)
        return page["total"], control.ask("cache.usage", {}, PROJECT)["studies"]


def test_an_unknown_command(site):
    with site.connect("amy") as control:
        refused_with("unknown_command", control.ask, "requests.frobnicate", {}, PROJECT)
    still_serves(site)


def test_bad_json_and_messages_that_are_none(site):
    with site.connect("amy") as control:
        for data in (b"{", b"", b"[]", b"null", b"\xff\xfe", b"1e999", b"[" * 100000, b'{"id":1}'):
            control.send("CMD", data)
        control.send("NONSENSE", {})
        control.ask("hello", {"client": "bad_input_test", "protocol": 1})
    still_serves(site)


def test_a_missing_field_is_named(site):
    with site.connect("amy") as control:
        text = refused_with("bad_request", control.ask, "requests.submit", {}, PROJECT, op=uuid.uuid4().hex)
        assert "items" in text, text
        text = refused_with("bad_request", control.ask, "patients.find", {"pacs": ["gh-rad"]}, PROJECT)
        assert "mrns" in text, text
        text = refused_with("bad_request", control.ask, "requests.submit", {"items": []}, PROJECT)
        assert "op" in text or "items" in text, text


def test_a_change_without_operation_id_is_refused(site):
    before = counts(site)
    with site.connect("amy") as control:
        items = [{"pacs": "gh-rad", "StudyInstanceUID": "1.2.3"}]
        assert "op" in refused_with("bad_request", control.ask, "requests.submit", {"items": items}, PROJECT)
    assert counts(site) == before


def test_wrong_types_and_absurd_values(site):
    with site.connect("amy") as control:
        for args in ({"pacs": "gh-rad", "mrns": 7}, {"pacs": [7], "mrns": ["1"]}, {"pacs": ["gh-rad"], "mrns": [{}]},
                     {"pacs": ["gh-rad"], "mrns": ["1"], "wait_ms": -1}):
            refused_with("bad_request", control.ask, "patients.find", args, PROJECT)
        refused_with("bad_request", control.ask, "requests.list", {"filter": [], "limit": 10}, PROJECT)
        odd = {"filter": {"no such column": {"in": ["x"]}}}
        refused_with("bad_request", control.ask, "requests.list", odd, PROJECT)


def test_too_many_items_in_one_call(site):
    before = counts(site)
    items = [{"pacs": "gh-rad", "StudyInstanceUID": "1.2.%d" % number} for number in range(1001)]
    with site.connect("amy") as control:
        refused_with(("too_large", "bad_request"), control.ask, "requests.submit", {"items": items}, PROJECT,
                     op=uuid.uuid4().hex)
    assert counts(site) == before


def test_a_message_of_two_mebibytes_costs_its_own_connection_only(site):
    with site.connect("amy") as other, site.connect("amy") as control:
        other.ask("hello", {"client": "bad_input_test", "protocol": 1})
        control.send("CMD", b'{"id": "x", "do": "hello", "args": {"client": "' + b"x" * (2 << 20) + b'"}}')
        try:
            control.answer("x", SILENCE_S)
            raise AssertionError("an answer to 2 MiB")
        except NoAnswer:
            pass
        other.ask("hello", {"client": "bad_input_test", "protocol": 1})


def silent(endpoint, server_key, public, secret):
    with Control(endpoint, server_key, public, secret) as control:
        try:
            control.ask("hello", {"client": "bad_input_test", "protocol": 1}, timeout_s=SILENCE_S)
        except NoAnswer:
            return
    raise AssertionError("an answer without the right to it")


def test_an_unknown_user_key_is_not_answered(site):
    public, secret = (key.decode() for key in zmq.curve_keypair())
    silent(site.facts["control"], site.facts["server_key"], public, secret)
    still_serves(site)


def test_a_wrong_server_key_is_not_answered(site):
    public, _ = (key.decode() for key in zmq.curve_keypair())
    amy = site.facts["users"]["amy"]
    silent(site.facts["control"], public, amy["public"], amy["secret"])
    still_serves(site)


def test_no_wildcard_ever_reaches_an_archive(site):
    mrns = ["*", "1*", "100000?", "10000\\01", "MRN*STAR", "C10442*", "'; --", "", " ", "x" * 65]
    with site.connect("amy") as control:
        rows = control.find("patients.find", {"pacs": list(site.facts["pacs"]), "mrns": mrns}, PROJECT)["rows"]
    assert [row["outcome"] for row in rows] == ["invalid"] * len(mrns), rows
    with open(site.folder + "/log/gh-rad.log", encoding="utf-8", errors="replace") as log:
        asked = re.findall(r"\(0010,0020\) LO \[([^\]]*)\]", log.read())
    assert not [mrn for mrn in asked if re.search(r"[*?\\]", mrn)], asked


def test_a_study_of_a_patient_outside_the_cohort(site):
    outside = next(study for patient, study, pacs in site.studies()
                   if pacs == "gh-rad" and patient["mrns"][pacs]["mrn"] == "7700422")
    with site.connect("amy") as control:
        item = {"pacs": "gh-rad", "StudyInstanceUID": outside["StudyInstanceUID"]}
        row = control.ask("requests.submit", {"items": [item]}, PROJECT, op=uuid.uuid4().hex)["rows"][0]
        if row["outcome"] == "accepted":  # its patient is found out before any permit
            def refused():
                shown = control.ask("requests.show", {"request": row["request"]}, PROJECT)
                return shown["state"] == "failed" and shown
            shown = eventually(refused, 60, "the request is refused")
            assert shown["error"] and not shown["PatientID"], shown
        else:
            assert row["outcome"] in ("not_permitted", "not_found"), row
        cached = control.all_pages("cache.list", {"level": "study", "filter": {}}, "items", PROJECT)
    assert outside["StudyInstanceUID"] not in {item["StudyInstanceUID"] for item in cached}


def test_odd_study_uids(site):
    with site.connect("amy") as control:
        uids = ["", "*", "1.2\\1.3", "1..2", "01.2", "1.2.", "x", "1." + "2" * 70]
        items = [{"pacs": "gh-rad", "StudyInstanceUID": uid} for uid in uids]
        rows = control.ask("requests.submit", {"items": items}, PROJECT, op=uuid.uuid4().hex)["rows"]
    assert [row["outcome"] for row in rows] == ["invalid"] * len(uids), rows


def test_an_administrator_is_no_researcher_and_the_reverse(site):
    with site.connect("ada") as control:
        refused_with("not_found", control.ask, "cache.usage", {}, PROJECT)
    with site.connect("amy") as control:
        refused_with("not_permitted", control.ask, "server.status", {})
        refused_with("not_permitted", control.ask, "governance.show", {})


def start_with(site, *changes):
    """Runs penstockd on a copy of its files with `changes` (file, regular expression, text); the completed process."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(site.folder + "/cohorts", folder + "/cohorts")
        shutil.copytree(site.folder + "/keys", folder + "/keys")
        shutil.copy(site.facts["rules"], folder)
        path = os.path.join(folder, "penstockd.toml")
        shutil.copy(site.facts["settings"], path)
        rewrite(path, "= \"state\"", "= \"%s/state\"" % folder)
        for name, pattern, replacement in changes:
            rewrite(os.path.join(folder, name), pattern, replacement)
        return subprocess.run([os.path.join(site.facts["bin"], "penstockd"), "--config", path], capture_output=True,
                              text=True, timeout=30, check=False)


def rewrite(path, pattern, replacement):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert re.search(pattern, text), pattern
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(pattern, replacement, text))


def test_a_fault_in_the_settings_file_has_line_column_and_code_2(site):
    done = start_with(site, ("penstockd.toml", "version = 1\n", "version = 1\nno_such_key = 7\n"))
    said = done.stdout + done.stderr
    assert done.returncode == CONFIGURATION_FAULT and "no_such_key" in said, (done.returncode, said)
    assert re.search(r"penstockd\.toml:\d+:\d+", said), said


def test_a_fault_in_the_rules_file_has_line_column_and_code_2(site):
    done = start_with(site, ("governance.toml", "per_minute = 12", "per_minute = \"many\""))
    said = done.stdout + done.stderr
    assert done.returncode == CONFIGURATION_FAULT, (done.returncode, said)
    assert re.search(r"governance\.toml:\d+:\d+", said) and "per_minute" in said, said


def test_a_cohort_that_ends_early_is_a_fault(site):
    done = start_with(site, ("cohorts/alz-brain.csv", "GH,9999999,S900\n", ""))
    said = done.stdout + done.stderr
    assert done.returncode == CONFIGURATION_FAULT and "alz-brain.csv" in said, (done.returncode, said)


def test_a_cohort_that_is_missing_is_a_fault(site):
    done = start_with(site, ("governance.toml", "cohorts/alz-brain.csv", "cohorts/missing.csv"))
    said = done.stdout + done.stderr
    assert done.returncode == CONFIGURATION_FAULT and "missing.csv" in said, (done.returncode, said)


def test_a_port_in_use_is_named(site):
    done = start_with(site)
    said = done.stdout + done.stderr
    assert done.returncode == CANNOT_START and re.search(r"in use|already", said), (done.returncode, said)
    still_serves(site)


def test_a_state_directory_that_another_server_holds_is_named(site):
    done = start_with(site, ("penstockd.toml", "= \"[^\"]*/state\"", "= \"%s\"" % site.facts["state"]))
    said = done.stdout + done.stderr
    assert done.returncode == CANNOT_START and site.facts["state"] in said, (done.returncode, said)
    still_serves(site)


def test_no_identifier_of_a_patient_is_in_the_log(site):
    with site.connect("amy") as control:
        mrns = sorted({patient["mrns"][pacs]["mrn"] for patient, _, pacs in site.studies()})
        control.find("studies.find", {"pacs": list(site.facts["pacs"]), "mrns": mrns}, PROJECT)
    with open(site.folder + "/log/penstockd.log", encoding="utf-8", errors="replace") as log:
        said = log.read()
    for patient, study, pacs in site.studies():
        family = patient["PatientName"].split("^")[0]
        for secret in (study["StudyInstanceUID"], patient["mrns"][pacs]["mrn"], family):
            assert secret not in said, "the log holds an identifier of %s" % pacs


if __name__ == "__main__":
    with running_site() as running:
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
