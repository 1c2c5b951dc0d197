"""Secret keys in files: made once, private, and changed by a line on top."""

import os
from base64 import b64encode
from pathlib import Path

import pytest

from control.errors import SecretFileError
from control.identity.keyring import Purpose, SecretKey, SecretKeys, read_keys, read_or_create_keys

ONE, TWO = (b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def write(directory: Path, text: str, mode: int = 0o600) -> Path:
    path = directory / Purpose.LINKS.value
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("purpose", Purpose)
def test_keys_are_made_once(tmp_path: Path, purpose: Purpose) -> None:
    directory = tmp_path / "secrets"
    keys = read_or_create_keys(directory, purpose)
    assert len(keys.current.key) == 32
    assert keys.older == ()
    assert read_or_create_keys(directory, purpose) == read_keys(directory, purpose) == keys
    assert (directory / purpose.value).stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700
    assert os.listdir(directory) == [purpose.value]


def test_each_purpose_has_keys_of_its_own(tmp_path: Path) -> None:
    assert len({read_or_create_keys(tmp_path, purpose).current.key for purpose in Purpose}) == len(Purpose)


def test_a_missing_file_is_made_only_where_that_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(SecretFileError, match=r"links\.keys") as caught:
        read_keys(tmp_path, Purpose.LINKS)
    assert caught.value.code == "secret_invalid"
    assert os.listdir(tmp_path) == []


def test_two_that_start_at_once_have_the_same_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one's file appears after we looked for it."""
    first = read_or_create_keys(tmp_path, Purpose.LINKS)
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert read_or_create_keys(tmp_path, Purpose.LINKS) == first
    assert os.listdir(tmp_path) == ["links.keys"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o601])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    write(tmp_path, f"one {ONE}\n", mode)
    with pytest.raises(SecretFileError) as caught:
        read_or_create_keys(tmp_path, Purpose.LINKS)
    assert caught.value.code == "secret_permissions"


def test_the_first_line_is_in_use_and_the_others_are_known(tmp_path: Path) -> None:
    write(tmp_path, f"# changed in May\n\nnew-2 {TWO} # of May\n  one {ONE}\n", 0o400)
    keys = read_keys(tmp_path, Purpose.LINKS)
    assert keys == SecretKeys(SecretKey("new-2", bytes([2]) * 32), (SecretKey("one", bytes([1]) * 32),))
    assert keys.find("one") == keys.older[0]
    assert keys.find("two") is None
    assert [key.id for key in keys.all] == ["new-2", "one"]


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", ONE, f"one {ONE} more", f"One {ONE}", f"a/b {ONE}", f"{'a' * 33} {ONE}", f"one {ONE[:-4]}",
     f"one {ONE}!", "one ", f"one {ONE}\none {TWO}", f"one {ONE}\ntwo {ONE}", f"é {ONE}", f"one {ONE}é"],
)  # fmt: skip
def test_a_file_that_can_not_be_meant_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    with pytest.raises(SecretFileError) as caught:
        read_keys(tmp_path, Purpose.LINKS)
    assert caught.value.code == "secret_invalid"
    assert ONE[:8] not in str(caught.value)


def test_no_key_shows_by_accident() -> None:
    keys = SecretKeys.generate()
    assert repr(keys.current.key)[2:10] not in repr(keys)
    assert keys.current.id in repr(keys)
