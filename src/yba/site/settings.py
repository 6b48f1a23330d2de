"""Django's settings, from the environment (see `environment`)."""

from __future__ import annotations

import importlib.util
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg.conninfo

from yba.site.environment import environment, secret

ENVIRONMENT = environment()
YBA_DEMO = ENVIRONMENT.demo
YBA_DATA = ENVIRONMENT.data
PACKAGE = Path(__file__).resolve().parent.parent

DEBUG = False
SECRET_KEY = secret(ENVIRONMENT)
ALLOWED_HOSTS = list(ENVIRONMENT.hosts) or (["*"] if YBA_DEMO else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = [ENVIRONMENT.origin] if ENVIRONMENT.origin else []


def _apps(folder: str) -> list[str]:
    """The Django apps below a folder: every package with an `apps.py`, parents first."""
    found = sorted(path.parent for path in (PACKAGE / folder).rglob("apps.py"))
    return [".".join(("yba", *path.relative_to(PACKAGE).parts)) for path in found]


def _database(conninfo: str) -> dict[str, Any]:
    """Django's names for a libpq connection string."""
    parts = dict(psycopg.conninfo.conninfo_to_dict(conninfo))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", None) or "yba",
        "USER": parts.pop("user", None) or "",
        "PASSWORD": parts.pop("password", None) or "",
        "HOST": parts.pop("host", None) or "",
        "PORT": str(parts.pop("port", None) or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        # Values go apart from the statement, on Django's own cursors too: what is asked twice is planned once.
        "OPTIONS": {**parts, "server_side_binding": True, "prepare_threshold": 2},
    }


INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "template_partials",
    "lucide",
    "procrastinate.contrib.django",
    "yba.site.accounts",  # before allauth: its templates are ours
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "yba.site.oauth",
    "yba.ui",
    *_apps("care"),
    *_apps("areas"),
    "yba.site",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "yba.site.headers.security_headers",
    "yba.site.middleware.nobody_acts_yet",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "yba.site.middleware.no_demo_accounts",
    "yba.site.middleware.says_whose",
    "yba.site.middleware.bounded_bodies",
    "allauth.account.middleware.AccountMiddleware",
    "yba.site.accounts.lock.idle_lock",
    "yba.site.middleware.language_of_the_account",
    "django.contrib.messages.middleware.MessageMiddleware",
    "yba.ui.waited.answers",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
if importlib.util.find_spec("yba.ui.middleware"):
    MIDDLEWARE.append("yba.ui.middleware.record_errors")

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "yba.ui.context.ui",
            ],
        },
    }
]

FORM_RENDERER = "yba.ui.controls.Renderer"
ROOT_URLCONF = "yba.site.urls"
DATABASES = {"default": _database(ENVIRONMENT.conninfo)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
#: In the database, so that allauth's counts hold for every process.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cache",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},  # what is culled is a count forgotten
    }
}

AUTH_USER_MODEL = "accounts.Account"
AUTHENTICATION_BACKENDS = ["yba.site.accounts.backend.Backend"]
ACCOUNT_ADAPTER = "yba.site.accounts.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "login"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
#: Many desks share one address: the counts by account are the strict ones.
ACCOUNT_RATE_LIMITS = {"login_failed": "120/15m/ip,6/15m/key", "reauthenticate": "10/m/user"}
MFA_RATE_LIMITS = {"webauthn_login": "120/m/ip"}
ACCOUNT_FORMS = {
    "reauthenticate": "yba.site.accounts.forms.PasswordAgainForm",
    "change_password": "yba.site.accounts.forms.NewPasswordForm",
    "set_password": "yba.site.accounts.forms.FirstPasswordForm",
}
MFA_ADAPTER = "yba.site.accounts.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Y Bạ"
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "yba.site.accounts.forms.FactorForm",
    "reauthenticate": "yba.site.accounts.forms.FactorAgainForm",
    "activate_totp": "yba.site.accounts.forms.SetUpTotpForm",
    "authenticate_webauthn": "yba.site.accounts.forms.PasskeyForm",
    "reauthenticate_webauthn": "yba.site.accounts.forms.PasskeyAgainForm",
    "login_webauthn": "yba.site.accounts.forms.LoginPasskeyForm",
    "add_webauthn": "yba.site.accounts.forms.SetUpPasskeyForm",
    "edit_webauthn": "yba.site.accounts.forms.RenamePasskeyForm",
}
SOCIALACCOUNT_ADAPTER = "yba.site.accounts.provider.ProviderAdapter"
SOCIALACCOUNT_PROVIDERS = ENVIRONMENT.identity_provider
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_STORE_TOKENS = False
#: A desk left alone is covered after this time; `None` never.
YBA_LOCK_AFTER = timedelta(minutes=ENVIRONMENT.lock_minutes)
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

