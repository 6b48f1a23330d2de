"""Rules over the environment and Django's settings."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import psycopg
import psycopg.conninfo
from django.utils.translation import gettext_lazy as _

from yba.site.checking.facts import Facts
from yba.site.checking.finding import Finding, error, warning

LEAST_SECRET = 50
LEAST_LETTERS = 10
LOCAL = ("127.0.0.0/8", "::1/128")


def judged(facts: Facts) -> Iterator[Finding]:
    """All of these rules."""
    for rule in (_mode, _secret, _hosts, _origin, _proxies, _database_address, _django, _outside, _channels):
        yield from rule(facts)


def _mode(facts: Facts) -> Iterator[Finding]:
    if facts.env.demo:
        yield error(
            "mode.demo",
            "YBA_ENV",
            _("Máy chủ đang ở chế độ demo: ai cũng biết mật khẩu của các tài khoản."),
            _("Đặt YBA_ENV=production và dùng một cơ sở dữ liệu trống."),
        )
    if facts.settings.get("DEBUG"):
        yield error(
            "debug",
            "settings.DEBUG",
            _("DEBUG đang bật: trang lỗi lộ mã nguồn và cấu hình."),
            _("Bỏ mọi chỗ đặt DEBUG=True."),
        )


def _secret(facts: Facts) -> Iterator[Finding]:
    if len(facts.secret) < LEAST_SECRET or len(set(facts.secret)) < LEAST_LETTERS:
        where = "YBA_SECRET" if facts.secret_from_environment else str(facts.env.data / "secret")
        yield error(
            "secret.short",
            where,
            _("Khóa bí mật ngắn hoặc dễ đoán: ai đoán được thì ký được phiên đăng nhập."),
            _("Đặt ít nhất 50 ký tự ngẫu nhiên, hoặc bỏ YBA_SECRET để máy chủ tự tạo."),
        )


def _hosts(facts: Facts) -> Iterator[Finding]:
    hosts = facts.settings.get("ALLOWED_HOSTS") or []
    if "*" in hosts:
        yield error(
            "hosts.any",
            "YBA_HOSTS",
            _("Máy chủ trả lời mọi tên: liên kết trong tin nhắn có thể bị giả."),
            _("Kể đúng các tên, ví dụ YBA_HOSTS=yba.vn."),
        )
    elif not facts.env.hosts:
        yield error(
            "hosts.none",
            "YBA_HOSTS",
            _("Chưa kể tên nào, nên chỉ trả lời máy này."),
            _("Kể các tên máy chủ được gọi, ví dụ YBA_HOSTS=yba.vn."),
        )


def _origin(facts: Facts) -> Iterator[Finding]:
    if not facts.env.origin:
        yield error(
            "origin.none",
            "YBA_ORIGIN",
            _("Chưa có địa chỉ chung: liên kết và địa chỉ FHIR sẽ sai."),
            _("Đặt địa chỉ người ngoài gọi, ví dụ YBA_ORIGIN=https://yba.vn."),
        )
        return
    parts = urlsplit(facts.env.origin)
    if parts.scheme != "https":
        yield error(
            "origin.http",
            "YBA_ORIGIN",
            _("Địa chỉ chung không phải https: dữ liệu đi không mã hóa."),
            _("Đặt proxy có chứng chỉ ở phía trước và viết địa chỉ bằng https://."),
        )
    if parts.path or parts.query or not parts.hostname:
        yield error(
            "origin.path",
            "YBA_ORIGIN",
            _("Địa chỉ chung có phần thừa sau tên máy."),
            _("Viết gọn như https://yba.vn, không có gì phía sau."),
        )
    elif facts.env.hosts and not _among(str(parts.hostname), facts.env.hosts):
        yield error(
            "origin.host",
            "YBA_ORIGIN",
            _("Tên %(host)s không có trong YBA_HOSTS nên bị từ chối."),
            _("Thêm %(host)s vào YBA_HOSTS."),
            host=parts.hostname,
        )


def _among(host: str, hosts: tuple[str, ...]) -> bool:
    return any(host == one or (one.startswith(".") and (host + ".").endswith(one + ".")) for one in hosts)


def _proxies(facts: Facts) -> Iterator[Finding]:
    for one in facts.env.proxies:
        network = ip_network(one)
        if network.prefixlen < (8 if network.version == 4 else 32):
            yield error(
                "proxies.any",
                "YBA_PROXIES",
                _("Mạng %(one)s quá rộng: người lạ tự khai được địa chỉ."),
                _("Chỉ kể địa chỉ của proxy, ví dụ 10.0.0.5/32."),
                one=one,
            )
    if not _is_loopback(facts.env.host) and facts.env.proxies == LOCAL:
        yield warning(
            "listen.open",
            "YBA_HOST",
            _("Máy chủ nghe ở %(host)s nhưng chưa kể proxy nào ngoài máy này."),
            _("Để YBA_HOST=127.0.0.1 khi proxy ở cùng máy, hoặc kể proxy trong YBA_PROXIES."),
            host=facts.env.host,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _database_address(facts: Facts) -> Iterator[Finding]:
    if not facts.env.database_url:
        return
    try:
        parts = psycopg.conninfo.conninfo_to_dict(facts.env.database_url)
    except psycopg.ProgrammingError:
        yield error(
            "database.address",
            "YBA_DATABASE_URL",
            _("Không đọc được địa chỉ cơ sở dữ liệu."),
            _("Viết như postgresql://user:password@host:5432/database."),
        )
        return
    host = str(parts.get("host") or "")
    if host.startswith("/") or _is_loopback(host or "localhost"):
        return
    if parts.get("sslmode") not in ("verify-full", "verify-ca"):
        yield error(
            "database.tls",
            "YBA_DATABASE_URL",
            _("Kết nối tới %(host)s không kiểm tra chứng chỉ: có thể bị nghe lén."),
            _("Thêm sslmode=verify-full&sslrootcert=... vào địa chỉ."),
            host=host,
        )


def _django(facts: Facts) -> Iterator[Finding]:
    for key, level, what, mend in facts.django:
        made = error if level == "error" else warning
        yield made(f"django.{key}", "Django", what, mend or what)


def _outside(facts: Facts) -> Iterator[Finding]:
    """Addresses that are read or called without encryption carry records in clear text."""
    for name, places in (
        ("YBA_IMPORT_SOURCES", facts.env.import_sources),
        ("YBA_SUBSCRIPTION_ENDPOINTS", facts.env.subscription_endpoints),
    ):
        for one in places:
            if one.startswith("http://") and not _is_loopback(str(urlsplit(one).hostname or "")):
                yield warning(
                    "addresses.plain",
                    name,
                    _("%(one)s không mã hóa đường truyền."),
                    _("Dùng https:// cho địa chỉ này."),
                    one=one,
                )


def _channels(facts: Facts) -> Iterator[Finding]:
    if not facts.settings.get("YBA_MESSAGE_CHANNEL"):
        yield error(
            "messages.none",
            "YBA_GATEWAYS",
            _("Chưa có đường gửi tin nhắn: không ai nhận được mã đăng nhập."),
            _("Cấu hình nhà cung cấp tin nhắn."),
        )
    if not facts.settings.get("YBA_SCANNER"):
        yield warning(
            "scanner.none",
            "YBA_SCANNER",
            _("Tệp người dùng gửi lên không được quét mã độc."),
            _("Cài ClamAV và đặt YBA_SCANNER=/run/clamav/clamd.ctl."),
        )
