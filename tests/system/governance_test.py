#!/usr/bin/python3
"""The contract while it runs: rules that change, people who come and go, the switch that stops everything."""
import collections
import json
import os
import re
import signal
import sys
import time
import uuid

from harness import eventually, find_everything, refused_with, requests_of, run_tests, running_site, submit

PROJECT = "alz-brain"
OTHER = "knee-mri"
TAKEN_WITHIN_S = 10
JOB_TIMEOUT_S = 180
ENDED = ("completed", "incomplete", "failed", "cancelled")


def new_op():
    return uuid.uuid4().hex


def rules_of(site):
    with open(site.facts["rules"], encoding="utf-8") as file:
        return file.read()


def replace_rules(site, text):
    """As an editor does it: written beside, renamed over."""
    beside = site.facts["rules"] + ".new"
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(beside, site.facts["rules"])


def digest_of(control):
    return control.ask("governance.show")["sha256"]


def take_rules(site, text):
    """New rules, and whoever watches has taken them."""
    with site.connect("ada") as ada:
        before = digest_of(ada)
        replace_rules(site, text)
        eventually(lambda: digest_of(ada) != before, TAKEN_WITHIN_S, "new rules in force")


def section(text, name, change):
    """The rules with the section [name] changed by a function of its text."""
    match = re.search(r"^\[%s\]\n(?:(?!^\[).*\n)*" % re.escape(name), text, re.M)
    assert match, name
    return text[:match.start()] + change(match.group()) + text[match.end():]


def status_of(control, pacs):
    return next(one for one in control.ask("governor.status")["pacs"] if one["pacs"] == pacs)


def test_everything_completes_while_the_rules_are_replaced_again_and_again(site):
    text = rules_of(site)
    with site.connect("amy") as amy, site.connect("ada") as ada:
        rows = submit(amy, find_everything(site, amy, PROJECT), PROJECT)
        for round_number in range(12):
            replace_rules(site, text.replace("per_hour = 600", "per_hour = %d" % (600 + round_number)))
            assert ada.ask("governance.reload", op=new_op())["valid"]
            with open(site.facts["rules"], "a", encoding="utf-8") as file:
                file.write("\n[nonsense")
            assert not ada.ask("governance.reload", op=new_op())["valid"]
        take_rules(site, text.replace("per_hour = 600", "per_hour = 601"))
        eventually(lambda: all(one["state"] in ENDED for one in requests_of(amy, PROJECT).values()), JOB_TIMEOUT_S,
                   lambda: "every request has ended: %s" % requests_of(amy, PROJECT))
        assert {requests_of(amy, PROJECT)[row["request"]]["state"] for row in rows} == {"completed"}


def test_each_request_completed_in_one_event_and_no_event_is_missing(site):
    completed, numbers = collections.Counter(), []
    with site.connect("amy") as amy:
        amy.subscribe("p/%s/requests" % PROJECT, first=1)
        while (event := amy.next_event(2)) is not None:
            numbers.append(event[2])
            if event[3].get("state") == "completed":
                completed[event[3]["request"]] += 1
    assert numbers == list(range(1, len(numbers) + 1)), numbers
    assert completed and set(completed.values()) == {1}, completed


def test_a_file_with_faults_changes_nothing_and_every_fault_is_named(site):
    text = rules_of(site)
    with site.connect("ada") as ada:
        before = digest_of(ada)
        replace_rules(site, text.replace("concurrent", "concurent", 1).replace("weight", "wait") + "port = \"x\"\n")
        answer = ada.ask("governance.reload", op=new_op())
        assert not answer["valid"] and answer["faults"], answer
        assert all(one["line"] > 0 and one["column"] > 0 for one in answer["faults"]), answer
        assert digest_of(ada) == before
    replace_rules(site, text)


def test_a_check_tells_in_words_what_would_change(site):
    text = rules_of(site)
    proposed = section(text, "project." + PROJECT, lambda part: part.replace('["amy"]', '["raj"]'))
    file = os.path.join(site.folder, "proposed.toml")
    with open(file, "w", encoding="utf-8") as out:
        out.write(proposed.replace("per_minute = 12", "per_minute = 3"))
    with site.connect("amy") as amy:
        amy.ask("hello", {"client": "governance_test", "protocol": 1})
        said = site.program("penstock", "governance", "check", file, user="ada")
    assert said.returncode == 0, said
    assert "per_minute in always: 12 -> 3" in said.stdout and "amy leaves; raj joins" in said.stdout, said.stdout
    assert re.search(r"amy leaves alz-brain: [1-9]\d* live sessions", said.stdout), said.stdout
    assert site.program("penstock", "governance", "check", file, user="amy").returncode == 6


