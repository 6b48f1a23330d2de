"""Rules over files: rights, copies, keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from yba.site.checking.facts import Facts, folder_rights
from yba.site.checking.finding import Finding, error, warning

OLDEST_COPY = timedelta(days=7)
#: Others may walk through it where the database runs as another user (root starts it), never read or write in it.
WALK = 0o011


def judged(facts: Facts) -> Iterator[Finding]:
    """All of these rules."""
    for rule in (_secrets, _folders, _root, _copies, _audit):
        yield from rule(facts)


def _secrets(facts: Facts) -> Iterator[Finding]:
    for name, said in facts.rights.items():
        if not name.endswith("/"):
            yield error(
                "secret.rights",
                name,
                _("Tệp bí mật có quyền quá rộng hoặc sai chủ: %(said)s"),
                _("chmod 600, và đổi bí mật nếu máy có người khác dùng."),
                said=said,
            )


def _folders(facts: Facts) -> Iterator[Finding]:
    for folder, rights in folder_rights(facts).items():
        if rights & 0o022:
            yield error(
                "folder.writable",
                str(folder),
                _("Người khác trên máy ghi được vào thư mục này (%(rights)s)."),
                _("chmod go-w %(folder)s"),
                rights=f"{rights:04o}",
                folder=folder,
            )
        elif rights & 0o077 & ~WALK:
            yield warning(
                "folder.readable",
                str(folder),
                _("Người khác trên máy xem được thư mục này (%(rights)s)."),
                _("chmod go-rw %(folder)s"),
                rights=f"{rights:04o}",
                folder=folder,
            )


def _root(facts: Facts) -> Iterator[Finding]:
    if facts.root:
        yield warning(
            "root",
            "uid 0",
            _("Máy chủ chạy bằng quyền root: một lỗ hổng là mất cả máy."),
            _("Tạo một người dùng riêng và chạy bằng người đó."),
        )


def _copies(facts: Facts) -> Iterator[Finding]:
    if facts.env.database_url:
        return  # its own tools keep its copies; whether it archives is asked in `stored`
    if facts.env.archive is None:
        yield error(
            "backup.none",
            "YBA_ARCHIVE",
            _("Không có bản lưu: hỏng đĩa là mất hồ sơ."),
            _("Đặt YBA_ARCHIVE ở một đĩa khác rồi chạy yba backup --base."),
        )
        return
    if facts.env.data in (facts.env.archive, *facts.env.archive.parents):
        yield error(
            "backup.beside",
            "YBA_ARCHIVE",
            _("Bản lưu nằm trong chính thư mục dữ liệu."),
            _("Đặt YBA_ARCHIVE ở một đĩa khác."),
        )
    if facts.newest_copy is None:
        yield error(
            "backup.empty",
            str(facts.env.archive),
            _("Chưa có bản sao gốc nào trọn vẹn."),
            _("Chạy yba backup --base."),
        )
    elif facts.now - facts.newest_copy > OLDEST_COPY:
        days = (facts.now - facts.newest_copy).days
        yield warning(
            "backup.old",
            str(facts.env.archive),
            _("Bản sao gốc mới nhất đã %(days)s ngày."),
            _("Chạy yba backup --base mỗi đêm."),
            days=days,
        )


def _audit(facts: Facts) -> Iterator[Finding]:
    if facts.audit_key:
        yield error(
            "audit.key",
            "YBA_AUDIT_KEY",
            _("Khóa niêm phong nhật ký không dùng được: %(said)s"),
            _("Sửa khóa, hoặc bỏ đi để máy chủ tự tạo khóa mới."),
            said=facts.audit_key,
        )
