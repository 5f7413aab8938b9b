"""Pack the zip for `spark-submit --py-files`: the package and the pure-Python packages it needs.

    python docker/py_files.py dist

A cluster's driver then needs nothing installed but its own PySpark. Packed is what this Python has installed, so the
zip holds the very versions that the tests ran with. Beside it comes the application file for spark-submit.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import session_calc

PACKAGE = "session_calc"
APPLICATION_NAME = "count_sessions.py"
APPLICATION = '''\
"""Count sessions: the file for spark-submit. Settings are arguments behind it, or stand in the environment."""

from session_calc.__main__ import main

main()
'''
_PACKED_SUFFIXES = {".py", ".jsonl", ".properties"}
_COMPILED_SUFFIXES = {".so", ".pyd", ".dll", ".dylib"}
_OF_ONE_INSTALLATION = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)[^;]*(?P<marker>;.*)?")
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of zip's calendar: the same files make the same bytes


def pack(folder: Path) -> Path:
    """Write the zip and the application file into a folder, and give the path of the zip."""
    files = dict(_files_of_package())
    for needed in _needed(distribution(PACKAGE), {PACKAGE}):
        files |= _files_of_distribution(needed)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{PACKAGE}-{session_calc.__version__}-py-files.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = ZipInfo(name, _FIRST_DAY)
            info.compress_type, info.external_attr = ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, files[name].read_bytes())
    (folder / APPLICATION_NAME).write_text(APPLICATION, encoding="utf-8")
    return path


def _files_of_package() -> Iterator[tuple[str, Path]]:
    root = Path(session_calc.__file__).parent
    for path in root.rglob("*"):
        if path.suffix in _PACKED_SUFFIXES and path.is_file():
            yield f"{PACKAGE}/{path.relative_to(root).as_posix()}", path


def _needed(wanted: Distribution, seen: set[str]) -> Iterator[Distribution]:
    """Walk down the requirements; those that only some machines have are taken where this one has them."""
    for text in wanted.requires or []:
        requirement = _REQUIREMENT.match(text)
        if not requirement or requirement["name"] in seen or "extra" in (requirement["marker"] or ""):
            continue
        seen.add(requirement["name"])
        try:
            found = distribution(requirement["name"])
        except PackageNotFoundError:
            if requirement["marker"]:
                continue
            sys.exit(f"{wanted.name} needs {requirement['name']}, which is not installed. Install it and try again.")
        yield found
        yield from _needed(found, seen)


def _files_of_distribution(needed: Distribution) -> Mapping[str, Path]:
    files = {}
    for file in needed.files or []:
        if file.suffix in _COMPILED_SUFFIXES:
            sys.exit(f"{needed.name} is no pure Python ({file}), so no zip can hold it for every machine of a cluster.")
        if file.parts[0] != ".." and "__pycache__" not in file.parts and file.name not in _OF_ONE_INSTALLATION:
            files[file.as_posix()] = Path(str(file.locate()))
    return files


if __name__ == "__main__":
    sys.stdout.write(f"{pack(Path(sys.argv[1]))}\n")
