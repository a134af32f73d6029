"""The shell scripts, run against stand-ins of the clouds' tools: what arrives there, and what is merged."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.regions.rules_given import ADDRESSES, TARGETS, Tools, wanted
from tui.regions.rules import Inexpressible, write

if TYPE_CHECKING:
    from pathlib import Path

# An instance with authorized networks: describe answers as gcloud 528 does, patch replaces the list.
_GCLOUD = """
state = here / 'networks.json'
networks = json.loads(state.read_text())
if argv[:3] == ['sql', 'instances', 'describe']:
    if (here / 'down').exists(): sys.exit('ERROR: (gcloud.sql.instances.describe) HTTPError 404')
    (option,) = [word for word in argv if word.startswith('--format=')]
    key = option.removeprefix('--format=value(settings.ipConfiguration.authorizedNetworks[].').removesuffix('.list())')
    assert key in ('value', 'expirationTime'), option
    print(','.join(str(each.get(key)) for each in networks))
elif argv[:3] == ['sql', 'instances', 'patch']:
    (option,) = argv[4:]
    if option == '--clear-authorized-networks':
        networks = []
    else:
        values = option.removeprefix('--authorized-networks=').split(',')
        assert all(values), option
        networks = [{'value': value} for value in values]
    state.write_text(json.dumps(networks))
else:
    sys.exit(f'what is {argv}?')
"""
# A security group that, like AWS's, refuses what it holds and what it does not hold.
_AWS = """
state = here / 'rules.json'
rules = json.loads(state.read_text()) if state.exists() else []
verb = argv[1].partition('-')[0]
((permission),) = json.loads(argv[argv.index('--ip-permissions') + 1])
(source,) = permission.get('IpRanges') or permission['Ipv6Ranges']
source.pop('Description', None)
if (here / 'down').exists(): sys.exit('An error occurred (ExpiredToken)')
if (permission in rules) == (verb == 'authorize'):
    which = 'Duplicate' if verb == 'authorize' else 'NotFound'
    sys.exit(f'An error occurred (InvalidPermission.{which}) when calling the operation')
