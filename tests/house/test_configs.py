"""Every file in `configs/` can be used as it is, and nothing misspelt is ever ignored."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from control.config import Settings, check_media, check_production, load
from control.errors import ConfigError
from control.imports.file import (
    ClinicPart,
    EntryPart,
    PlanPart,
    SchedulePart,
    StaffPart,
    TemplatePart,
    TypePart,
    read_file,
)

FOLDER = Path(__file__).resolve().parents[2] / "configs"
CLINICS = sorted(FOLDER.glob("clinic*.toml"))
CONFIGS = sorted(set(FOLDER.glob("*.toml")) - set(CLINICS))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_example_loads(path: Path) -> None:
    settings = load(path, {})
    if "production" in path.name:
        check_production(settings)


@pytest.mark.parametrize("path", CLINICS, ids=lambda path: path.name)
def test_every_clinic_can_be_imported(path: Path) -> None:
    assert read_file(path).clinic.key


def test_the_clinic_shows_every_setting() -> None:
    """What is optional stands there as a comment."""
    text = (FOLDER / "clinic.example.toml").read_text()
    parts = (ClinicPart, StaffPart, TypePart, SchedulePart, EntryPart, TemplatePart, PlanPart)
    for name in {name for part in parts for name in part.model_fields} - {"active"}:
        assert re.search(rf"(^#?|[{{,] ){name} = ", text, re.MULTILINE), name


def test_there_are_examples() -> None:
    assert CLINICS
    assert {"production.toml", "reference.toml"} <= {path.name for path in CONFIGS}


def test_the_reference_shows_every_setting_and_its_default(tmp_path: Path) -> None:
    """Nothing in it is in force; with all of it in force nothing changes, save where an example stands in."""
    text = next(path for path in CONFIGS if path.name == "reference.toml").read_text()
    assert tomllib.loads(text) == {section: {} for section, _ in Settings()}
    path = tmp_path / "all.toml"
    path.write_text(re.sub(r"^#(?=[a-z_]+ = )", "", text, flags=re.MULTILINE))
    given = load(path, {})
    for section, default in Settings():
        settings = tomllib.loads(path.read_text())[section]
        names = type(default).model_fields if isinstance(default, BaseModel) else default.__dataclass_fields__
        assert settings.keys() == set(names), section
        for name in names:
            expected = getattr(default, name)
            assert expected is None or getattr(getattr(given, section), name) == expected, f"{section}.{name}"


@pytest.mark.parametrize(
    "text",
    [
        "[htpp]\nport = 1",
        "[http]\nprot = 1",
        "[media]\nprot = 1",
        "[signalling]\njoin = 1",
        "[lab]\non = true",
        "port = 1",
    ],
)
def test_an_unknown_key_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "venterom.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert caught.value.code == "config_invalid"


@pytest.mark.parametrize(
    "name", ["VENTEROM_PORT", "VENTEROM_HTPP__PORT", "VENTEROM_HTTP__PROT", "VENTEROM_HTTP__PORT__X", "VENTEROM_"]
)
def test_an_unknown_variable_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        load(None, {name: "1"})


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "venterom.toml"
    path.write_text('[http]\nport = 1000\nlisten = ["127.0.0.1"]\n')
    settings = load(path, {"VENTEROM_HTTP__PORT": "2000", "VENTEROM_MEDIA__ANNOUNCE": '["192.0.2.1"]', "HOME": "/"})
    assert (settings.http.port, settings.http.listen) == (2000, ("127.0.0.1",))
    assert settings.media.announce == ("192.0.2.1",)


@pytest.mark.parametrize(
    "text",
    [
        "[http]\nport = 70000",
        'http = "x"',
        '[http]\ntls_key = "key.pem"',
        '[http]\npublic_url = "video.example.org"',
        '[http]\npublic_url = "https://video.example.org/path"',
        '[media]\nvideo_codecs = ["VP8", "H265"]',
        '[media]\nvideo_codecs = ["VP8", "VP8"]',
        "[media]\nvideo_codecs = []",
        "[http]\nport = 7882",
        "[http]\nport = 443\n[media]\nport = 443",
        "[http]\nport = 443\n[media]\ntcp_ports = [444, 443]",
        "[media]\ntcp_ports = [443, 443]",
        "[media]\ntcp_ports = [7882]",
        "[signalling]\nsilence = 9.9",
        "[http",
    ],
)
def test_what_can_not_be_meant_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "venterom.toml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load(path, {})


def test_a_silence_shorter_than_two_pings_is_refused_and_named() -> None:
    """Else every page on which nobody does anything is cut again and again."""
    with pytest.raises(ConfigError, match=r"signalling\.silence: .* 10$"):
        load(None, {"VENTEROM_SIGNALLING__SILENCE": "5"})
    assert load(None, {"VENTEROM_SIGNALLING__SILENCE": "10"}).signalling.silence == 10


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        load(tmp_path / "none.toml", {})


def test_a_fault_names_the_key_and_not_the_value(tmp_path: Path) -> None:
    path = tmp_path / "venterom.toml"
    path.write_text('[http]\nport = "hunter2"\n')
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert "http.port" in str(caught.value)
    assert "hunter2" not in str(caught.value)


PRODUCTION = {"VENTEROM_HTTP__BEHIND_PROXY": "1", "VENTEROM_HTTP__PUBLIC_URL": "https://v.example"}


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({}, "plain HTTP"),
        ({"VENTEROM_HTTP__BEHIND_PROXY": "true"}, "public_url"),
        ({"VENTEROM_HTTP__BEHIND_PROXY": "true", "VENTEROM_HTTP__PUBLIC_URL": "http://a"}, "public_url"),
        ({"VENTEROM_LAB__ENABLED": "true"}, "lab"),
        (PRODUCTION | {"VENTEROM_DATABASE__URL": "postgresql://v:hemmelig@db/v"}, "password_file"),
    ],
)
def test_production_refuses_what_only_a_demo_may(environment: dict[str, str], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault) as caught:
        check_production(load(None, {"VENTEROM_GRANTS__KEYS": "grants.jwks.json"} | environment))
    assert "hemmelig" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("signalling.ice_servers.1.credential", {"VENTEROM_SIGNALLING__ICE_SERVERS": json.dumps(
            [{"urls": ["stun:s"]}, {"urls": ["turn:t"], "username": "u", "credential": "change-me"}])}),
        ("signalling.turn.secret", {"VENTEROM_SIGNALLING__TURN": '{"urls": ["turn:t"], "secret": "SECRET"}'}),
        ("metrics.token", {"VENTEROM_METRICS__TOKEN": "Change-me-to-something"}),
        ("database.password_file", {
            "VENTEROM_DATABASE__URL": "postgresql://v@db/v", "VENTEROM_DATABASE__PASSWORD_FILE": "SECRET"}),
    ],
)  # fmt: skip
def test_production_refuses_the_secrets_of_examples(name: str, environment: dict[str, str], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    (example,) = re.findall(r"^static-auth-secret=(.+)", (FOLDER / "turnserver.conf").read_text(), re.MULTILINE)
    secret.write_text(f"{example}\n")
    given = {key: value.replace("SECRET", str(secret)) for key, value in environment.items()}
    with pytest.raises(ConfigError, match=f"^{re.escape(name)}: ") as caught:
        check_production(load(None, PRODUCTION | given))
    assert "change-me" not in str(caught.value).lower()
    secret.write_text("5f3c0b7a9e8d4c1f2a6b5d4e3f2a1b0c")
    check_production(load(None, PRODUCTION | {key: value.replace("hange-me", "4f9e") for key, value in given.items()}))


def test_media_alone_needs_the_keys_of_an_issuer() -> None:
    with pytest.raises(ConfigError, match=r"grants\.keys"):
        check_media(load(None, PRODUCTION))
    check_media(load(None, PRODUCTION | {"VENTEROM_GRANTS__KEYS": "grants.jwks.json"}))


def test_production_starts_with_tls_or_behind_a_proxy() -> None:
    grants = {"VENTEROM_GRANTS__KEYS": "grants.jwks.json"}
    files = {"VENTEROM_HTTP__TLS_CERTIFICATE": "c.pem", "VENTEROM_HTTP__TLS_KEY": "k.pem"}
    tls = files | {"VENTEROM_HTTP__PUBLIC_URL": "https://v.example"}
    proxy = {"VENTEROM_HTTP__BEHIND_PROXY": "1", "VENTEROM_HTTP__PUBLIC_URL": "https://v.example"}
    check_production(load(None, grants | tls))
    check_production(load(None, grants | proxy))
    check_production(load(None, tls))
    with pytest.raises(ConfigError, match="no request can make up"):
        check_production(load(None, grants | files))
