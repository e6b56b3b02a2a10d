"""The sources of GUIDs of a run's agents: its roster, a file that is kept alive, or a service."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol

import msgspec

from bulkagent.clock import Clock
from bulkagent.errors import SettingsRefused
from bulkagent.gateway.credentials import CredentialSource
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.run.clients.gateways import Gateways
from bulkagent.settings import SessionsFile, Settings

if TYPE_CHECKING:
    from bulkagent.gateway.credentials_from_file import FileCredentials
    from bulkagent.gateway.credentials_from_http import HttpCredentials


HEADER_VARIABLE = "BULKAGENT_GUID_HEADER"
"""The environment variable with the header for `--guid-url`; never an option, never recorded."""


class CredentialProvider(Protocol):
    """A source of GUIDs, before it is in use."""

    @property
    def note(self) -> str:
        """What people should know of it in the end; "" where there is nothing to say."""

    async def enter(self, stack: AsyncExitStack) -> CredentialSource:
        """Get it ready for use within the stack."""

    def lacks(self, gateway: str, agent_id: str) -> str:
        """What it is called where it surely has no GUID of an agent; "" where it may."""


def provided_elsewhere(settings: Settings) -> bool:
    """Whether GUIDs do not come from the roster."""
    return settings.guids is not None


def guids_required(settings: Settings, gateways: Gateways) -> bool:
    """Whether GUIDs must come from the roster, because nothing else supplies them."""
    return not (gateways.emulated or provided_elsewhere(settings))


def credential_provider(
    settings: Settings, gateways: Gateways, clock: Clock
) -> CredentialProvider | None:
    """Where GUIDs come from if not from the roster; None: they do. Blocks.

    Raises:
        SettingsRefused: It cannot be used.
    """
    source = settings.guids
    if source is None:
        return None
    if gateways.emulated:
        raise SettingsRefused(
            "--sessions and --guid-url are not for --gateway emulated, whose agents sign in"
            " there; leave them out"
        )
    if isinstance(source, SessionsFile):
        from bulkagent.gateway.credentials_from_file import FileCredentials

        file = FileCredentials(source.path, gateways.spellings, clock)
        file.open()
        return _FileProvider(file)
    # They bring the HTTP library, which commands without a network do not wait for.
    from bulkagent.gateway.credentials_from_http import GuidServiceAddress, HttpCredentials
    from bulkagent.gateway.network import NETWORK

    address = GuidServiceAddress.parse(source.url, os.environ.get(HEADER_VARIABLE, ""))
    # As a gateway's: the same rules and the same sentences for files that cannot be used.
    tls = Endpoint(name="GUID service", url="", ca_file=source.ca_file)
    trust = NETWORK.get().trust(tls, ca_option="--guid-ca-file")
    transport = trust.transport(
        connect_timeout_s=settings.connect_timeout_s, timeout_s=settings.timeout_s
    )
    return _HttpProvider(HttpCredentials(address, transport))


class _FileProvider(msgspec.Struct):
    file: FileCredentials

    @property
    def note(self) -> str:
        return self.file.note

    async def enter(self, stack: AsyncExitStack) -> CredentialSource:
        import anyio

        await self.file.refresh()
        tasks = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(tasks.cancel_scope.cancel)
        tasks.start_soon(self.file.watch)
        return self.file

    def lacks(self, gateway: str, agent_id: str) -> str:
        return "" if self.file.has(gateway, agent_id) else f"--sessions {self.file.path}"


class _HttpProvider(msgspec.Struct):
    http: HttpCredentials

    @property
    def note(self) -> str:
        return self.http.note

    async def enter(self, stack: AsyncExitStack) -> CredentialSource:
        return await stack.enter_async_context(self.http)

    def lacks(self, _gateway: str, _agent_id: str) -> str:
        return ""  # it is asked when it is time
