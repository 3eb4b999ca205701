"""What an exception of a library for stores means, and what to do: the one place that decides it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from crossspace.errors import CrossspaceError, DataError, WritingError

_LONGEST = 300
_PASSING = (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError)
"""What callers ask about, as of a file system."""
_THIS_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""No fault of the store: what is fetched finds no room here."""
_UNKNOWN_USER = {
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound",
    "TokenRetrievalError", "DefaultCredentialsError", "RefreshError", "ClientAuthenticationError",
}  # fmt: skip
_NO_ANSWER = {
    "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError", "HTTPClientError",
    "ProxyConnectionError", "ClientError", "ClientConnectionError", "ClientPayloadError", "ServerDisconnectedError",
    "IncompleteRead", "IncompleteReadError", "ResponseStreamingError", "FSTimeoutError", "ConnectionError",
    "TimeoutError", "gaierror", "TransportError", "ServiceRequestError", "ServiceResponseError", "ResponseParserError",
}  # fmt: skip
"""Names, since none of these libraries needs to be installed."""
_ASK = "Look at it with the tools of the store, then run the same command again."


@contextmanager
def asking(address: object, *, writing: bool = False) -> Iterator[None]:
    """What a store refuses in the block becomes an error that names the address and what to do.

    That there is no such file, or that there is one, is left as it is: callers ask for it.

    Raises:
        DataError: while reading.
        WritingError: while writing.
    """
    try:
        yield
    except CrossspaceError:
        raise
    except _PASSING as error:
        if writing and isinstance(error, FileNotFoundError):
            raise refusal(address, "there is no such bucket", _MAKE, writing) from error
        raise
    except NotImplementedError as error:
        raise refusal(address, f"the store cannot do that ({_one_line(error)})", _ASK, writing) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _THIS_DISK:
            raise
        reason, advice = _meaning(error)
        raise refusal(address, reason, advice, writing) from error


_MAKE = "Make it, or mend the address; buckets are never made here."


def refusal(address: object, reason: str, advice: str, writing: bool) -> CrossspaceError:
    """The error for an address and a reason."""
    if writing:
        return WritingError(f"Could not write {address}: {reason}. What was saved before is unharmed. {advice}")
    return DataError(f"{address} cannot be read: {reason}. {advice}")


def is_passing(error: BaseException) -> bool:
    """Whether another try may succeed: the connection failed, or the store has too much to do."""
    return bool(_names(error) & _NO_ANSWER) or code_of(error) in ("SlowDown", "503", "500", "InternalError")


def is_unavailable(error: BaseException) -> bool:
    """Whether the store, the network or the credentials are at fault, and not the file."""
    return is_passing(error) or bool(code_of(error)) or bool(_names(error) & ({"PermissionError"} | _UNKNOWN_USER))


def code_of(error: BaseException) -> str:
    """The code that a store gave with its refusal, such as ``PreconditionFailed``; empty where it gave none."""
    for one in _causes(error):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""


def _meaning(error: Exception) -> tuple[str, str]:
    """Why, and what to do."""
    names, said = _names(error), _one_line(error)
    if "PermissionError" in names:
        return (
            f"the store allows it not ({said}); it may also say so of what is not there",
            "Check the credentials, and the rights of whoever they stand for.",
        )
    if names & _UNKNOWN_USER:
        return (
            f"there are no credentials ({said})",
            "Set them as for the store's own tools, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile.",
        )
    if names & _NO_ANSWER:
        return (
            f"nobody answers, or the connection was lost ({said})",
            "Check the network and the endpoint (AWS_ENDPOINT_URL where it is not Amazon's), then run the same command "
            "again.",
        )
    return f"the store says: {said}", _ASK


def _names(error: BaseException) -> set[str]:
    """Names of the classes of an exception and of those that led to it."""
    return {kind.__name__ for one in _causes(error) for kind in type(one).__mro__} - _wide(error)


def _wide(error: BaseException) -> set[str]:
    # botocore calls every refusal by the store a ClientError, aiohttp every failure of a connection.
    answered = any(isinstance(getattr(one, "response", None), dict) for one in _causes(error))
    return {"ClientError", "TimeoutError"} if answered else set()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    shown = text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."
    return shown.encode("utf-8", "backslashreplace").decode("utf-8").rstrip(".")
