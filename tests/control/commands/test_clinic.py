"""`venterom clinic import`, as an operator uses it."""

import re
from pathlib import Path

import pytest

from control.cli import main

EXAMPLE = Path(__file__).resolve().parents[3] / "configs" / "clinic.example.toml"
MADE_UP = '[[staff]]\nkey = "new"\nname = "New"\nroles = ["secretary"]\nnumber = "47906701517"\n\n[[types]]'


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENTEROM_DATA__DIRECTORY", str(tmp_path))


def test_a_clinic_is_made_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clinic", "import", str(EXAMPLE)]) == 1
    assert "database_outdated" in capsys.readouterr().err
    assert main(["db", "upgrade"]) == 0
    for made in (18, 0):
        assert main(["clinic", "import", str(EXAMPLE)]) == 0
        assert re.fullmatch(rf"clinic [a-z2-7]{{26}}: {made} made, 0 changed\n", capsys.readouterr().out)


def test_made_up_people_are_for_labs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "clinic.toml"
    file.write_text(EXAMPLE.read_text().replace("[[types]]", MADE_UP, 1))
    main(["db", "upgrade"])
    assert main(["clinic", "import", str(file)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("venterom: national_number_synthetic: ")
    assert "47906701517" not in told
    monkeypatch.setenv("VENTEROM_LAB__ENABLED", "true")
    assert main(["clinic", "import", str(file)]) == 0


def test_a_file_that_can_not_be_used_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "clinic.toml"
    file.write_text(EXAMPLE.read_text().replace("minutes = 30", "minuts = 30"))
    assert main(["clinic", "import", str(file)]) == 1
    assert capsys.readouterr().err == (
        "venterom: import_invalid: types[1].minutes: Field required; types[1].minuts: Extra inputs are not permitted\n"
    )
