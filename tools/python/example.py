#!/usr/bin/python3
# %% [markdown]
# # From medical record numbers to pixel data
#
# Run it as a script, or cell by cell in an editor that knows `# %%`. With a sandbox (`tools/sandbox DIR`) say where it
# is,
#
#     PENSTOCK_SITE=DIR/site.json tools/python/example.py
#
# and you are its researcher amy; else your own settings are taken (`penstock whoami` shows them).

# %% The server, and my projects
import json
import os
import tempfile

from penstock_client import ENDED, Penstock

site = os.environ.get("PENSTOCK_SITE")
config = json.load(open(site, encoding="utf-8"))["users"]["amy"]["config"] if site else None
penstock = Penstock.from_config(config)

for each in penstock.projects():
    print(each["id"], "|", each["title"], "| until", each["expires"], "|", each["used"], "of", each["quota"], "bytes")
project = penstock.project or penstock.projects()[0]["id"]
print("PACS:", {pacs["id"]: pacs["state"] for pacs in penstock.pacs()})

# %% What do the archives have? Every line of the list gets an answer, whatever it is
search = penstock.find_studies(project, ["1000001", "C104420", "7700422", "1000001"])
studies = list(search)
for row in search.rows:
    print("%-10s %-14s %s" % (row["input"], row["outcome"], row["message"]))
for study in studies:
    print(study["pacs"], study["StudyDate"], study["StudyDescription"], study["cached"])

# %% Ask for them. The stream of events comes first, so that nothing is missed
events = penstock.events(project, timeout_s=600)
rows = penstock.request(project, studies)
print("outcomes:", [row["outcome"] for row in rows])

# %% Follow them live: scheduled (and why) -> processing -> completed
waiting = {row["request"] for row in rows if row["outcome"] in ("accepted", "already_requested")}
while waiting and (event := next(events, None)):
    request, state = event.body["request"], event.body["state"]
    if request in waiting:
        print("%5d  request %s  %-10s %s" % (event.seq, request, state, event.body["reason"]))
    if state in ENDED:
        waiting.discard(request)
events.close()
# The same without looking: penstock.wait(project, [row["request"] for row in rows if row["request"]])

# %% What the project has now
wanted = {study["StudyInstanceUID"] for study in studies}
held = [study for study in penstock.holdings(project) if study["StudyInstanceUID"] in wanted]
for study in held:
    print(study["StudyDate"], study["Modality"], study["instances"], "images,", study["bytes"], "bytes")

# %% Take it home, sealed: the directory says nothing about a patient. Keep the key file, it is the only one
home = tempfile.mkdtemp(prefix="penstock-example-")
sealed = penstock.download(project, held, os.path.join(home, "images"), key=os.path.join(home, "images.key"))
print(len(sealed.instances), "images in", sealed.directory, "such as", sealed.instances[0]["path"])
penstock.close()

# %% Open it: every image is checked and decrypted in memory, one at a time. This needs no server
for dataset in sealed.datasets():
    print(dataset.Modality, dataset.SeriesDescription, dataset.InstanceNumber, dataset.Rows, "x", dataset.Columns)
