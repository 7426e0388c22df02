"""TLS over the wire: authorities, names, client certificates, and tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from server import ScriptedServer, lease, refusal, serving

import apportion

AUTHORITY = trustme.CA()
OTHER_AUTHORITY = trustme.CA()


def credentials(name: str, clients: trustme.CA | None = None) -> grpc.ServerCredentials:
    """A certificate for a name. Clients need one of the authority, if there is one for them."""
    certificate = AUTHORITY.issue_cert(name)
    chain = b"".join(part.bytes() for part in certificate.cert_chain_pems)
    roots = None if clients is None else pem(clients)
    return grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)], roots, clients is not None)


def pem(authority: trustme.CA) -> bytes:
    return bytes(authority.cert_pem.bytes())


def acquire(server: ScriptedServer, tls: apportion.Tls | None) -> None:
    with apportion.connect(server.address, tls=tls) as quota, quota.acquire(max_wait=1):
        pass


def test_a_certificate_must_be_of_the_authority_and_have_the_name() -> None:
    with serving(credentials=credentials("127.0.0.1")) as server:
        acquire(server, apportion.Tls(pem(AUTHORITY)))
        for tls in (None, apportion.Tls(pem(OTHER_AUTHORITY))):
            with pytest.raises(apportion.UnreachableError):
                acquire(server, tls)
    with serving(credentials=credentials("quota.example")) as server:
        acquire(server, apportion.Tls(pem(AUTHORITY), server_name="quota.example"))
        for name in (None, "other.example"):
            with pytest.raises(apportion.UnreachableError):
                acquire(server, apportion.Tls(pem(AUTHORITY), server_name=name))


def test_a_client_shows_its_certificate(tmp_path: Path) -> None:
    mine = OTHER_AUTHORITY.issue_cert("sync.example")
    (tmp_path / "chain").write_bytes(b"".join(part.bytes() for part in mine.cert_chain_pems))
    mine.private_key_pem.write_to_path(tmp_path / "key")
    AUTHORITY.cert_pem.write_to_path(tmp_path / "authority")
    tls = apportion.Tls.from_files(
        certificate_authority=tmp_path / "authority", certificate=tmp_path / "chain", key=tmp_path / "key"
    )
    with serving(credentials=credentials("127.0.0.1", OTHER_AUTHORITY)) as server:
        acquire(server, tls)
        with pytest.raises(apportion.UnreachableError):
            acquire(server, apportion.Tls(pem(AUTHORITY)))


def test_a_token_file_is_read_again_when_the_server_refuses_the_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    unknown = refusal("UNAUTHENTICATED", code=grpc.StatusCode.UNAUTHENTICATED)
    with serving(unknown, lease(), credentials=credentials("127.0.0.1")) as server:
        with apportion.connect(server.address, token_file=file, tls=apportion.Tls(pem(AUTHORITY))) as quota:
            file.write_text("new\n")
            with quota.acquire():
                pass
        assert server.tokens[:2] == ["Bearer old", "Bearer new"]


def test_certificates_that_cannot_work_are_named(tmp_path: Path) -> None:
    mine, other = AUTHORITY.issue_cert("sync.example"), AUTHORITY.issue_cert("sync.example")
    chain, key = mine.cert_chain_pems[0].bytes(), mine.private_key_pem.bytes()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"certificate_authority": b"none"}, "certificate_authority"),
        ({"certificate": b"none", "key": key}, "certificate"),
        ({"certificate": chain, "key": b"none"}, "key"),
        ({"certificate": chain}, "both"),
    ]
    for tls, named in cases:
        with pytest.raises(apportion.ConfigError, match=named):
            apportion.Tls(**tls)
    (tmp_path / "chain").write_bytes(chain)
    other.private_key_pem.write_to_path(tmp_path / "key")
    with pytest.raises(apportion.ConfigError, match="certificate and key"):
        apportion.Tls.from_files(certificate=tmp_path / "chain", key=tmp_path / "key")
    with pytest.raises(apportion.ConfigError, match="none-there"):
        apportion.Tls.from_files(certificate_authority=tmp_path / "none-there")
