"""What we sell: one `Recipe` for each of the vendor's tutorials.

A product is data. A new one is a recipe here and a golden pair under `tests/tutorials/`; steps, fields, rules and
pages follow from it. Nothing anywhere asks for a recipe's slug to decide what to do.
"""

from __future__ import annotations

from orders.composing import Devices, Line, MultiCycle, Recipe, Target

REMOTE_MANAGEMENT_CONNECTIONS = Recipe(
    slug="remote-management-connections",
    title="Remote Management connections",
    summary="Add connections to Remote Management, for your own account or a customer's.",
    icon="network",
    product_id="15",
    operation="purchase_service",
    target=Target.ACCOUNT,
    quantity_label="Connections",
    plan_label="Current plan",
    lines=(
        # The tutorial's sample sends no billingModel.
        Line(
            service_type="service",
            purchase_type="purchase",
            billing_cycle="once",
            takes_quantity=True,
            under_plan=True,
        ),
    ),
)

TURNKEY_CAPACITY = Recipe(
    slug="turnkey-capacity",
    title="P-Series Turnkey capacity",
    summary="Add extensions, Ultimate Plan extensions, recording or transcription minutes to a Turnkey Package.",
    icon="gauge",
    product_id="14",
    operation="purchase_service",
    target=Target.ACCOUNT,
    plan_label="Current plan",
    quantity_label="Quantity (extensions or minutes)",
    lines=(
        Line(
            service_type="service",
            purchase_type="purchase",
            billing_model="recurring",
            billing_cycle="annually",
            takes_quantity=True,
            under_plan=True,
        ),
    ),
)

RM_PREMIUM_RENEWAL = Recipe(
    slug="rm-premium-renewal",
    title="RM Premium renewal",
    summary="Renew Remote Management Premium for another year.",
    icon="refresh",
    product_id="21",
    # The tutorial contradicts itself: its first table says `trial_service`, its table of values and its sample say
    # `renew_service`. `trial_service` starts a free trial by the vendor's reference, and the sister renewal
    # (YCM White Label) uses `renew_service` throughout. It is a renewal.
    operation="renew_service",
    target=Target.ACCOUNT,
    quantity_label="Connections to renew",
    lines=(
        Line(
            service_type="service",
            purchase_type="renew",
            billing_model="recurring",
            billing_cycle="annually",
            takes_quantity=True,
        ),
    ),
)

LINKUS_CLOUD_SERVICE = Recipe(
    slug="linkus-cloud-service",
    title="Linkus Cloud Service",
    summary="Subscribe a PBX to Linkus Cloud Service by its serial number, for one to five years.",
    icon="cloud",
    product_id="9",
    operation="purchase_plan",
    target=Target.DEVICE,
    devices=Devices.TYPED,
    lines=(
        Line(
            service_type="plan",
            purchase_type="purchase",
            billing_model="recurring",
            billing_cycle="annually",
            multi_cycle=MultiCycle.YEARS,
        ),
    ),
)

SOFTWARE_EDITION_LICENSE = Recipe(
    slug="software-edition-license",
    title="P-Series Software Edition licence",
    summary="A commercial licence for a new or an existing software PBX, with plan, extensions and services.",
    icon="license",
    product_id="12",
    operation="purchase_plan",
    target=Target.EITHER,
    devices=Devices.LISTED,
    quantity_label="Extensions",
    service_label="Services",
    lines=(
        Line(
            service_type="plan",
            purchase_type="purchase",
            billing_model="recurring",
            billing_cycle="annually",
            multi_cycle=MultiCycle.YEARS,
            takes_quantity=True,
        ),
        Line(
            service_type="service",
            purchase_type="purchase",
            billing_model="recurring",
            billing_cycle="annually",
            multi_cycle=MultiCycle.YEARS,
            under_plan=True,
            optional=True,
        ),
    ),
)

RECIPES: dict[str, Recipe] = {
    recipe.slug: recipe
    for recipe in (
        REMOTE_MANAGEMENT_CONNECTIONS,
        TURNKEY_CAPACITY,
        RM_PREMIUM_RENEWAL,
        LINKUS_CLOUD_SERVICE,
        SOFTWARE_EDITION_LICENSE,
    )
}


def retired(slug: str) -> Recipe:
    """Stands for a product that is no longer sold, on the pages of the orders it left behind."""
    return Recipe(
        slug=slug, title=slug, summary="", icon="", product_id="", operation="", target=Target.ACCOUNT, lines=()
    )
