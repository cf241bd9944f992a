"""Settings: the environment decides; development is the default, production must be complete."""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = "pytest" in sys.modules
if not TESTING:
    environ.Env.read_env(os.environ.get("ENV_FILE", str(BASE_DIR / ".env")))
env = environ.FileAwareEnv()

DEBUG = env.bool("DEBUG", default=True)


def required_in_production(name: str, development_value: str) -> str:
    """Return a setting that has a harmless default in development and none in production."""
    value: str = env.str(name, default="")
    if value:
        return value
    if not DEBUG:
        raise ImproperlyConfigured(f"{name} must be set when DEBUG is off. See .env.example.")
    return development_value


def mail_server(url: str) -> tuple[str, dict[str, Any]]:
    """Return the backend that a URL like `smtp+tls://user:password@host:587` names, and what it is opened with."""
    if not url:
        return "", {}
    given = environ.Env.email_url_config(url)
    options = {
        "host": given["EMAIL_HOST"],
        "port": given["EMAIL_PORT"],
        "username": given["EMAIL_HOST_USER"] or "",
        "password": given["EMAIL_HOST_PASSWORD"] or "",
        "use_tls": given.get("EMAIL_USE_TLS", False),
        "use_ssl": given.get("EMAIL_USE_SSL", False),
    }
    return given["EMAIL_BACKEND"], options


# --- security -------------------------------------------------------------------------------------
SECRET_KEY = required_in_production("SECRET_KEY", "development-only-and-not-secret")
ADDRESS_HASH_KEY = required_in_production("ADDRESS_HASH_KEY", "development-only-address-hash-key")
ALLOWED_HOSTS = required_in_production("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")

HTTPS = env.bool("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked from inside, without TLS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for other subdomains is their owner's decision
    "security.W021",  # and so is preloading
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- apps -----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_q",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "core",
    "jobs",
    "messaging",
    "enrichment",
    "imports",
    "campaigns",
    "funnels",
    "tenders",
    "config",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "core.csp.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
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
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")  # of the staff; the database keeps UTC
USE_TZ = True

# --- static files ---------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = DEBUG  # development serves them from where they lie
WHITENOISE_AUTOREFRESH = DEBUG
COLLECTED = "whitenoise.storage.CompressedManifestStaticFilesStorage"
AS_THEY_LIE = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": AS_THEY_LIE if DEBUG else COLLECTED},
}

# --- database -------------------------------------------------------------------------------------
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)
DATABASE_URL = required_in_production("DATABASE_URL", f"sqlite:///{VAR_DIR / 'longhaul.sqlite3'}")
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
DATABASES["default"]["CONN_MAX_AGE"] = 600  # a new connection per task costs a factor of ten
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # the database may have restarted meanwhile
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
# Per process is enough: nothing that must be right is kept here, limits are rows of the database.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- workers: see docs/engine.md for the reasons --------------------------------------------------
WORKERS = env.int("WORKERS", default=4)
CRON_RUN_DAYS = env.int("CRON_RUN_DAYS", default=14)
EVENT_DAYS = env.int("EVENT_DAYS", default=90)
Q_CLUSTER = {
    "name": "main",
    "workers": WORKERS,
    "queue_limit": 1,
    "bulk": 1,
    "save_limit": -1,
    "timeout": 3600,
    "retry": 7300,
    "ack_failures": True,
    "max_attempts": 1,
    "scheduler": True,
    "guard_cycle": 0.5,
    "recycle": 1000,
    "catch_up": False,
    "orm": "default",
    "broker_class": "jobs.broker.RunBroker",
    "ALT_CLUSTERS": {},  # any other queue, by Q_CLUSTER_NAME, is served by the same settings
}

# --- campaigns ------------------------------------------------------------------------------------
CAMPAIGN_LATE_LIMIT_MINUTES = env.int("CAMPAIGN_LATE_LIMIT_MINUTES", default=720)

