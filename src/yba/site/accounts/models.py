"""Accounts, their phones, the people they act for, sign-in codes, limits and tokens: ordinary tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from yba.care import asked
from yba.fhir.access import Actor
from yba.fhir.access.seeing import charges_of
from yba.site.accounts import roles, rules

#: How sure the house is that an account is the person it says: nobody looked; a desk saw the document; an identity
#: provider vouched.
UNVERIFIED: Final = "unverified"
AT_DESK: Final = "desk"
BY_PROVIDER: Final = "provider"
IDENTITY_LEVELS: Final = {
    UNVERIFIED: _("Chưa xác minh"),
    AT_DESK: _("Đã xác minh tại quầy"),
    BY_PROVIDER: _("Đã xác minh qua định danh điện tử"),
}


_PHONE: Final = """
select number from accounts_phone where account_id = %s order by used_at desc, id limit 1"""
_SELF: Final = """
select patient_id from accounts_accountperson where account_id = %s and relation = %s order by id limit 1"""


class Accounts(BaseUserManager["Account"]):
    """Makes accounts; Django asks for a manager to authenticate with."""

    def create_account(self, login: str, *, role: str, password: str | None = None, **fields: Any) -> Account:
        account = self.model(login=login, role=role, **fields)
        account.set_password(password)
        account.save(using=self._db)
        if role == roles.CITIZEN and rules.normal_phone(login) == login:
            account.phones.get_or_create(number=login)
        return account


class Account(AbstractBaseUser):
    """One who signs in: a citizen by phone number, staff by a short name."""

    login = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=32, choices=list(roles.NAMES.items()))
    facility = models.CharField(max_length=64, blank=True, help_text=_("Mã tổ chức của cơ sở"))
    practitioner = models.CharField(max_length=64, blank=True)
    location = models.CharField(max_length=64, blank=True, help_text=_("Phòng của bác sĩ hoặc màn hình"))
    departments = ArrayField(
        models.CharField(max_length=64), default=list, blank=True, help_text=_("Mã tổ chức của các khoa")
    )
    programme = models.CharField(max_length=64, blank=True, help_text=_("Mã tổ chức của chương trình"))
    rights = ArrayField(
        models.CharField(max_length=32), default=list, blank=True, help_text=_("Nhãn nhạy cảm được xem")
    )
    #: Right -> the moment it ends (ISO 8601); one that is not here has no end.
    rights_until = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    identity = models.CharField(max_length=16, choices=list(IDENTITY_LEVELS.items()), default=UNVERIFIED)
    identity_at = models.DateTimeField(null=True, blank=True)
    identity_by = models.CharField(max_length=64, blank=True, help_text=_("Người hoặc nơi đã xác minh"))
    contact = models.CharField(max_length=20, blank=True, help_text=_("Số nhận tin nhắn của nhân viên"))
    #: Argon2 of the PIN that opens a locked screen; it opens nothing else.
    pin = models.CharField(max_length=128, blank=True)
    is_demo = models.BooleanField(default=False)
    language = models.CharField(max_length=8, blank=True)
    text_size = models.CharField(max_length=16, blank=True)
    theme = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Accounts] = Accounts()

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name or self.login

    @property
    def phone(self) -> str:
        """The number a citizen last proved; staff have none here."""
        if self.role != roles.CITIZEN:
            return ""
        return next((str(one[0]) for one in asked.values(_PHONE, [self.pk])), "")

    @property
    def is_verified(self) -> bool:
        """Whether a desk or an identity provider vouched for who this is."""
        return self.identity != UNVERIFIED

    def leave_to_a_human(self, record: Any, said: Any, *, but: str | None = None) -> None:
        """Put people of the record who look like this one on the list of a desk; `but`: the account's own record."""
        from yba.site.accounts import identity

        words = identity.Said(said.name, said.birth_date, said.sex, said.citizen_number, said.phone)
        identity.raise_doubt(self, words, identity.candidates(record, words, but=but or ""))

    @property
    def is_staff_member(self) -> bool:
        return self.role in roles.STAFF

    @property
    def role_name(self) -> str:
        return str(roles.NAMES.get(self.role, self.role))

    def may_enter(self, now: datetime) -> bool:
        """Neither ended, suspended nor expired: asked at every request, of a page or of a token."""
        return (
            self.is_active
            and (settings.YBA_DEMO or not self.is_demo)
            and self.suspended_at is None
            and (self.expires_at is None or now < self.expires_at)
        )

    @property
    def persons(self) -> frozenset[str]:
        """The Patient ids this account acts for: oneself, and whom the record says one is guardian or delegate of.

        Links to others only say how one calls them; they give no right (``yba.care.sharing.family``).
        """
        own = self.person
        return self._with_charges(own)

    @staticmethod
    def _with_charges(own: str | None) -> frozenset[str]:
        if own is None:
            return frozenset()
        from yba.ui import requests  # it imports what needs this model

        connection.ensure_connection()
        held = charges_of(connection.connection, own, now=requests.now())
        return frozenset({own, *(one.patient for one in held)})

    @property
    def person(self) -> str | None:
        """The Patient id of oneself."""
        return next((str(one[0]) for one in asked.values(_SELF, [self.pk, AccountPerson.SELF])), None)

    def rights_at(self, now: datetime) -> frozenset[str]:
        """The rights that count: one whose day has passed is none, whoever forgot to take it away."""
        return rules.rights_at(self.rights, self.rights_until, now)

    def rights_end(self, now: datetime) -> list[datetime]:
        """When rights that count now will end by themselves."""
        ends = (
            datetime.fromisoformat(self.rights_until[one]) for one in self.rights if one in self.rights_until
        )
        return [one for one in ends if now < one]

    def actor(self, *, session: str | None = None, address: str | None = None) -> Actor:
        """How the record sees this account; `session` and `address` are named in the audit."""
        own = self.person if self.role == roles.CITIZEN else None
        return Actor(
            user=str(self.pk),
            role=self.role,
            name=self.name or self.login,
            facility=self.facility or None,
            practitioner=self.practitioner or None,
            persons=self._with_charges(own),
            departments=frozenset(self.departments),
            programme=self.programme or None,
            person=own,
            rights=self.rights_at(timezone.now()),
            session=session,
            address=address,
        )


