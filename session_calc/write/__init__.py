"""Where results go: a folder (`files`), or a place on S3 (`s3`). Small, written by the driver, all or nothing."""

from pathlib import Path

from session_calc.s3 import Access, is_s3
from session_calc.write.files import Folder
from session_calc.write.s3 import Prefix

Sink = Folder | Prefix


def sink_of(write_path: str, access: Access, setting: str = "WRITE_PATH") -> Sink:
    """Choose the place for a path; `setting` named it, for messages."""
    return Prefix(write_path, access, setting) if is_s3(write_path) else Folder(Path(write_path).expanduser(), setting)
