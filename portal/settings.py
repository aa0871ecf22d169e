"""Settings of the portal, all from the environment (or `.env`), each with a default that runs on one machine.

A secret may also be given as the path of a file, by the same name with `_FILE` (Docker and Kubernetes secrets).
"""

from datetime import timedelta
from pathlib import Path

import environ
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu.entity import Queue

from portal.logs import mask_keys

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()
env.read_env(BASE_DIR / ".env")

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
(DATA_DIR / "static").mkdir(parents=True, exist_ok=True)
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="").strip()  # a file made with `echo` ends with a newline
KEPT_KEY = DATA_DIR / "secret_key"  # made by `make run`, for commands given while nothing runs
if not SECRET_KEY and KEPT_KEY.is_file():
    SECRET_KEY = KEPT_KEY.read_text().strip()
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured("Set SECRET_KEY (or SECRET_KEY_FILE). `make run` makes one and keeps it.")
    SECRET_KEY = "only-for-debugging-" + "x" * 40
# Former keys, the latest first, so that a new one throws nobody out.
SECRET_KEY_FALLBACKS = [key.strip() for key in env.list("SECRET_KEY_FALLBACKS", default=[]) if key.strip()]

# The vendor -------------------------------------------------------------------------------------------------

YEASTAR_VENDOR_HOST = "openapi.partner.yeastar.com"
YEASTAR_BASE_URL = env.str("YEASTAR_BASE_URL", default=f"https://{YEASTAR_VENDOR_HOST}").strip().rstrip("/")
YEASTAR_CLIENT_ID = env.str("YEASTAR_CLIENT_ID", default="").strip()
YEASTAR_CLIENT_SECRET = env.str("YEASTAR_CLIENT_SECRET", default="").strip()
# Without them an admin sets both on the page of the connection, and they are kept encrypted: with the first of these
# keys, or of SECRET_KEY if there is none. What an older key sealed is read as long as that is among them.
CREDENTIAL_KEYS = [key.strip() for key in env.list("CREDENTIAL_KEYS", default=[]) if key.strip()]
# Whether that is a sandbox, where nothing is really bought. Real unless said otherwise: a proxy's name tells nothing.
SANDBOX = env.bool("SANDBOX", default=False)
# Seconds that one call may last in all. A save past its budget leaves the order UNCERTAIN.
YEASTAR_GET_BUDGET = env.float("YEASTAR_GET_BUDGET", default=8.0)
YEASTAR_SAVE_BUDGET = env.float("YEASTAR_SAVE_BUDGET", default=45.0)
# A SENDING order older than this has lost its worker: the budget, and room for a slow start and a slow commit.
ORDER_SENDING_LIMIT = timedelta(seconds=YEASTAR_SAVE_BUDGET + env.float("ORDER_SENDING_GRACE", default=30.0))

# How long a new order may take to appear in Yeastar's history: before that, its absence proves nothing.
HISTORY_LAG = timedelta(seconds=env.float("HISTORY_LAG_SECONDS", default=900.0))
# Pause before the second look for an uncertain order; each further pause is twice as long, up to six hours.
RECONCILE_SECONDS = env.float("RECONCILE_SECONDS", default=30.0)
# Details that one run of following the history reads, and pages of older orders that are read again after it.
HISTORY_DETAILS = env.int("HISTORY_DETAILS", default=200)
HISTORY_ROLLING_PAGES = env.int("HISTORY_ROLLING_PAGES", default=5)
# So many rows go straight to the browser; more are written to a file by a worker. An Excel file takes ten times as
# long as the rest. Files are kept for so many hours.
EXPORT_STREAM_ROWS = env.int("EXPORT_STREAM_ROWS", default=50_000)
EXPORT_STREAM_ROWS_XLSX = env.int("EXPORT_STREAM_ROWS_XLSX", default=5_000)
EXPORT_KEEP = timedelta(hours=env.float("EXPORT_KEEP_HOURS", default=24.0))
EXPORT_DIR = DATA_DIR / "exports"
# So many complete looks without a trace prove that it was never placed, where the history tells references back.
ABSENCE_SCANS = env.int("ABSENCE_SCANS", default=3)
# A list of customers or billing contacts in which more than so many in a hundred are missing at once, and at least
# five, waits for an admin.
ACCOUNTS_GUARD_PERCENT = env.int("ACCOUNTS_GUARD_PERCENT", default=20)
# The same again within so many hours needs a typed reason.
DUPLICATE_WINDOW = timedelta(hours=env.float("DUPLICATE_HOURS", default=24.0))
# So many orders that were not delivered, one after another, hold the queue; after so many seconds a probe asks.
BREAKER_FAILURES = env.int("BREAKER_FAILURES", default=3)
BREAKER_PROBE_SECONDS = env.float("BREAKER_PROBE_SECONDS", default=10.0)
# A due order whose bell rang so long ago is rung for once more.
RING_AGAIN = timedelta(seconds=env.float("RING_AGAIN_SECONDS", default=60.0))

