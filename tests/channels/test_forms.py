"""A form is read as the standard library reads it, whatever is in it."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.forms import MAX_FIELDS, read_form
from domain.errors import BadPayload

KIND = "application/x-www-form-urlencoded"
WORDS = st.text(st.characters(exclude_categories=["Cs"]))
PIECES = st.sampled_from([*"a=&%+é😀;#? \0", "%2", "%41", "%26", "%C3%A9", "%c3", "%ff", "%ed%a0%80", "%00"])


@given(st.lists(st.tuples(WORDS, WORDS)))
def test_what_was_written_is_read(pairs: list[tuple[str, str]]) -> None:
    assert read_form(urlencode(pairs).encode(), KIND) == pairs


@given(st.lists(PIECES).map("".join))
def test_broken_or_not_it_is_read_as_the_standard_library_does(body: str) -> None:
    assert read_form(body.encode(), KIND) == parse_qsl(body, keep_blank_values=True, errors="replace")


@pytest.mark.parametrize("fields", [MAX_FIELDS, MAX_FIELDS + 1])
def test_so_many_fields_and_no_more(fields: int) -> None:
    body = b"&".join([b"a=1"] * fields)
    if fields > MAX_FIELDS:
        with pytest.raises(BadPayload):
            read_form(body, KIND)
    else:
        assert len(read_form(body, KIND)) == fields
