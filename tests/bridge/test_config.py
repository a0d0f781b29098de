from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.errors import UsageError


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_environment({})
    assert settings.state_dir.is_absolute()
    assert settings.state_dir.name == "latchwire"
    assert (settings.deadline, settings.idle, settings.visit, settings.fresh) == (8.0, 20.0, 3600.0, 10.0)
    assert (settings.rate, settings.database) == (700, None)


def test_each_variable_moves_its_own_setting(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "LATCHWIRE_STATE_DIR": str(tmp_path),
            "LATCHWIRE_DEADLINE": "2.5",
            "LATCHWIRE_IDLE": "60",
            "LATCHWIRE_VISIT": "600",
            "LATCHWIRE_ACTIVITY_FRESH": "0",
            "LATCHWIRE_RATE": "10",
            "LATCHWIRE_DATABASE": "postgresql+asyncpg://host/latchwire",
        }
    )
    assert settings == Settings(
        state_dir=tmp_path,
        deadline=2.5,
        idle=60.0,
        visit=600.0,
        fresh=0.0,
        rate=10,
        database="postgresql+asyncpg://host/latchwire",
    )


def test_an_empty_variable_is_an_unset_one() -> None:
    names = ("STATE_DIR", "DEADLINE", "IDLE", "VISIT", "ACTIVITY_FRESH", "RATE", "DATABASE")
    empty = {f"LATCHWIRE_{name}": "" for name in names}
    assert Settings.from_environment(empty) == Settings.from_environment({})


def test_a_relative_state_folder_becomes_absolute() -> None:
    settings = Settings.from_environment({"LATCHWIRE_STATE_DIR": "state"})
    assert settings.state_dir == Path.cwd() / "state"


@pytest.mark.parametrize("name", ["LATCHWIRE_DEADLINE", "LATCHWIRE_IDLE", "LATCHWIRE_VISIT"])
@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf", "8s"])
def test_a_number_that_is_none_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=rf"{name} is '{text}'\. Give it as seconds above 0, such as {name}="):
        Settings.from_environment({name: text})


@pytest.mark.parametrize("text", ["soon", "-1", "-0.5", "nan", "inf"])
def test_what_may_be_0_must_be_a_number_all_the_same(text: str) -> None:
    with pytest.raises(UsageError, match=rf"is '{text}'\. Give it as seconds, 0 or more, such as "):
        Settings.from_environment({"LATCHWIRE_ACTIVITY_FRESH": text})


@pytest.mark.parametrize("text", ["many", "0", "-1", "1.5", "+7", "٧", "1" * 10, "1" * 5000])
def test_a_rate_that_is_no_whole_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError, match=r"^LATCHWIRE_RATE is '.*'\. Give it as a whole number above 0, such as "):
        Settings.from_environment({"LATCHWIRE_RATE": text})


def test_a_database_password_never_shows() -> None:
    settings = Settings.from_environment({"LATCHWIRE_DATABASE": "postgresql+asyncpg://me:secret@host/db"})
    assert "secret" not in repr(settings)
