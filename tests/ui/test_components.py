"""Components as exact markup where it matters, and the pages they stand on."""

import gzip
import io
import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import Http404, HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory, override_settings
from PIL import Image, ImageDraw

from yba.areas.booking.queue.kiosk_reading import text_in
from yba.fhir.access import Actor
from yba.ui import assets, live
from yba.ui.context import NavigationItem, with_current
from yba.ui.parts import Person
from yba.ui.requests import actor_of, back_to, once_of, role_required
from yba.ui.specimen import SpecimenForm


def shown(source, **values):
    html = Template("{% load ui %}" + source).render(Context(values))
    return re.sub(r"<svg.*?</svg>", "<svg/>", html, flags=re.DOTALL).strip()


@pytest.fixture
def client():
    with override_settings(ROOT_URLCONF="tests.ui.alone_urls"):
        yield Client()


def test_button():
    assert shown('{% button "Ký" kind="main" key="F9" hx_post="/ky" %}') == (
        '<button class="button button-main" type="submit" data-key="F9" hx-post="/ky">Ký <kbd>F9</kbd></button>'
    )
    assert shown('{% button "Về" href="/" icon="house" %}') == '<a class="button" href="/"><svg/>Về</a>'
    assert 'type="button" data-opens="ask"' in shown('{% button "Hủy" opens="ask" %}')


def test_disabled_button_says_why():
    html = shown('{% button "Ký" disabled=True why="Còn 1 cảnh báo." %}')
    reason = re.search(r'aria-describedby="(why-\w+)"', html).group(1)
    assert 'aria-disabled="true"' in html
    assert f'<span class="button-why" id="{reason}">Còn 1 cảnh báo.</span>' in html


def test_a_refusal_is_told_above_the_form_and_nothing_else():
    assert shown("{% refusal why 'Chưa gửi được' %}", why="") == ""
    assert shown("{% refusal why 'Chưa gửi được' %}", why="Đã có người trả lời.") == shown(
        "{% alert kind='caution' title='Chưa gửi được' role='alert' %}<p>Đã có người trả lời.</p>{% endalert %}"
    )


def test_words_are_escaped():
    evil = "<script>x</script>"
    for source in (
        "{% button evil %}",
        '{% status "wait" evil %}',
        "{% alert title=evil %}{{ evil }}{% acts %}{% button evil %}{% endalert %}",
        "{% ticket number=evil place=evil %}{{ evil }}{% tear %}{{ evil }}{% endticket %}",
        "{% qr 'x' evil %}",
        "{% refusal evil evil %}",
        "{% row_link '/' evil note=evil %}",
        "{% search_option evil evil note=evil code=evil %}",
        "{% off_range evil %}",
        "{% avatar evil %}",
        "{% icon 'x' label=evil %}",
        "{% chip evil code=evil remove=evil %}",
    ):
        assert "<script" not in shown(source, evil=evil)


def test_status_speaks():
    assert shown('{% status "wait" %}') == '<span class="status" data-kind="wait"><svg/>Đang chờ</span>'
    assert shown('{% status "first" "Trên 75 tuổi" %}').endswith("<svg/>Trên 75 tuổi</span>")


def test_ticket_tears():
    assert shown('{% ticket number="B 027" place="204" %}<p>a</p>{% tear %}<p>b</p>{% endticket %}') == (
        '<div class="ticket"><div class="ticket-body"><div class="ticket-pair"><p><span class="ticket-caption">'
        'Số thứ tự</span><span class="ticket-number">B\u00a0027</span></p><p><span class="ticket-caption">Phòng</span>'
        '<span class="ticket-place">204</span></p></div><p>a</p></div>'
        '<div class="ticket-stub stack-2"><p>b</p></div></div>'
    )
    code = shown('{% ticket number="WMWMWM" %}{% endticket %}')  # the largest figures would not fit a phone
    assert '<span class="ticket-number ticket-number-long">WMWMWM</span>' in code


