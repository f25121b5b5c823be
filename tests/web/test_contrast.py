"""The colours that stand on each other, in both themes: WCAG 2.2, 1.4.3 and 1.4.11."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "web" / "app" / "styles" / "tokens.css"
GROUNDS = ("page", "surface", "raised", "hover", "selected", "bubble", "bubble-own")
TEXT = [
    *[(name, ground) for name in ("text", "text-soft") for ground in GROUNDS],
    *[("accent-text", ground) for ground in GROUNDS],
    *[("danger", ground) for ground in ("page", "surface", "raised", "hover", "danger-soft")],
    ("text", "danger-soft"),
    ("text-soft", "danger-soft"),
    ("text", "code"),
    ("text", "highlight"),
    ("text-soft", "highlight"),
    ("text", "banner"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-danger", "danger"),
    ("page", "text"),
    *[("on-avatar", f"avatar-{hue}") for hue in range(8)],
]
SHAPES = [
    *[("line-strong", ground) for ground in ("page", "surface", "raised")],
    *[("accent", ground) for ground in GROUNDS],
    *[
        (dot, ground)
        for dot in ("good", "away", "busy", "offline")
        for ground in ("page", "surface", "hover", "selected")
    ],
]


def colours(theme: int) -> dict[str, str]:
    """The tokens that are colours. `theme`: 0 light, 1 dark."""
    found: dict[str, str] = {}
    for name, value in re.findall(r"--([\w-]+): ([^;]+);", TOKENS.read_text()):
        both = re.findall(r"#[0-9a-f]{6}", value)
        if value.startswith("light-dark(#"):
            found[name] = both[theme]
        elif value.startswith("#"):
            found[name] = both[0]
    return found


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (SHAPES, 3.0)], ids=["text", "shapes"])
def test_contrast(theme: int, pairs: list[tuple[str, str]], least: float) -> None:
    tokens = colours(theme)
    weak = {
        pair: round(ratio, 2)
        for pair in pairs
        if (ratio := contrast(tokens[pair[0]], tokens[pair[1]])) < least
    }
    assert weak == {}
