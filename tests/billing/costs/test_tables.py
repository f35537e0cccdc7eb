from pathlib import Path

from django.core.management import call_command

from billing.costs.tables import dollars, unit_price

DOCUMENT = Path(__file__).parents[3] / "docs" / "sizes.md"


def test_the_document_is_what_the_command_prints(capsys):
    """If not: manage.py sizes --markdown > docs/sizes.md."""
    call_command("sizes", "--markdown")
    assert capsys.readouterr().out == DOCUMENT.read_text()


def test_amounts_are_written_with_all_their_digits():
    assert (dollars(5), dollars(105_820)) == ("0.05", "1,058.20")
    assert [unit_price(nanos) for nanos in (0, 100_000_000, 2_923_530, 1_000_000_000)] == [
        "0.00", "0.10", "0.00292353", "1.00",
    ]  # fmt: skip
