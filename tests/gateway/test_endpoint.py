"""Addresses and TLS settings: what is wrong with them is found before anything connects.

Proves --gateway, --ca-file, --tls-server-name, --client-cert, --insecure; guide "Gateways".
"""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.emulator.http.certificates import CertificateAuthority
from bulkagent.errors import SettingsRefused
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.tls_context import tls_context


@pytest.mark.parametrize(
    ("url", "parsed", "name"),
    [
        ("https://gw.example:8043", "https://gw.example:8043", "gw.example:8043"),
        ("https://gw.example", "https://gw.example", "gw.example"),
        ("https://gw.example:", "https://gw.example", "gw.example"),
        ("https://gw.example/", "https://gw.example", "gw.example"),
        ("https://gw.example:8043///", "https://gw.example:8043", "gw.example:8043"),
        ("HTTPS://GW.Example:8043", "https://gw.example:8043", "gw.example:8043"),
        ("https://gw.example.:8043", "https://gw.example.:8043", "gw.example.:8043"),
        ("https://under_score:1", "https://under_score:1", "under_score:1"),
        ("https://10.0.0.7:8043", "https://10.0.0.7:8043", "10.0.0.7:8043"),
        ("https://[::1]:8043", "https://[::1]:8043", "[::1]:8043"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]", "[2001:db8::1]"),
        ("https://gw:1/front/door", "https://gw:1/front/door", "gw:1"),
        ("https://gw:1/front/", "https://gw:1/front", "gw:1"),
        ("https://gw:1/agentgateway/resource", "https://gw:1", "gw:1"),
        ("https://gw:1/agentgateway/resource/", "https://gw:1", "gw:1"),
        ("https://gw:1/front/agentgateway/resource", "https://gw:1/front", "gw:1"),
        ("https://gw:65535?", "https://gw:65535", "gw:65535"),
    ],
)
def test_an_address_is_taken_in_the_ways_people_write_it(url: str, parsed: str, name: str) -> None:
    assert Endpoint.parse(url) == Endpoint(name=name, url=parsed)


@pytest.mark.parametrize("insecure", [False, True])
def test_no_tls_keys_are_logged_whatever_sslkeylogfile_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, insecure: bool
) -> None:
    """GUIDs could be read off the wire by them; the emulated gateway's are its clients' too."""
    keys = tmp_path / "tls.keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    pem = CertificateAuthority().pem
    for endpoint in (
        Endpoint.parse("https://gw:1", insecure=insecure),
        Endpoint.parse("https://gw:1", ca_pem=pem, insecure=insecure),
    ):
        context = tls_context(endpoint)
        assert not context.keylog_filename
        assert context.check_hostname == (not insecure)
        assert context.verify_mode == (ssl.CERT_NONE if insecure else ssl.CERT_REQUIRED)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.get_ca_certs()
    assert not CertificateAuthority().server_context("localhost").keylog_filename
    assert not keys.exists()


def test_certificates_are_judged_as_strictly_as_pythons_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)
    ours, default = tls_context(Endpoint.parse("https://gw:1")), ssl.create_default_context()
    default.minimum_version = ssl.TLSVersion.TLSv1_2
    for name in ("verify_flags", "verify_mode", "check_hostname", "options", "minimum_version"):
        assert getattr(ours, name) == getattr(default, name), name
    assert [each["name"] for each in ours.get_ciphers()] == [
        each["name"] for each in default.get_ciphers()
    ]
    assert ours.cert_store_stats() == default.cert_store_stats()


def test_parsing_twice_changes_nothing() -> None:
    once = Endpoint.parse("https://GW:8043/front/agentgateway/resource/", name="east")
    assert Endpoint.parse(once.url, name="east") == once


