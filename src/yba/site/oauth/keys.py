"""The key that signs identities (id_token): from the environment, else a file only its owner can read.

OpenID Connect Core 1.0, 10.1; SMART asks for RS256. To change the key, put the old one's file away: identities live
for minutes, apps fetch the new key by its ``kid``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from joserfc.jwk import RSAKey

from yba.site import secret_files

VARIABLE: Final = "YBA_IDENTITY_KEY"  # read by `environment`, like every other
FILE: Final = "identity-key.pem"
BITS: Final = 3072
ALGORITHM: Final = "RS256"


@lru_cache(maxsize=1)
def signing_key() -> RSAKey:
    """The private key. Raises SecretProblem for a file others could read."""
    given = settings.ENVIRONMENT.identity_key
    pem = given.encode() if given else secret_files.kept(settings.YBA_DATA, FILE, _new)
    try:
        key = RSAKey.import_key(pem, {"use": "sig", "alg": ALGORITHM})
    except ValueError:
        raise secret_files.SecretProblem(
            f"yba: {VARIABLE} or the file {FILE} holds no RSA private key in PEM form."
        ) from None
    if not key.is_private:
        raise secret_files.SecretProblem(f"yba: {VARIABLE} or the file {FILE} holds a public key only.")
    key.ensure_kid()
    return key


def _new() -> bytes:
    return RSAKey.generate_key(BITS, private=True).as_pem(private=True)


def public_keys() -> dict[str, Any]:
    """The JWK Set that apps check our signatures with."""
    return {"keys": [signing_key().as_dict(private=False)]}
