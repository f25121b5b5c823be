import re

import pytest

from protocol import errors
from protocol.errors import CATALOGUE, ErrorSpec, PlazaError


def every_error() -> list[ErrorSpec]:
    return [spec for spec in vars(errors).values() if isinstance(spec, ErrorSpec)]


def test_codes_are_unique_and_all_in_the_catalogue() -> None:
    assert len(CATALOGUE) == len(every_error())
    assert all(CATALOGUE[spec.code] is spec for spec in every_error())


@pytest.mark.parametrize("spec", every_error(), ids=lambda spec: spec.code)
def test_each_says_what_happened_and_what_to_do(spec: ErrorSpec) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", spec.code)
    assert spec.text.endswith(".")
    # One sentence for what happened, one for what to do; a demand is both.
    assert ". " in spec.text or spec.text.startswith("Send ")


# Muted is a refusal of this account in this room, hence 403; 429 is for rates (RFC 6585 section 4).
# For a stream that is off 409 is what WHEP says. But both end by themselves.
ENDS_BY_ITSELF = [errors.MUTED, errors.STREAM_OFFLINE]


@pytest.mark.parametrize("spec", every_error(), ids=lambda spec: spec.code)
def test_statuses_agree_with_whether_to_retry(spec: ErrorSpec) -> None:
    assert 400 <= spec.status < 600
    assert spec.retry == (spec.status == 429 or spec.status >= 500 or spec in ENDS_BY_ITSELF)


def test_an_error_carries_the_text_of_the_catalogue_unless_told_otherwise() -> None:
    plain = PlazaError(errors.FORBIDDEN)
    assert plain.message == str(plain) == errors.FORBIDDEN.text
    assert plain.retry_after is None
    precise = PlazaError(errors.RATE_LIMITED, "Ten sign-ups an hour are enough.", retry_after=2.5)
    assert precise.spec is errors.RATE_LIMITED
    assert precise.message == str(precise) == "Ten sign-ups an hour are enough."
    assert precise.retry_after == 2.5
