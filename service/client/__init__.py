"""A client of the HTTP API: thin, typed, over httpx (the `client` extra).

with Client("http://127.0.0.1:8000", key) as pincite:
    reply = pincite.ask("How long is the lease?")
"""

from service.client.api import Client
from service.client.transport import Refused, Unreachable

__all__ = ["Client", "Refused", "Unreachable"]
