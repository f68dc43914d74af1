"""What the tests of the locked door share."""

from dataclasses import dataclass

from fastapi.testclient import TestClient

from service.host.server import Server


@dataclass(frozen=True, slots=True)
class Locked:
    """A server that asks for keys, a client of it, and the header of a key that opens all."""

    server: Server
    client: TestClient
    admin: dict[str, str]
