import pytest

from bridge.http.problems import ApiError
from bridge.http.schemas import pin_entry
from protocol.pin_rules import sentence
from protocol.vocabulary import EVERY_DAY, PinEntry, Rule, Schedule, Weekdays, Window

WHOLE = {"alias": "Alias 1", "pin": "97531"}
INSTANT = "2021-05-01T08:00:00Z"


def refused(fields: dict[str, object], zone: str = "UTC") -> ApiError:
    with pytest.raises(ApiError) as caught:
        pin_entry(WHOLE | fields, zone)
    assert not any(f"'{value}'" in repr(caught.value) for value in fields.values())
    return caught.value


def test_alias_and_pin_alone_are_a_pin_that_always_opens() -> None:
    assert pin_entry(WHOLE, "UTC") == PinEntry(digits="97531", alias="Alias 1")


def test_nulls_are_as_good_as_missing_fields() -> None:
    names = ("startDate", "endDate", "dayStartTime", "dayEndTime", "weekDays")
    assert pin_entry(WHOLE | dict.fromkeys(names), "UTC") == pin_entry(WHOLE, "UTC")


def test_each_time_field_reaches_its_place_in_the_schedule() -> None:
    times = {
        "startDate": "2021-05-01T00:00:00Z",
        "endDate": "2021-05-31T00:00:00Z",
        "dayStartTime": "2021-05-01T08:00:00Z",
        "dayEndTime": "2021-05-02T16:00:00Z",
        "weekDays": 21,
    }
    assert pin_entry(WHOLE | times, "Europe/Warsaw").schedule == Schedule(
        valid_from=1_619_827_200,
        valid_until=1_622_419_200,
        windows=(Window(weekdays=Weekdays(21), start=600, end=1080),),
    )


@pytest.mark.parametrize("mask", range(1, 128))
def test_every_sum_of_weekdays_is_kept(mask: int) -> None:
    (window,) = pin_entry(WHOLE | {"weekDays": mask}, "UTC").schedule.windows
    assert window == Window(weekdays=Weekdays(mask), start=0, end=1440)


def test_a_window_without_weekdays_is_every_day() -> None:
    (window,) = pin_entry(WHOLE | {"dayStartTime": INSTANT}, "UTC").schedule.windows
    assert window.weekdays == EVERY_DAY


def test_unknown_fields_are_ignored() -> None:
    assert pin_entry(WHOLE | {"id": 7, "": [], "pins": "12"}, "UTC") == pin_entry(WHOLE, "UTC")


def test_names_are_read_in_any_case_lest_a_limit_be_overlooked() -> None:
    shouted = {name.upper(): value for name, value in (WHOLE | {"weekDays": 31}).items()}
    assert pin_entry(shouted, "UTC") == pin_entry(WHOLE | {"weekDays": 31}, "UTC")
    with pytest.raises(ApiError) as caught:
        pin_entry(WHOLE | {"weekDays": 31, "weekdays": 127}, "UTC")
    assert caught.value.messages == ("weekDays: is there twice.",)


@pytest.mark.parametrize("value", [97531, 97531.0, None, True, ["97531"], {"pin": "97531"}])
@pytest.mark.parametrize("name", ["pin", "alias"])
def test_a_text_must_be_a_json_string(name: str, value: object) -> None:
    assert refused({name: value}).messages == (f"{name}: must be a JSON string.",)


def test_missing_texts_are_told() -> None:
    with pytest.raises(ApiError) as caught:
        pin_entry({}, "UTC")
    assert caught.value.messages == ("alias: must be a JSON string.", "pin: must be a JSON string.")


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("pin", "", Rule.DIGITS_LENGTH),
        ("pin", "9753", Rule.DIGITS_LENGTH),
        ("pin", "975310864", Rule.DIGITS_LENGTH),
        ("pin", "     ", Rule.DIGITS_DECIMAL),
        ("pin", "97a31", Rule.DIGITS_DECIMAL),
        ("pin", "97531\n", Rule.DIGITS_DECIMAL),
        ("pin", "٩٧٥٣١", Rule.DIGITS_DECIMAL),
        ("pin", "\ud800", Rule.DIGITS_DECIMAL),
        ("pin", "11122", Rule.DIGITS_VARIETY),
        ("pin", "34567", Rule.DIGITS_SEQUENCE),
        ("pin", "76543", Rule.DIGITS_SEQUENCE),
        ("alias", "", Rule.ALIAS_LENGTH),
        ("alias", "ż" * 17, Rule.ALIAS_LENGTH),
        ("alias", "Alias\n1", Rule.ALIAS_CONTROL),
        ("alias", "Alias\ud800", Rule.ALIAS_CONTROL),
    ],
)
def test_a_broken_rule_is_named_with_its_field(name: str, value: str, rule: Rule) -> None:
    error = refused({name: value})
    assert (error.status, error.messages) == (400, (f"{name}: {sentence(rule)}",))


@pytest.mark.parametrize("value", [0, 128, -1, 21.0, 1.5, True, "21", "", [21], 10**30])
def test_weekdays_are_a_whole_number_from_1_to_127(value: object) -> None:
    (message,) = refused({"weekDays": value}).messages
    assert message.startswith("weekDays: must be a whole number from 1 to 127")


@pytest.mark.parametrize("value", ["", "tomorrow", "2021-05-01T08:00:00", "2200-05-01T08:00:00Z", 1619827200, False])
@pytest.mark.parametrize("name", ["startDate", "endDate", "dayStartTime", "dayEndTime"])
def test_times_are_iso_8601_with_an_offset(name: str, value: object) -> None:
    (message,) = refused({name: value}).messages
    assert message.startswith(f"{name}: must be a string such as")


def test_all_broken_fields_are_told_at_once() -> None:
    broken = {
        "alias": "",
        "pin": 1,
        "startDate": "soon",
        "endDate": 0,
        "dayStartTime": "",
        "dayEndTime": "",
        "weekDays": 0,
    }
    assert [message.partition(":")[0] for message in refused(broken).messages] == list(broken)


def test_a_validity_that_ends_before_it_begins_is_refused() -> None:
    error = refused({"startDate": "2021-05-02T00:00:00Z", "endDate": "2021-05-01T00:00:00Z"})
    assert (error.status, error.messages) == (
        400,
        (f"startDate, endDate: {sentence(Rule.VALIDITY_ORDER)}",),
    )


def test_a_window_without_length_is_refused() -> None:
    error = refused({"dayStartTime": INSTANT, "dayEndTime": "2021-05-02T10:00:00+02:00"})
    assert (error.status, error.messages) == (
        400,
        (f"dayStartTime, dayEndTime: {sentence(Rule.WINDOW_TIMES)}",),
    )


def test_an_unknown_zone_refuses_daily_times_and_nothing_else() -> None:
    assert refused({"dayEndTime": INSTANT}, "Mars/Olympus").status == 428
    assert pin_entry(WHOLE | {"startDate": INSTANT, "weekDays": 21}, "Mars/Olympus").alias == "Alias 1"


def test_broken_fields_are_told_before_an_unknown_zone() -> None:
    assert refused({"dayEndTime": INSTANT, "pin": ""}, "Mars/Olympus").status == 400