class AccountPerson(models.Model):
    """How an account is tied to persons: which is oneself, what one calls the others. Who may act, the record says."""

    #: The relation to oneself; the others are codes of the catalogue of relationships (`con`, `vo-chong`, ...).
    SELF: ClassVar[str] = "ban-than"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="links")
    patient_id = models.CharField(max_length=64)
    relation = models.CharField(max_length=32, default="ban-than")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "patient_id"], name="accounts_person_once"),
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(relation="ban-than"), name="accounts_one_self"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.relation} {self.patient_id}"


class Phone(models.Model):
    """A number an account has proved; a number belongs to one account at a time."""

    number = models.CharField(max_length=20, unique=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="phones")
    added_at = models.DateTimeField(auto_now_add=True)
    #: When it was last proved by a code: after a long silence the operator may have given it to somebody else.
    used_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.number


class Invitation(models.Model):
    """A place among a facility's staff, offered by message; the link counts once and for three days."""

    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    phone = models.CharField(max_length=20)
    role = models.CharField(max_length=32)
    facility = models.CharField(max_length=64, blank=True)
    departments = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    programme = models.CharField(max_length=64, blank=True)
    practitioner = models.CharField(max_length=64, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)  # of the account that will be made
    invited_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="invitations")
    invited_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    account = models.OneToOneField(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="invitation"
    )

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"


class PasswordLink(models.Model):
    """The way to a new password for one of staff, sent to the number the house knows; it counts once, for a day."""

    digest = models.CharField(max_length=64, unique=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="password_links")
    sent_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    sent_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.expires_at}"


class Doubt(models.Model):
    """Who an account says it is looks like a person of the record: a human compares and decides, nothing else does."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="doubts")
    #: What the account said, in the words of `Patient`; an identity provider's words come with its name.
    said = models.JSONField()
    source = models.CharField(max_length=64, default="citizen")
    candidates = ArrayField(models.CharField(max_length=64))
    raised_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    #: The Patient id that was confirmed; empty with a decision: none of them.
    decided_for = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(decided_at=None), name="accounts_one_open_doubt"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {', '.join(self.candidates)}"


class StaffRight(models.Model):
    """A right beside the role, asked for one member of staff: with a reason, until a day; given by a second person."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="given_rights")
    right = models.CharField(max_length=32)
    reason = models.CharField(max_length=400)
    until = models.DateTimeField()
    asked_by = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    given_by = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    given_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~models.Q(asked_by=models.F("account")), name="accounts_right_not_own"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "ended_at"], name="accounts_right_open")
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.right}"

    def waits(self, now: datetime) -> bool:
        return self.given_at is None and self.ended_at is None and now < self.until

    def counts(self, now: datetime) -> bool:
        return self.given_at is not None and self.ended_at is None and now < self.until


class SignInCode(models.Model):
    """The one code a phone number can sign in with now; a newer one replaces it."""

    phone = models.CharField(max_length=20, primary_key=True)
    digest = models.CharField(max_length=64)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.phone


class Limit(models.Model):
    """How often something was asked within a window of time: a fixed window under a row lock."""

    key = models.CharField(max_length=120, primary_key=True)
    started_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"


class Token(models.Model):
    """A program's right to call `/fhir`; only the hash of the token is kept."""

    digest = models.CharField(max_length=64, primary_key=True)
    label = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=32)
    facility = models.CharField(max_length=64, blank=True)
    practitioner = models.CharField(max_length=64, blank=True)
    person = models.CharField(max_length=64, blank=True)
    departments = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    programme = models.CharField(max_length=64, blank=True)
    rights = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.CASCADE, related_name="tokens"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.label or self.digest[:8]
