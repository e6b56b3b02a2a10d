"""Which gateway a name means, and the emulated ones behind the name `emulated`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bulkagent.blocking import in_thread
from bulkagent.errors import SettingsRefused
from bulkagent.files.user_folders import absolute
from bulkagent.gateway.credentials import Credential, PackedGuids
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.ledger import EndpointRecord as Recorded
from bulkagent.run.clients.target import EMULATED, Target
from bulkagent.settings import GatewaySection, Settings, find_config
from bulkagent.text.undecodable import path_of

if TYPE_CHECKING:
    from bulkagent.emulator import EmulatedGateway, Scenario


# What a desktop that signed out long ago would still hold: shaped like a GUID, good for nothing.
_STALE_GUID = "00000000-0000-0000-0000-000000000000.AgentGateway0"


class Gateways:
    """The gateways that one command may speak to.

    Args:
        target: Which gateways somebody has named, and how they are trusted.
        settings: The gateways that the configuration names, and the range of agent IDs.
        recorded: Where the names of a run that is in the ledger led to, and lead to still; None
            for a new run.
        default: The gateway of that run's rows that name none.

    Raises:
        SettingsRefused: The gateway is neither a URL nor a known name, or its TLS settings or
            the scenario cannot be used.
    """

    def __init__(
        self,
        target: Target,
        settings: Settings,
        recorded: Sequence[Recorded] | None = None,
        *,
        default: str = "",
    ) -> None:
        self.emulated = target.emulated
        self.default = ""
        self._target = target
        self._settings = settings
        self._scenario: Scenario | None = None
        self._endpoints: dict[str, Endpoint] = {}
        self._started: dict[str, EmulatedGateway] = {}
        if target.scenario is not None:
            if not self.emulated:
                raise SettingsRefused("--scenario is for --gateway emulated alone; leave it out")
            from bulkagent.emulator import load_scenario

            self._scenario = load_scenario(target.scenario)
        if self.emulated:
            self.default = EMULATED
            return
        if recorded is not None:
            self._endpoints = {at.gateway: _of_record(at, target.tls) for at in recorded}
            self.default = default
            return
        # Without a gateway of their own, TLS options are for all that the rows name.
        given = {} if target.gateway else target.tls
        for name, section in settings.gateways.items():
            self._endpoints[name] = _of_section(name, section, given)
        if target.gateway:
            endpoint = self._asked_for(target)
            self._endpoints[endpoint.name] = endpoint
            self.default = endpoint.name
            self.check([endpoint.name])

    @property
    def names(self) -> frozenset[str] | None:
        """The names that a roster may use; None: any."""
        return None if self.emulated else frozenset(self._endpoints)

    @property
    def spellings(self) -> dict[str, str]:
        """What a line about some gateway's agent may call it -> its name."""
        known = {name: name for name in self._endpoints}
        known |= {at.url: name for name, at in self._endpoints.items()}
        sole = next(iter(self._endpoints)) if len(self._endpoints) == 1 else ""
        if unsaid := self.default or sole:
            known[""] = unsaid
        return known

    @property
    def addresses(self) -> dict[str, str]:
        """Where real gateways are, by name."""
        return {} if self.emulated else {name: at.url for name, at in self._endpoints.items()}

    @property
    def trusted(self) -> list[str]:
        """Where real gateways are and by what their certificates are judged, for people."""
        if self.emulated:
            return []
        return [
            f"{name} is {at.url}{''.join(f', {what} {value}' for what, value in _trust_of(at))}"
            for name, at in sorted(self._endpoints.items())
        ]

    @property
    def files(self) -> list[Path]:
        """The certificate files of all gateways that are known."""
        return [
            path
            for at in self._endpoints.values()
            for path in (at.ca_file, at.client_cert)
            if path is not None
        ]

    @property
    def insecure(self) -> bool:
        """Whether any certificate is accepted."""
        return self._target.insecure and not self.emulated

    def record(self, names: Iterable[str]) -> list[Recorded]:
        """Where these names lead to, as the ledger keeps it for a resume."""
        if self.emulated:
            # Each is a gateway of its own, with agents of its own.
            return [
                Recorded(name, EMULATED if name == EMULATED else f"{EMULATED}:{name}", {})
                for name in sorted(names)
            ]
        return [
            Recorded(name, at.url, _options_of(at))
            for name, at in sorted(self._endpoints.items())
            if name in names
        ]

    def check(self, names: Iterable[str]) -> None:
        """Read the certificate files of these gateways, so that a wrong one is found now.

        Raises:
            SettingsRefused: One cannot be used.
        """
        if self.emulated:
            return
        from bulkagent.gateway.network import NETWORK

        network = NETWORK.get()
        by_url: dict[str, str] = {}
        for name in sorted(names):
            endpoint = self._endpoints[name]
            network.trust(endpoint)
            other = by_url.setdefault(endpoint.url, name)
            if other != name:
                # One agent could be set by both at once, to different rights.
                raise SettingsRefused(
                    f"{other!r} and {name!r} are one gateway, {endpoint.url}; use one name for it"
                )

    def endpoint(self, name: str) -> Endpoint:
        """Where a real gateway is."""
        return self._endpoints[name]

    async def emulate(
        self,
        stack: AsyncExitStack,
        names: Sequence[str],
        rows: Iterable[tuple[int, str, str]],
    ) -> PackedGuids:
        """Start an emulated gateway for each name and sign the roster's agents in on it.

        Args:
            stack: Stops them again.
            names: Gateways that the roster names, or `emulated` alone.
            rows: Row, gateway and agent ID of every assignment, in rising order of rows.

        Returns:
            The agents' GUIDs.
        """
        # A server and a certificate authority: real runs start without them.
        from bulkagent.emulator import EmulatedGateway

        started: dict[str, EmulatedGateway] = {}
        for name in names:
            gateway = EmulatedGateway(
                self._scenario,
                agent_ids=None,
                agent_id_range=self._settings.limits(name).agent_id_range,
            )
            started[name] = await stack.enter_async_context(gateway)
            self._endpoints[name] = Endpoint(name=name, url=gateway.url, ca_pem=gateway.ca_pem)
        self._started = started
        return await in_thread(_sign_in, started, rows)

    def sign_in_emulated(self, name: str, agent_id: str) -> Credential | None:
        """Sign an agent in on an emulated gateway, unless signed in already.

        None where the gateway has no such agent, or keeps the agent signed out.
        """
        gateway = self._started[name]
        guid = gateway.sign_in(agent_id)
        return Credential(guid, gateway.cookie(agent_id)) if guid else None

    def _at(self, address: str) -> Endpoint | None:
        """The gateway that has a name and this address: what its section says holds there too."""
        try:
            url = Endpoint.parse(address).url
        except SettingsRefused:
            return None
        return next((at for at in self._endpoints.values() if at.url == url), None)

    def _asked_for(self, target: Target) -> Endpoint:
        given = target.tls
        named = self._endpoints.get(target.gateway) or self._at(target.gateway)
        if named is not None:
            return Endpoint.parse(
                named.url,
                name=named.name,
                **{
                    "ca_file": named.ca_file,
                    "client_cert": named.client_cert,
                    "tls_server_name": named.tls_server_name,
                    **given,
                },
            )
        if "//" not in target.gateway and ":" not in target.gateway:
            raise SettingsRefused(_no_such(target.gateway, sorted(self._endpoints)))
        return Endpoint.parse(target.gateway, **given)


