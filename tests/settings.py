"""The portal's settings for tests in one process. Tests of real processes use the real settings by environment."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="portal-tests-"))
os.environ.setdefault("YEASTAR_BASE_URL", "http://sandbox.test")
os.environ.setdefault("SANDBOX", "true")
os.environ.setdefault("YEASTAR_CLIENT_ID", "sandbox-client")
os.environ.setdefault("YEASTAR_CLIENT_SECRET", "sandbox-secret")

from portal.settings import *  # noqa: F403

# As with OIDC_SERVER_URL, which tests of single sign-on set later.
INSTALLED_APPS = [*INSTALLED_APPS, "allauth.socialaccount.providers.openid_connect"]  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_BROKER_URL = "memory://"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
SECURE_COOKIES = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CAN_MAIL = True
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True  # not each client looks for all files when it starts
SEND_REFERENCE = True
