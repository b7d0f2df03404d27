"""A study whose objects have many sealed segments: those of the corpus fit in one."""
import os
import subprocess

import pydicom

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def add_large_study(site, folder):
    """Sends two instances of 6 MiB to dcmqrscp, as a scanner would; the UID of their study."""
    patient = next(each for each in site.manifest["patients"] if "gh-rad" in each["mrns"])
    uids = [pydicom.uid.generate_uid() for _ in range(4)]
    for number in (1, 2):
        meta = pydicom.dataset.FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = SECONDARY_CAPTURE, pydicom.uid.ExplicitVRLittleEndian
        meta.MediaStorageSOPInstanceUID = uids[1 + number]
        image = pydicom.dataset.FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
        image.PatientID, image.IssuerOfPatientID = patient["mrns"]["gh-rad"]["mrn"], patient["mrns"]["gh-rad"]["issuer"]
        image.PatientName, image.StudyID, image.AccessionNumber = "Large^Study", "1", "LARGE1"
        image.StudyDate, image.StudyTime, image.Modality = "20200202", "120000", "OT"
        image.StudyInstanceUID, image.SeriesInstanceUID = uids[:2]
        image.SOPClassUID, image.SOPInstanceUID = SECONDARY_CAPTURE, uids[1 + number]
        image.SeriesNumber, image.InstanceNumber, image.ConversionType = 1, number, "WSD"
        image.Rows = image.Columns = 1760
        image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 0
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.PixelData = os.urandom(2 * image.Rows * image.Columns)
        path = os.path.join(folder, "%d.dcm" % number)
        image.is_little_endian, image.is_implicit_VR = True, False
        image.save_as(path, write_like_original=False)
        archive = site.facts["pacs"]["gh-rad"]
        subprocess.run(["storescu", "-aec", archive["ae_title"], archive["host"], str(archive["port"]), path],
                       check=True)
    return uids[0]