# --- providers ------------------------------------------------------------------------------------
RESEND_API_KEY = env.str("RESEND_API_KEY", default="")
RESEND_API_URL = env.str("RESEND_API_URL", default="https://api.resend.com")
RESEND_WEBHOOK_SECRET = env.list("RESEND_WEBHOOK_SECRET", default=[])
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", default="")
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", default="")
TWILIO_WEBHOOK_SECRET = env.list("TWILIO_WEBHOOK_SECRET", default=[])
TWILIO_API_URL = env.str("TWILIO_API_URL", default="https://api.twilio.com")
TWILIO_PHONE_NUMBER = env.str("TWILIO_PHONE_NUMBER", default="")
TWILIO_MESSAGING_SERVICE_SID = env.str("TWILIO_MESSAGING_SERVICE_SID", default="")
SMTP_URL = env.str("SMTP_URL", default="")
SMTP_BACKEND, SMTP_OPTIONS = mail_server(SMTP_URL)
SMTP_BACKEND = env.str("SMTP_BACKEND", default="") or SMTP_BACKEND
DOUBT_SECONDS = env.int("DOUBT_SECONDS", default=180)
SMS_PRICE_PER_SEGMENT = Decimal(env.str("SMS_PRICE_PER_SEGMENT", default="") or 0)
SMS_CURRENCY = env.str("SMS_CURRENCY", default="USD")
ZOOM_ACCOUNT_ID = env.str("ZOOM_ACCOUNT_ID", default="")
ZOOM_CLIENT_ID = env.str("ZOOM_CLIENT_ID", default="")
ZOOM_CLIENT_SECRET = env.str("ZOOM_CLIENT_SECRET", default="")
ZOOM_API_URL = env.str("ZOOM_API_URL", default="https://api.zoom.us/v2").rstrip("/")
ZOOM_AUTH_URL = env.str("ZOOM_AUTH_URL", default="https://zoom.us").rstrip("/")
ZOOM_WEBHOOK_SECRET = env.list("ZOOM_WEBHOOK_SECRET", default=[])

# --- AI: without a key or an address the built-in sandbox model answers ------------------------------
OPENAI_API_KEY = env.str("OPENAI_API_KEY", default="")
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", default="")
OPENAI_MODEL = env.str("OPENAI_MODEL", default="gpt-5.4-mini")
OPENAI_TIMEOUT_SECONDS = env.float("OPENAI_TIMEOUT_SECONDS", default=120)

# --- alerts: mail to staff about what only a person can mend ---------------------------------------
ALERT_EMAILS = env.list("ALERT_EMAILS", default=[])
ALERT_FROM = env.str("ALERT_FROM", default="longhaul@localhost")
EMAIL_TIMEOUT = 30
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))

# --- templates ------------------------------------------------------------------------------------
POSTAL_ADDRESS = env.str("POSTAL_ADDRESS", default="")
CONTENT_API_URL = env.str("CONTENT_API_URL", default="").rstrip("/")
CONTENT_API_KEY = env.str("CONTENT_API_KEY", default="")
CONTENT_CACHE_SECONDS = env.int("CONTENT_CACHE_SECONDS", default=300)
CONTENT_PRIVATE_HOSTS = env.list("CONTENT_PRIVATE_HOSTS", default=[])

# --- tenders --------------------------------------------------------------------------------------
TENDER_PRIVATE_HOSTS = env.list("TENDER_PRIVATE_HOSTS", default=[])

# --- imports ---------------------------------------------------------------------------------------
IMPORT_COPY_DAYS = env.int("IMPORT_COPY_DAYS", default=90)

# --- people ---------------------------------------------------------------------------------------
DEFAULT_PHONE_REGION = env.str("DEFAULT_PHONE_REGION", default="ZA")

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "core.api.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsing.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "core.api.pages.CursorPage",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.Schema",
    "EXCEPTION_HANDLER": "core.api.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Longhaul",
    "DESCRIPTION": "Campaigns, contacts and durable runs. See docs/api.md.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "AiCallStatus": "enrichment.states.CallStatus",
        "BriefStatus": "enrichment.states.BriefStatus",
        "CampaignStatus": "campaigns.states.Status",
        "HoldPolicy": "messaging.states.HoldPolicy",
        "EnrichmentMode": "enrichment.states.Mode",
        "ImportMode": "imports.states.Mode",
        "ImportRowStatus": "imports.states.RowStatus",
        "ImportStatus": "imports.states.BatchStatus",
        "RunStatus": "jobs.states.RunStatus",
        "MessageStatus": "messaging.states.MessageStatus",
        "ProposalStatus": "enrichment.states.ProposalStatus",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.schema.add_problem",
    ],
}

# --- admin ----------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "Longhaul",
    "SITE_HEADER": "Longhaul",
    "SITE_URL": None,
    "SITE_SYMBOL": "local_shipping",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "core.admin.icon"}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": ["core.admin.stylesheet"],
    "SCRIPTS": ["core.admin.script"],
    "DASHBOARD_CALLBACK": "config.menu.front_page",
    "SIDEBAR": {"navigation": "config.menu.sidebar"},
}

# --- logging: to the console, never an address or a body ------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"secrets": {"()": "core.logs.SecretsHidden"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["secrets"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "httpx2": {"level": "WARNING"},  # else a line for every call of the OpenAI SDK
    },
}