def test_person_says_allergies_before_the_rest():
    person = Person("Nguyễn Thị Hạnh", ("68 tuổi",), allergies=("Penicillin",), problems=("Tăng huyết áp",))
    html = shown("{% person_banner p %}{% endperson_banner %}", p=person)
    assert html.index("Nguyễn Thị Hạnh</h2>") < html.index("Penicillin")
    assert html.index("Penicillin") < html.index("Tăng huyết áp")
    assert "Chưa ghi nhận dị ứng" in shown("{% person_banner p %}{% endperson_banner %}", p=Person("A"))
    unasked = Person("A", allergies_known=False)
    assert "Chưa hỏi dị ứng" in shown("{% person_banner p %}{% endperson_banner %}", p=unasked)


def test_field_orders_label_help_control_error():
    form = SpecimenForm({"number": "046 321 000 45"})
    assert shown("{% field f %}", f=form["number"]) == (
        '<div class="field"><label for="id_number">Số định danh cá nhân</label>'
        '<p class="field-help" id="id_number-h">12 chữ số trên căn cước. Trẻ em: trên giấy khai sinh.</p>'
        '<input type="text" name="number" value="046 321 000 45" class="input input-id" inputmode="numeric" '
        'autocomplete="off" data-mask="citizen" aria-describedby="id_number-h id_number-e" aria-invalid="true" '
        'required id="id_number"><p class="field-error" id="id_number-e"><svg/>'
        "<span>Mới có 11 chữ số, cần 12.</span></p>"
        "\n</div>"
    )


def test_field_kinds():
    form = SpecimenForm()
    assert "không bắt buộc" in shown("{% field f %}", f=form["weight"])
    assert '<span class="unit" aria-hidden="true">kg</span>' in shown("{% field f %}", f=form["weight"])
    assert shown('{% field f show="yes-no" %}', f=form["faint"]).count("pick-yes") == 1
    assert shown("{% field f %}", f=form["whom"]).count('class="choice"') == 2
    assert "<fieldset" in shown("{% field f %}", f=form["whom"])
    assert 'rows="3"' in shown("{% field f %}", f=form["reason"])


def test_error_summary_links_to_fields():
    form = SpecimenForm({"born": "30/02/2026"}, use_required_attribute=False)
    html = shown("{% error_summary f %}", f=form)
    assert '<a href="#id_born">Ngày sinh: Tháng 2 năm 2026 không có ngày 30.</a>' in html
    assert shown("{% error_summary f %}", f=SpecimenForm()) == ""


def test_sparkline_marks_the_last_value():
    assert "c-dot-hot" in Template('{% load ui %}{% sparkline v "w" high=140 %}').render(
        Context({"v": [130, 150]})
    )
    plain = Template('{% load ui %}{% sparkline v "w" %}').render(Context({"v": [130]}))
    assert 'class="c-dot"' in plain
    assert 'aria-label="w"' in plain


def test_qr_has_no_inline_style():
    html = Template('{% load ui %}{% qr "YBA-K7M2X" "Mã" %}').render(Context())
    assert 'role="img" aria-label="Mã"' in html
    assert "style=" not in html


@pytest.mark.parametrize(
    "text", ["YBA-K7M2X", "Số của Đức 🎫", "https://yba.vn/dat-kham/so/41:" + "aZ9-" * 12]
)
def test_a_qr_is_read_as_it_was_written(text):
    html = Template("{% load ui %}{% qr text 'Mã' %}").render(Context({"text": text}))
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', html)[1])
    picture = Image.new("L", (side, side), 255)
    dark = ImageDraw.Draw(picture)
    for x, y, wide, high in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)", html.partition("#000")[2]):
        box = (int(x), int(y), int(x) + int(wide) - 1, int(y) + int(high) - 1)
        dark.rectangle(box, fill=0)
    assert min(picture.getpixel((at, at)) for at in range(4)) == 255, "four modules stay empty around it"
    kept = io.BytesIO()
    picture.resize((side * 4, side * 4), Image.Resampling.NEAREST).save(kept, "PNG")
    assert text_in(kept.getvalue()) == text


