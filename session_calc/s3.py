"""S3 by boto3: who asks, where, and in which words a refusal is told.

Credentials, region and endpoint come from the AWS chain alone, as boto3 finds it: environment, profile, web identity,
container and instance roles. What an engine needs to know of them is said here too, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedReader, RawIOBase
from typing import Any
from urllib.parse import urlsplit

from session_calc.errors import SessionCalcError, UnreadableInput, UserError

SCHEMES = ("s3://", "s3a://")
# Endings of the hosts that AWS answers at itself. All else is asked by path: few other stores have a host per bucket.
_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
# The ways of finding credentials that the SDKs inside both engines know as well, and in which they renew them.
_KNOWN_TO_ENGINES = {
    "env",
    "shared-credentials-file",
    "config-file",
    "assume-role",
    "assume-role-with-web-identity",
    "custom-process",
    "container-role",
    "iam-role",
}
_CHUNK_BYTES = 1 << 20
_TRIES = 8

NO_BOTO3 = "S3 needs boto3, which is not installed here. Install it with: pip install 'boto3>=1.34'."
NO_CREDENTIALS = (
    "no AWS credentials were found. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for a bucket that "
    "is open to all, set S3_ANONYMOUS=true."
)


class S3Refused(UserError):
    """S3 gave no answer, or not the wanted one; the message is the reason, for a sentence that names the path."""


@dataclass(frozen=True)
class Access:
    """As whom S3 is asked: without credentials, and as one who pays for the request."""

    is_anonymous: bool = False
    is_payer: bool = False

    @property
    def arguments(self) -> dict[str, str]:
        """What every request carries."""
        return {"RequestPayer": "requester"} if self.is_payer else {}


@dataclass(frozen=True)
class Place:
    """Where S3 answers. `endpoint` is empty where AWS itself does, and `region` where nobody has said one."""

    endpoint: str
    region: str


@dataclass(frozen=True)
class Source:
    """What an engine must know to read from S3.

    Attributes
    ----------
    access : Access
    example : str
        The URL of one object that is to be read.
    regions : sequence of str
        Those that S3 names for the buckets.
    """

    access: Access
    example: str
    regions: Sequence[str] = ()


def is_s3(path: str) -> bool:
    return path.startswith(SCHEMES)


def split(url: str) -> tuple[str, str]:
    """Split a URL into bucket and key; nothing in a key is decoded.

    Examples
    --------
    >>> split("s3a://bucket/day=1/a%20b.json")
    ('bucket', 'day=1/a%20b.json')
    """
    bucket, _, key = url.partition("://")[2].partition("/")
    return bucket, key


@lru_cache(maxsize=8)
def client(access: Access) -> Any:
    """Give boto3's client; one for all, for it keeps its connections and renews its credentials.

    Raises
    ------
    S3Refused
        boto3 is not installed, or what it is configured with is wrong.
    """
    try:
        import boto3
        import botocore.session
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise S3Refused(NO_BOTO3) from None
    try:
        core = botocore.session.get_session()
        session = boto3.Session(botocore_session=core)
        # boto3 itself gives up after three tries: too early for a store that is throttling a whole cluster
        tries = core.get_config_variable("max_attempts") or _TRIES
        config = Config(
            signature_version=UNSIGNED if access.is_anonymous else None,
            max_pool_connections=32,
            retries={"total_max_attempts": tries, "mode": core.get_config_variable("retry_mode")},
        )
        found = session.client("s3", region_name=session.region_name or "us-east-1", config=config)
        if is_aws(found.meta.endpoint_url):
            return found
        by_path = config.merge(Config(s3={"addressing_style": "path"}))
        return session.client("s3", region_name=session.region_name or "us-east-1", config=by_path)
    except (BotoCoreError, ValueError) as error:
        raise S3Refused(f"{_sentence(str(error))} Mend the AWS settings.") from None


def is_aws(endpoint: str) -> bool:
    """Tell whether an endpoint is Amazon's own.

    Examples
    --------
    >>> is_aws("https://s3.eu-west-1.amazonaws.com"), is_aws("http://minio:9000")
    (True, False)
    """
    return (urlsplit(endpoint).hostname or "").endswith(_AWS_HOSTS)


def place(access: Access) -> Place:
    """Find where S3 answers."""
    import boto3

    endpoint = client(access).meta.endpoint_url
    return Place("" if is_aws(endpoint) else endpoint, boto3.Session().region_name or "")


@contextmanager
def telling(access: Access, bucket: str) -> Iterator[None]:
    """Turn what boto3 raises into the reason that a user can act on.

    Raises
    ------
    S3Refused
    """
    try:
        yield
    except SessionCalcError:
        raise
    except ImportError:
        raise S3Refused(NO_BOTO3) from None
    except Exception as error:
        reason = _reason(error, access, bucket)
        if reason is None:
            raise
        raise S3Refused(reason) from error


def _reason(error: Exception, access: Access, bucket: str) -> str | None:
    from botocore import exceptions

    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return NO_CREDENTIALS
    if isinstance(error, exceptions.ClientError):
        return _reason_of_answer(error.response, access, bucket)
    if isinstance(error, (exceptions.ConnectionError, exceptions.HTTPClientError)):
        what = f"S3{_where(access)} did not answer to the end ({type(error).__name__})"
        return f"{what}. Look at AWS_ENDPOINT_URL and the network."
    if isinstance(error, exceptions.BotoCoreError):
        return f"{_sentence(str(error))} Mend the AWS settings."
    return None


def _reason_of_answer(response: Mapping[str, Any], access: Access, bucket: str) -> str:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "NoSuchBucket":
        return f"there is no bucket {bucket}{_where(access)}. Mend the name, or AWS_ENDPOINT_URL."
    if code in {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"}:
        return f"S3 refuses the credentials ({code}). Renew them, or choose others with AWS_PROFILE."
    return _reason_of_status(status, code, access)


def _reason_of_status(status: int, code: str, access: Access) -> str:
    if status in {401, 403}:
        return reason_of_denial(access, code)
    if status == 404:
        return "there is no such object."
    if status == 412:
        return "it changed during the run."
    if status >= 500:
        return f"S3 answered {status} {code} again and again. Try later."
    return f"S3 answered {status} {code}."


def _where(access: Access) -> str:
    endpoint = place(access).endpoint
    return f" at {endpoint}" if endpoint else ""


def reason_of_denial(access: Access, code: str) -> str:
    if access.is_anonymous:
        return f"S3 denies it without credentials ({code}). Unset S3_ANONYMOUS to use yours."
    return (
        f"S3 denies it ({code}). Allow these credentials s3:ListBucket and s3:GetObject to read, s3:GetObject and "
        "s3:PutObject to write; where the requester pays, set S3_REQUESTER_PAYS=true."
    )


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


class ObjectReader(RawIOBase):
    """An object as a file that can be read and sought; only as long as it is the one with this etag."""

    def __init__(self, access: Access, url: str, byte_count: int, etag: str) -> None:
        super().__init__()
        self._access, self._url, self._byte_count, self._etag = access, url, byte_count, etag
        self._bucket, self._key = split(url)
        self._position = 0
        self._body: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        wanted = offset + (0, self._position, self._byte_count)[whence]
        if wanted != self._position:
            self._let_go()
        self._position = wanted
        return wanted

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._byte_count:
            return 0
        chunk = self._read(min(len(buffer), _CHUNK_BYTES, self._byte_count - self._position))
        buffer[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)

    def close(self) -> None:
        self._let_go()
        super().close()

    def _read(self, byte_count: int) -> bytes:
        # a connection that breaks in the middle is taken up again where it broke, and never taken for the end
        from botocore.exceptions import BotoCoreError

        for tries_left in reversed(range(_TRIES)):
            try:
                with telling(self._access, self._bucket):
                    self._body = self._body or self._open()
                try:
                    chunk: bytes = self._body.read(byte_count)
                except BotoCoreError:
                    chunk = b""
                if chunk:
                    return chunk
                self._let_go()
                if not tries_left:
                    raise S3Refused("S3 broke off in the middle again and again. Try later.")
            except S3Refused as error:
                raise UnreadableInput(f"{self._url} cannot be read: {error} Nothing was written.") from error
        raise AssertionError("the last try returns or raises")

    def _open(self) -> Any:
        found = client(self._access).get_object(
            Bucket=self._bucket,
            Key=self._key,
            IfMatch=self._etag,
            Range=f"bytes={self._position}-",
            **self._access.arguments,
        )
        return found["Body"]

    def _let_go(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None


def open_object(access: Access, url: str, byte_count: int, etag: str) -> BufferedReader:
    return BufferedReader(ObjectReader(access, url, byte_count, etag), _CHUNK_BYTES)


def credentials_way(access: Access) -> str | None:
    """Name the way by which boto3 finds credentials, or None where it finds none. Nothing secret is in it.

    Raises
    ------
    S3Refused
        The chain is broken: a profile that is not there, a file that cannot be read.
    """
    import boto3

    with telling(access, bucket=""):
        found = None if access.is_anonymous else boto3.Session().get_credentials()
        return None if found is None else str(found.method)


def handed_on(access: Access) -> dict[str, str | None]:
    """Give the environment that hands credentials to an engine whose own SDK may not find them, as with SSO.

    They are those of this moment, and the engine cannot renew them; None takes a variable away.
    """
    import boto3

    if credentials_way(access) in {None, *_KNOWN_TO_ENGINES}:
        return {}
    found = boto3.Session().get_credentials().get_frozen_credentials()
    return {
        "AWS_ACCESS_KEY_ID": found.access_key,
        "AWS_SECRET_ACCESS_KEY": found.secret_key,
        "AWS_SESSION_TOKEN": found.token,
        "AWS_PROFILE": None,
    }


def environment_for_sail(source: Source) -> dict[str, str | None]:
    """Give the variables that Sail 0.7.2 reads S3 by, in its own process; None takes one away."""
    access, where = source.access, place(source.access)
    # Sail follows no bucket into another region
    region = source.regions[0] if len(source.regions) == 1 else where.region or "us-east-1"
    return {
        **handed_on(access),
        **({"AWS_ENDPOINT_URL_S3": where.endpoint} if where.endpoint else {}),
        "AWS_ALLOW_HTTP": "true" if where.endpoint.startswith("http:") else "false",
        "AWS_REGION": region,
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
        "AWS_SKIP_SIGNATURE": "true" if access.is_anonymous else "false",
        "AWS_REQUEST_PAYER": "true" if access.is_payer else "false",
    }


def settings_for_spark(access: Access, is_local: bool) -> dict[str, str]:
    """Give what classic Spark's S3A reads S3 by. No secret is in it: the JVM finds those in the chain by itself.

    On a cluster S3A's own list of providers stands: to it belong those that Spark hands on from the driver's
    environment, and those that the cluster's owner has chosen.
    """
    where = place(access)
    settings = {"requester.pays.enabled": "true"} if access.is_payer else {}
    if access.is_anonymous:
        settings["aws.credentials.provider"] = "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider"
    elif is_local:
        settings["aws.credentials.provider"] = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
    if where.endpoint:
        settings["endpoint"] = where.endpoint
        settings["path.style.access"] = "true"
        settings["connection.ssl.enabled"] = "false" if where.endpoint.startswith("http:") else "true"
    if where.endpoint or where.region:
        settings["endpoint.region"] = where.region or "us-east-1"
    return {f"fs.s3a.{name}": value for name, value in settings.items()}
