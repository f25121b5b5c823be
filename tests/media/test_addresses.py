"""Which port is had, and which addresses peers are told."""

import socket
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

import pytest

from media import addresses
from media.addresses import Bound, PortUnavailable, UnknownAddress, announced, bind

HAS_IPV6 = socket.has_ipv6 and "::1" in addresses._of_interfaces()
needs_ipv6 = pytest.mark.skipif(not HAS_IPV6, reason="no IPv6 here")


def families(bound: Bound) -> list[socket.AddressFamily]:
    return [one.family for one in bound.udp]


class TestBinding:
    def test_udp_and_tcp_have_one_number(self) -> None:
        with bind("127.0.0.1", 0) as bound:
            assert bound.addresses == ("127.0.0.1",)
            ports = {one.getsockname()[1] for one in (*bound.udp, *bound.tcp)}
            assert ports == {bound.port}
            assert len(bound.udp) == len(bound.tcp) == 1
            assert not bound.udp[0].getblocking()

    def test_without_tcp(self) -> None:
        with bind("127.0.0.1", 0, tcp=False) as bound:
            assert bound.tcp == ()

    @needs_ipv6
    def test_both_families_have_one_number(self) -> None:
        with bind("::", 0) as bound:
            assert bound.addresses == ("0.0.0.0", "::")
            assert families(bound) == [socket.AF_INET, socket.AF_INET6]
            ports = {one.getsockname()[1] for one in (*bound.udp, *bound.tcp)}
            assert ports == {bound.port}

    def test_a_wildcard_of_ipv4_is_ipv4_alone(self) -> None:
        with bind("0.0.0.0", 0) as bound:
            assert families(bound) == [socket.AF_INET]

    def test_a_machine_without_ipv6_does_without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = socket.socket

        def made(family: int, *arguments: Any) -> socket.socket:
            if family == socket.AF_INET6:
                raise OSError(97, "Address family not supported by protocol")
            return real(family, *arguments)

        monkeypatch.setattr(addresses.socket, "socket", made)
        with bind("::", 0) as bound:
            assert bound.addresses == ("0.0.0.0",)

    def test_where_any_will_do_one_is_found_that_is_free_for_both(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The kernel gives a number for UDP that TCP may have already."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = other.getsockname()[1]
            real = addresses._socket
            numbers = iter([taken, 0])

            def made(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
                return real(address, port or next(numbers), kind)

            monkeypatch.setattr(addresses, "_socket", made)
            with bind("127.0.0.1", 0) as bound:
                assert bound.port != taken

    def test_closing_gives_the_port_back(self) -> None:
        with bind("127.0.0.1", 0) as bound:
            pass
        bound.close()
        with bind("127.0.0.1", bound.port):
            pass


class TestRefusals:
    """Each says which setting to change."""

    def test_a_port_whose_udp_is_taken(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            port = other.getsockname()[1]
            with pytest.raises(PortUnavailable, match=rf"{port} .* is taken .* \(media\.port"):
                bind("127.0.0.1", port)

    def test_a_port_whose_tcp_is_taken_leaves_nothing_open(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with pytest.raises(PortUnavailable, match=r"media\.port"):
                bind("127.0.0.1", port)
        with bind("127.0.0.1", port):
            pass

    def test_two_endpoints(self) -> None:
        with (
            bind("127.0.0.1", 0) as bound,
            pytest.raises(PortUnavailable, match="such as another plaza"),
        ):
            bind("127.0.0.1", bound.port)

    def test_an_address_of_another_machine(self) -> None:
        with pytest.raises(PortUnavailable, match=r"192\.0\.2\.1 is no address .* media\.host"):
            bind("192.0.2.1", 0)

    @pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 70])
    def test_a_host_that_is_none(self, host: str) -> None:
        with pytest.raises(PortUnavailable, match=r"is not known.*media\.host"):
            bind(host, 0)

    @pytest.mark.parametrize(
        ("number", "words"), [(13, "above 1023 with media.port"), (105, "cannot be had")]
    )
    def test_other_reasons(self, monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
        def made(*_arguments: Any) -> socket.socket:
            raise OSError(number, "why")

        monkeypatch.setattr(addresses, "_socket", made)
        with pytest.raises(PortUnavailable, match=words):
            bind("127.0.0.1", 80)


def on(*own: str) -> Bound:
    return Bound(8189, own, (), ())


def interfaces(monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    """The machine's: ifaddr gives IPv6 addresses with flow and scope."""
    ips = [SimpleNamespace(ip=(text, 0, 0) if ":" in text else text) for text in texts]
    monkeypatch.setattr(
        addresses.ifaddr, "get_adapters", lambda: [SimpleNamespace(ips=[ip]) for ip in ips]
    )


class TestAnnounced:
    async def test_the_address_itself(self) -> None:
        assert await announced([], on("127.0.0.1")) == ("127.0.0.1",)

    async def test_by_interface_public_ones_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        interfaces(
            monkeypatch,
            *("127.0.0.1", "192.168.1.4", "169.254.3.3", "1.2.3.4"),
            *("::1", "fe80::1", "fd00::1", "2a00::1"),
        )
        assert await announced([], on("0.0.0.0", "::")) == (
            *("1.2.3.4", "192.168.1.4"),
            *("2a00::1", "fd00::1"),
        )
        assert await announced([], on("0.0.0.0")) == ("1.2.3.4", "192.168.1.4")

    async def test_loopback_where_there_is_nothing_else(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        interfaces(monkeypatch, "127.0.0.1", "169.254.1.1")
        assert await announced([], on("0.0.0.0")) == ("127.0.0.1",)

    async def test_no_interface_at_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        interfaces(monkeypatch, "169.254.1.1")
        with pytest.raises(UnknownAddress, match=r"media\.announced_addresses"):
            await announced([], on("0.0.0.0"))

    async def test_this_machine(self) -> None:
        found = await announced([], on("0.0.0.0"))
        assert found
        assert all(ip_address(text).version == 4 for text in found)

    async def test_several_in_their_order_each_once(self) -> None:
        names = ["203.0.113.9", "2001:DB8::1", "203.0.113.9"]
        assert await announced(names, on("0.0.0.0")) == ("203.0.113.9", "2001:db8::1")

    async def test_names_are_resolved_to_what_can_be_reached(self) -> None:
        assert await announced(["localhost"], on("0.0.0.0")) == ("127.0.0.1",)

    @pytest.mark.parametrize("name", ["no.such.host.invalid", "a" * 70])
    async def test_a_name_that_nobody_has(self, name: str) -> None:
        with pytest.raises(UnknownAddress, match=rf"'{name}' is neither .* nor a host"):
            await announced(["203.0.113.9", name], on("0.0.0.0"))

    @pytest.mark.parametrize("name", ["0.0.0.0", "::", "224.0.0.1"])
    async def test_an_address_at_which_nobody_is(self, name: str) -> None:
        with pytest.raises(UnknownAddress, match="nobody is reached at"):
            await announced([name], on("0.0.0.0"))
