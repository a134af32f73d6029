"""Addresses and networks: read as the server sees them, written as people do. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def read_network(text: str) -> Network:
    """Return an address or network; an IPv4 one that is written in IPv6 is what the server sees: IPv4.

    Raises ValueError.

    >>> read_network("::ffff:198.51.100.7")
    IPv4Network('198.51.100.7/32')
    """
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        inner = network.network_address.ipv4_mapped
        if inner is not None:
            return ip_network((int(inner), network.prefixlen - 96))
    return network


def name_of(network: Network) -> str:
    """Return a network as CIDR, a single address without its length."""
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def written(address: str, netmask: str) -> str:
    """Return an address and its mask: with the length of the prefix, where the mask has one.

    >>> written("10.0.0.0", "255.255.0.0"), written("10.0.0.0", "255.0.255.0"), written(".example.com", "")
    ('10.0.0.0/16', '10.0.0.0 255.0.255.0', '.example.com')
    """
    if not netmask:
        return address
    try:
        mask = ip_address(netmask)
    except ValueError:
        return f"{address} {netmask}"
    bits = f"{int(mask):0{mask.max_prefixlen}b}"
    return f"{address} {netmask}" if "01" in bits else f"{address}/{bits.count('1')}"
