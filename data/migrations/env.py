"""Read by Alembic for each run: the connection it works on, and how."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    render_as_batch=True,
    # The connection is already in the transaction that holds all steps.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
