"""Settings, all from the environment. Names and meanings are in docs/settings.md; nothing here knows who answers."""

from pathlib import Path
from urllib.parse import urlsplit

import environ
import structlog
import structlog.tracebacks
from celery.schedules import schedule
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.functional import lazy

from portal.core.mail_domains import is_free_domain
from portal.schedule import SCHEDULE

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
static_file = lazy(static, str)

# --- The site -------------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)  # shows where the demo's mail is read, and nothing else
SECRET_KEY = env("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])  # former ones: what they signed is still good
PORTAL_URL = env("PORTAL_URL", default="http://127.0.0.1:8000").rstrip("/")
PORTAL_IS_HTTPS = PORTAL_URL.startswith("https://")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "portal.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "django_structlog",
    "pgtrigger",
    "pghistory",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "portal.core",
    "portal.web",
    "portal.api",
    "portal.canary",
    "provisioning",
    "billing",
]

MIDDLEWARE = [
    "portal.web.suspended.page_for_suspended",  # first: nothing of the portal is served at an instance's address
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "portal.middleware.traced",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.web.context.site",
            ],
        },
    },
]

# --- What it stands on ----------------------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONNECTION_SECONDS", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
REDIS_URL = env("REDIS_URL")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG or DEMO

vars().update(env.email("EMAIL_URL", default="smtp://127.0.0.1:25"))
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Managed Sourcegraph <hello@sourcegraph.localhost>")
EMAIL_TIMEOUT = 15

# --- People ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "portal.web.accounts.AccountAdapter"
ACCOUNT_SIGNUP_FORM_CLASS = "portal.web.forms.SignupForm"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PORTAL_IS_HTTPS else "http"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEMO
WORK_EMAIL_REQUIRED = env.bool("WORK_EMAIL_REQUIRED", default=True)

# --- Security -------------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PORTAL_IS_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if PORTAL_IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PORTAL_IS_HTTPS
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    MIDDLEWARE.insert(0, "portal.middleware.address_behind_proxy")
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # asked from inside, without TLS
X_FRAME_OPTIONS = "DENY"
# Where Stripe's own pages are. Its API alone is elsewhere in the demo and in tests, and there its pages are beside it.
STRIPE_API_BASE = env("STRIPE_API_BASE", default="").rstrip("/")  # empty: Stripe's own
STRIPE_PAGES = ["https://checkout.stripe.com", "https://billing.stripe.com"]
if STRIPE_API_BASE:
    STRIPE_PAGES = ["{0.scheme}://{0.netloc}".format(urlsplit(STRIPE_API_BASE))]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {  # the admin's pages widen two of them: portal/core/admin/policy.py
        "default-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF, *STRIPE_PAGES],  # forms lead on to them
        "object-src": [NONE],
        "img-src": [SELF, "data:"],
    },
}
KUBECONFIG_ENCRYPTION_KEY = env("KUBECONFIG_ENCRYPTION_KEY")
METRICS_TOKEN = env("METRICS_TOKEN", default="")  # what a scraper of /metrics bears; empty: there is no such page

# --- The API --------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["portal.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "portal.api.pagination.Cursor",
    "DEFAULT_THROTTLE_CLASSES": ["portal.api.throttling.TokenRate"],
    "DEFAULT_THROTTLE_RATES": {"token": env("API_RATE", default="600/min")},
    "EXCEPTION_HANDLER": "portal.api.problems.problem_response",
    "PAGE_SIZE": 50,
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Managed Sourcegraph",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": """Organizations, instances and what happens to them.

Send `Authorization: Bearer msp_…` with a token made in the portal. It acts for one organization, within its scopes.
Lists come in pages: follow `next`. Errors are `application/problem+json` (RFC 9457) with a stable `code`. A POST may
bear an `Idempotency-Key`: sent again, it is not done again. Past the rate, the answer is 429 with `Retry-After`.""",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "InstanceKind": "provisioning.models.Kind",
        "InstanceStatus": "provisioning.models.InstanceStatus",
        "OperationKind": "provisioning.models.OperationKind",
        "OperationStatus": "provisioning.models.OperationStatus",
        "StepStatus": "provisioning.models.StepStatus",
        "SuspensionNotice": "provisioning.models.SuspensionNotice",
        "Region": "provisioning.models.Region",
        "Place": "provisioning.models.instances.PLACES",
        "Tenancy": "provisioning.models.Tenancy",
        "Channel": "provisioning.models.Channel",
        "ReleaseChannel": "provisioning.models.catalogue.RELEASED_TO",
        "ReleaseKind": "provisioning.models.Release.Kind",
    },
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "persistAuthorization": False,
        "validatorUrl": None,
        "defaultModelsExpandDepth": 0,
    },
}

