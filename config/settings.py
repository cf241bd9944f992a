"""Settings: the environment decides, development is the default, production refuses to start half-configured."""

from __future__ import annotations

import sys
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
environ.Env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=True)
TESTING = "pytest" in sys.modules


def required_in_production(name: str, development_value: str) -> str:
    """Return a setting that has a harmless default in development and none in production."""
    value: str = env.str(name, default="")
    if value:
        return value
    if not DEBUG:
        raise ImproperlyConfigured(f"{name} must be set when DEBUG is off. See .env.example.")
    return development_value


# --- security -------------------------------------------------------------------------------------------------------
SECRET_KEY = required_in_production("SECRET_KEY", "development-only-and-not-secret")
ADDRESS_HASH_KEY = required_in_production("ADDRESS_HASH_KEY", "development-only-address-hash-key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")

# --- apps -----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "rest_framework",
    "drf_spectacular",
    "core",
    "jobs",
    "messaging",
    "imports",
    "campaigns",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
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
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"

# --- database -------------------------------------------------------------------------------------------------------
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'longhaul.sqlite3'}")}
DATABASES["default"]["CONN_MAX_AGE"] = 600  # a new connection per task costs a factor of ten
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }

# --- workers: see docs/engine.md for the reasons ---------------------------------------------------------------------
WORKERS = env.int("WORKERS", default=4)
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
}

# --- providers ------------------------------------------------------------------------------------------------------
RESEND_API_KEY = env.str("RESEND_API_KEY", default="")
RESEND_API_URL = env.str("RESEND_API_URL", default="https://api.resend.com")

# --- people ---------------------------------------------------------------------------------------------------------
DEFAULT_PHONE_REGION = env.str("DEFAULT_PHONE_REGION", default="ZA")
