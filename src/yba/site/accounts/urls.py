"""Addresses of signing in, of one's own security, of staff and of verifying who somebody is.

allauth's pages are named one by one: those not here (sign-up forms, e-mail) do not exist in this house.
"""

from __future__ import annotations

from allauth.account import views as allauth_account
from allauth.mfa.base import views as factor_views
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import include, path
from django.views.generic import RedirectView

from yba.site.accounts.views import (
    desk_lock,
    identity,
    recovery,
    renewing,
    rights,
    security,
    sign_in,
    staff,
    steps,
)
from yba.site.accounts.views.security import freshly_proved

ours = [
    path("vao", sign_in.sign_in, name="sign_in"),
    path("vao/ma", sign_in.enter_code, name="enter_code"),
    path("vao/mat-khau", sign_in.password_sign_in, name="password_sign_in"),
    path("vao/nhan-vien", sign_in.staff_sign_in, name="staff_sign_in"),
    path("vao/chu-so", steps.silent, name="silent"),
    path("vao/lop-thu-hai", steps.enrol, name="enrol"),
    path("vao/mat-so", recovery.lost_phone, name="lost_phone"),
    path("vao/lay-lai", recovery.recover, name="recover"),
    path("ra", sign_in.sign_out, name="sign_out"),
    path("moi/<str:key>", staff.accept, name="accept"),
    path("mat-khau-moi/<str:key>", renewing.choose, name="choose_password"),
    path("khoa", desk_lock.unlock, name="unlock"),
    path("khoa/con-day", desk_lock.present, name="present"),
    path("tai-khoan/bao-mat", security.security, name="security"),
    path("tai-khoan/so-dien-thoai", security.add_phone, name="add_phone"),
    path("tai-khoan/so-dien-thoai/ma", security.prove_new_phone, name="prove_new_phone"),
    path("tai-khoan/so-dien-thoai/<int:phone_id>/bo", security.drop_phone, name="drop_phone"),
    path("tai-khoan/xac-nhan/dien-thoai", security.prove_phone, name="prove_phone"),
    path("tai-khoan/pin", security.pin, name="pin"),
    path("tai-khoan/thiet-bi/<int:session_id>/ra", security.end_session, name="end_session"),
    path("tai-khoan/thiet-bi/ra-het", security.end_other_sessions, name="end_other_sessions"),
    path("nhan-vien", staff.roll, name="staff"),
    path("nhan-vien/moi", staff.invite, name="invite"),
    path("nhan-vien/moi/<int:invitation_id>/thu-lai", staff.withdraw, name="withdraw"),
    path("nhan-vien/quyen", rights.roll, name="rights"),
    path("nhan-vien/quyen/<int:right_id>/duyet", rights.approve, name="approve_right"),
    path("nhan-vien/quyen/<int:right_id>/thu-lai", rights.end, name="end_right"),
    path("nhan-vien/<int:account_id>/quyen", rights.member, name="member_rights"),
    path("nhan-vien/<int:account_id>", staff.member, name="member"),
    path("nhan-vien/<int:account_id>/mat-khau", renewing.send, name="send_password_link"),
    path("nhan-vien/<int:account_id>/<slug:what>", staff.deed, name="deed"),
    path("danh-tinh", identity.find, name="identity"),
    path("danh-tinh/trung", identity.doubts, name="doubts"),
    path("danh-tinh/trung/<int:doubt_id>", identity.doubt, name="doubt"),
    path("danh-tinh/<str:patient_id>", identity.person, name="identity_person"),
]

#: allauth's own names, which its code leads to.
allauths = [
    path("vao/dang-nhap", RedirectView.as_view(pattern_name="accounts:sign_in"), name="account_login"),
    path("vao/dang-ky", RedirectView.as_view(pattern_name="accounts:sign_in"), name="account_signup"),
    path("vao/tam-khoa", sign_in.inactive, name="account_inactive"),
    path("vao/hai-lop", factor_views.authenticate, name="mfa_authenticate"),
    path("vao/khoa-truy-cap", webauthn.login_webauthn, name="mfa_login_webauthn"),
    path("tai-khoan/xac-nhan/mat-khau", allauth_account.reauthenticate, name="account_reauthenticate"),
    path("tai-khoan/xac-nhan/ma", factor_views.reauthenticate, name="mfa_reauthenticate"),
    path("tai-khoan/xac-nhan/khoa", webauthn.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path(
        "tai-khoan/mat-khau/doi",
        freshly_proved(allauth_account.password_change),
        name="account_change_password",
    ),
    path("tai-khoan/mat-khau/dat", freshly_proved(allauth_account.password_set), name="account_set_password"),
    path("tai-khoan/lop-hai", RedirectView.as_view(pattern_name="accounts:security"), name="mfa_index"),
    path("tai-khoan/ung-dung", freshly_proved(totp.activate_totp), name="mfa_activate_totp"),
    path("tai-khoan/ung-dung/bo", freshly_proved(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("tai-khoan/ma-du-phong", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "tai-khoan/ma-du-phong/moi",
        freshly_proved(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path("tai-khoan/khoa", RedirectView.as_view(pattern_name="accounts:security"), name="mfa_list_webauthn"),
    path("tai-khoan/khoa/them", freshly_proved(webauthn.add_webauthn), name="mfa_add_webauthn"),
    path("tai-khoan/khoa/<int:pk>/bo", freshly_proved(security.remove_passkey), name="mfa_remove_webauthn"),
    path("tai-khoan/khoa/<int:pk>/ten", freshly_proved(webauthn.edit_webauthn), name="mfa_edit_webauthn"),
    path("vao/dinh-danh/<str:provider_id>", security.to_provider, name="openid_connect_login"),
    path("vao/dinh-danh/<str:provider_id>/ve", security.from_provider, name="openid_connect_callback"),
    path("vao/dinh-danh-huy", sign_in.cancelled, name="socialaccount_login_cancelled"),
    path("vao/dinh-danh-loi", sign_in.cancelled, name="socialaccount_login_error"),
    path("vao/dinh-danh-moi", sign_in.cancelled, name="socialaccount_signup"),
    path(
        "tai-khoan/noi",
        RedirectView.as_view(pattern_name="accounts:security"),
        name="socialaccount_connections",
    ),
]
urlpatterns = [path("", include((ours, "accounts"))), *allauths]
