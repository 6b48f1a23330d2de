"""Telling others of changes: Subscriptions of R4 and of the topic-based backport, from the outbox, at least once.

FHIR R4, subscription.html; Subscriptions R5 Backport 1.1 (hl7.fhir.uv.subscriptions-backport.r4).

1. ``definition.py``: what a Subscription asks for. ``topics.py``: the topics there are.
2. ``guard.py``: taken up in the transaction that writes it.
3. ``matching.py``: from the outbox to each subscription's queue, in order.
4. ``delivery.py``: from the queues to the endpoints, with back-off; ``notification.py``: what is sent.
"""
