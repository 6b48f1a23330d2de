"""Signing in and out."""

from __future__ import annotations

from django.urls import path

from yba.site.accounts import views

app_name = "accounts"
urlpatterns = [
    path("vao", views.sign_in, name="sign_in"),
    path("vao/ma", views.enter_code, name="enter_code"),
    path("vao/nhan-vien", views.staff_sign_in, name="staff_sign_in"),
    path("ra", views.sign_out, name="sign_out"),
]
