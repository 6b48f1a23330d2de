"""Files people bring: taken in only as what they are, kept without what they hide, given out so that nothing runs.

`picture` and `document` judge bytes (a form field: `forms.PictureField`, `forms.DocumentField`); `file_response` is the
one way such bytes leave a page, and `/tep/...` the one address files of the record are read at.
"""

from yba.care.uploads.rules import Accepted, document, picture
from yba.care.uploads.serving import file_response

__all__ = ["Accepted", "document", "file_response", "picture"]
