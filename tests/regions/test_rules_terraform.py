"""The Terraform configuration, read by a parser of HCL, and by Terraform itself where it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import hcl2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.regions.rules_given import TARGETS, wanted
from tui.regions.rules import write
from tui.regions.rules.terraform import string

if TYPE_CHECKING:
    from pathlib import Path

_WRITERS = ("terraform-aws", "terraform-google", "terraform-azure")
_TERRAFORM = shutil.which("terraform")
needs_terraform = pytest.mark.skipif(_TERRAFORM is None, reason="terraform is not in Debian: install it to run this")


def _read(text: str) -> dict[str, Any]:
    """Return what HCL holds, with names and strings without their quotes."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {bare(key): bare(each) for key, each in value.items() if key not in {"__is_block__", "__comments__"}}
        if isinstance(value, list):
            return [bare(each) for each in value]
        return value[1:-1] if isinstance(value, str) and value.startswith('"') else value

    found: dict[str, Any] = bare(hcl2.loads(text))
    return found


def test_aws_has_one_rule_for_each_address_of_each_version() -> None:
    found = _read(write("terraform-aws", wanted(port=6432, connection="prod", target=TARGETS["terraform-aws"])).rules)
    kind = "aws_vpc_security_group_ingress_rule"
    resources = {name: body for each in found["resource"] for name, body in each[kind].items()}
    common = {
        "security_group_id": "${aws_security_group.db.id}",
        "ip_protocol": "tcp",
        "from_port": 6432,
        "to_port": 6432,
        "description": "CARTO us-east1 for prod",
    }
    assert resources == {
        "carto_us_east1_ipv4": {
            "for_each": '${toset(["192.0.2.1/32", "198.51.100.0/28"])}',
            "cidr_ipv4": "${each.value}",
            **common,
        },
        "carto_us_east1_ipv6": {
            "for_each": '${toset(["2001:db8::7/128"])}',
            "cidr_ipv6": "${each.value}",
            **common,
        },
    }


def test_google_has_a_list_and_a_block_for_the_instance() -> None:
    found = _read(write("terraform-google", wanted(connection="prod")).rules)
    assert found["locals"] == [{"carto_us_east1": ["192.0.2.1", "198.51.100.0/28"]}]
    (block,) = found["dynamic"]
    assert block == {
        "authorized_networks": {
            "for_each": "${local.carto_us_east1}",
            "content": [{"name": "CARTO us-east1 for prod", "value": "${authorized_networks.value}"}],
        }
    }


def test_azure_has_ranges_by_the_names_of_its_rules() -> None:
    found = _read(write("terraform-azure", wanted(target=TARGETS["terraform-azure"])).rules)
    (resource,) = found["resource"]
    assert resource["azurerm_postgresql_flexible_server_firewall_rule"]["carto_us_east1"] == {
        "for_each": {
            "carto-us-east1-192-0-2-1": {"start": "192.0.2.1", "end": "192.0.2.1"},
            "carto-us-east1-198-51-100-0-28": {"start": "198.51.100.0", "end": "198.51.100.15"},
        },
        "name": "${each.key}",
        "server_id": "${azurerm_postgresql_flexible_server.db.id}",
        "start_ip_address": "${each.value.start}",
        "end_ip_address": "${each.value.end}",
    }


@pytest.mark.parametrize(
    "target", ["aws_security_group.db.id", 'var.groups["db"]', "module.db[0].security_group_id", "local.group"]
)
def test_an_expression_stands_as_it_is_and_an_id_as_a_string(target: str) -> None:
    assert f"security_group_id = {target}\n" in write("terraform-aws", wanted(target=target)).rules
    assert 'security_group_id = "sg-01234567"\n' in write("terraform-aws", wanted(target="sg-01234567")).rules


def test_the_undo_names_every_block() -> None:
    for firewall in _WRITERS:
        written = write(firewall, wanted())
        names = re.findall(r'^resource "(\w+)" "(\w+)"', written.rules, re.MULTILINE)
        assert all(f"{kind}.{name}" in written.undo for kind, name in names)
    assert "local.carto_us_east1" in write("terraform-google", wanted()).undo


# Whole templates only: the parser here knows an escaped one by its end. Terraform is asked about halves below.
_NAMES = st.lists(
    st.sampled_from(["a", " ", '"', "'", "\\", "${x}", "%{y}", "$", "%", "}", "é"]), min_size=1, max_size=8
)


@settings(max_examples=20)
@given(region=_NAMES.map("".join), connection=_NAMES.map("".join))
def test_names_stay_inside_their_strings(region: str, connection: str) -> None:
    asked = wanted(region=region, connection=connection)
    found = _read(write("terraform-google", asked).rules)
    assert set(found) == {"locals", "dynamic"}
    said = found["dynamic"][0]["authorized_networks"]["content"][0]["name"]
    assert f'"{said}"' == string(asked.title)


@needs_terraform
@pytest.mark.parametrize("firewall", _WRITERS)
@pytest.mark.parametrize("region", ["us-east1", 'an "odd" ${region} %{of} \\ ours'])
def test_terraform_would_format_it_the_same(firewall: str, region: str) -> None:
    for target in ("", TARGETS.get(firewall, "")):
        text = write(firewall, wanted(region=region, target=target)).rules
        assert _terraform("fmt", "-", stdin=text) == text


@needs_terraform
def test_terraform_reads_a_string_back_as_it_was(tmp_path: Path) -> None:
    for text in ('say "hi"', "${path.cwd}", "%{ if true }x%{ endif }", "$${a}", "%%{a}", "\\n", "$", "$$", "%{", "é${"):
        assert json.loads(
            _terraform("console", stdin=f"jsonencode({string(text)})\n", cwd=tmp_path).strip()
        ) == json.dumps(text, ensure_ascii=False)


def _terraform(*words: str, stdin: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(_TERRAFORM), *words], input=stdin, capture_output=True, text=True, check=False, timeout=60, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
