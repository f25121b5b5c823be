"""Which addresses are public: everybody's, and not this machine's, this network's or nobody's.

By the registries of special-purpose addresses, as of October 2025:
https://www.iana.org/assignments/iana-ipv4-special-registry
https://www.iana.org/assignments/iana-ipv6-special-registry

`ipaddress.is_global` does not do: Python 3.11 calls multicast, 6to4 and site-local addresses
global, and what it makes of others changes with its patch releases.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Also what the registry calls globally reachable: relays and sinks, on which nobody has a site.
SPECIAL_IPV4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network (RFC 791)
            "10.0.0.0/8",  # private (RFC 1918)
            "100.64.0.0/10",  # shared by the customers of a provider, CGNAT (RFC 6598)
            "127.0.0.0/8",  # loopback (RFC 1122)
            "169.254.0.0/16",  # link-local, and clouds' metadata (RFC 3927)
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments (RFC 6890)
            "192.0.2.0/24",  # documentation (RFC 5737)
            "192.31.196.0/24",  # AS112 (RFC 7535)
            "192.52.193.0/24",  # AMT (RFC 7450)
            "192.88.99.0/24",  # 6to4 relays (RFC 7526)
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112 (RFC 7534)
            "198.18.0.0/15",  # benchmarks (RFC 2544)
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast (RFC 5771)
            "240.0.0.0/4",  # reserved, and broadcast (RFC 1112, RFC 8190)
        ),
    )
)

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The only part of IPv6 that is given out to anybody (RFC 4291, 2.4, and IANA's registry).

Outside are unspecified, loopback, IPv4-mapped and -compatible (all ::/8), discard-only (100::/64),
segment routing (5f00::/16), unique local (fc00::/7), link-local (fe80::/10), site-local (fec0::/10)
and multicast (ff00::/8).
"""

# Within it.
SPECIAL_IPV6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID, AMT, drones (RFC 2928)
            "2001:db8::/32",  # documentation (RFC 3849)
            "2002::/16",  # 6to4 (RFC 3056)
            "2620:4f:8000::/48",  # AS112 (RFC 7534)
            "3fff::/20",  # documentation (RFC 9637)
        ),
    )
)

NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 as hosts see it that have IPv6 alone (RFC 6052): there, every site without IPv6 is here.

So it is the address within that counts. 64:ff9b:1::/48 (RFC 8215) is special: it is a network's
own, and where in it the address stands is not known.
"""


def is_public(address: Address) -> bool:
    """Whether an address is anybody's on the Internet.

    6to4 and Teredo addresses are not, whatever address they hold.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_IPV4)
    if address.scope_id is not None:
        return False
    if address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in GLOBAL_UNICAST and not any(address in network for network in SPECIAL_IPV6)


def parse_address(text: str) -> Address:
    """Read an address as the resolver gives it.

    Raises:
        ValueError: it is none.
    """
    return ip_address(text)
