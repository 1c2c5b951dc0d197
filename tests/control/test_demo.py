"""What the demo prepares before it starts."""

import re
import stat
from pathlib import Path

import pytest

from control.config import check_production
from control.demo import prepare
from control.errors import ConfigError


def tokens(announcement: str) -> list[str]:
    return re.findall(r"#lab=(\S+)", announcement)


def test_it_says_where_to_go(tmp_path: Path) -> None:
    lines = prepare(tmp_path / "demo", port=8123, media_port=7000).announcement.splitlines()
    assert lines[0] == "ready http://localhost:8123"
    assert lines[1].startswith("patient http://localhost:8123/patient/#lab=")
    assert lines[2].startswith("practitioner http://localhost:8123/clinic/#lab=")


def test_addresses_stay_and_each_start_is_a_new_appointment(tmp_path: Path) -> None:
    one, two = (prepare(tmp_path, port=8080, media_port=7882) for _ in range(2))
    assert one.announcement == two.announcement
    patient, practitioner = tokens(one.announcement)
    assert one.lab.links.exchange(patient).room == one.lab.links.exchange(practitioner).room
    assert one.lab.links.exchange(patient).room != two.lab.links.exchange(patient).room
    assert one.lab.key.kid == two.lab.key.kid


def test_the_patient_waits_and_the_practitioner_does_not(tmp_path: Path) -> None:
    demo = prepare(tmp_path, port=8080, media_port=7882)
    patient, practitioner = (demo.lab.links.exchange(token) for token in tokens(demo.announcement))
    assert (patient.role, patient.gate, patient.page) == ("patient", "lobby", "patient")
    assert (practitioner.role, practitioner.gate, practitioner.page) == ("practitioner", "open", "clinic")
    assert len({patient.participant, practitioner.participant}) == 2


def test_damaged_data_gives_new_links(tmp_path: Path) -> None:
    (tmp_path / "lab-links.json").write_text("{")
    assert len(set(tokens(prepare(tmp_path, port=8080, media_port=7882).announcement))) == 2


def test_what_opens_doors_is_private(tmp_path: Path) -> None:
    prepare(tmp_path / "demo", port=8080, media_port=7882)
    assert stat.S_IMODE((tmp_path / "demo").stat().st_mode) == 0o700
    for path in (tmp_path / "demo").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_it_is_no_production_and_listens_on_this_machine_alone(tmp_path: Path) -> None:
    settings = prepare(tmp_path, port=8080, media_port=7882).settings
    assert settings.http.listen == ("127.0.0.1", "::1")
    with pytest.raises(ConfigError):
        check_production(settings)


def test_the_environment_sets_what_is_of_media_and_signalling(tmp_path: Path) -> None:
    environment = {
        "VENTEROM_MEDIA__ANNOUNCE": '["192.0.2.7:7000"]',
        "VENTEROM_MEDIA__PORT": "1",
        "VENTEROM_SIGNALLING__HOST_ABSENCE": "3",
        "VENTEROM_HTTP__PORT": "1",
    }
    settings = prepare(tmp_path, port=8080, media_port=7882, environment=environment).settings
    assert settings.media.announce == ("192.0.2.7:7000",)
    assert settings.signalling.host_absence == 3
    assert (settings.media.port, settings.http.port) == (7882, 8080)
    with pytest.raises(ConfigError, match=r"http\.port"):
        prepare(tmp_path, port=8080, media_port=8080)