def test_a_key_that_is_taken_away_is_deaf_and_one_that_comes_is_heard(site):
    text = rules_of(site)
    swapped = section(text, "project." + PROJECT, lambda part: part.replace('["amy"]', '["raj"]'))
    with site.connect("amy") as amy, site.connect("raj") as raj:
        refused_with("not_found", raj.ask, "requests.list", {}, PROJECT)
        topic = "p/%s/requests" % PROJECT
        amy.subscribe(topic)
        amy.ask("hello", {"client": "governance_test", "protocol": 1})
        take_rules(site, swapped)
        refused_with("not_found", amy.ask, "requests.list", {}, PROJECT)
        assert raj.ask("requests.list", {}, PROJECT)["total"] > 0
        eventually(lambda: (amy.next_event(0.2) or ("",))[0] == "REVOKED", 5, "the topic is taken away")
    take_rules(site, text)


def test_a_project_that_is_new_is_served_at_once(site):
    text = rules_of(site)
    more = section(text, "project." + OTHER, lambda part: part + part.replace(OTHER, "hip-mri", 1))
    take_rules(site, more)
    with site.connect("raj") as raj:
        assert raj.ask("requests.list", {}, "hip-mri")["total"] == 0
        rows = submit(raj, find_everything(site, raj, "hip-mri")[:1], "hip-mri")
        assert rows[0]["outcome"] == "accepted", rows
    take_rules(site, text)


def test_nothing_starts_after_a_pause_and_everything_goes_on_after_it(site):
    with site.connect("amy") as amy, site.connect("ada") as ada:
        held = amy.all_pages("cache.list", {"level": "study", "filter": {}}, "items", PROJECT)
        amy.ask("cache.delete", {"studies": sorted({one["StudyInstanceUID"] for one in held})}, PROJECT, op=new_op())
        rows = submit(amy, find_everything(site, amy, PROJECT), PROJECT)
        eventually(lambda: any(one["state"] == "processing" for one in requests_of(amy, PROJECT).values()), 60,
                   "a retrieval")
        said = site.program("penstock", "governor", "pause", "--all", "--reason", "the scanner is on fire", user="ada")
        assert said.returncode == 0, said
        eventually(lambda: all(status_of(ada, pacs)["in_flight"] == 0 for pacs in site.facts["pacs"]), 15,
                   lambda: "nothing runs: %s" % ada.ask("governor.status"))
        waiting = [one for one in requests_of(amy, PROJECT).values() if one["state"] == "scheduled"]
        assert waiting and all("on fire" in one["reason"] for one in waiting), waiting
        assert "not before the PACS is resumed" in {one["estimate"] for one in waiting}, waiting
        site.kill_server()
        site.start_server()
    with site.connect("amy") as amy, site.connect("ada") as ada:
        time.sleep(3)
        assert all(status_of(ada, pacs)["paused"] for pacs in site.facts["pacs"])
        assert not any(one["state"] == "processing" for one in requests_of(amy, PROJECT).values())
        refused_with("not_permitted", amy.ask, "governor.resume", {"pacs": "all", "reason": "x"}, op=new_op())
        said = site.program("penstock", "governor", "resume", "--all", "--reason", "put out", user="ada")
        assert said.returncode == 0, said
        eventually(lambda: all(one["state"] in ENDED for one in requests_of(amy, PROJECT).values()), JOB_TIMEOUT_S,
                   lambda: "every request has ended: %s" % requests_of(amy, PROJECT))
        ended = requests_of(amy, PROJECT)
        assert {ended[row["request"]]["state"] for row in rows} == {"completed"}, ended


def test_the_pause_file_stops_everything_too(site):
    file = os.path.join(site.facts["state"], "PAUSE")
    with open(file, "w", encoding="utf-8"):
        pass
    with site.connect("ada") as ada:
        eventually(lambda: all(status_of(ada, pacs)["paused"] for pacs in site.facts["pacs"]), 5, "every PACS paused")
        refused_with("conflict", ada.ask, "governor.resume", {"pacs": "gh-rad", "reason": "x"}, op=new_op())
        os.remove(file)
        assert ada.ask("governor.resume", {"pacs": "all", "reason": "x"}, op=new_op())["silent"] == []


