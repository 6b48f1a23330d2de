"""The job that hands a message to the channel; in demo mode the channel is a page."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from procrastinate.contrib.django import app

from yba.care.messages.models import Message

#: Hands one message over; raises when it can't, and the job is tried again.
Channel = Callable[[Message], None]


def demo_channel(message: Message) -> None:
    """Nothing leaves the machine: `/demo/messages` shows the text."""


def channel() -> Channel:
    """The channel named by the setting YBA_MESSAGE_CHANNEL, else the demo page."""
    path = getattr(settings, "YBA_MESSAGE_CHANNEL", None)
    found: Channel = import_string(path) if path else demo_channel
    return found


@app.task(name="messages.deliver", queue="messages", retry=5)  # type: ignore[untyped-decorator]  # procrastinate is not followed
def deliver(message: int) -> None:
    """Hand over once: a message that is already delivered is left alone."""
    row = Message.objects.get(pk=message)
    if row.status == Message.Status.DELIVERED:
        return
    try:
        channel()(row)
    except Exception as problem:
        Message.objects.filter(pk=message).update(status=Message.Status.FAILED, problem=str(problem))
        raise
    Message.objects.filter(pk=message).update(
        status=Message.Status.DELIVERED, delivered_at=timezone.now(), problem=""
    )
