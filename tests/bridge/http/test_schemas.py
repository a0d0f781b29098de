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


def window(start: str, end: str, weekdays: int = 31) -> dict[str, object]:
    return {"weekDays": weekdays, "start": start, "end": end}


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("00:00", "00:01", (0, 1)),
        ("00:00", "24:00", (0, 1440)),
        ("23:59", "24:00", (1439, 1440)),
        ("22:00", "06:00", (1320, 360)),
    ],
)
def test_a_window_is_wall_time_in_any_zone(start: str, end: str, expected: tuple[int, int]) -> None:
    for zone in ("UTC", "America/St_Johns", "Mars/Olympus"):
        (made,) = pin_entry(WHOLE | {"windows": [window(start, end)]}, zone).schedule.windows
        assert made == Window(weekdays=Weekdays(31), start=expected[0], end=expected[1])


def test_up_to_four_windows_are_kept_in_their_order() -> None:
    windows = [window("08:00", "16:00", weekdays) for weekdays in (64, 1, 127, 1)]
    made = pin_entry(WHOLE | {"windows": windows}, "UTC").schedule.windows
    assert [each.weekdays for each in made] == [64, 1, 127, 1]
    assert refused({"windows": [*windows, windows[0]]}).messages == (f"windows: {sentence(Rule.WINDOW_COUNT)}",)


@pytest.mark.parametrize("value", [None, []])
def test_no_windows_at_all_are_no_limit(value: object) -> None:
    assert pin_entry(WHOLE | {"windows": value}, "UTC") == pin_entry(WHOLE, "UTC")


def test_the_fields_of_one_window_may_stand_beside_the_same_window() -> None:
    fields = {"dayStartTime": INSTANT, "weekDays": 31}
    windows = [window("10:00", "24:00"), window("00:00", "06:00", 96)]
    (first, second) = pin_entry(WHOLE | fields | {"windows": windows}, "Europe/Warsaw").schedule.windows
    assert (first,) == pin_entry(WHOLE | fields, "Europe/Warsaw").schedule.windows
    assert second == Window(weekdays=Weekdays(96), start=0, end=360)
    assert refused(fields | {"windows": windows}, "UTC").status == 400


@pytest.mark.parametrize(("value", "enabled"), [(True, True), (None, True), (False, False)])
def test_a_pin_is_enabled_unless_it_is_said_not_to_be(value: object, enabled: bool) -> None:
    assert pin_entry(WHOLE | {"enabled": value}, "UTC").enabled == enabled


def test_a_date_is_kept_up_to_the_last_second_that_a_lock_can_hold() -> None:
    dates = {"startDate": "2106-02-07T06:28:14.5Z", "endDate": "2106-02-07T06:28:14.5Z"}
    assert pin_entry(WHOLE | dates, "UTC").schedule == Schedule(valid_from=0xFFFF_FFFE, valid_until=0xFFFF_FFFF)


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
    assert caught.value.messages == ("alias: is missing.", "pin: is missing.")


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
