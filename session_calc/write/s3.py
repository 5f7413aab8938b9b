"""Write small results to S3: one PUT each, which replaces an object whole or not at all."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from session_calc.errors import UnwritableOutput
from session_calc.s3 import Access, S3Refused, client, split, telling
from session_calc.write.files import do_nothing


@dataclass(frozen=True)
class Prefix:
    """A place for results on S3, `s3://bucket/prefix`."""

    url: str
    access: Access
    setting: str = "WRITE_PATH"

    def require_writable(self) -> None:
        """Make sure that an object can be written here, without one: by an upload that is begun and given up.

        Raises
        ------
        UnwritableOutput
            Before any work is done, not after.
        """
        place = self._place(".session-calc")
        try:
            with telling(self.access, place["Bucket"]):
                s3 = client(self.access)
                upload = s3.create_multipart_upload(**place)["UploadId"]
        except S3Refused as error:
            raise UnwritableOutput(
                f"{self.setting} is {self.url!r}, but nothing can be written there: {error}"
            ) from error
        with suppress(Exception):  # an upload without parts is nothing, and is swept away in time
            s3.abort_multipart_upload(**place, UploadId=upload)

    def publish(self, contents: Mapping[str, bytes], at_last: Callable[[], None] = do_nothing) -> None:
        """Put objects in place, in the order given; `at_last` puts in place what belongs to them elsewhere.

        Raises
        ------
        UnwritableOutput
            One could not be put; those before it are put back as they were.
        """
        former = {name: self._read(name) for name in contents}
        placed: list[str] = []
        try:
            for name, content in contents.items():
                placed.append(name)  # before: an answer that got lost does not say whether it was put
                self._put(name, content)
        except S3Refused as error:
            untouched = self._put_back(placed, former)
            raise UnwritableOutput(
                f"{self.setting} is {self.url!r}, but writing there failed: {error} {untouched}"
            ) from error
        try:
            at_last()
        except BaseException:
            self._put_back(placed, former)
            raise

    def read(self, name: str) -> bytes | None:
        """Read what stands here under a name; None where nothing does, or it cannot be read."""
        try:
            return self._read(name)
        except S3Refused:
            return None

    def path_of(self, name: str) -> str:
        return f"{self.url.rstrip('/')}/{name}"

    absolute_path_of = path_of

    def _read(self, name: str) -> bytes | None:
        place = self._place(name)
        with telling(self.access, place["Bucket"]):
            s3 = client(self.access)
            with suppress(s3.exceptions.NoSuchKey):
                content: bytes = s3.get_object(**place)["Body"].read()
                return content
        return None

    def _put(self, name: str, content: bytes) -> None:
        place = self._place(name)
        with telling(self.access, place["Bucket"]):
            client(self.access).put_object(**place, Body=content, ContentType="application/json")

    def _put_back(self, placed: list[str], former: Mapping[str, bytes | None]) -> str:
        try:
            for name in placed:
                before = former[name]
                if before is not None:
                    self._put(name, before)
                else:
                    place = self._place(name)
                    with telling(self.access, place["Bucket"]):
                        client(self.access).delete_object(**place)
        except S3Refused:
            return f"These may be new already, and could not be put back: {', '.join(placed)}."
        return "The results of the last good run are as they were."

    def _place(self, name: str) -> dict[str, str]:
        bucket, key = split(self.path_of(name))
        return {"Bucket": bucket, "Key": key, **self.access.arguments}
