"""Addresses of the authorization server, for programs and for people."""

from __future__ import annotations

from django.urls import path

from yba.site.oauth.views import apps, authorizing, connected, tokens

app_name = "oauth"
urlpatterns = [
    path("oauth/authorize", authorizing.authorize, name="authorize"),
    path("oauth/decide", authorizing.decide, name="decide"),
    path("oauth/choose", authorizing.choose, name="choose"),
    path("oauth/token", tokens.token, name="token"),
    path("oauth/introspect", tokens.introspect, name="introspect"),
    path("oauth/revoke", tokens.revoke, name="revoke"),
    path("oauth/userinfo", tokens.userinfo, name="userinfo"),
    path("oauth/jwks", tokens.jwks, name="jwks"),
    path("fhir/.well-known/smart-configuration", tokens.smart_configuration, name="smart"),
    path(".well-known/openid-configuration", tokens.openid_configuration, name="openid"),
    path(".well-known/oauth-authorization-server", tokens.openid_configuration, name="metadata"),
    path("ung-dung/", connected.connected, name="connected"),
    path("ung-dung/<int:number>/ngung", connected.stop, name="stop"),
    path("ung-dung/mo", connected.opening, name="opening"),
    path("ung-dung/mo/<slug:client_id>", connected.open_app, name="open"),
    path("ung-dung/dang-ky/", apps.apps, name="apps"),
    path("ung-dung/dang-ky/moi", apps.register, name="register"),
    path("ung-dung/dang-ky/huong-dan", apps.developers, name="developers"),
    path("ung-dung/dang-ky/<slug:client_id>", apps.app, name="app"),
    path("ung-dung/dang-ky/<slug:client_id>/sua", apps.change, name="change"),
    path("ung-dung/dang-ky/<slug:client_id>/quyet", apps.decide, name="judge"),
    path("ung-dung/dang-ky/<slug:client_id>/mat-khau", apps.secret, name="secret"),
    path("ung-dung/bieu-tuong/<slug:client_id>", apps.logo, name="logo"),
]
