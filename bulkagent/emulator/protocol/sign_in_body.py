"""The body of a sign-in: which fields there may be, and what each may hold (page 1202)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Password = Annotated[str, Meta(min_length=1, max_length=32)]
Phone = Annotated[str, Meta(min_length=1, max_length=24)]


class SignInBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename=None):
    """The body of a sign-in; names, types, lengths and defaults are the page's."""

    password: Password
    phonenum: Phone
    autoanswer: bool = True
    autoenteridle: bool = True
    releasephone: bool = True
    agenttype: int = 4
    status: Literal[3, 4, 5] = 4
    ip: Annotated[str, Meta(max_length=15)] = "127.0.0.1"
    entryIp: str = ""  # noqa: N815 - the field names are the gateway's
    phonelinkage: bool = False
    checkInWebm: bool = True  # noqa: N815
    checkInMailm: bool = False  # noqa: N815
    vcPhoneNumber: Annotated[str, Meta(max_length=24)] = ""  # noqa: N815
    listenStatus: bool = False  # noqa: N815
    # One of the next two without the other means polling, which is no mistake (page 0450).
    callBackUri: Annotated[str, Meta(max_length=200)] = ""  # noqa: N815
    # "No special characters": the page does not list them. Letters, digits and the
    # separators of a usual token are let through.
    serviceToken: Annotated[str, Meta(max_length=50, pattern=r"^[0-9A-Za-z._-]*\Z")] = ""  # noqa: N815
    # Added in AICC 25.200; neither its type nor its values could be read, so anything goes.
    signInMode: msgspec.Raw = msgspec.Raw()  # noqa: N815

    def __repr__(self) -> str:
        return f"<SignInBody with status {self.status}>"  # never the password

    @property
    def wants_push(self) -> bool:
        """Whether events shall be called back; it takes both fields (page 0450)."""
        return bool(self.callBackUri and self.serviceToken)


class ForcedSignInBody(SignInBody, frozen=True, forbid_unknown_fields=True):
    """The same by force (page 1203), with a default of its own."""

    releasephone: bool = False


class VoiceSignInBody(SignInBody, frozen=True, forbid_unknown_fields=True):
    """The same for voice alone (page 1224), which needs no phone number."""

    phonenum: Annotated[str, Meta(max_length=24)] = ""


class SignInKind(enum.Enum):
    """The three kinds of sign-in, with the record of each one's body."""

    USUAL = SignInBody
    FORCED = ForcedSignInBody
    VOICE = VoiceSignInBody


_DECODERS: Mapping[SignInKind, msgspec.json.Decoder[SignInBody]] = MappingProxyType(
    {kind: msgspec.json.Decoder(kind.value) for kind in SignInKind}
)


def read_sign_in(body: bytes, kind: SignInKind = SignInKind.USUAL) -> SignInBody | None:
    """The sign-in that a request body holds; None where a field is missing, unknown or wrong."""
    try:
        return _DECODERS[kind].decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def sign_in_result(
    agent_id: str, at_ms: int, kind: SignInKind = SignInKind.USUAL
) -> Mapping[str, object]:
    """The `result` of a success (pages 1202, 1224), as loosely typed as the page's sample."""
    return {
        "vdnid": 1,  # a number in the sample, a string in the table
        "workno": agent_id,
        # CTI server, WebM, MailM
        "mediatype": "TFF" if kind is SignInKind.VOICE else "TTF",
        "loginTime": str(at_ms),
        "isForceChange": "false",
        "serverName": "emulated",
        "timeRemaining": "",  # the password never expires
    }
