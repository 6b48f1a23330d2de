"""What the pages of messages show."""

from __future__ import annotations

from dataclasses import dataclass

from yba.care.messages.box import Entry
from yba.care.messages.forms import WishesForm


@dataclass(frozen=True, slots=True)
class BoxPage:
    """The box. ``older``: the address of what came before."""

    title: str
    entries: list[Entry]
    unread: int
    older: str
    topic: str


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One message, opened."""

    title: str
    entry: Entry
    visit_url: str


@dataclass(frozen=True, slots=True)
class WishesPage:
    """Preferences. ``push_key``: empty where push is not connected."""

    title: str
    form: WishesForm
    push_key: str
    devices: int
    email_waits: bool


@dataclass(frozen=True, slots=True)
class ProvePage:
    """A letter's link, opened."""

    title: str
    email: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A kind in one channel and language. ``size``: signs and parts, of a text message."""

    channel: str
    title: str
    text: str
    size: str
    cost: str


@dataclass(frozen=True, slots=True)
class KindPreview:
    """A kind with its words in every channel."""

    key: str
    name: str
    facts: list[tuple[str, str]]
    previews: list[Preview]


@dataclass(frozen=True, slots=True)
class TemplatesPage:
    """Every kind in one language."""

    title: str
    tabs: list[object]
    kinds: list[KindPreview]


@dataclass(frozen=True, slots=True)
class Row:
    """One way a message took. ``again_url``: empty where it can't be sent again."""

    when: str
    kind: str
    channel: str
    to: str
    tries: str
    cost: str
    status: str
    status_words: str
    error: str
    again_url: str


@dataclass(frozen=True, slots=True)
class DeliveriesPage:
    """Deliveries, newest first."""

    title: str
    tabs: list[object]
    rows: list[Row]
    older: str


@dataclass(frozen=True, slots=True)
class CostRow:
    """A month and a channel."""

    month: str
    channel: str
    sent: str
    parts: str
    failed: str
    cost: str


@dataclass(frozen=True, slots=True)
class CostsPage:
    """What messages cost."""

    title: str
    tabs: list[object]
    rows: list[CostRow]
    total: str


@dataclass(frozen=True, slots=True)
class HeardRow:
    """A text that came. ``copies``: how often the network delivered it, where that is more than once."""

    when: str
    phone: str
    keyword: str
    status: str
    status_words: str
    copies: str


@dataclass(frozen=True, slots=True)
class HeardPage:
    """Texts that came, newest first. ``number``: where people text to; ``address``: where a provider hands them in."""

    title: str
    tabs: list[object]
    number: str
    address: str
    rows: list[HeardRow]
    older: str
