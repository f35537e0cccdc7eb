import django.core.validators
import django.db.models.deletion
import functools
import portal.core.clock
import portal.core.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
        ("provisioning", "0003_what_waits_and_what_runs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Chart",
            fields=[
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 of the archive, as hex digits.",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("version", models.CharField(max_length=40)),
                ("source", models.CharField(help_text="Where it was fetched from.", max_length=400)),
                ("archive", models.BinaryField()),
                ("fetched_at", models.DateTimeField(default=portal.core.clock.now, editable=False)),
            ],
            options={
                "ordering": ["-fetched_at"],
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField()),
                ("until", models.DateTimeField()),
                ("created_at", models.DateTimeField(default=portal.core.clock.now, editable=False)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "reported_at",
                    models.DateTimeField(blank=True, help_text="When people were told that it is overdue.", null=True),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="Outage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("began_at", models.DateTimeField(default=portal.core.clock.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("failed", models.PositiveIntegerField(default=1, help_text="How many probes failed.")),
                ("what", models.TextField(help_text="How the first of them failed.")),
            ],
            options={
                "ordering": ["-began_at"],
            },
        ),
        migrations.CreateModel(
            name="PolicyStage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
                ("name", models.CharField(max_length=60)),
                (
                    "internal_percent",
                    models.PositiveSmallIntegerField(
                        default=100, validators=[django.core.validators.MaxValueValidator(100)]
                    ),
                ),
                (
                    "trial_percent",
                    models.PositiveSmallIntegerField(
                        default=0, validators=[django.core.validators.MaxValueValidator(100)]
                    ),
                ),
                (
                    "customer_percent",
                    models.PositiveSmallIntegerField(
                        default=0, validators=[django.core.validators.MaxValueValidator(100)]
                    ),
                ),
                (
                    "soak_hours",
                    models.PositiveIntegerField(default=0, help_text="How long it rests once all of it is done."),
                ),
                (
                    "soak_skips_weekends",
                    models.BooleanField(default=False, help_text="Only hours of working days (UTC) count."),
                ),
                (
                    "most_failed_percent",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="More failures pause the rollout at once.",
                        validators=[django.core.validators.MaxValueValidator(100)],
                    ),
                ),
                (
                    "least_healthy_percent",
                    models.PositiveSmallIntegerField(
                        default=99,
                        help_text="Of those that are done, so many must answer.",
                        validators=[django.core.validators.MaxValueValidator(100)],
                    ),
                ),
                (
                    "most_burn",
                    models.FloatField(
                        default=2.0,
                        help_text="Error budget burnt since their turn, as a multiple of what the objective allows.",
                    ),
                ),
                (
                    "needs_approval",
                    models.BooleanField(default=False, help_text="It begins only when a person says so."),
                ),
                (
                    "needs_rehearsal",
                    models.BooleanField(
                        default=False,
                        help_text="It begins only when last night's backups have been upgraded beside their instances.",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="ProbeTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField(help_text="Its beginning.")),
                ("probes", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
            ],
            options={
                "ordering": ["-hour"],
            },
        ),
        migrations.CreateModel(
            name="Rehearsal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "backup",
                    models.CharField(
                        blank=True, help_text="The Cloud SQL backup run that was restored.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("running", "Running"), ("passed", "Passed"), ("failed", "Failed")],
                        default="running",
                        max_length=7,
                    ),
                ),
                ("is_torn_down", models.BooleanField(default=False)),
                ("result", models.TextField(blank=True, help_text="What came of it, in a sentence.")),
                ("started_at", models.DateTimeField(default=portal.core.clock.now)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-started_at"],
            },
        ),
        migrations.CreateModel(
            name="Rollout",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=functools.partial(portal.core.ids.new_id, *("rol",), **{}),
                        editable=False,
                        max_length=24,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("architecture", models.CharField(blank=True, max_length=8)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("running", "Running"),
                            ("paused", "Paused"),
                            ("succeeded", "Succeeded"),
                            ("aborted", "Aborted"),
                            ("superseded", "Superseded"),
                            ("rolling-back", "rolling back"),
                            ("rolled-back", "rolled back"),
                        ],
                        default="draft",
                        max_length=12,
                    ),
                ),
                (
                    "stage_position",
                    models.PositiveSmallIntegerField(default=1, help_text="The stage that is its turn."),
                ),
                ("is_emergency", models.BooleanField(default=False, help_text="It asks for no maintenance window.")),
                ("salt", models.CharField(max_length=40)),
                ("most_at_once", models.PositiveSmallIntegerField()),
                ("longest_postponement_days", models.PositiveSmallIntegerField()),
                ("reason", models.TextField(blank=True)),
                ("paused_because", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(default=portal.core.clock.now, editable=False)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                (
                    "resumed_at",
                    models.DateTimeField(blank=True, help_text="Its gates look at what came after.", null=True),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="RolloutMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("skipped", "Skipped"),
                            ("going-back", "going back"),
                            ("undone", "Undone"),
                        ],
                        default="planned",
                        max_length=10,
                    ),
                ),
                (
                    "previous",
                    models.CharField(help_text="The version or architecture that it had before.", max_length=40),
                ),
                (
                    "not_before",
                    models.DateTimeField(blank=True, help_text="The customer has put it off until then.", null=True),
                ),
                ("waiting_for", models.TextField(blank=True, help_text="Completes “waiting for …”.")),
                ("skipped_because", models.TextField(blank=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["stage__position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="RolloutPolicy",
            fields=[
                ("name", models.SlugField(max_length=40, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=120)),
                (
                    "suits",
                    models.JSONField(
                        db_default=models.Value([], models.JSONField()),
                        default=list,
                        help_text="For which kinds of release it is the default: major, minor, patch; or architecture.",
                    ),
                ),
                (
                    "longest_postponement_days",
                    models.PositiveSmallIntegerField(default=14, help_text="How far customers may put it off."),
                ),
                (
                    "most_at_once",
                    models.PositiveSmallIntegerField(default=100, help_text="How many instances are changed at once."),
                ),
                (
                    "rehearsals",
                    models.PositiveSmallIntegerField(default=3, help_text="How many instances are rehearsed with."),
                ),
            ],
            options={
                "verbose_name_plural": "rollout policies",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="RolloutStage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
                ("name", models.CharField(max_length=60)),
                (
                    "internal_percent",
                    models.PositiveSmallIntegerField(
                        default=100, validators=[django.core.validators.MaxValueValidator(100)]
                    ),
                ),
                (
                    "trial_percent",
                    models.PositiveSmallIntegerField(
                        default=0, validators=[django.core.validators.MaxValueValidator(100)]
                    ),
                ),
                (
                    "customer_percent",
                    models.PositiveSmallIntegerField(
                        default=0, validators=[django.core.validators.MaxValueValidator(100)]
                    ),
                ),
                (
                    "soak_hours",
                    models.PositiveIntegerField(default=0, help_text="How long it rests once all of it is done."),
                ),
                (
                    "soak_skips_weekends",
                    models.BooleanField(default=False, help_text="Only hours of working days (UTC) count."),
                ),
                (
                    "most_failed_percent",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="More failures pause the rollout at once.",
                        validators=[django.core.validators.MaxValueValidator(100)],
                    ),
                ),
                (
                    "least_healthy_percent",
                    models.PositiveSmallIntegerField(
                        default=99,
                        help_text="Of those that are done, so many must answer.",
                        validators=[django.core.validators.MaxValueValidator(100)],
                    ),
                ),
                (
                    "most_burn",
                    models.FloatField(
                        default=2.0,
                        help_text="Error budget burnt since their turn, as a multiple of what the objective allows.",
                    ),
                ),
                (
                    "needs_approval",
                    models.BooleanField(default=False, help_text="It begins only when a person says so."),
                ),
                (
                    "needs_rehearsal",
                    models.BooleanField(
                        default=False,
                        help_text="It begins only when last night's backups have been upgraded beside their instances.",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("held", "Held"),
                            ("running", "Running"),
                            ("soaking", "Soaking"),
                            ("passed", "Passed"),
                        ],
                        default="planned",
                        max_length=8,
                    ),
                ),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("soaking_since", models.DateTimeField(blank=True, null=True)),
                ("passed_at", models.DateTimeField(blank=True, null=True)),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("waiting_for", models.TextField(blank=True, help_text="Completes “waiting for …”.")),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="operation",
            name="operation_kind_is_known",
        ),
        migrations.AddField(
            model_name="instance",
            name="maintenance_hour",
            field=models.PositiveSmallIntegerField(
                db_default=1, default=1, help_text="When the window opens, 0 to 23, in its time zone."
            ),
        ),
        migrations.AddField(
            model_name="instance",
            name="maintenance_weekday",
            field=models.PositiveSmallIntegerField(
                blank=True,
                choices=[
                    (0, "Monday"),
                    (1, "Tuesday"),
                    (2, "Wednesday"),
                    (3, "Thursday"),
                    (4, "Friday"),
                    (5, "Saturday"),
                    (6, "Sunday"),
                ],
                help_text="Empty: any night will do.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="instance",
            name="time_zone",
            field=models.CharField(
                blank=True, db_default="", help_text="An IANA name; empty: the region's.", max_length=40
            ),
        ),
        migrations.AddField(
            model_name="operation",
            name="downtime_seconds",
            field=models.FloatField(
                db_default=0.0, default=0.0, help_text="How long the instance was seen not to answer meanwhile."
            ),
        ),
        migrations.AddField(
            model_name="operation",
            name="failed_probes",
            field=models.PositiveIntegerField(db_default=0, default=0, help_text="How many of those failed."),
        ),
        migrations.AddField(
            model_name="operation",
            name="inputs",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="What its kind needs beyond the specs, such as the backup to restore.",
            ),
        ),
        migrations.AddField(
            model_name="operation",
            name="probes",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="How often it was looked at from outside."
            ),
        ),
        migrations.AddField(
            model_name="release",
            name="minimum_version",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="The oldest version that can be upgraded to it directly.",
                max_length=40,
            ),
        ),
        migrations.AddField(
            model_name="release",
            name="notes",
            field=models.TextField(blank=True, db_default="", help_text="What customers read of it. Markdown."),
        ),
        migrations.AddField(
            model_name="release",
            name="schema_is_compatible",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="The version before runs on its database schema: then a failed upgrade goes back by itself.",
            ),
        ),
        migrations.AddField(
            model_name="release",
            name="status",
            field=models.CharField(
                choices=[("draft", "Draft"), ("published", "Published"), ("withdrawn", "Withdrawn")],
                db_default="draft",
                default="draft",
                max_length=9,
            ),
        ),
        migrations.AddField(
            model_name="release",
            name="withdrawn_because",
            field=models.TextField(blank=True, db_default=""),
        ),
        # The number was an integer. The version before this one still writes that column, so it stays, with a default; a
        # later migration drops it.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE provisioning_instance ALTER COLUMN architecture SET DEFAULT 1;"
                    "ALTER TABLE provisioning_instance"
                    " ADD COLUMN architecture_number varchar(8) DEFAULT '1.1' NOT NULL;",
                    "ALTER TABLE provisioning_instance DROP COLUMN architecture_number;"
                    "ALTER TABLE provisioning_instance ALTER COLUMN architecture DROP DEFAULT;",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="instance",
                    name="architecture",
                    field=models.CharField(
                        db_column="architecture_number",
                        db_default="1.1",
                        default="1.1",
                        help_text="The template that its infrastructure is built by.",
                        max_length=8,
                    ),
                )
            ],
        ),
        migrations.AlterField(
            model_name="instance",
            name="kind",
            field=models.CharField(
                choices=[
                    ("trial", "Trial"),
                    ("production", "Production"),
                    ("internal", "Internal"),
                    ("rehearsal", "Rehearsal"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="operation",
            name="kind",
            field=models.CharField(
                choices=[
                    ("provision", "Provision"),
                    ("upgrade", "Upgrade"),
                    ("resize", "Resize"),
                    ("repair", "Repair"),
                    ("rollback", "Rollback"),
                    ("restore", "Restore"),
                    ("rehearse", "Rehearse"),
                    ("migrate-architecture", "Migrate Architecture"),
                    ("teardown", "Teardown"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="release",
            name="channel",
            field=models.CharField(
                choices=[("insiders", "Insiders"), ("early", "Early"), ("stable", "Stable")],
                default="stable",
                help_text="The widest channel that gets it.",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="survey",
            name="kind",
            field=models.CharField(
                choices=[
                    ("provision", "Provision"),
                    ("upgrade", "Upgrade"),
                    ("resize", "Resize"),
                    ("repair", "Repair"),
                    ("rollback", "Rollback"),
                    ("restore", "Restore"),
                    ("rehearse", "Rehearse"),
                    ("migrate-architecture", "Migrate Architecture"),
                    ("teardown", "Teardown"),
                ],
                max_length=24,
            ),
        ),
        migrations.AddConstraint(
            model_name="instance",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("maintenance_hour__lte", 23),
                    models.Q(("maintenance_weekday__isnull", True), ("maintenance_weekday__lte", 6), _connector="OR"),
                ),
                name="maintenance_window_is_of_a_week",
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "provision",
                            "upgrade",
                            "resize",
                            "repair",
                            "rollback",
                            "restore",
                            "rehearse",
                            "migrate-architecture",
                            "teardown",
                        ],
                    )
                ),
                name="operation_kind_is_known",
            ),
        ),
        migrations.AddField(
            model_name="release",
            name="chart",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="releases",
                to="provisioning.chart",
            ),
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["draft", "published", "withdrawn"])), name="release_status_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "published"), _negated=True), ("chart__isnull", False), _connector="OR"
                ),
                name="what_is_published_has_a_chart",
            ),
        ),
        migrations.AddField(
            model_name="hold",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="hold",
            name="instance",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="holds", to="provisioning.instance"
            ),
        ),
        migrations.AddField(
            model_name="hold",
            name="release",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: as it is now.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="provisioning.release",
            ),
        ),
        migrations.AddField(
            model_name="outage",
            name="instance",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="outages", to="provisioning.instance"
            ),
        ),
        migrations.AddField(
            model_name="outage",
            name="operation",
            field=models.ForeignKey(
                blank=True,
                help_text="What was done to the instance when it began.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="outages",
                to="provisioning.operation",
            ),
        ),
        migrations.AddField(
            model_name="probetally",
            name="instance",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="probe_tallies", to="provisioning.instance"
            ),
        ),
        migrations.AddField(
            model_name="rehearsal",
            name="instance",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="rehearsals", to="provisioning.instance"
            ),
        ),
        migrations.AddField(
            model_name="rehearsal",
            name="stand_in",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="stands_in_for",
                to="provisioning.instance",
            ),
        ),
        migrations.AddField(
            model_name="rollout",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="rollout",
            name="release",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rollouts",
                to="provisioning.release",
            ),
        ),
        migrations.AddField(
            model_name="rollout",
            name="supersedes",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="superseded_by",
                to="provisioning.rollout",
            ),
        ),
        migrations.AddField(
            model_name="rehearsal",
            name="rollout",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="rehearsals", to="provisioning.rollout"
            ),
        ),
        migrations.AddField(
            model_name="rolloutmember",
            name="instance",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rollout_memberships",
                to="provisioning.instance",
            ),
        ),
        migrations.AddField(
            model_name="rolloutmember",
            name="operation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="rollout_members",
                to="provisioning.operation",
            ),
        ),
        migrations.AddField(
            model_name="rolloutmember",
            name="rollout",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="members", to="provisioning.rollout"
            ),
        ),
        migrations.AddField(
            model_name="rollout",
            name="policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="rollouts", to="provisioning.rolloutpolicy"
            ),
        ),
        migrations.AddField(
            model_name="policystage",
            name="policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="stages", to="provisioning.rolloutpolicy"
            ),
        ),
        migrations.AddField(
            model_name="rolloutstage",
            name="approved_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="rolloutstage",
            name="rollout",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="stages", to="provisioning.rollout"
            ),
        ),
        migrations.AddField(
            model_name="rolloutmember",
            name="stage",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="members", to="provisioning.rolloutstage"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("instance",), name="one_hold_each"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__gt", models.F("created_at"))), name="a_hold_ends_in_the_future"
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("instance",), name="one_open_outage_each"
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True), ("ended_at__gte", models.F("began_at")), _connector="OR"
                ),
                name="an_outage_ends_after_it_began",
            ),
        ),
        migrations.AddIndex(
            model_name="probetally",
            index=models.Index(fields=["hour"], name="tallies_by_age"),
        ),
        migrations.AddConstraint(
            model_name="probetally",
            constraint=models.UniqueConstraint(fields=("instance", "hour"), name="one_tally_an_hour"),
        ),
        migrations.AddConstraint(
            model_name="probetally",
            constraint=models.CheckConstraint(
                condition=models.Q(("failed__lte", models.F("probes"))), name="no_more_failed_than_probed"
            ),
        ),
        migrations.AddConstraint(
            model_name="rehearsal",
            constraint=models.UniqueConstraint(fields=("rollout", "instance"), name="one_rehearsal_each"),
        ),
        migrations.AddConstraint(
            model_name="rehearsal",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["running", "passed", "failed"])), name="rehearsal_status_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="rollout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("architecture", ""), ("release__isnull", False)),
                    models.Q(("release__isnull", True), models.Q(("architecture", ""), _negated=True)),
                    _connector="OR",
                ),
                name="a_rollout_brings_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="rollout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "draft",
                            "running",
                            "paused",
                            "succeeded",
                            "aborted",
                            "superseded",
                            "rolling-back",
                            "rolled-back",
                        ],
                    )
                ),
                name="rollout_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="rollout",
            constraint=models.UniqueConstraint(
                models.Case(
                    models.When(release__isnull=True, then=models.Value("architecture")),
                    default=models.Value("release"),
                ),
                condition=models.Q(("status__in", ["running", "paused", "rolling-back"])),
                name="one_rollout_of_a_sort_at_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="policystage",
            constraint=models.UniqueConstraint(fields=("policy", "position"), name="one_policy_stage_a_position"),
        ),
        migrations.AddConstraint(
            model_name="rolloutstage",
            constraint=models.UniqueConstraint(fields=("rollout", "position"), name="one_rollout_stage_a_position"),
        ),
        migrations.AddConstraint(
            model_name="rolloutstage",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["planned", "held", "running", "soaking", "passed"])),
                name="rollout_stage_status_is_known",
            ),
        ),
        migrations.AddIndex(
            model_name="rolloutmember",
            index=models.Index(
                condition=models.Q(("status", "planned")),
                fields=["rollout", "stage"],
                name="members_whose_turn_is_to_come",
            ),
        ),
        migrations.AddIndex(
            model_name="rolloutmember",
            index=models.Index(
                condition=models.Q(("operation__isnull", False)), fields=["operation"], name="members_by_operation"
            ),
        ),
        migrations.AddConstraint(
            model_name="rolloutmember",
            constraint=models.UniqueConstraint(fields=("rollout", "instance"), name="one_place_in_a_rollout"),
        ),
        migrations.AddConstraint(
            model_name="rolloutmember",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["planned", "running", "done", "failed", "skipped", "going-back", "undone"])
                ),
                name="rollout_member_status_is_known",
            ),
        ),
    ]
