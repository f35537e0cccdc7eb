"""What an instance's people take with them: its databases, written into the bucket of final backups."""

from typing import Final

from provisioning.engine.action import Context, Differs, Missing, Refused, Seen
from provisioning.fleet.final_backups import are_kept
from provisioning.steps.backup_bucket import is_let_in, shut_out
from provisioning.steps.final_backup import FinalBackup
from provisioning.steps.sql import SqlAction

MAKE_ONE: Final = "Set GOOGLE_BACKUP_BUCKET as docs/google-cloud.md, “Final backups”, says; then retry the step."


class Export(FinalBackup):
    """Export of the databases

    Of a running instance Cloud SQL reads a copy that it makes for that, so that nobody's work becomes slower.
    """

    def look(self, context: Context) -> Seen:
        """Going back, all there is to take back is the right to write into the bucket."""
        if not are_kept():
            raise Refused("There is no bucket to export to.", MAKE_ONE)
        if context.is_going_back:
            return Differs("the database server may still write there") if is_let_in(context.spec) else Missing("none")
        seen = SqlAction.look(self, context)
        if isinstance(seen, Missing):
            raise Refused(f"There is no database server to export from: {seen.how}.", "Repair the instance first.")
        return seen

    def reads_a_copy(self, context: Context) -> bool:
        """Cloud SQL calls that offload; a server that runs for the export alone has nobody to spare."""
        return not context.spec.is_suspended

    def drop(self, context: Context) -> str:
        shut_out(context.spec)
        return "took from the database server the right to write into the bucket"
