"""RegisterPetition as its callers see it."""

from tests.intake.conftest import Office


async def test_a_petition_is_registered_with_number_and_code(office: Office) -> None:
    answer = await office.register()
    assert answer.petition.receipt_number == "110105-2026-000001"
