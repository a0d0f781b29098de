"""Zones whose clocks do what clocks can do, and the instants at which they do it."""

WARSAW, ST_JOHNS, HAVANA, APIA = "Europe/Warsaw", "America/St_Johns", "America/Havana", "Pacific/Apia"

EDGES = {
    WARSAW: ("2026-03-29T01:00Z", "2026-10-25T01:00Z"),
    ST_JOHNS: ("2026-03-08T05:30Z", "2026-11-01T04:30Z"),
    HAVANA: ("2026-03-08T05:00Z", "2026-11-01T05:00Z"),  # a midnight that is left out
    "Australia/Lord_Howe": ("2026-10-03T15:30Z", "2026-04-04T15:00Z"),  # by half an hour
    APIA: ("2011-12-30T10:00Z",),  # a whole day that is left out
    "Africa/Monrovia": ("1972-01-07T00:44:30Z",),  # an offset with seconds before
    "Europe/London": (),  # summer time on 1970-01-01
    "Pacific/Kiritimati": (),
    "Pacific/Pago_Pago": (),
}
