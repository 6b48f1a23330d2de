"""Money at the counter: prices, invoices in the record, receipts with whole numbers.

Import from the modules: ``prices`` (price_of), ``actions`` (charge, add_lines, pay), ``queries``, ``papers``.
"""