SESSION_ENGINE = "yba.site.session_rows"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^health$"]  # asked by the supervisor, and by a proxy's own checks
X_FRAME_OPTIONS = "DENY"
if not YBA_DEMO:
    # A browser takes a cookie of this prefix from this host alone, over https, for the whole site (RFC 6265bis, 4.1.3).
    SESSION_COOKIE_NAME = "__Host-yba_session"
    CSRF_COOKIE_NAME = "__Host-yba_csrf"
    LANGUAGE_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds())
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    # Whether a whole domain goes into browsers' preload list is its owner's to decide: it is hard to take back.
    SILENCED_SYSTEM_CHECKS = ["security.W021"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LANGUAGE_CODE = "vi"
LANGUAGES = [("vi", "Tiếng Việt"), ("en", "English")]  # each in its own words, for those who look for it
LOCALE_PATHS = [PACKAGE / "site" / "locale"]
LANGUAGE_COOKIE_NAME = "yba_language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "Asia/Ho_Chi_Minh"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
#: Where `yba serve` collects static files; the web is told by YBA_COLLECTED that they are there.
YBA_STATIC = YBA_DATA / "static"
YBA_COLLECTED = bool(os.environ.get("YBA_COLLECTED"))
STATIC_ROOT = YBA_STATIC if YBA_COLLECTED else None
WHITENOISE_USE_FINDERS = not YBA_COLLECTED
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if YBA_COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_PERMISSIONS = 0o600
#: What one form can send, its files with it: the largest paper (`yba.care.uploads.rules`) and the words beside it.
YBA_MOST_SENT = 12 * 1024 * 1024
#: ClamAV's daemon, which looks at what people bring (`yba.care.uploads.scanning`); empty: none.
YBA_SCANNER = ENVIRONMENT.scanner

#: The operator's file of ways out for messages (docs/howto/connect-an-sms-gateway.md); empty: none.
YBA_MESSAGE_CHANNEL = ENVIRONMENT.gateways
YBA_GATEWAYS = "yba.site.messaging.gateway_of"
#: The operator's file of hospitals' own systems that are told of visits (docs/howto/run-the-desk.md); empty: none.
YBA_HOSPITAL_SYSTEMS_FILE = ENVIRONMENT.hospital_systems
YBA_HOSPITAL_SYSTEMS = "yba.site.hospital_systems.system_of"
#: The operator's file of the national prescription system (docs/howto/send-prescriptions.md); empty: none.
YBA_PRESCRIPTION_PORTAL_FILE = ENVIRONMENT.prescription_portal
YBA_PRESCRIPTION_PORTAL = "yba.site.prescription_portal.portal_of"
#: The operator's file of the telephone exchange (docs/howto/connect-a-telephone-exchange.md); empty: none.
YBA_TELEPHONE = ENVIRONMENT.telephone
YBA_EXCHANGE = "yba.site.telephone.exchange"
#: Answers what people text (`yba.care.messages.incoming`).
YBA_HEARD = "yba.site.texting.heard"
YBA_READER = "yba.site.messaging.reader_of"
YBA_PUSH_KEY = "yba.site.messaging.push_public_key"
YBA_PUSH_PLACE = "yba.site.messaging.allowed_push"
#: What carries video visits (`yba.care.remote.engines`), and what a Jitsi server proves itself with.
YBA_VIDEO = "yba.site.video.engines"
YBA_VIDEO_CALLBACK = "yba.site.video.callback_secret"
YBA_ALARMS = "yba.areas.firsthelp.alarms.alarms_in"

#: Where people reach this server: links in messages, the base of FHIR addresses.
YBA_ORIGIN = ENVIRONMENT.origin or f"http://127.0.0.1:{ENVIRONMENT.port}"
#: Where the browser listens for live events; empty means "this host, the next port" (see `live`).
YBA_LIVE_URL = ENVIRONMENT.live_url or ""
YBA_LIVE_PORT = ENVIRONMENT.port + 1
YBA_NAVIGATION = "yba.site.navigation.items"
YBA_PLACE = "yba.site.navigation.place"
YBA_LOCK = "yba.site.accounts.lock.of_page"
YBA_GUARDS = "yba.site.guards.guards"
#: Asks who one is once more before a whole book is taken away or an account erased (`yba.ui.proof`).
YBA_FRESH_PROOF = "yba.site.accounts.views.security.freshly_proved"
#: Erases what hangs on an account alone, when its owner asks (`yba.areas.citizen.privacy`).
YBA_ERASE_ACCOUNT = "yba.site.erasing.erase_account"
#: A served page's reads are noted within a second by a thread; elsewhere (tests, commands) at once.
YBA_JOURNAL = "yba.site.journal.journal" if os.environ.get("YBA_CHILD") else ""

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    # Whoever tries names gets 400; a trace for each would only fill the log.
    "loggers": {"django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False}},
}