def test_design_page_is_free_of_inline_code(client):
    html = client.get("/design").content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)
    assert html.count("<h1") == 2  # the page's and the print sheet's
    assert "{%" not in html
    assert "{{" not in html


def test_first_load_is_under_100_kb(client):
    page = gzip.compress(client.get("/design").content)
    assert len(page) + sum(len(assets.bundle(kind).packed) for kind in ("css", "js")) < 100_000


def test_assets_are_kept_forever(client):
    name = assets.bundle("css").name
    answer = client.get(f"/ui/{name}", headers={"accept-encoding": "gzip"})
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert gzip.decompress(answer.content) == assets.bundle("css").body
    assert client.get("/ui/face.0000.css")["Cache-Control"] == "no-cache"
    assert client.get("/ui/settings.py").status_code == 404


def test_preferences_work_without_a_script(client):
    answer = client.post("/ui/preferences", {"text": "large", "theme": "dark", "next": "/design"})
    assert answer["Location"] == "/design"
    html = client.get("/design").content.decode()
    assert 'data-theme="dark" data-text="large"' in html
    assert client.post("/ui/preferences", {"next": "https://evil.example/"})["Location"] == "/"


def test_navigation_has_one_current():
    items = [NavigationItem("A", "/a", "house"), NavigationItem("B", "/a/b", "house")]
    assert [item.current for item in with_current(items, "/a/b/c")] == [False, True]
    assert [item.current for item in with_current(items, "/x")] == [False, False]


def test_live_topics_are_signed():
    token = live.token("queue/204")
    assert token.startswith("queue/204:")
    assert live.topic_of(token) == "queue/204"


class Doctor:
    pk = 7
    is_authenticated = True
    role = "doctor"
    name = "BS. Khôi"
    facility = "f1"
    practitioner = "p1"

    def actor(self, **came):
        return Actor(
            user=str(self.pk), role=self.role, name=self.name, facility=self.facility,
            practitioner=self.practitioner, persons=frozenset({"x"}), **came,
        )  # fmt: skip


def test_actor_and_roles():
    request = RequestFactory().get("/phong?x=1")
    request.user = Doctor()
    request.session = SessionBase()
    actor = actor_of(request)
    assert (actor.user, actor.role, actor.facility, actor.practitioner) == ("7", "doctor", "f1", "p1")
    assert actor.persons == frozenset({"x"})

    @role_required("doctor")
    def page(request):
        return HttpResponse("ok")

    @role_required("cashier")
    def other(request):
        return HttpResponse("ok")

    assert page(request).content == b"ok"
    with pytest.raises(Http404):
        other(request)
    request.user = AnonymousUser()
    with override_settings(LOGIN_URL="/vao"):
        assert page(request)["Location"] == "/vao?next=/phong%3Fx%3D1"
    assert actor_of(request).role == "anonymous"


def test_posted_values():
    request = RequestFactory().post("/", {"once": "k" * 99, "next": "/x"})
    assert once_of(request) == "k" * 64
    assert back_to(request) == "/x"


def test_a_table_that_folds_names_each_cell_and_keeps_its_roles():
    row = "<tr data-row><th scope=row>A</th><td>B</td><td class=n>C</td></tr>"
    html = shown(
        "{% table 'Quyền' columns folds=True %}" + row + "{% endtable %}", columns=["Người", '"Lý" do', "#Số"]
    )
    assert '<table class="table table-folds" role="table">' in html
    assert '<tr role="row" data-row><th role="rowheader" scope=row>A</th>' in html
    assert (
        '<td role="cell" data-head="&quot;Lý&quot; do">B</td><td role="cell" data-head="Số" class=n>C</td>'
        in html
    )
    assert "role" not in shown("{% table 'x' 'A|B' %}<tr><td>1</td></tr>{% endtable %}").replace(
        'role="region"', ""
    )


def test_a_blank_takes_its_place_among_headings():
    assert "<h3>Chưa có</h3>" in shown("{% blank 'Chưa có' %}{% endblank %}")
    assert "<h2>Chưa có</h2>" in shown("{% blank 'Chưa có' heading='h2' %}{% endblank %}")