# Our reference (YP-7F3K-9QX2) is sent as poNumber, so that an order can be found again in Yeastar's history.
SEND_REFERENCE = env.bool("SEND_REFERENCE", default=True)

# Web --------------------------------------------------------------------------------------------------------

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Secure cookies everywhere but on the plain HTTP that `make run` serves on one machine.
SECURE_COOKIES = env.bool("SECURE_COOKIES", default=not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0)
# They bind hosts beside ours: an operator's promise.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)
SECURE_REFERRER_POLICY = "same-origin"
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # The limits of logins count a person's own address: the one that the outermost proxy of ours has seen.
    ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=1)
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
FILE_UPLOAD_HANDLERS = ["portal.doorman.NoFiles"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "csp",
    "django_htmx",
    "django_structlog",
    "portal.apps.PortalConfig",
    "orders.apps.OrdersConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.doorman.DoormanMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.middleware.HtmxLoginMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.second_factor.SecondFactorMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "portal.audit.middleware.AuditMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["orders.templatetags.links"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.vendor",
            ],
        },
    }
]

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = False
USE_TZ = True

# Rows -------------------------------------------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'portal.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # IMMEDIATE takes the write lock at once and waits for it, instead of failing when a reader upgrades.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL, not NORMAL: after a power cut, a SENDING row that came back as QUEUED would be bought twice.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8000;",
    }
else:
    # A database behind a wall that swallows everything would else be waited for two minutes, by every request.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=600)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# Broker and shared token ------------------------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0").strip()

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A person waits while we ring: a broker that is down must be noticed in a second, the row is committed anyway.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "max_retries": 1,
    "interval_start": 0.1,  # else Kombu pauses for two seconds before it gives up
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_TASK_DEFAULT_QUEUE = "portal"
# A message is a doorbell: to acknowledge it would cost as much as to send an order, and to get it again helps nobody.
CELERY_TASK_QUEUES = [Queue("portal", no_ack=True)]
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = env.int("WORKER_THREADS", default=32)
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 1000  # else Celery closes the database connection around every task
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "orders.tasks.sweep", "schedule": env.float("SWEEP_SECONDS", default=10.0)},
    "reconcile": {
        "task": "orders.tasks.reconcile",
        "schedule": min(10.0, RECONCILE_SECONDS),
        "options": {"expires": 10},
    },
    "follow-history": {
        "task": "orders.tasks.follow_history",
        "schedule": env.float("HISTORY_SECONDS", default=300.0),
        "options": {"expires": 240},
    },
    "tidy-exports": {"task": "orders.tasks.tidy_exports", "schedule": 60.0, "options": {"expires": 50}},
    "mirror-accounts": {
        "task": "orders.tasks.mirror_accounts",
        "schedule": env.float("MIRROR_ACCOUNTS_SECONDS", default=300.0),
        "options": {"expires": 240},
    },
}

# allauth's rate limits must hold across web processes, so they live in Redis.
CACHES = {"default": {"BACKEND": "portal.cache.ForgivingRedisCache", "LOCATION": REDIS_URL}}
SESSION_ENGINE = "portal.session_store"

# People -----------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["portal.backend.Backend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "portal.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = None
# "Keep me signed in" lasts so long; without it a session also ends with the browser.
SESSION_COOKIE_AGE = 86_400 * env.int("SESSION_DAYS", default=7)
ACCOUNT_EMAIL_NOTIFICATIONS = True
# What changes who may get in asks for the password or factor again, if it was not given in the last minutes.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600

# Whoever can place, settle or administer needs a second factor: an authenticator app or a passkey.
REQUIRE_MFA = env.bool("REQUIRE_MFA", default=not SANDBOX)
MFA_ADAPTER = "portal.second_factor.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    f"{what}_webauthn": f"portal.second_factor.{what.capitalize()}PasskeyForm"
    for what in ("add", "authenticate", "login", "reauthenticate")
}
MFA_TOTP_ISSUER = env.str("MFA_ISSUER", default="Yeastar ordering portal")
# Addresses are given by admins, and verified by nobody: they say nothing about who may protect their account.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# Single sign-on with one OpenID Connect provider; without a server URL there is none.
OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", default="").strip()
if OIDC_SERVER_URL:  # what it loads is eighteen megabytes in each process
    INSTALLED_APPS.append("allauth.socialaccount.providers.openid_connect")
