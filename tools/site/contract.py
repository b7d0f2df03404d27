"""What is allowed at a site: users and keys, projects and cohorts, the rules file and the server's settings."""
import json
import os
from dataclasses import dataclass

import zmq

from tools.site.people import CITY, GENERAL, ISSUERS, MRN_PATTERNS, PEOPLE

AE_TITLE = "PENSTOCK"
USERS = {"amy": ("Amy Example", "researcher"), "raj": ("Raj Example", "researcher"), "ada": ("Ada Example", "admin"),
         "uma": ("Uma Example", "auditor")}


@dataclass(frozen=True)
class Project:
    """A project of the site; `patients` are indexes into PEOPLE."""
    title: str
    irb: str
    members: tuple
    valid_through: str
    quota: str
    patients: tuple
    unknown_mrns: tuple = ()  # in the cohort, but no PACS knows them
    small_quota: str = ""  # with the small corpus, when it differs


# The patients of PEOPLE that are in no list are outside every cohort. The knee project's quota is small on purpose: a
# few studies fill it. The awkward record numbers fit no rule, so nobody may ask for them.
PROJECTS = {
    "alz-brain": Project("Brain imaging in early Alzheimer disease", "2014P001234", ("amy",), "2099-12-31", "4 GiB",
                         (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 16, 19, 20, 22), ((GENERAL, "9999999"),)),
    "knee-mri": Project("Cartilage of the knee in runners", "2019P000777", ("raj",), "2099-12-31", "48 MiB",
                        (0, 1, 2, 4, 6, 17, 18), small_quota="8 MiB"),
    "old-study": Project("A study whose approval has lapsed", "2009P000001", ("amy", "raj"), "2020-12-31", "1 GiB",
                         (0, 1)),
}


@dataclass(frozen=True)
class Pacs:
    """One PACS of the site with its contract: at most `concurrent` retrievals at once, `per_minute` starts a minute."""
    name: str
    institution: str
    institution_name: str
    ae_title: str
    kind: str
    concurrent: int
    per_minute: int


PACS = {GENERAL: Pacs("General Hospital, Radiology", "gh", "General Hospital", "GHPACS", "dcmqrscp", 1, 12),
        CITY: Pacs("City Hospital, Radiology", "ch", "City Hospital", "CHPACS", "orthanc", 2, 20)}

PACS_RULES = """
[institution.{institution}]
name = "{institution_name}"

[pacs.{id}]
institution = "{institution}"
department = "Radiology"
ae_title = "{ae_title}"
host = "127.0.0.1"
port = {port}
calling_ae = "{calling_ae}"
mrn = [{{ pattern = '{pattern}', issuer = "{issuer}"{pad} }}]
find_per_minute = 600
enumerate_per_minute = 600
idle_timeout = "30 s"
lease_quiet = "5 s"
total_timeout = "10 min"

[[pacs.{id}.window]]
name = "always"
concurrent = {concurrent}
per_minute = {per_minute}
per_hour = 600
"""

USER_RULES = """
[user.{id}]
name = "{name}"
keys = ["{key}"]
roles = ["{role}"]
"""

PROJECT_RULES = """
[project.{id}]
title = "{title}"
irb = "{irb}"
valid_through = {valid_through}
legal_basis = "waiver"
members = [{members}]
pacs = ["gh-rad", "ch-rad"]
patients = "cohorts/{id}.csv"
cache_quota = "{quota}"
retention = "none"
"""

SETTINGS = """\
# Made by tools/sandbox. Start the server by hand with:  penstockd --config {file}
version = 1
state_directory = "state"
rules_file = "governance.toml"
server_key_file = "keys/server.key"
control_endpoint = "tcp://127.0.0.1:{control}"
data_endpoint = "tcp://127.0.0.1:{data}"
http_endpoint = "127.0.0.1:{http}"

[site]
name = "Penstock sandbox"
origin = "sandbox.penstock.local/journal"

[dicom]
ae_title = "{ae_title}"
bind_address = "127.0.0.1"
port = {dicom}

[backup]
directory = "backups"

[limits]
min_free_disk = "200 MiB"
"""


def make_keys():
    """A fresh CURVE key pair for the server and every user: {name: (public, secret)}, Z85."""
    return {name: tuple(key.decode() for key in zmq.curve_keypair()) for name in ("server", *USERS)}


def write_keys(folder, keys, control_endpoint):
    """server.key for the server; for each user a key file and a settings file as the client reads them."""
    _write_secret(os.path.join(folder, "server.key"), keys["server"][1] + "\n")
    for user in USERS:
        key_file = os.path.join(folder, user + ".key")
        _write_secret(key_file, "public %s\nsecret %s\n" % keys[user])
        own = next((name for name, project in PROJECTS.items() if user in project.members), None)
        settings = {"server": control_endpoint, "server_key": keys["server"][0], "key_file": key_file}
        if own:
            settings["project"] = own
        _write(os.path.join(folder, user + ".json"), json.dumps(settings, indent=1))


def _write_secret(path, text):
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def write_rules(folder, keys, pacs_ports, scale):
    """governance.toml and the cohort files that it names."""
    text = 'version = 1\ntimezone = "America/New_York"\n'
    for pacs_id, pacs in PACS.items():
        text += PACS_RULES.format(id=pacs_id, port=pacs_ports[pacs_id], calling_ae=AE_TITLE,
                                  pattern=MRN_PATTERNS[pacs_id], issuer=ISSUERS[pacs_id],
                                  pad=", input_pad = 7" if pacs_id == GENERAL else "", **vars(pacs))
    for user, (name, role) in USERS.items():
        text += USER_RULES.format(id=user, name=name, key=keys[user][0], role=role)
    for project_id, project in PROJECTS.items():
        quota = project.small_quota if scale == "small" and project.small_quota else project.quota
        members = ", ".join('"%s"' % member for member in project.members)
        text += PROJECT_RULES.format(id=project_id, **{**vars(project), "members": members, "quota": quota})
        _write_cohort(os.path.join(folder, "cohorts", project_id + ".csv"), project)
    _write(os.path.join(folder, "governance.toml"), text)


def _write_cohort(path, project):
    rows = ["%s,%s,S%03d\n" % (ISSUERS[pacs], mrn, index + 1)
            for index in project.patients for pacs, mrn in PEOPLE[index].mrns().items()]
    rows += ["%s,%s,S%03d\n" % (ISSUERS[pacs], mrn, 900 + index)
             for index, (pacs, mrn) in enumerate(project.unknown_mrns)]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    _write(path, "# rows: %d\nissuer,mrn,subject\n%s" % (len(rows), "".join(rows)))


def write_settings(folder, ports):
    """penstockd.toml; `ports` has control, data, http and dicom."""
    path = os.path.join(folder, "penstockd.toml")
    _write(path, SETTINGS.format(file=path, ae_title=AE_TITLE, **ports))


def _write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
