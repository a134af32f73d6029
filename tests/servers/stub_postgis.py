"""A stand-in `postgis` extension with an old version and no geometry: no build of PostGIS 2.x is to be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = ("2.3.7", "2.4.0", "2.5.9")


def write(folder: Path) -> None:
    """Write the control file and a script per version into a server's folder of extensions."""
    (folder / "postgis.control").write_text(
        f"comment = 'stand-in for tests'\ndefault_version = '{VERSIONS[0]}'\nrelocatable = true\nsuperuser = true\n"
    )
    for version in VERSIONS:
        short = version.rpartition(".")[0]
        texts = {
            "postgis_lib_version": version,
            "postgis_version": f"{short} USE_GEOS=1 USE_PROJ=1 USE_STATS=1",
            "postgis_full_version": f'POSTGIS="{version} r0" PGSQL="120" GEOS="3.5.1" PROJ="Rel. 4.9.3" LIBXML="2.9.4"',
        }
        (folder / f"postgis--{version}.sql").write_text(
            "".join(
                f"CREATE FUNCTION {name}() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '{text}'::text $$;\n"
                for name, text in texts.items()
            )
        )
