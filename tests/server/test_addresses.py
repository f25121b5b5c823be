"""Which addresses are public: explicit tables, and the standard library where it is right."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.addresses import (
    GLOBAL_UNICAST,
    NAT64,
    SPECIAL_IPV4,
    SPECIAL_IPV6,
    is_public,
    parse_address,
)

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700::1111",
    "2a00:1450::1",
    "64:ff9b::8.8.8.8",  # NAT64 of a public address
    "64:ff9b::808:808",
]

SPECIAL = [
    # IPv4
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255"),
    *("127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.1", "192.0.0.9", "192.0.0.170", "192.0.2.1", "192.31.196.1", "192.52.193.1"),
    *("192.88.99.1", "192.168.0.1", "192.168.255.255", "192.175.48.1", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250"),
    *("240.0.0.1", "255.255.255.255"),
    # IPv6
    *("::", "::1", "100::1", "100:0:0:1::1", "200::1", "400::1", "4000::1", "5f00::1"),
    *("fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1"),
    *("2001:db8::1", "3fff::1", "2001:2::1", "2001:3::1", "2001:4:112::1", "2001:10::1"),
    *("2001:20::1", "2001:30::1", "2620:4f:8000::1"),
    "2606:4700::1111%eth0",
    # with an IPv4 address within: mapped, compatible, translated, 6to4, Teredo, NAT64
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8"),
    *("::127.0.0.1", "::8.8.8.8"),
    *("2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1"),
    *("2001:0:7f00:1::", "2001:0:4136:e378:8000:63bf:f7f7:f7f7"),
    *("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::0.0.0.0"),
    *("64:ff9b:1::8.8.8.8", "64:ff9b:1:ffff::8.8.8.8", "64:ff9b:0:1::8.8.8.8"),
]

# Where the standard library of some patch release of Python 3.11 to 3.14 says "global", and we do
# not. (That of NAT64 it says of every address within.)
DISAGREED = (
    *SPECIAL_IPV4,
    *SPECIAL_IPV6,
    *map(IPv6Network, ("fec0::/10", "ff00::/8", "::/8", "100::/8", "5f00::/16")),
    NAT64,
)


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    assert is_public(parse_address(text))


@pytest.mark.parametrize("text", SPECIAL)
def test_special(text: str) -> None:
    assert not is_public(parse_address(text))


@pytest.mark.parametrize("network", [*SPECIAL_IPV4, *SPECIAL_IPV6], ids=str)
def test_special_networks_from_end_to_end(network) -> None:
    assert not is_public(network.network_address)
    assert not is_public(network.broadcast_address)


@given(st.ip_addresses(v=4))
def test_ipv4_is_public_only_if_the_standard_library_agrees(address: IPv4Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved
    elif not any(address in network for network in DISAGREED if network.version == 4):
        assert not address.is_global


@given(st.one_of(st.ip_addresses(v=6), st.ip_addresses(v=6, network="2000::/3")))
def test_ipv6_is_public_only_if_the_standard_library_agrees(address: IPv6Address) -> None:
    if is_public(address) and address not in NAT64:
        assert address.is_global
        assert not address.is_multicast
    elif address in GLOBAL_UNICAST:
        disagreed = any(address in network for network in DISAGREED if network.version == 6)
        assert disagreed or not address.is_global


@given(st.ip_addresses(v=4))
def test_an_address_within_counts_only_in_nat64(inner: IPv4Address) -> None:
    number = int(inner)
    assert is_public(IPv6Address(int(NAT64.network_address) | number)) is is_public(inner)
    for prefix, shift in (
        ("::", 0),
        ("::ffff:0:0", 0),
        ("::ffff:0:0:0", 0),
        ("2002::", 80),
        ("2001::", 64),
        ("64:ff9b:1::", 0),
    ):
        outer = int(ip_address(prefix)) | number << shift
        assert not is_public(IPv6Address(outer))
    hidden = int(ip_address("2001::")) | number ^ 0xFFFF_FFFF  # Teredo hides the client like this
    assert not is_public(IPv6Address(hidden))


@pytest.mark.parametrize("text", ["", "example.org", "1.2.3", "0x7f.1", "127.1", "1.2.3.4/32"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        parse_address(text)