def test_a_name_and_tls_settings_are_kept() -> None:
    endpoint = Endpoint.parse(
        "https://gw:1", name="east", ca_file=Path("ca.pem"), tls_server_name="gw", insecure=True
    )
    assert (endpoint.name, endpoint.ca_file) == ("east", Path("ca.pem"))
    assert (endpoint.tls_server_name, endpoint.insecure) == ("gw", True)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "begin with https://"),
        ("gw:8043", "begin with https://"),
        ("//gw:8043", "begin with https://"),
        ("http://gw:8043", "begin with https://"),
        ("ftp://gw", "begin with https://"),
        ("https:/gw", "no valid host"),
        ("https://", "no valid host"),
        ("https://:8043", "no valid host"),
        ("https:///path", "no valid host"),
        ("https://gw:0", "no valid host name or port"),
        ("https://gw:65536", "no valid host name or port"),
        ("https://gw:99999999999", "no valid host name or port"),
        ("https://gw:-1", "no valid host name or port"),
        ("https://gw:port", "no valid host name or port"),
        ("https://gw:1:2", "no valid host name or port"),
        ("https://a..b", "no valid host"),
        ("https://.", "no valid host"),
        ("https://*", "no valid host"),
        ("https://%41", "no valid host"),
        ("https://g\\w", "no valid host"),
        ("https://" + "a" * 64, "no valid host"),
        ("https://" + "a." * 127, "no valid host"),
        ("https://1.2.3", "no valid host"),
        ("https://1.2.3.256", "no valid host"),
        ("https://::1:8043", "no valid host"),
        ("https://[::1", "not valid"),
        ("https://[::1]x:1", "not valid|no valid host"),
        ("https://[gw]:1", "not valid|no valid host"),
        ("https://[1:2]:1", "not valid|no valid host"),
        ("https://gw/?flag=0", r"before any \? or #"),
        ("https://gw#top", r"before any \? or #"),
        ("https://g w", "neither spaces"),
        (" https://gw", "neither spaces"),
        ("https://gw/\n", "neither spaces"),
        ("https://g\u00e4teway", "beyond ASCII"),
        ("https://gw:\u0661", "beyond ASCII"),
    ],
)
def test_an_address_that_nothing_can_be_sent_to_is_refused(url: str, reason: str) -> None:
    with pytest.raises(SettingsRefused, match=reason) as refused:
        Endpoint.parse(url)
    assert str(refused.value).endswith("give the gateway as https://HOST:PORT")


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@gw:8043",
        "https://hunter2@gw",
        "https://:hunter2@gw",
        "https://user:hunter2@gw:99999",
        "https://user:hun/hunter2@gw",
        "https://user:hunter2?@gw",
        "https://user:[hunter2@gw",
        "https://user:[hunter2]@gw",
        "https://user:hunter2 @gw",
        "https://user:h@hunter2@gw",
        "http://user:hunter2@gw",
        "user:hunter2@gw",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        Endpoint.parse(url)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@given(st.text(max_size=40) | st.from_regex(r"https://[!-~]{0,30}", fullmatch=True))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        endpoint = Endpoint.parse(text)
    except SettingsRefused:
        return
    assert endpoint.url.startswith("https://")
    assert Endpoint.parse(endpoint.url).url in {endpoint.url, endpoint.url.rstrip("/")}


def with_file(option: str, path: Path) -> Endpoint:
    if option == "ca_file":
        return Endpoint(name="g", url="https://gw", ca_file=path)
    return Endpoint(name="g", url="https://gw", client_cert=path)


class TestTls:
    def test_certificate_and_name_are_verified_from_tls_1_2_on(self) -> None:
        context = tls_context(Endpoint(name="g", url="https://gw"))
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2

    @pytest.mark.parametrize("source", ["file", "memory"])
    def test_a_ca_of_ones_own_is_trusted_instead_of_the_systems(
        self, tmp_path: Path, source: str
    ) -> None:
        authority = trustme.CA(organization_name="ours alone")
        if source == "file":
            authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
            endpoint = Endpoint(name="g", url="https://gw", ca_file=tmp_path / "ca.pem")
        else:
            endpoint = Endpoint(name="g", url="https://gw", ca_pem=authority.cert_pem.bytes())
        trusted = tls_context(endpoint).get_ca_certs()
        assert len(trusted) == 1
        assert "ours alone" in str(trusted)

    def test_insecure_accepts_any_certificate_but_no_older_tls(self) -> None:
        context = tls_context(Endpoint(name="g", url="https://gw", insecure=True))
        assert context.verify_mode is ssl.CERT_NONE
        assert not context.check_hostname
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2

    @pytest.mark.parametrize(
        "content", [b"", b"not PEM", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\n"]
    )
    @pytest.mark.parametrize("option", ["ca_file", "client_cert"])
    def test_a_file_that_is_no_certificate_is_refused_by_name(
        self, tmp_path: Path, option: str, content: bytes
    ) -> None:
        path = tmp_path / "wrong.pem"
        path.write_bytes(content)
        with pytest.raises(SettingsRefused) as refused:
            tls_context(with_file(option, path))
        assert f"--{option.replace('_', '-')} {path}: " in str(refused.value)
        assert "PEM file" in str(refused.value)

    @pytest.mark.parametrize("option", ["ca_file", "client_cert"])
    def test_a_file_that_is_not_there_is_refused_by_name(self, tmp_path: Path, option: str) -> None:
        for path in (tmp_path / "absent.pem", tmp_path, Path("nul\0.pem")):
            with pytest.raises(SettingsRefused) as refused:
                tls_context(with_file(option, path))
            assert str(path) in str(refused.value)

    def test_a_client_certificate_with_its_key_is_loaded(self, tmp_path: Path) -> None:
        path = tmp_path / "client.pem"
        trustme.CA().issue_cert("client").private_key_and_cert_chain_pem.write_to_path(str(path))
        tls_context(Endpoint(name="g", url="https://gw", client_cert=path))

    def test_a_certificate_without_its_key_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "client.pem"
        trustme.CA().issue_cert("client").cert_chain_pems[0].write_to_path(str(path))
        with pytest.raises(SettingsRefused, match="--client-cert"):
            tls_context(Endpoint(name="g", url="https://gw", client_cert=path))

    def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_a_passphrase(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        leaf = trustme.CA().issue_cert("client")
        key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
        encrypted = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"synthetic"),
        )
        path = tmp_path / "client.pem"
        path.write_bytes(encrypted + leaf.cert_chain_pems[0].bytes())
        with pytest.raises(SettingsRefused, match="the key is encrypted"):
            tls_context(Endpoint(name="g", url="https://gw", client_cert=path))
        assert capfd.readouterr() == ("", "")