# --- Work in the background -----------------------------------------------------------------------------------------
# A message is only a wake-up call (docs/decisions/001): losing all of them costs one beat of the scheduler.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_QUEUE = "steps"
# In the order in which a worker takes from them. What changes workloads goes before what only looks: so a fleet that
# comes to that point all at once is through sooner, and what only watches waits some seconds longer.
CELERY_TASK_QUEUES: dict[str, dict[str, str]] = {name: {} for name in ("beat", "mail", "helm", "steps")}
CELERY_TASK_SOFT_TIME_LIMIT = 150
CELERY_TASK_TIME_LIMIT = 180
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2_000
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "socket_timeout": 30,
    "socket_keepalive": True,
    "queue_order_strategy": "priority",
}
CELERY_BEAT_SCHEDULE = {**SCHEDULE}

# --- Provisioning ---------------------------------------------------------------------------------------------------
ENGINE_LEASE_SECONDS = env.float("ENGINE_LEASE_SECONDS", default=120.0)
# Multiplies every wait between two looks: 1 for the real cloud, 1/speed for one that runs faster than life.
ENGINE_PACE = env.float("ENGINE_PACE", default=1.0)
CELERY_BEAT_SCHEDULE["move-rollouts"] = {
    "task": "provisioning.tasks.move_rollouts",
    "schedule": schedule(max(0.5, 2.0 * ENGINE_PACE)),
    "options": {"queue": "beat", "expires": 5},
}

# How many operations run at once: of one kind (the empty name is any other kind), in one Google folder, on one brought
# cluster. What exceeds them waits for its turn.
ENGINE_MOST_AT_ONCE = {"": 200, "provision": 100, "teardown": 100} | {
    kind: int(most) for kind, most in env.dict("ENGINE_MOST_AT_ONCE", default={}).items()
}
ENGINE_MOST_PER_FOLDER = env.int("ENGINE_MOST_PER_FOLDER", default=300)
ENGINE_MOST_PER_CLUSTER = env.int("ENGINE_MOST_PER_CLUSTER", default=10)

# How long an instance runs on an unpaid invoice, and how long data is kept after a trial or a subscription has ended.
GRACE_DAYS = env.int("GRACE_DAYS", default=14)
TRIAL_KEPT_DAYS = env.int("TRIAL_KEPT_DAYS", default=14)
SUBSCRIPTION_KEPT_DAYS = env.int("SUBSCRIPTION_KEPT_DAYS", default=30)
DELETES_BY_ITSELF = env.bool("DELETES_BY_ITSELF", default=True)  # whether what has been kept that long is deleted then
DISCOUNT_LIMIT_PERCENT = env.int("DISCOUNT_LIMIT_PERCENT", default=20)  # above it a second person agrees
STRIPE_SECRET_KEY = env("STRIPE_SECRET_KEY", default="")  # empty: nothing is sold
# Of the webhook endpoint; two while one is replaced by another.
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=[])
STRIPE_AUTOMATIC_TAX = env.bool("STRIPE_AUTOMATIC_TAX", default=False)
STRIPE_TIMEOUT_SECONDS = env.float("STRIPE_TIMEOUT_SECONDS", default=20.0)

