"""The stages of the whole life of a petition.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Allow the stages from notice to withdrawal."""
    op.execute("ALTER TABLE progress_step DROP CONSTRAINT progress_step_stage_check")
    op.execute(
        "ALTER TABLE progress_step ADD CONSTRAINT progress_step_stage_check"
        " CHECK (stage BETWEEN 2 AND 18)"
    )


def downgrade() -> None:
    """Delete the steps that the earlier revision does not know."""
    op.execute("DELETE FROM progress_step WHERE stage > 10")
    op.execute("ALTER TABLE progress_step DROP CONSTRAINT progress_step_stage_check")
    op.execute(
        "ALTER TABLE progress_step ADD CONSTRAINT progress_step_stage_check"
        " CHECK (stage BETWEEN 2 AND 10)"
    )
