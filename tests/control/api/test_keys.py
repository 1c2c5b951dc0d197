"""The file of journal systems' keys."""

from hashlib import sha256
from pathlib import Path

import pytest

from control.api.keys import ApiKeys
from control.errors import ConfigError
from control.identity.callers import Integrator

KEY = "a-key-that-nobody-guesses-0123456789"
DIGEST = sha256(KEY.encode()).hexdigest()
ENTRY = f'[[key]]\nname = "journal"\nclinic = "{"a" * 26}"\nsha256 = "{DIGEST}"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "keys.toml"
    path.write_text(text)
    return path


def test_a_key_is_known_by_its_digest(tmp_path: Path) -> None:
    keys = ApiKeys.read(written(tmp_path, ENTRY))
    assert keys.find(KEY) == Integrator("journal", "a" * 26)
    assert [keys.find(other) for other in (KEY + "x", KEY.upper(), DIGEST, "", "\ud800" * 40)] == [None] * 5
    assert ApiKeys.read(None).find(KEY) is None


def test_a_short_key_is_none_even_where_its_digest_is_there(tmp_path: Path) -> None:
    entry = ENTRY.replace(DIGEST, sha256(b"secret").hexdigest())
    assert ApiKeys.read(written(tmp_path, entry)).find("secret") is None


@pytest.mark.parametrize(
    "text",
    [
        "[[key",
        "[[keys]]",
        ENTRY.replace(DIGEST, KEY),
        ENTRY.replace("journal", "Kanari Fuglesang"),
        ENTRY + 'key = "x"',
        ENTRY + ENTRY,
        "key = 1",
    ],
)
def test_a_wrong_file_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ApiKeys.read(written(tmp_path, text))
    assert "keys.toml" in str(caught.value)
    assert KEY not in str(caught.value)
    assert "Kanari" not in str(caught.value)
    with pytest.raises(ConfigError):
        ApiKeys.read(tmp_path / "none.toml")