GOOGLE_API_ENDPOINT = env("GOOGLE_API_ENDPOINT", default="")  # empty: Google's own
GOOGLE_CREDENTIALS = env("GOOGLE_CREDENTIALS", default="application-default")  # or "anonymous"
GOOGLE_TIMEOUT_SECONDS = env.float("GOOGLE_TIMEOUT_SECONDS", default=30.0)
# Calls a minute by API or kind of call, over the defaults of provisioning/clients/google/quotas.py; 0 or off: no limit.
GOOGLE_QUOTAS = {
    name: 0 if figure == "off" else int(figure) for name, figure in env.dict("GOOGLE_QUOTAS", default={}).items()
}
GOOGLE_BREAKER_FAILURES = env.int("GOOGLE_BREAKER_FAILURES", default=10)  # 0: there is no breaker
GOOGLE_BREAKER_INSTANCES = env.int("GOOGLE_BREAKER_INSTANCES", default=3)
GOOGLE_BREAKER_WINDOW_SECONDS = env.float("GOOGLE_BREAKER_WINDOW_SECONDS", default=60.0)
GOOGLE_BREAKER_HOLD_SECONDS = env.float("GOOGLE_BREAKER_HOLD_SECONDS", default=30.0)
GOOGLE_PARENT = env("GOOGLE_PARENT", default="")  # folders/123: where the projects of instances are made
GOOGLE_BILLING_ACCOUNT = env("GOOGLE_BILLING_ACCOUNT", default="")
GOOGLE_COST_TABLE = env("GOOGLE_COST_TABLE", default="")  # project.dataset.table; empty: costs are reckoned alone
GOOGLE_DNS_PROJECT = env("GOOGLE_DNS_PROJECT", default="")
GOOGLE_DNS_ZONE = env("GOOGLE_DNS_ZONE", default="")
# In the portal's own project: holds the last backup of what has been deleted; empty: none is made.
GOOGLE_BACKUP_BUCKET = env("GOOGLE_BACKUP_BUCKET", default="")
# Who may reach the control planes of clusters (CIDR blocks the workers call from); empty: anybody with a token.
PORTAL_EGRESS_RANGES = env.list("PORTAL_EGRESS_RANGES", default=[])
ALERT_SLACK_URL = env("ALERT_SLACK_URL", default="")  # an incoming webhook, or what takes the same; empty: none
ALERT_PAGERDUTY_KEY = env("ALERT_PAGERDUTY_KEY", default="")  # a service's integration key; empty: none
ALERT_PAGERDUTY_URL = env("ALERT_PAGERDUTY_URL", default="")  # empty: PagerDuty's own
ALERT_ESCALATE_EMAILS = env.list("ALERT_ESCALATE_EMAILS", default=[])  # who is told of what nobody has acknowledged
ALERT_EMAIL = env("ALERT_EMAIL", default="")  # whom Google tells that an instance is down; empty: nobody
GOOGLE_PORTAL_ACCOUNT = env("GOOGLE_PORTAL_ACCOUNT", default="")  # the mail address the portal's credentials belong to

INSTANCE_DOMAIN = env("INSTANCE_DOMAIN", default="sourcegraph.localhost")
INSTANCE_URL_FORMAT = env("INSTANCE_URL_FORMAT", default="https://{domain}")
# Who is asked where names of customers' own lead, by DNS over HTTPS, as JSON.
PUBLIC_DNS_URL = env("PUBLIC_DNS_URL", default="https://dns.google")
INSTANCE_GATEWAY = env("INSTANCE_GATEWAY", default="")  # connect here, with the instance's Host header; empty: by DNS
# Where the portal itself is reached (an IPv4 address): names of suspended instances lead there; empty: they stay as
# they are, and people find a server that does not answer.
SUSPENDED_PAGE_ADDRESS = env("SUSPENDED_PAGE_ADDRESS", default="")
# Whose models the AI assistant asks, as upstream's site configuration names providers; empty: nobody can have it.
ASSISTANT_PROVIDER = env("ASSISTANT_PROVIDER", default="")
ASSISTANT_ENDPOINT = env("ASSISTANT_ENDPOINT", default="")  # empty: the provider's own
ASSISTANT_ACCESS_TOKEN = env("ASSISTANT_ACCESS_TOKEN", default="")
ASSISTANT_CHAT_MODEL = env("ASSISTANT_CHAT_MODEL", default="")  # empty: what upstream has for the provider
ASSISTANT_COMPLETION_MODEL = env("ASSISTANT_COMPLETION_MODEL", default="")
if bool(ASSISTANT_PROVIDER) != bool(ASSISTANT_ACCESS_TOKEN):
    raise ImproperlyConfigured("ASSISTANT_PROVIDER and ASSISTANT_ACCESS_TOKEN go together.")

TRIAL_DAYS = env.int("TRIAL_DAYS", default=30)