def _no_such(name: str, known: Sequence[str]) -> str:
    """Why a name means no gateway, and what to do."""
    if known or find_config(None) is not None:
        configured = ", ".join(known) or "none is configured"
        return (
            f"no gateway is called {name!r} (known: {configured}); give https://HOST:PORT,"
            " emulated, or a name that has a [gateways.NAME] section in bulkagent.toml"
        )
    return (
        f"no gateway is called {name!r} (known: none is configured). There is no bulkagent.toml in"
        f" this folder ({_this_folder()}); go to the folder that has it, give --config PATH, or"
        " give an address (https://HOST:PORT)"
    )


def _this_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "which is gone"


def _sign_in(
    started: Mapping[str, EmulatedGateway], rows: Iterable[tuple[int, str, str]]
) -> PackedGuids:
    guids = PackedGuids()
    for row, name, agent_id in rows:
        guids.add(row, started[name].sign_in(agent_id) or _STALE_GUID)
    return guids


def _options_of(endpoint: Endpoint) -> dict[str, str]:
    """What a record keeps of an endpoint; consent to any certificate is not kept."""
    options = {
        # A resume may be in another folder.
        "ca_file": str(absolute(endpoint.ca_file)) if endpoint.ca_file else "",
        "client_cert": str(absolute(endpoint.client_cert)) if endpoint.client_cert else "",
        "tls_server_name": endpoint.tls_server_name,
    }
    return {name: value for name, value in options.items() if value}


def _trust_of(at: Endpoint) -> list[tuple[str, object]]:
    trust = (
        ("CA file", at.ca_file),
        ("client certificate", at.client_cert),
        ("by the name", at.tls_server_name),
    )
    return [(what, value) for what, value in trust if value]


def _of_record(recorded: Recorded, given: Mapping[str, Any]) -> Endpoint:
    kept = dict(recorded.options)
    for name in ("ca_file", "client_cert"):
        if name in kept:
            kept[name] = Path(path_of(kept[name]))
    return Endpoint.parse(recorded.url, name=recorded.gateway, **{**kept, **given})


def _of_section(name: str, section: GatewaySection, given: Mapping[str, Any]) -> Endpoint:
    configured = {
        "ca_file": Path(section.ca_file) if section.ca_file else None,
        "client_cert": Path(section.client_cert) if section.client_cert else None,
        "tls_server_name": section.tls_server_name,
    }
    return Endpoint.parse(section.url, name=name, **{**configured, **given})