rules.append(permission) if verb == 'authorize' else rules.remove(permission)
state.write_text(json.dumps(rules))
print('{"Return": true}')
"""


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """Tools that do nothing."""
    return Tools(tmp_path_factory.mktemp("tools"), {"ufw": "", "az": "", "aws": "", "terraform": ""})


@pytest.fixture
def instance(tmp_path: Path) -> Tools:
    """A stand-in for gcloud, whose instance has no networks."""
    (tmp_path / "networks.json").write_text("[]")
    return Tools(tmp_path, {"gcloud": _GCLOUD})


@pytest.fixture
def group(tmp_path: Path) -> Tools:
    """A stand-in for aws, with an empty security group."""
    return Tools(tmp_path, {"aws": _AWS})


def _have(folder: Path, *networks: str, **first: str) -> None:
    given = [{"value": network} for network in networks]
    given[0].update(first)
    (folder / "networks.json").write_text(json.dumps(given))


def _now(folder: Path) -> list[str]:
    return [each["value"] for each in json.loads((folder / "networks.json").read_text())]


@pytest.mark.parametrize(
    ("shell", "before"),
    [
        ("bash", []),
        ("sh", ["203.0.113.7"]),
        ("bash", ["203.0.113.7/32", "10.0.0.0/8"]),
        ("sh", ["192.0.2.100", "92.0.2.1", "192.0.2.1/30"]),
    ],
)
def test_gcloud_keeps_what_is_there_adds_what_is_missing_and_takes_out_only_that(
    instance: Tools, tmp_path: Path, shell: str, before: list[str]
) -> None:
    asked = write("gcloud", wanted("192.0.2.1", "192.0.2.10", "198.51.100.0/28", target="maps-1"))
    (tmp_path / "networks.json").write_text(json.dumps([{"value": value} for value in before]))
    added = instance.run(asked.rules, shell)
    assert (added.status, added.err) == (0, "")
    assert _now(tmp_path) == [*before, "192.0.2.1", "192.0.2.10", "198.51.100.0/28"]
    again = instance.run(asked.rules, shell)
    assert (again.status, len(again.calls)) == (0, 2)  # two times describe: nothing to patch
    removed = instance.run(asked.undo, shell)
    assert (removed.status, removed.err) == (0, "")
    assert _now(tmp_path) == before
    assert len(instance.run(asked.undo, shell).calls) == 2


@pytest.mark.parametrize("place", range(4))
def test_gcloud_finds_an_address_wherever_it_stands_and_however_it_is_written(
    instance: Tools, tmp_path: Path, place: int
) -> None:
    others = ["203.0.113.7", "10.0.0.0/8", "203.0.113.9"]
    asked = write("gcloud", wanted("192.0.2.1", target="maps-1"))
    for spelling in ("192.0.2.1", "192.0.2.1/32"):
        _have(tmp_path, *others[:place], spelling, *others[place:])
        assert len(instance.run(asked.rules).calls) == 2
        assert instance.run(asked.undo).status == 0
        assert _now(tmp_path) == others


def test_gcloud_changes_nothing_where_it_cannot_read_or_would_lose_an_expiry_time(
    instance: Tools, tmp_path: Path
) -> None:
    asked = write("gcloud", wanted(target="maps-1"))
    for script in (asked.rules, asked.undo):
        _have(tmp_path, "203.0.113.7", "192.0.2.1", expirationTime="2030-01-01T00:00:00Z")
        expiring = instance.run(script)
        assert (expiring.status, _now(tmp_path)) == (1, ["203.0.113.7", "192.0.2.1"])
        assert "maps-1 has an expiry time" in expiring.err
        _have(tmp_path, "203.0.113.7", "192.0.2.1", name="office")
        (tmp_path / "down").touch()
        down = instance.run(script)
        assert (down.status, _now(tmp_path)) == (1, ["203.0.113.7", "192.0.2.1"])
        assert "404" in down.err
        (tmp_path / "down").unlink()


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_aws_adds_each_once_and_takes_each_out(group: Tools, tmp_path: Path, shell: str) -> None:
    asked = write("aws", wanted(port=6432, target=TARGETS["aws"]))
    first = group.run(asked.rules, shell)
    assert (first.status, first.err, len(first.calls)) == (0, "", 3)
    assert all(call[3:5] == ["--group-id", TARGETS["aws"]] for call in first.calls)
    held = json.loads((tmp_path / "rules.json").read_text())
    ranges = [source for rule in held for source in rule.get("IpRanges", []) + rule.get("Ipv6Ranges", [])]
    assert ranges == [{"CidrIp": "192.0.2.1/32"}, {"CidrIp": "198.51.100.0/28"}, {"CidrIpv6": "2001:db8::7/128"}]
    assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in held} == {("tcp", 6432, 6432)}
    again = group.run(asked.rules, shell)
    assert (again.status, again.out.count("already there")) == (0, 3)
    undone = group.run(asked.undo, shell)
    assert (undone.status, json.loads((tmp_path / "rules.json").read_text())) == (0, [])
    assert group.run(asked.undo, shell).out.count("not there") == 3


def test_aws_stops_at_the_first_refusal_and_repeats_it(group: Tools, tmp_path: Path) -> None:
    (tmp_path / "down").touch()
    ran = group.run(write("aws", wanted(target=TARGETS["aws"])).rules)
    assert (ran.status, len(ran.calls)) == (1, 1)
    assert "ExpiredToken" in ran.err


def test_azure_sets_ranges_by_rules_of_steady_names(tools: Tools) -> None:
    asked = write("azure", wanted(target=TARGETS["azure"]))
    create = tools.run(asked.rules).calls
    assert [call[1:5] for call in create] == [["postgres", "flexible-server", "firewall-rule", "create"]] * 2
    options = [dict(zip(call[5::2], call[6::2], strict=True)) for call in create]
    assert options == [
        {
            "--resource-group": "my_group",
            "--server-name": "my-server",
            "--name": name,
            "--start-ip-address": start,
            "--end-ip-address": end,
        }
        for name, start, end in (
            ("carto-us-east1-192-0-2-1", "192.0.2.1", "192.0.2.1"),
            ("carto-us-east1-198-51-100-0-28", "198.51.100.0", "198.51.100.15"),
        )
    ]
    delete = tools.run(asked.undo).calls
    assert [call[-2] for call in delete] == [option["--name"] for option in options]
    assert all(call[-1] == "--yes" for call in delete)


_HOSTILE = st.text(st.sampled_from("ab '\"`$(){}[]<>|&;\\*?~#!%=-/.,é€"), min_size=1, max_size=24)


@settings(max_examples=15)
@given(region=_HOSTILE, connection=_HOSTILE, role=_HOSTILE, server=_HOSTILE)
def test_hostile_names_arrive_as_one_argument(
    tools: Tools, region: str, connection: str, role: str, server: str
) -> None:
    asked = wanted(region=region, connection=connection, database=role, role=role, server=server)
    ufw = tools.run(write("ufw", asked).rules)
    assert (ufw.status, ufw.err) == (0, "")
    assert ufw.calls == [
        ["ufw", "allow", "proto", "tcp", "from", address, "to", "any", "port", "5432", "comment", asked.label]
        for address in ADDRESSES
    ]
    aws = tools.run(write("aws", asked).rules)
    assert (aws.status, aws.err) == (0, "")
    for call, address in zip(aws.calls, ADDRESSES, strict=True):
        assert call[:6] == [
            "aws", "ec2", "authorize-security-group-ingress", "--group-id", "SECURITY_GROUP_ID", "--ip-permissions",
        ]  # fmt: skip
        ((permission),) = json.loads(call[6])
        (source,) = permission.get("IpRanges") or permission["Ipv6Ranges"]
        assert source["Description"] == asked.label
        assert source.get("CidrIp", source.get("CidrIpv6")).split("/")[0] == address.split("/")[0]
    azure = tools.run(write("azure", asked).rules)
    assert (azure.status, azure.err) == (0, "")
    assert [len(call) for call in azure.calls] == [15, 15]
    for firewall in ("terraform-aws", "terraform-google", "terraform-azure"):
        assert tools.run(write(firewall, asked).undo).calls == [["terraform", "apply"]]


@settings(max_examples=25)
@given(group=_HOSTILE)
def test_a_hostile_target_is_refused_or_arrives_as_it_is(tools: Tools, group: str) -> None:
    try:
        written = write("azure", wanted(target=f"{group}/my-server"))
    except Inexpressible:
        return
    calls = tools.run(written.rules).calls
    assert [call[6] for call in calls] == [group, group]


def test_what_is_pasted_leaves_the_shell_as_it_was(group: Tools, tmp_path: Path) -> None:
    (tmp_path / "down").touch()
    ran = group.run(write("aws", wanted()).rules + "echo still $- here ${group-unset}\n")
    assert ran.out.startswith("still ")
    assert " here unset" in ran.out
    assert "e" not in ran.out.split()[1]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not here, and macOS's users have it")
def test_zsh_runs_the_scripts(instance: Tools, tmp_path: Path) -> None:
    asked = write("gcloud", wanted(target="maps-1"))
    _have(tmp_path, "203.0.113.7")
    assert instance.run(asked.rules, "zsh").status == 0
    assert _now(tmp_path) == ["203.0.113.7", "192.0.2.1", "198.51.100.0/28"]
    assert instance.run(asked.undo, "zsh").status == 0
    assert _now(tmp_path) == ["203.0.113.7"]
