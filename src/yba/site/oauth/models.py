"""Apps, what people let them do, and the tokens that follow: ordinary tables. No secret is kept, only its hash."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from yba.care.keys import digest
from yba.site.accounts.models import Account
from yba.site.oauth import scopes

DRAFT: Final = "draft"
WAITING: Final = "waiting"
APPROVED: Final = "approved"
REFUSED: Final = "refused"
SUSPENDED: Final = "suspended"
STATES: Final = {
    DRAFT: _("Đang soạn"),
    WAITING: _("Chờ duyệt"),
    APPROVED: _("Đã duyệt"),
    REFUSED: _("Bị từ chối"),
    SUSPENDED: _("Tạm dừng"),
}

NO_SECRET: Final = "none"  # noqa: S105 - the name of a method
SECRET: Final = "client_secret_basic"  # noqa: S105 - the same
OWN_KEY: Final = "private_key_jwt"
METHODS: Final = {
    NO_SECRET: _("Không giữ được bí mật (ứng dụng trên trình duyệt, điện thoại)"),
    SECRET: _("Giữ một mật khẩu ở máy chủ"),
    OWN_KEY: _("Ký bằng khóa riêng của ứng dụng"),
}


def new_client_id() -> str:
    return f"app-{secrets.token_hex(10)}"


class App(models.Model):
    """A program of others: what it says of itself, and how far it has been let."""

    client_id = models.CharField(max_length=40, unique=True, default=new_client_id, editable=False)
    state = models.CharField(max_length=16, choices=list(STATES.items()), default=DRAFT)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=500)
    home = models.URLField(max_length=300, blank=True)
    contact = models.CharField(max_length=200)
    privacy = models.TextField(max_length=5000)
    logo = models.BinaryField(null=True, blank=True)
    method = models.CharField(max_length=24, choices=list(METHODS.items()), default=NO_SECRET)
    secret_digest = models.CharField(max_length=64, blank=True)
    redirect_uris = models.JSONField(default=list, blank=True)
    launch_url = models.CharField(max_length=500, blank=True)
    #: What the token says of the purpose of an opening from our pages (SMART's ``intent``), as agreed with the app.
    intent = models.CharField(max_length=80, blank=True)
    jwks_url = models.CharField(max_length=500, blank=True)
    jwks = models.JSONField(null=True, blank=True)
    #: What it may ask for, and the part of that without which it is of no use: separated by spaces.
    scopes = models.TextField()
    needed = models.TextField(blank=True)
    for_citizens = models.BooleanField(default=True)
    for_staff = models.BooleanField(default=False)
    #: Whether it acts by itself (SMART Backend Services), as an outside system of its facility.
    backend = models.BooleanField(default=False)
    #: Whether it may ask of any token what it lets through (RFC 7662): for servers beside this one.
    introspects = models.BooleanField(default=False)
    #: Organization id; staff of this facility only, and for a backend whose system it is.
    facility = models.CharField(max_length=64, blank=True)
    #: What was changed since it was approved, and waits for a decision: field -> value.
    proposed = models.JSONField(null=True, blank=True)
    #: None when that account was erased: the app is others' too, and goes on under its reviewers.
    registered_by = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="apps"
    )
    registered_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def usable(self) -> bool:
        return self.state == APPROVED

    @property
    def wanted(self) -> list[str]:
        return scopes.split(self.scopes)

    @property
    def state_name(self) -> str:
        return str(STATES[self.state])

    # What Authlib asks of a client (RFC 6749; ``authlib.oauth2.rfc6749.ClientMixin``).

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        """None: an app always says where to go back to."""
        return ""

    def get_allowed_scope(self, scope: str | None) -> str:
        """What of the asked it was approved for. Not None: a request may end with no scope at all."""
        return " ".join(scopes.within(scopes.split(scope or ""), self.wanted))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Letter by letter (OAuth 2.1, 2.3.1): no beginnings, no patterns, no other case."""
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return bool(self.secret_digest) and secrets.compare_digest(self.secret_digest, digest(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        if self.method == SECRET:
            return method in ("client_secret_basic", "client_secret_post")
        return method == self.method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and bool(self.redirect_uris)

    def check_grant_type(self, grant_type: str) -> bool:
        if grant_type == "client_credentials":
            return self.backend and self.method == OWN_KEY and bool(self.facility)
        return grant_type in ("authorization_code", "refresh_token") and bool(self.redirect_uris)


class AppEvent(models.Model):
    """What was done with an app: its history, never changed."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(max_length=200)
    act = models.CharField(max_length=24)
    note = models.CharField(max_length=1000, blank=True)
    said: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.app_id}: {self.act}"


class Connection(models.Model):
    """What one account lets one app do for one person (or for whatever the account may, when ``patient`` is empty)."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="connections")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="connections")
    patient = models.CharField(max_length=64, blank=True)
    scopes = models.TextField(blank=True)
    sensitive = models.BooleanField(default=False)
    consent = models.CharField(max_length=64, blank=True, help_text=_("Mã Consent trong hồ sơ"))
    since = models.DateTimeField()
    until = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["app", "account", "patient"],
                condition=models.Q(ended_at=None),
                name="oauth_one_open_connection",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["consent"], name="oauth_of_consent")]

    def __str__(self) -> str:
        return f"{self.app_id}: {self.account_id} {self.patient}"

    def holds(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.until


class Sitting(models.Model):
    """One time a person came in through an app: the code, and every token that follows from it."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="sittings")
    scopes = models.TextField(blank=True)
    #: Launch context, as the token response says it: patient, encounter, fhirContext, intent, need_patient_banner.
    context = models.JSONField(default=dict)
    #: The session it ends with; empty for offline access.
    session = models.CharField(max_length=40, blank=True, db_index=True)
    nonce = models.CharField(max_length=300, blank=True)
    signed_in_at = models.DateTimeField()
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=24, blank=True)

    def __str__(self) -> str:
        return f"{self.connection_id}: {self.began_at:%Y-%m-%d %H:%M}"


class Code(models.Model):
    """An authorization code: counts once, within a minute, for one app, one address and one verifier."""

    digest = models.CharField(max_length=64, primary_key=True)
    sitting = models.OneToOneField(Sitting, on_delete=models.CASCADE, related_name="code")
    redirect_uri = models.CharField(max_length=500)
    code_challenge = models.CharField(max_length=128)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.digest[:8]

    # What Authlib asks of a code.

    @property
    def code_challenge_method(self) -> str:
        return "S256"

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.sitting.scopes

    def get_nonce(self) -> str:
        return self.sitting.nonce

    def get_auth_time(self) -> int:
        return int(self.sitting.signed_in_at.timestamp())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class AccessToken(models.Model):
    """A short right to call ``/fhir``: of a sitting, or of a backend."""

    digest = models.CharField(max_length=64, primary_key=True)
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="access_tokens")
    sitting = models.ForeignKey(
        Sitting, null=True, blank=True, on_delete=models.CASCADE, related_name="access_tokens"
    )
    scopes = models.TextField(blank=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.digest[:8]

    def check_client(self, client: App) -> bool:
        return self.app_id == client.pk


class RefreshToken(models.Model):
    """A right to new access tokens; used once, then followed by another of the same sitting."""

    digest = models.CharField(max_length=64, primary_key=True)
    sitting = models.ForeignKey(Sitting, on_delete=models.CASCADE, related_name="refresh_tokens")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.digest[:8]

    def check_client(self, client: App) -> bool:
        return self.sitting.connection.app_id == client.pk

    def get_scope(self) -> str:
        return self.sitting.scopes


class UsedAssertion(models.Model):
    """The id of a signed client assertion that was taken: it counts once (RFC 7523, 3)."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:8]


class Launch(models.Model):
    """An app being opened from a page of ours: for one account, one app, one person; counts once, within minutes."""

    digest = models.CharField(max_length=64, primary_key=True)
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    session = models.CharField(max_length=40)
    patient = models.CharField(max_length=64, blank=True)
    encounter = models.CharField(max_length=64, blank=True)
    intent = models.CharField(max_length=80, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.digest[:8]
