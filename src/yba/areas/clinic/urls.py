"""Addresses of the clinic."""

from __future__ import annotations

from django.urls import path

from yba.areas.clinic import emergency, views

app_name = "clinic"
urlpatterns = [
    path("", views.room, name="room"),
    path("line", views.line_part, name="line"),
    path("call-next", views.call_next, name="call-next"),
    path("ticket/<int:ticket_id>/<str:deed>", views.ticket, name="ticket"),
    path("visit/<str:visit_id>", views.visit, name="visit"),
    path("visit/<str:visit_id>/save", views.save, name="save"),
    path("visit/<str:visit_id>/finish", views.finish, name="finish"),
    path("visit/<str:visit_id>/allergy", views.allergy, name="allergy"),
    path("visit/<str:visit_id>/follow-up.pdf", views.follow_up_pdf, name="follow-up-pdf"),
    path("emergency/", emergency.find, name="emergency"),
    path("emergency/open/<str:patient_id>", emergency.open_chart, name="emergency-open"),
    path("emergency/<int:number>", emergency.chart, name="emergency-chart"),
    path("emergency/<int:number>/end", emergency.end, name="emergency-end"),
    path("search/diagnoses", views.search_diagnoses, name="search-diagnoses"),
    path("search/orders", views.search_orders, name="search-orders"),
    path("search/allergens", views.search_allergens, name="search-allergens"),
    path("visit/<str:visit_id>/send-again", views.send_again, name="send-again"),
    path("unsent/", views.unsent, name="unsent"),
    path("unsent/again", views.send_all_again, name="send-all-again"),
    path("prescription/<str:code>.pdf", views.prescription_pdf, name="prescription-pdf"),
]