OIDC_NAME = env.str("OIDC_NAME", default="").strip() or "single sign-on"
OIDC_SCOPES = env.list("OIDC_SCOPES", default=["openid", "profile", "email"])
OIDC_GROUPS_CLAIM = env.str("OIDC_GROUPS_CLAIM", default="groups").strip()
# Which group has which role: "yeastar-admins=admin,yeastar-staff=staff". Empty: roles are given in the portal.
OIDC_ROLES = env.dict("OIDC_ROLES", default={})
# Whether the first login of somebody unknown makes the person.
OIDC_CREATE_PEOPLE = env.bool("OIDC_CREATE_PEOPLE", default=False)
# Values of the claims amr and acr by which the provider vouches for a second factor.
OIDC_MFA = env.list("OIDC_MFA", default=["mfa"])
# Nobody gets in by password or passkey any more.
OIDC_ONLY = env.bool("OIDC_ONLY", default=False)
if set(OIDC_ROLES.values()) - {"staff", "manager", "admin"}:
    raise ImproperlyConfigured("OIDC_ROLES gives roles that there are not: only staff, manager and admin.")
if OIDC_CREATE_PEOPLE and not OIDC_ROLES:
    raise ImproperlyConfigured("OIDC_CREATE_PEOPLE needs OIDC_ROLES: somebody without a role may do nothing.")
if OIDC_SERVER_URL and not (OIDC_SERVER_URL.startswith("https://") or SANDBOX):
    raise ImproperlyConfigured("OIDC_SERVER_URL must be https: else anybody on the way decides who gets in.")
if OIDC_SERVER_URL and not env.str("OIDC_CLIENT_ID", default="").strip():
    raise ImproperlyConfigured("OIDC_SERVER_URL needs OIDC_CLIENT_ID, and most providers OIDC_CLIENT_SECRET.")
if OIDC_ONLY and not OIDC_SERVER_URL:
    raise ImproperlyConfigured("OIDC_ONLY needs OIDC_SERVER_URL: else nobody could sign in.")
SOCIALACCOUNT_ADAPTER = "portal.sso.SocialAccountAdapter"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "provider_class": "portal.sso.Provider",
        "APPS": [
            {
                "provider_id": "sso",
                "name": OIDC_NAME,
                "client_id": env.str("OIDC_CLIENT_ID", default="").strip(),
                "secret": env.str("OIDC_CLIENT_SECRET", default="").strip(),
                "settings": {"server_url": OIDC_SERVER_URL, "oauth_pkce_enabled": True, "scope": OIDC_SCOPES},
            }
        ],
    }
}

# Mail. Without a way to send it, no link that resets a password is made: on a console it would stand in a log.
if env.str("EMAIL_URL", default="").strip():
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="").strip()
    EMAIL_BACKEND = EMAIL_BACKEND or f"django.core.mail.backends.{'console' if DEBUG else 'dummy'}.EmailBackend"
CAN_MAIL = EMAIL_BACKEND != "django.core.mail.backends.dummy.EmailBackend"
EMAIL_TIMEOUT = 10  # seconds: somebody waits
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="portal@localhost")
# EMAIL_BACKEND=anymail.backends.NAME.EmailBackend is told each ANYMAIL_* of the environment.
ANYMAIL = {"REQUESTS_TIMEOUT": EMAIL_TIMEOUT} | {
    name.removeprefix("ANYMAIL_"): env.str(name).strip()
    for name in list(env.ENVIRON)
    if name.startswith("ANYMAIL_") and not name.endswith("_FILE")
}
# The link of an invitation works once, and for so many days.
INVITATION_LIFE = timedelta(days=env.int("INVITATION_DAYS", default=7))
DEMO_PASSWORD = env.str("DEMO_PASSWORD", default="").strip()

# Logs -------------------------------------------------------------------------------------------------------

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,  # of Celery's and Django's own lines, too
                mask_keys,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        # httpx writes every URL at INFO; django_structlog every request: one line for each is enough.
        "httpx": {"level": "WARNING"},
        "django.server": {"level": "WARNING"},
        # Celery's two lines for each message say nothing that the order's events do not.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