# The domain of the addresses by which the portal tries itself out; its mail has to be taken. Empty: it never does.
CANARY_EMAIL_DOMAIN = env("CANARY_EMAIL_DOMAIN", default="").lower()
CANARY_EVERY_HOURS = env.float("CANARY_EVERY_HOURS", default=4.0)  # 0: only when somebody asks for it
if CANARY_EMAIL_DOMAIN and WORK_EMAIL_REQUIRED and is_free_domain(CANARY_EMAIL_DOMAIN):
    raise ImproperlyConfigured("CANARY_EMAIL_DOMAIN must be a domain that may sign up.")

SLO = env.float("SLO", default=0.999)  # the share of time in which an instance is to answer


def _paced(seconds: float) -> float:
    """Fewer where the cloud runs faster than life; but a second is often enough."""
    return float(max(seconds * ENGINE_PACE, min(seconds, 1.0)))


# How often the prober looks at each instance.
PROBE_SECONDS = _paced(env.float("PROBE_SECONDS", default=30.0))
PROBE_SECONDS_UNDER_CHANGE = _paced(env.float("PROBE_SECONDS_UNDER_CHANGE", default=2.0))
PROBE_SECONDS_WHILE_DOWN = _paced(env.float("PROBE_SECONDS_WHILE_DOWN", default=1.0))
PROBE_TIMEOUT_SECONDS = env.float("PROBE_TIMEOUT_SECONDS", default=5.0)
PROBE_AT_ONCE = env.int("PROBE_AT_ONCE", default=500)
PROBE_MOST_A_SECOND = env.float("PROBE_MOST_A_SECOND", default=50.0)  # looks at all that is under change

HEALTH_SECONDS = _paced(env.float("HEALTH_SECONDS", default=900.0))  # how often each instance is looked at inside

CUSTOM_DOMAIN_SECONDS = _paced(
    env.float("CUSTOM_DOMAIN_SECONDS", default=180.0)
)  # how often a name is looked up that waits

MAINTENANCE_HOURS = env.int("MAINTENANCE_HOURS", default=4)  # how long an instance's maintenance window is open
REHEARSAL_ORGANIZATION = env("REHEARSAL_ORGANIZATION", default="rehearsals")  # the slug of whose stand-ins are

HELM_BINARY = env("HELM_BINARY", default="helm")
HELM_TIMEOUT_SECONDS = env.float("HELM_TIMEOUT_SECONDS", default=90.0)
HELM_GRACE_SECONDS = env.float("HELM_GRACE_SECONDS", default=10.0)  # from being told to stop to being killed
CHART = env("CHART", default=str(BASE_DIR / "charts" / "sourcegraph"))

if max(HELM_TIMEOUT_SECONDS + HELM_GRACE_SECONDS, GOOGLE_TIMEOUT_SECONDS) >= ENGINE_LEASE_SECONDS:
    raise ImproperlyConfigured("ENGINE_LEASE_SECONDS must be longer than any one outside call may take.")

# --- Traces ---------------------------------------------------------------------------------------------------------
OTEL_EXPORTER_OTLP_ENDPOINT = env("OTEL_EXPORTER_OTLP_ENDPOINT", default="")  # empty: none are made

# --- Logs -----------------------------------------------------------------------------------------------------------
LOG_PROCESSORS: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": LOG_PROCESSORS,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Local variables stay out: one of them may be a password, a token or a kubeconfig.
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                ),
                structlog.processors.JSONRenderer(),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {
        "googleapiclient": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[*LOG_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

# --- The admin ------------------------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "Managed Sourcegraph",
    "SITE_HEADER": "Managed Sourcegraph",
    "SITE_SUBHEADER": "Admin",
    "SITE_SYMBOL": "cloud_circle",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": static_file("favicon.svg")}],
    "SHOW_HISTORY": False,  # the audit knows more
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "DASHBOARD_CALLBACK": "billing.admin.overview.overview",
    "SIDEBAR": {"navigation": "provisioning.admin.navigation.navigation"},
    "STYLES": [static_file("fleet/admin.css")],
    "COLORS": {
        "primary": {  # the portal's accent (static/src/tokens.css) and its shades
            "50": "#eef2ff",
            "100": "#e0e7ff",
            "200": "#c7d2fe",
            "300": "#a5b4fc",
            "400": "#818cf8",
            "500": "#6d6ff5",
            "600": "#4f46e5",
            "700": "#4338ca",
            "800": "#3730a3",
            "900": "#312e81",
            "950": "#1e1b4b",
        },
    },
}
