"""What this server truly offers, for programs: SMART's configuration, OpenID Connect's, and words for the record."""

from __future__ import annotations

from typing import Any, Final

from yba.site.oauth import addresses, clients, keys, prompting, scopes

#: SMART App Launch 2.2, "Conformance": only what is built and tested here.
CAPABILITIES: Final = (
    "launch-ehr", "launch-standalone", "authorize-post", "client-public", "client-confidential-symmetric",
    "client-confidential-asymmetric", "sso-openid-connect", "context-banner", "context-ehr-patient",
    "context-ehr-encounter", "context-standalone-patient", "permission-offline", "permission-online",
    "permission-patient", "permission-user", "permission-v1", "permission-v2",
)  # fmt: skip
SUPPORTED: Final = (
    *scopes.WORDS, "patient/*.rs", "patient/*.cruds", "user/*.rs", "user/*.cruds", "system/*.rs", "system/*.cruds",
    "patient/*.read", "patient/*.write", "patient/*.*", "user/*.read", "user/*.write", "user/*.*",
)  # fmt: skip


def _shared() -> dict[str, Any]:
    return {
        "issuer": addresses.issuer(),
        "jwks_uri": addresses.absolute("jwks"),
        "authorization_endpoint": addresses.absolute("authorize"),
        "token_endpoint": addresses.token_url(),
        "token_endpoint_auth_methods_supported": [one for one in clients.METHODS if one != "none"],
        "token_endpoint_auth_signing_alg_values_supported": clients.ALGORITHMS,
        "introspection_endpoint": addresses.absolute("introspect"),
        "revocation_endpoint": addresses.absolute("revoke"),
        "scopes_supported": list(SUPPORTED),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
    }


def smart() -> dict[str, Any]:
    """``/fhir/.well-known/smart-configuration``."""
    return _shared() | {
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "management_endpoint": addresses.absolute("connected"),
        "capabilities": list(CAPABILITIES),
    }


def openid() -> dict[str, Any]:
    """``/.well-known/openid-configuration``, and the same by RFC 8414."""
    return _shared() | {
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": clients.METHODS,
        "userinfo_endpoint": addresses.absolute("userinfo"),
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [keys.ALGORITHM],
        "claims_supported": [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "at_hash",
            "fhirUser",
            "name",
        ],
        "prompt_values_supported": list(prompting.WORDS),
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "revocation_endpoint_auth_methods_supported": clients.METHODS,
        "introspection_endpoint_auth_methods_supported": [one for one in clients.METHODS if one != "none"],
        "service_documentation": addresses.absolute("developers"),
        "ui_locales_supported": ["vi", "en"],
    }
