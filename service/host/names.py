"""The names that a server goes by, and who can reach its address."""

import ipaddress
import re
import socket
from collections.abc import Collection

from index.errors import InvalidSettings
from service.settings import Settings


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def own_names(settings: Settings) -> frozenset[str]:
    """The names that a server may be called by, in small letters.

    Beyond loopback, the machine's own name is one of them: alone, and as it is found on a network
    without a name server.
    """
    names = {"localhost", settings.host, *settings.allowed_hosts}
    if not is_loopback(settings.host):
        machine = socket.gethostname()
        names |= {machine, machine.partition(".")[0], machine.partition(".")[0] + ".local"}
    return frozenset(name.lower() for name in names)


def trusted_proxies(settings: Settings) -> list[str]:
    """The networks of the proxies that are believed; an address is a network of one.

    Raises:
        InvalidSettings: there is no such address.
    """
    found = []
    for proxy in settings.trusted_proxies:
        try:
            found.append(str(ipaddress.ip_network(proxy, strict=False)))
        except ValueError as error:
            raise InvalidSettings(
                f"trusted_proxies: {proxy}: is no address or network; an example: 10.0.0.0/8"
            ) from error
    return found


def is_known(host: str, names: Collection[str]) -> bool:
    """Whether a request's `Host`, with its port or without, is one of these names or an address.

    An address is always good: a page elsewhere can point a name of its own at this machine, and so
    read what is here (DNS rebinding), but no browser takes an address for a name.
    """
    name = re.sub(r":[0-9]*$", "", host).lower()
    if name.startswith("[") and name.endswith("]"):
        return _is_address(name[1:-1], 6)
    return name.removesuffix(".") in names or _is_address(name, 4)


def _is_address(name: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(name).version == version
    except ValueError:
        return False
