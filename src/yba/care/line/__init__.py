"""The line in front of a room: tickets, their order, calls. One table for reception, doctor, wall and citizen.

Import from the modules: ``actions`` (draw, call, start, finish), ``queries`` (line_of, ticket_of, wait_range),
``rules`` (the order).
"""
