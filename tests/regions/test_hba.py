"""Which line decides: the pure decision, line by line."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.regions.hba import Decision, Login, Rule, decide, patterns, pieces
from tui.regions.networks import read_network

LOGIN = Login("geo", "carto", 150000, frozenset({"carto", "readers", "staff"}), server="10.0.0.5")


def rule(text: str, line: int = 1) -> Rule:
    """A line as the server would show it."""
    kind, databases, roles, *rest = text.split()
    address, netmask = rest[0], ""
    if "/" in address:
        network = ip_network(address, strict=False)
        address, netmask = address.partition("/")[0], str(network.netmask)
    elif len(rest) > 2:
        netmask = rest[1]
    return Rule(line, kind, tuple(databases.split(",")), tuple(roles.split(",")), address, netmask, rest[-1])


def rules(*texts: str) -> tuple[Rule, ...]:
    """Lines numbered from 1."""
    return tuple(rule(text, number + 1) for number, text in enumerate(texts))


def one(lines: tuple[Rule, ...], address: str, login: Login = LOGIN, *, encrypted: bool = True) -> Decision:
    """What is decided about a single address."""
    ((_, decision),) = decide(lines, read_network(address), login, encrypted=encrypted)
    return decision


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("host all all 0.0.0.0/0 md5", True),
        ("host geo carto 198.51.100.0/24 md5", True),
        ("host other,geo nobody,carto all md5", True),
        ("host GEO carto all md5", False),
        ("host geo +readers all md5", True),
        ("host geo +carto all md5", True),
        ("host geo +writers all md5", False),
        ("host sameuser carto all md5", False),
        ("host samerole carto all md5", False),
        ("host replication carto all md5", False),
        ("host geo carto 198.51.0.7 255.255.0.255 md5", True),
        ("host geo carto 198.51.0.8 255.255.0.255 md5", False),
        ("host geo carto ::/0 md5", False),
        ("host geo carto ::ffff:198.51.100.7/128 md5", False),
        ("hostssl geo carto all md5", True),
        ("hostnossl geo carto all md5", False),
        ("hostnogssenc geo carto all md5", True),
        ("hostgssenc geo carto all md5", False),
        ("local all all all trust", False),
        ("host /^g carto all md5", False),  # before 16 a name like any other
        ("host geo carto samehost md5", False),
        ("host geo carto samenet md5", False),
    ],
)
def test_what_matches(text: str, matches: bool) -> None:
    decision = one(rules(text), "198.51.100.7")
    if "same" in text.split()[3]:
        assert one(rules(text), "8.8.4.4").admitted is matches
        assert decision.admitted is None  # an address of nobody in particular may be the server's own
    else:
        assert (decision.admitted, decision.doubt) == (matches, "")


def test_the_first_line_that_matches_decides() -> None:
    lines = rules("host geo other all trust", "host all all 198.51.100.7/32 reject", "host all all all md5")
    assert one(lines, "198.51.100.7") == Decision(False, lines[1], lines[1], method="reject")
    assert one(lines, "198.51.100.8") == Decision(True, lines[2], lines[2], method="md5")
    assert one((), "198.51.100.8") == Decision(False)


def test_memberships_make_databases_match() -> None:
    assert one(rules("host samerole all all md5"), "8.8.4.4", Login("staff", "carto", 120000, LOGIN.groups)).admitted
    assert one(rules("host sameuser all all md5"), "8.8.4.4", Login("carto", "carto", 120000)).admitted


def test_a_doubt_counts_only_where_it_changes_the_answer() -> None:
    host = "host all all .example.com"
    behind = rules(f"{host} md5", "host all all all scram-sha-256")
    assert one(behind, "8.8.4.4") == Decision(True, behind[1], behind[0])
    assert one(rules(f"{host} reject", "host all all all reject"), "8.8.4.4").admitted is False
    assert one(rules(f"{host} reject"), "8.8.4.4").admitted is False
    for text in (f"{host} md5", f"{host} reject"):
        decision = one(rules(text, f"host all all all {'reject' if 'md5' in text else 'md5'}"), "8.8.4.4")
        assert (decision.admitted, decision.rule and decision.rule.line) == (None, 1)
        assert "names a host" in decision.doubt
    assert one(rules(f"{host} trust", "host all all all md5"), "8.8.4.4").admitted is None


def test_a_keyword_that_is_also_a_name() -> None:
    lines = rules("host all all all md5")
    named = Login("geo", "carto", 170000, quoted=frozenset({"all"}))
    assert one(lines, "8.8.4.4", named).admitted is None
    assert one(lines, "8.8.4.4", Login("all", "all", 170000, quoted=frozenset({"all"}))).admitted is True
    member = Login("geo", "carto", 170000, frozenset({"g"}), quoted=frozenset({"+g"}))
    assert one(rules("host geo +g all md5"), "8.8.4.4", member).admitted is None
    assert one(rules("host geo +h all md5"), "8.8.4.4", member).admitted is False


def test_expressions_are_asked_of_the_server() -> None:
    lines = rules("host /^ge /^c all md5")
    assert patterns(lines, LOGIN) == ()
    newer = Login("geo", "carto", 160000)
    assert patterns(lines, newer) == (("/^ge", "geo"), ("/^c", "carto"))
    assert one(lines, "8.8.4.4", newer).admitted is None
    known = Login("geo", "carto", 160000, expressions={("/^ge", "geo"): True, ("/^c", "carto"): False})
    assert one(lines, "8.8.4.4", known).admitted is False


def test_the_servers_own_networks() -> None:
    def admitted(word: str, address: str, server: str) -> bool | None:
        return one(rules(f"host all all {word} md5"), address, Login("geo", "carto", 150000, server=server)).admitted

    assert admitted("samehost", "10.0.0.5", "10.0.0.5") is True
    assert admitted("samehost", "10.0.0.6", "10.0.0.5") is None
    assert admitted("samenet", "127.9.9.9", "") is True
    assert admitted("samehost", "127.0.0.1", "") is True
    assert admitted("samehost", "127.0.0.2", "") is None
    assert admitted("samenet", "::1", "") is True
    assert admitted("samenet", "35.195.132.75", "10.0.0.5") is False
    assert admitted("samenet", "35.195.132.75", "35.195.1.1") is None
    assert admitted("samehost", "35.195.132.75", "35.195.1.1") is False
    assert admitted("samenet", "35.195.132.75", "") is None


def test_ipv4_in_ipv6_is_ipv4() -> None:
    assert read_network("::ffff:198.51.100.7") == ip_network("198.51.100.7/32")
    assert read_network("::ffff:198.51.100.0/120") == ip_network("198.51.100.0/24")
    assert read_network("2001:db8::/32") == ip_network("2001:db8::/32")


def test_a_network_is_cut_where_its_addresses_fare_differently() -> None:
    lines = rules("host all all 10.0.0.7/32 reject", "host all all 10.0.0.0/25 md5")
    found = decide(lines, ip_network("10.0.0.0/24"), LOGIN, encrypted=True)
    assert [str(piece) for piece, decision in found if decision.rule == lines[0]] == ["10.0.0.7/32"]
    assert [str(piece) for piece, decision in found if decision.rule is None] == ["10.0.0.128/25"]
    inside = [piece for piece, decision in found if decision.rule == lines[1]]
    assert sum(piece.num_addresses for piece in inside) == 127


def test_masks_with_holes_end() -> None:
    lines = rules("host all all 0.0.0.1 0.0.0.255 md5")
    found = decide(lines, ip_network("10.0.0.0/8"), LOGIN, encrypted=True)
    assert None in {decision.admitted for _, decision in found}
    assert sum(piece.num_addresses for piece, _ in found) == 2**24


masks = st.one_of(
    st.integers(0, 32).map(lambda length: str(IPv4Network((0, length)).netmask)),
    st.integers(0, 255).map(lambda byte: f"255.255.255.{byte}"),
)
lines_strategy = st.lists(
    st.builds(
        lambda last, mask, method, kind: Rule(0, kind, ("all",), ("all",), f"10.0.0.{last}", mask, method),
        st.integers(0, 255), masks, st.sampled_from(("md5", "reject", "trust")),
        st.sampled_from(("host", "hostssl", "hostnossl")),
    ),
    max_size=6,
)  # fmt: skip


@given(lines_strategy, st.integers(20, 32))
def test_the_pieces_of_a_network_are_what_its_addresses_are(lines: list[Rule], length: int) -> None:
    network = IPv4Network((int(IPv4Address("10.0.0.0")), length))
    plain = decide(lines, network, LOGIN, encrypted=False)
    under_tls = decide(lines, network, LOGIN, encrypted=True)
    cut = pieces(plain, under_tls)
    assert sum(piece.num_addresses for piece, _ in cut) == network.num_addresses
    for piece, decisions in cut:
        for address in {piece[0], piece[-1]}:
            for encrypted, decision in zip((False, True), decisions, strict=True):
                single = one(tuple(lines), str(address), encrypted=encrypted)
                assert (single.admitted, single.rule) == (decision.admitted, decision.rule)
