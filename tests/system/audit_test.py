#!/usr/bin/python3
"""The journal as auditors have it: pages, proofs and checkpoints, checked without any of Penstock's code; the command
line; the screens for staff."""
import base64
import contextlib
import hashlib
import json
import os
import sys
import uuid

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from harness import find_everything, refused_with, run_tests, running_site, submit
from terminal import Terminal

PROJECT = "alz-brain"
REFUTED = 4
OK = 0


# ---- RFC 6962 and C2SP signed notes, by their texts ----

def hash_leaf(text):
    return hashlib.sha256(b"\0" + text.encode()).digest()


def hash_node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_by_path(leaf, index, size, path):
    """The root to which an inclusion proof leads (RFC 9162, 2.1.3.2)."""
    last, root = size - 1, leaf
    for step in path:
        assert last > 0, "the proof is too long"
        if index % 2 == 1 or index == last:
            root = hash_node(step, root)
            while index % 2 == 0 and index > 0:
                index, last = index // 2, last // 2
        else:
            root = hash_node(root, step)
        index, last = index // 2, last // 2
    assert last == 0, "the proof is too short"
    return root


def tree_root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hash_node(tree_root(leaves[:split]), tree_root(leaves[split:]))


def open_checkpoint(answer):
    """(size, root) of a checkpoint, whose signature and key are checked."""
    name, key_id, key = answer["key"].split("+", 2)
    typed = base64.b64decode(key)
    assert typed[0] == 1 and len(typed) == 33
    public = typed[1:]
    assert name == "penstock/" + hashlib.sha256(public).hexdigest()[:32]
    assert key_id == hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4].hex()
    text, signatures = answer["checkpoint"].split("\n\n")
    dash, signer, signature = signatures.strip().split(" ")
    assert dash == "\u2014" and signer == name
    signed = base64.b64decode(signature)
    assert signed[:4].hex() == key_id
    Ed25519PublicKey.from_public_bytes(public).verify(signed[4:], (text + "\n").encode())
    origin, size, root = text.split("\n")
    assert origin == name
    return int(size), base64.b64decode(root)


def hashes(listed):
    return [bytes.fromhex(one) for one in listed]


# ---- what is asked ----

def all_entries(control, **args):
    entries, cursor = [], None
    while True:
        page = control.ask("audit.list", {**args, **({"cursor": cursor} if cursor else {})})
        entries += page["entries"]
        cursor = page.get("next")
        if not cursor:
            return entries


def test_a_job_leaves_entries_that_name_patients_to_auditors_only(site):
    with site.connect("amy") as amy:
        rows = submit(amy, find_everything(site, amy, PROJECT)[:2], PROJECT)
        assert {row["outcome"] for row in rows} == {"accepted"}, rows
    with site.connect("uma") as uma, site.connect("ada") as ada, site.connect("amy") as amy:
        entries = all_entries(uma, limit=7)
        numbers = [entry["seq"] for entry in entries]
        assert numbers == list(range(numbers[0], 0, -1)), numbers
        submitted = [entry for entry in entries if entry.get("user") == "amy" and "identifiers" in entry]
        assert submitted, entries[:5]
        found = all_entries(uma, filter={"user": {"in": ["amy"]}, "kind": {"like": "request.*"}})
        assert found and all(entry["user"] == "amy" for entry in found)
        assert all("identifiers" not in entry for entry in all_entries(ada))
        patients = {patient["mrns"][pacs]["mrn"] for patient, _, pacs in site.studies()}
        assert not any(mrn in json.dumps(entry) for entry in all_entries(ada) for mrn in patients)
        refused_with("not_permitted", amy.ask, "audit.list")
        refused_with("bad_request", uma.ask, "audit.list", {"filter": {"details": {"in": ["x"]}}})


def test_proofs_hold_by_their_definition(site):
    with site.connect("uma") as uma:
        early = open_checkpoint(uma.ask("audit.checkpoint"))
        uma.ask("governance.show")
        size, root = open_checkpoint(uma.ask("audit.checkpoint"))
        leaves = []
        for seq in range(1, size + 1):
            proof = uma.ask("audit.proof", {"seq": seq, "size": size})
            leaf = hash_leaf(proof["leaf"])
            assert json.loads(proof["leaf"])["seq"] == seq
            assert root_by_path(leaf, seq - 1, size, hashes(proof["inclusion"])) == root, seq
            leaves.append(leaf)
        assert tree_root(leaves) == root
        assert tree_root(leaves[:early[0]]) == early[1]
        altered = hash_leaf(proof["leaf"].replace('"v":1', '"v":2'))
        assert root_by_path(altered, size - 1, size, hashes(proof["inclusion"])) != root


