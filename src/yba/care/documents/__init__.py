"""Papers: a Typst template and typed data in, a PDF out, the same on every machine.

Only the letters that come inside Typst are used (Libertinus Serif carries all of Vietnamese), never a font of the
machine. Data travels as JSON beside the template, so nothing a person typed can become markup.
"""

from yba.care.documents.pdf import pdf, pdf_response, qr_svg

__all__ = ["pdf", "pdf_response", "qr_svg"]
