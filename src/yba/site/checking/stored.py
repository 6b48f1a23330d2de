"""Rules over the database: who it lets in, what the demo left, whose second factor is missing."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from yba.site.checking.facts import Facts, Stored
from yba.site.checking.finding import Finding, error, warning


def judged(facts: Facts) -> Iterator[Finding]:
    """All of these rules."""
    if facts.stored is None:
        yield error(
            "database.silent",
            "YBA_DATABASE_URL",
            _("Không hỏi được cơ sở dữ liệu."),
            _("Xem cơ sở dữ liệu có chạy không, rồi kiểm tra lại."),
        )
        return
    if facts.stored.unapplied:
        yield error(
            "database.tables",
            facts.stored.unapplied[0],
            _("Bảng chưa ở bản này (%(count)s bước còn thiếu)."),
            _("Chạy yba migrate."),
            count=len(facts.stored.unapplied),
        )
    yield from _server(facts, facts.stored)
    yield from _demo(facts.stored)
    yield from _people(facts.stored)


def _server(facts: Facts, stored: Stored) -> Iterator[Finding]:
    outside = bool(facts.env.database_url)
    if outside and not stored.local and not stored.encrypted:
        yield error(
            "database.clear",
            "YBA_DATABASE_URL",
            _("Kết nối đang chạy không mã hóa."),
            _("Bật TLS ở máy chủ PostgreSQL và dùng sslmode=verify-full."),
        )
    if stored.superuser or stored.passes_row_security:
        made = error if outside else warning
        yield made(
            "database.superuser",
            "pg_roles",
            _(
                "Ứng dụng vào cơ sở dữ liệu bằng quyền cao nhất: ai chiếm được tiến trình web thì qua được bức tường "
                "thứ hai."
            ),
            _("Tạo vai trò thường (NOSUPERUSER NOBYPASSRLS) và cho nó làm chủ cơ sở dữ liệu."),
        )
    elif stored.creates_roles:
        yield warning(
            "database.roles",
            "pg_roles",
            _("Vai trò của ứng dụng tạo được vai trò khác."),
            _("ALTER ROLE ... NOCREATEROLE"),
        )
    if (stored.web_passes_wall or stored.web_silent) and not stored.unapplied:
        yield error(
            "database.wall",
            "YBA_WEB_DATABASE_URL" if facts.env.web_database_url else "yba_web",
            _("Tiến trình web vượt qua bức tường thứ hai (row-level security)")
            if stored.web_passes_wall
            else _("Tiến trình web không vào được cơ sở dữ liệu bằng vai trò yba_web"),
            _(
                "Cho web vào bằng vai trò không làm chủ bảng (NOSUPERUSER NOBYPASSRLS, thuộc yba_web), rồi chạy "
                "yba migrate."
            ),
        )
    if not outside and stored.listen_addresses:
        yield error(
            "database.listens",
            "listen_addresses",
            _("Cơ sở dữ liệu kèm theo nghe trên mạng (%(said)s)."),
            _("Bỏ listen_addresses: nó chỉ cần socket của máy này."),
            said=stored.listen_addresses,
        )
    if not outside and stored.socket_rights not in ("0700", "0600"):
        yield error(
            "database.socket",
            "unix_socket_permissions",
            _("Người khác trên máy vào được cơ sở dữ liệu (%(said)s)."),
            _("Đặt lại unix_socket_permissions = 0700."),
            said=stored.socket_rights,
        )
    if not stored.archiving and (outside or facts.env.archive is not None):
        made = warning if outside else error
        yield made(
            "backup.off",
            "archive_mode",
            _("Nhật ký ghi trước không được lưu: không khôi phục được tới từng giây."),
            _("Bật archive_mode, hoặc khởi động lại với YBA_ARCHIVE."),
        )
    if stored.archive_failing:
        yield error(
            "backup.failing",
            "pg_stat_archiver",
            _("Lần lưu nhật ký gần nhất bị lỗi: bản lưu đang thiếu."),
            _("Xem đĩa của bản lưu còn chỗ và ghi được không."),
        )


def _demo(stored: Stored) -> Iterator[Finding]:
    if stored.demo_accounts:
        yield error(
            "demo.accounts",
            "accounts_account",
            _("Có %(count)s tài khoản demo còn mở."),
            _("Dùng một cơ sở dữ liệu trống; dữ liệu demo không đi vào thật."),
            count=stored.demo_accounts,
        )
    if stored.demo_data:
        yield error(
            "demo.data",
            "site_done",
            _("Tỉnh demo nằm trong cơ sở dữ liệu này: người bệnh bịa lẫn với thật."),
            _("Dùng một cơ sở dữ liệu trống."),
        )
    if stored.known_passwords:
        yield error(
            "demo.password",
            "accounts_account",
            _("Mật khẩu của bản demo còn mở được: %(names)s."),
            _("Đặt lại mật khẩu của những tài khoản này."),
            names=", ".join(stored.known_passwords[:5]),
        )


def _people(stored: Stored) -> Iterator[Finding]:
    if stored.staff_without_factor:
        yield error(
            "staff.factor",
            "mfa_authenticator",
            _("%(count)s nhân viên chưa có yếu tố đăng nhập thứ hai."),
            _("Nhắc họ thêm khóa hoặc ứng dụng mã; luật bắt buộc (NĐ 356/2025 Đ9)."),
            count=stored.staff_without_factor,
        )
    if stored.endless_tokens:
        yield warning(
            "tokens.endless",
            "accounts_token",
            _("%(count)s mã truy cập không hết hạn hoặc hơn một năm."),
            _("Làm mã mới bằng yba token --days và thu hồi mã cũ."),
            count=stored.endless_tokens,
        )
    if stored.facilities_without_officer:
        names = ", ".join(stored.facilities_without_officer[:5])
        yield warning(
            "officer.none",
            "privacy_officer",
            _("Cơ sở chưa có người bảo vệ dữ liệu: %(names)s."),
            _("Quản trị cơ sở ghi tên ở trang Bảo vệ dữ liệu (Luật 91/2025 Đ38)."),
            names=names,
        )