def test_others_get_proofs_of_their_own_entries_only(site):
    with site.connect("uma") as uma, site.connect("amy") as amy:
        entries = all_entries(uma)
        own = next(entry["seq"] for entry in entries if entry.get("user") == "amy")
        foreign = next(entry["seq"] for entry in entries if entry.get("user") != "amy")
        assert amy.ask("audit.proof", {"seq": own})["seq"] == own
        assert refused_with("not_found", amy.ask, "audit.proof", {"seq": foreign}) == \
            refused_with("not_found", amy.ask, "audit.proof", {"seq": 10**9})
        size, _ = open_checkpoint(amy.ask("audit.checkpoint"))
        only = amy.ask("audit.proof", {"size": size, "old_size": size // 2})
        assert "leaf" not in only and only["consistency"]


def test_every_entry_is_an_event_for_auditors(site):
    with site.connect("uma") as uma, site.connect("amy") as amy, site.connect("ada") as ada:
        uma.subscribe("audit", 1)
        numbers = []
        newest = uma.ask("audit.list", {"limit": 1})["size"]
        while not numbers or numbers[-1] < newest:
            kind, topic, number, event = uma.next_event(10)
            assert (kind, topic) == ("EV", "audit") and event["seq"] == number
            numbers.append(number)
        assert numbers == list(range(1, newest + 1))
        ada.ask("governor.pause", {"pacs": "all", "reason": "a test"}, op=uuid.uuid4().hex)
        kinds = set()
        while "governor.paused" not in kinds:
            kinds.add(uma.next_event(10)[3]["kind"])
        ada.ask("governor.resume", {"pacs": "all", "reason": "over"}, op=uuid.uuid4().hex)
        amy.subscribe("audit", 1)
        assert amy.next_event(10)[0] == "REVOKED"


def test_the_command_line_lists_proves_and_keeps_checkpoints(site):
    listed = site.program("penstock", "audit", "list", "--where", "by=amy", "--limit", "3", "--json", user="uma")
    assert listed.returncode == OK, listed.stderr
    entries = json.loads(listed.stdout)["entries"]
    assert len(entries) == 3 and {entry["user"] for entry in entries} == {"amy"}
    kept = os.path.join(site.folder, "kept.checkpoint")
    checkpoint = site.program("penstock", "audit", "checkpoint", user="amy")
    assert checkpoint.returncode == OK and checkpoint.stdout.startswith("penstock/"), checkpoint.stderr
    with open(kept, "w", encoding="utf-8") as file:
        file.write(checkpoint.stdout)
    proof = site.program("penstock", "audit", "proof", str(entries[0]["seq"]), "--since", kept, user="uma")
    assert proof.returncode == OK and "Verified: it is entry" in proof.stdout, proof.stderr
    assert "none of them was changed" in proof.stdout
    with open(kept, "w", encoding="utf-8") as file:
        file.write(checkpoint.stdout.replace("\n", "0\n", 2))
    forged = site.program("penstock", "audit", "checkpoint", "--since", kept, user="amy")
    assert forged.returncode == REFUTED and "not signed" in forged.stderr, forged.stderr


def test_the_key_stays_the_same_and_is_nobody_elses(site):
    with site.connect("uma") as uma:
        before = uma.ask("audit.checkpoint")["key"]
    settings = os.path.join(os.path.dirname(site.facts["settings"]), "state", "keys", "checkpoint.key")
    assert os.stat(settings).st_mode & 0o777 == 0o600
    site.kill_server()
    site.start_server()
    with site.connect("uma") as uma:
        assert uma.ask("audit.checkpoint")["key"] == before


# ---- the screens ----

@contextlib.contextmanager
def open_console(site, user, columns=120, rows=30):
    terminal = Terminal({"PENSTOCK_CONFIG": site.facts["users"][user]["config"]}, columns, rows)
    try:
        terminal.run(" ".join([os.path.join(site.facts["bin"], "penstock"), "console"]))
        terminal.wait_for("● live")
        yield terminal
    finally:
        terminal.close()


def test_an_administrator_without_a_project_pauses_and_resumes(site):
    with open_console(site, "ada") as terminal:
        terminal.wait_for("[6 Governor]")
        terminal.wait_for("● up")
        terminal.press("Down", "p")
        terminal.wait_for("Pause gh-rad")
        terminal.type("the scanner is replaced")
        terminal.press("Enter")
        terminal.wait_for("paused by ada: the scanner is replaced")
        terminal.press("r")
        terminal.type("done")
        terminal.press("Enter")
        terminal.wait_without("paused by ada")
        terminal.press("L")
        terminal.wait_for("No fault, and nothing changes.")


def test_an_auditor_without_a_project_proves_an_entry(site):
    with open_console(site, "uma") as terminal:
        terminal.wait_for("[7 Journal]")
        terminal.press("F")
        terminal.type("kind=governor.paused")
        terminal.press("Enter")
        terminal.wait_for(" 3 rows")
        terminal.wait_for("looking for kind=governor.paused")
        terminal.press("Enter")
        terminal.wait_for("verified: one of the")
        assert "NOT" not in terminal.screen()


if __name__ == "__main__":
    with running_site() as running:
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
