"""Number formats: a value reads as its sheet shows it."""

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.extract.numberformats import Value, shown


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        (0.125, "0.0%", "12.5%"),
        (0.07, "0%", "7%"),
        (1204, '#,##0.00 "€"', "1,204.00 €"),
        (1204.5, r"#,##0.00\ [$€-407]", "1,204.50 €"),
        (-5, "#,##0_);(#,##0)", "(5)"),
        (-5.5, r'"$"#,##0.00_);[Red]\("$"#,##0.00\)', "($5.50)"),
        (1234.5, "$#,##0", "$1,235"),
        (0, '0;-0;"-"', "-"),
        (0, "0.00;-0.00;", ""),
        (-3, "0.0", "-3.0"),
        (-0.4, "0", "0"),
        (12345678, '0.0,,"M"', "12.3M"),
        (2.675, "0.00", "2.68"),
        (1234567.891, "#,##0.###", "1,234,567.891"),
        (5, "#.##", "5"),
        (0.5, ".00", ".50"),
        (0, "#", ""),
        (5, "000", "005"),
        (5551234, "000-0000", "555-1234"),
        (12, '"Q"0', "Q12"),
        (0.00012345, "0.00E+00", "1.23E-04"),
        (2.5, "# ?/?", "2 1/2"),
        (2.5, "?/?", "5/2"),
        (45.5, "# ?/4", "45 2/4"),
        (7, "@", "7"),
        (150, '[>100]"big" 0;"small" 0', "big 150"),
        (50, '[>100]"big" 0;"small" 0', "small 50"),
        (0.1 + 0.2, "General", "0.3"),
        (1e6, "General", "1000000"),
        (1 / 3, "General", "0.333333333"),
        (1234567890123, "General", "1234567890123"),
        (1e-12, "General", "1E-12"),
        (datetime(2024, 3, 1), "mm-dd-yy", "2024-03-01"),
        (datetime(2024, 3, 1, 9, 5), "m/d/yy h:mm", "2024-03-01 09:05"),
        (datetime(2024, 3, 1), "d mmm yyyy", "1 Mar 2024"),
        (datetime(2024, 3, 1), r"[$-409]mmm\-yy;@", "Mar-24"),
        (
            datetime(2024, 3, 1, 15, 5, 7),
            "dddd, mmmm dd, yyyy h:mm AM/PM",
            "Friday, March 01, 2024 3:05 PM",
        ),
        (datetime(2024, 3, 1, 1, 2, 59, 999_990), "h:mm:ss", "1:03:00"),
        (datetime(2024, 3, 1, 1, 2, 3, 500_000), "mm:ss.0", "02:03.5"),
        (datetime(2024, 3, 1), "General", "2024-03-01"),
        (time(9, 30), "h:mm", "9:30"),
        (timedelta(hours=30, minutes=5), "[h]:mm:ss", "30:05:00"),
        (timedelta(hours=30, minutes=5), "General", "30:05:00"),
        (True, "General", "TRUE"),
        ("text", "0.00", "text"),
        (None, "0", ""),
    ],
)
def test_values_are_shown_as_their_format_says(
    value: Value, number_format: str, expected: str
) -> None:
    assert shown(value, number_format) == expected


FORMATS = st.text(st.sampled_from('0#?.,%;"\\_*@ymdhs[]$-€E+/AMP:> General'), max_size=30)
VALUES = st.one_of(
    st.integers(),
    st.floats(),
    st.datetimes(),
    st.times(),
    st.dates(),
    st.timedeltas(),
    st.booleans(),
    st.text(),
)


@settings(max_examples=400, deadline=None)
@given(VALUES, FORMATS)
def test_any_format_shows_any_value(value: Value, number_format: str) -> None:
    assert shown(value, number_format) == shown(value, number_format)


@settings(max_examples=200, deadline=None)
@given(st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_grouped_figures_are_those_of_the_number(number: int, places: int) -> None:
    form = "#,##0" + ("." + "0" * places if places else "")
    assert shown(number, form) == f"{number:,.{places}f}"
