"""The price list that ships with the project."""

from data.presets import load_presets
from data.supplement import load_price_rows


def test_every_row_belongs_to_a_preset_and_names_its_source() -> None:
    known = {preset.id for preset in load_presets()}
    for row in load_price_rows():
        assert set(row.providers) <= known
        assert row.source
        assert row.seen >= row.since


def test_every_row_prices_something_in_exact_decimals() -> None:
    for row in load_price_rows():
        tables = (row.prices, *(tier.prices for tier in row.tiers), *(variant.prices for variant in row.variants))
        assert any(tables)
        for prices in tables:
            assert all(price.replace(".", "", 1).isdigit() for price in prices.values())


def test_tokens_are_never_priced_on_one_side_alone() -> None:
    for row in load_price_rows():
        assert ("input" in row.prices) <= ("output" in row.prices)


def test_tiers_rise_and_price_the_same_meters_as_the_base() -> None:
    for row in load_price_rows():
        starts = [tier.above for tier in row.tiers]
        assert starts == sorted(set(starts))
        assert all(set(tier.prices) == set(row.prices) for tier in row.tiers)