def test_a_patient_who_is_withdrawn_is_seen_and_taken_out_by_nobody_until_the_list_says_so_again(site):
    cohort = os.path.join(os.path.dirname(site.facts["rules"]), "cohorts", PROJECT + ".csv")
    with open(cohort, encoding="utf-8") as file:
        text = file.read()
    with site.connect("amy") as amy:
        before = amy.all_pages("cache.list", {"level": "study", "filter": {}}, "items", PROJECT)
        held = collections.Counter(one["StudyInstanceUID"] for one in before)  # some from two PACS, under two numbers
        alone = next(one for one in before if held[one["StudyInstanceUID"]] == 1)
        mrn = alone["PatientID"]
        gone = [one for one in before if one["PatientID"] == mrn]
        lines = [line for line in text.splitlines() if ",%s" % mrn not in line and not line.startswith("# rows")]
        with open(cohort + ".new", "w", encoding="utf-8") as file:
            file.write("# rows: %d\n" % (len(lines) - 1) + "\n".join(lines) + "\n")
        os.replace(cohort + ".new", cohort)

        def usage():
            return amy.ask("cache.usage", {}, PROJECT)
        eventually(lambda: usage()["suspended"]["studies"] == len(gone), TAKEN_WITHIN_S,
                   lambda: "%d studies suspended: %s" % (len(gone), usage()))
        shown = amy.all_pages("cache.list", {"level": "study", "filter": {}}, "items", PROJECT)
        assert len(shown) == len(before) - len(gone) and mrn not in {one["PatientID"] for one in shown}
        refused_with("not_found", amy.ask, "download.open", {"studies": [alone["StudyInstanceUID"]]}, PROJECT,
                     op=new_op())
        assert mrn not in json.dumps(amy.ask("requests.list", {}, PROJECT))
        with open(cohort, "w", encoding="utf-8") as file:
            file.write(text)
        eventually(lambda: usage()["suspended"]["studies"] == 0, TAKEN_WITHIN_S, "the patient is back")
        assert amy.ask("cache.list", {"level": "study"}, PROJECT)["total"] == len(before)


def test_an_administrator_purges_what_is_suspended(site):
    text = rules_of(site)
    one_less = section(text, "project." + PROJECT, lambda part: part.replace('["gh-rad", "ch-rad"]', '["gh-rad"]'))
    take_rules(site, one_less)
    with site.connect("amy") as amy:
        suspended = amy.ask("cache.usage", {}, PROJECT)["suspended"]["studies"]
        assert suspended > 0
        assert site.program("penstock", "-p", PROJECT, "admin", "purge", "--suspended", user="amy").returncode == 6
        said = site.program("penstock", "-p", PROJECT, "admin", "purge", "--suspended", "--json", user="ada")
        assert said.returncode == 0, said
        assert len(json.loads(said.stdout)["rows"]) == suspended, said.stdout
        assert amy.ask("cache.usage", {}, PROJECT)["suspended"]["studies"] == 0
    take_rules(site, text)


def test_a_project_that_ends_stops_and_goes_on_when_it_is_extended(site):
    text = rules_of(site)
    ended = section(text, "project." + PROJECT, lambda part: part.replace("2099-12-31", "2020-12-31"))
    with site.connect("amy") as amy:
        held = amy.all_pages("cache.list", {"level": "study", "filter": {}}, "items", PROJECT)
        amy.ask("cache.delete", {"studies": sorted({one["StudyInstanceUID"] for one in held})}, PROJECT, op=new_op())
        rows = submit(amy, find_everything(site, amy, PROJECT)[:6], PROJECT)
        take_rules(site, ended)
        eventually(lambda: not any(one["state"] == "processing" for one in requests_of(amy, PROJECT).values()), 20,
                   "nothing runs any more")
        waiting = [one for one in requests_of(amy, PROJECT).values() if one["state"] == "scheduled"]
        assert waiting and {one["estimate"] for one in waiting} == {"not before the project is extended"}, waiting
        refused_with("project_expired", amy.ask, "studies.find", {"pacs": ["gh-rad"], "mrns": ["7700421"]}, PROJECT)
        take_rules(site, text)
        eventually(lambda: all(one["state"] in ENDED for one in requests_of(amy, PROJECT).values()), JOB_TIMEOUT_S,
                   lambda: "every request has ended: %s" % requests_of(amy, PROJECT))
        assert {requests_of(amy, PROJECT)[row["request"]]["state"] for row in rows} == {"completed"}


def test_the_days_to_come_are_simulated(site):
    said = site.program("penstock", "governor", "simulate", "--days", "2", "--json", user="ada")
    assert said.returncode == 0, said
    pacs = {one["pacs"]: one for one in json.loads(said.stdout)["pacs"]}
    assert set(pacs) == set(site.facts["pacs"])
    assert len(pacs["gh-rad"]["hours"]) >= 48
    said = site.program("penstock", "governor", "simulate", "--days", "2", user="ada")
    assert "gh-rad" in said.stdout and "always" in said.stdout, said.stdout


def test_a_signal_has_the_rules_read_again(site):
    with site.connect("ada") as ada:
        before = digest_of(ada)
        replace_rules(site, rules_of(site) + "# a comment\n")
        os.kill(site.server_pid, signal.SIGHUP)
        eventually(lambda: digest_of(ada) != before, TAKEN_WITHIN_S, "the rules are read")


if __name__ == "__main__":
    with running_site() as running:
        CODE = run_tests(running, [test for name, test in list(globals().items()) if name.startswith("test_")])
    sys.exit(CODE)
