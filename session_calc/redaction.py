"""What may be shown of a text in which a password, a token or a signature may stand."""

import re

_USER_INFO = re.compile(r"://(?:[^/@\s]*|[^/@:\s]*:[^@\s]*)@")  # a password may hold a slash, a user may not
_HIDDEN = r"(?!\*{3})"  # once is enough: what follows in a message is no part of the value
_PARAMETER = re.compile(rf"(;[\w.-]+)={_HIDDEN}[^;]*|([?&][\w.-]+)={_HIDDEN}[^&;]*")


def without_secrets(text: str) -> str:
    """Give a text without what may be a password, a token or a signature in a URL.

    Examples
    --------
    >>> without_secrets("sc://host:15002/;token=abc")
    'sc://host:15002/;token=***'
    >>> without_secrets("s3://me:secret@bucket/key")
    's3://***@bucket/key'
    >>> without_secrets("https://host/events?sig=abc")
    'https://host/events?sig=***'
    """
    return _USER_INFO.sub("://***@", _PARAMETER.sub(r"\1\2=***", text)) if "://" in text else text


def has_credentials(url: str) -> bool:
    """Tell whether a URL holds a user or a password before its host."""
    return bool(_USER_INFO.search(url))
