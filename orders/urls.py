"""The URLs of ordering."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path

from orders.models import Listed
from orders.views import (
    account_files,
    account_pages,
    account_runs,
    audit,
    connection,
    credentials,
    drift,
    exporting,
    history,
    managing,
    ordering,
    orders,
    overview,
    partner_editing,
    syncing,
)

app_name = "orders"


def accounts(what: Listed) -> list[URLPattern]:
    """The pages of one of the two mirrored lists."""
    pages: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
        "": ("", account_pages.account_list),
        "hide/": ("hide", account_pages.hide),
        "<int:pk>/": ("account", account_pages.account_page),
        "<int:pk>/edit/": ("edit", account_pages.edit),
        "sync/": ("sync", account_runs.sync_page),
        "sync/now/": ("sync_now", account_runs.sync_now),
        "sync/<int:pk>/": ("run", account_runs.run_page),
        "sync/<int:pk>/decide/": ("decide", account_runs.decide),
        "export/": ("export", account_files.export),
        "import/": ("import", account_files.import_page),
        "import/<int:pk>/": ("import_shown", account_files.import_shown),
        "import/<int:pk>/decide/": ("import_decide", account_files.import_decide),
    }
    return [
        path(f"{what.value}/{route}", view, {"what": what.value}, name="_".join(filter(None, (what.value, name))))
        for route, (name, view) in pages.items()
    ]


urlpatterns = [
    path("", ordering.catalogue, name="catalogue"),
    *accounts(Listed.PARTNERS),
    *accounts(Listed.CONTACTS),
    path("contacts/options/", account_pages.contact_options, {"what": "contacts"}, name="contact_options"),
    path("audit/", audit.audit_page, name="audit"),
    path("audit/export/", audit.export, name="audit_export"),
    path("audit/<int:pk>/", audit.entry_page, name="audit_entry"),
    path("partners/new/", partner_editing.new_partner, name="new_partner"),
    path("partners/<int:pk>/at-yeastar/", partner_editing.edit_partner, name="edit_partner"),
    path("partners/changes/<uuid:pk>/", partner_editing.change_page, name="partner_change"),
    path("partners/changes/<uuid:pk>/look/", partner_editing.look_again, name="look_for_change"),
    path("connection/", connection.connection_page, name="connection"),
    path("connection/ask/", connection.ask, name="ask"),
    path("connection/credentials/", credentials.credentials_page, name="credentials"),
    path("connection/credentials/remove/", credentials.take_away, name="take_credentials_away"),
    path("connection/test/", connection.test_page, name="connection_test"),
    path("connection/test/now/", connection.test_now, name="connection_test_now"),
    path("history/", history.history, name="history"),
    path("history/<int:pk>/", history.record_page, name="record"),
    path("history/<int:pk>/ask/", drift.ask_details, name="ask_details"),
    path("history/drift/", drift.drift_page, name="drift"),
    path("history/drift/<int:pk>/seen/", drift.see_to_drift, name="see_to_drift"),
    path("history/exports/", exporting.exports_page, name="exports"),
    path("history/exports/ask/", exporting.ask, name="export"),
    path("history/exports/<uuid:pk>/file/", exporting.download, name="export_file"),
    path("history/exports/<uuid:pk>/cancel/", exporting.cancel, name="cancel_export"),
    path("history/exports/<uuid:pk>/again/", exporting.again, name="again_export"),
    path("history/exports/<uuid:pk>/delete/", exporting.throw_away, name="delete_export"),
    path("history/sync/", syncing.sync_page, name="sync"),
    path("history/sync/now/", syncing.sync_now, name="sync_now"),
    path("history/views/", history.save_view, name="save_view"),
    path("history/views/<int:pk>/delete/", history.delete_view, name="delete_view"),
    path("overview/", overview.overview, name="overview"),
    path("statement/", overview.statement_page, name="statement"),
    path("orders/", orders.order_list, name="list"),
    path("orders/start/<slug:slug>/", ordering.start, name="start"),
    path("orders/<uuid:pk>.json", orders.order_json, name="order_json"),
    path("orders/<uuid:pk>/", orders.order_page, name="order"),
    path("orders/<uuid:pk>/place/", ordering.place, name="place"),
    path("orders/<uuid:pk>/again/", ordering.again, name="again"),
    path("orders/<uuid:pk>/discard/", ordering.discard, name="discard"),
    path("orders/<uuid:pk>/restore/", ordering.restore, name="restore"),
    path("orders/<uuid:pk>/settle/", managing.settle, name="settle"),
    path("orders/<uuid:pk>/cancel/", managing.cancel, name="cancel"),
    path("orders/<uuid:pk>/conflict/", managing.see_to_conflict, name="conflict"),
    path("orders/<uuid:pk>/evidence.json", orders.evidence, name="evidence"),
    path("orders/<uuid:pk>/<slug:name>/", ordering.step, name="step"),
    path("orders/<uuid:pk>/<slug:name>/options/", ordering.options, name="options"),
]
