"""Whatever a caller sends to the sealed lane, it is answered: refused by field, or carried out."""

from tests.contracts.hostile import failures
from tests.intake.conftest import Office
from tests.intake.hostile_sealed import SEALED, sealed_calls


async def test_no_value_in_any_field_is_a_fault_of_the_sealed_lane(office: Office) -> None:
    made = await sealed_calls(office)
    assert {call.method.name for call in made} == set(SEALED)
    assert await failures(made) == []
    assert [call.method.name for call in made if len(call.outcomes) < 2] == []
