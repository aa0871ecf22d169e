"""A list that is suddenly much shorter is not believed at its first word: customers do not vanish by the dozen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from orders import mirror
from orders.mirror import MirrorResult
from orders.models import Partner
from tests.orders.test_mirror import Run, answer, each_list
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("accounts")


def partners(sandbox: Sandbox) -> list[dict[str, Any]]:
    return list(sandbox.world.partners.values())


@each_list
def test_a_much_shorter_list_takes_nobody_away_until_the_next_one_says_the_same(
    model: Any, run: Run, what: str, id_name: str, mail: str, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    told = list(getattr(sandbox.world, what).values())
    model.objects.update(mirrored_at=timezone.now() - timedelta(hours=1))
    before = {row["remote_id"]: row for row in model.objects.values()}
    new = {**told[0], id_name: "990000000000000001", "company": "Brand new"}
    answer(sandbox, what, {**told[0], "company": "Renamed"}, new)
    with capture_logs() as logs:
        result = run(portal)
    assert result == MirrorResult(listed=2, changed=2, gone=0, doubted=len(told) - 1)
    assert f"{len(told) - 1} are missing all at once, and kept" in result.words
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["mirror.many_missing_kept"]
    after = {row["remote_id"]: row for row in model.objects.values()}
    for missing in (row[id_name] for row in told[1:]):
        assert after[missing] == before[missing], "those who are missing are untouched"
    assert after[told[0][id_name]]["company"] == "Renamed"
    assert after["990000000000000001"]["company"] == "Brand new"
    result = run(portal)
    assert result == MirrorResult(listed=2, changed=0, gone=len(told) - 1)
    assert "missing all at once" not in result.words
    assert model.objects.on_offer().count() == 2


def test_a_whole_list_in_between_ends_the_doubt(portal: PartnerPortal, sandbox: Sandbox) -> None:
    told = partners(sandbox)
    for listed in (told[:3], told, told[:3]):
        answer(sandbox, "partners", *listed)
        assert mirror.mirror_partners(portal).gone == 0
    assert mirror.mirror_partners(portal).gone == len(told) - 3


def test_a_list_that_misses_others_than_the_one_before_is_doubted_too(portal: PartnerPortal, sandbox: Sandbox) -> None:
    told = partners(sandbox)
    for listed in (told[:3], told[3:6], told[:3]):
        answer(sandbox, "partners", *listed)
        assert mirror.mirror_partners(portal).gone == 0
    assert Partner.objects.on_offer().count() == len(told)


@pytest.mark.parametrize(
    ("known", "missing", "doubted"),
    [(6, 4, False), (6, 5, True), (25, 5, False), (24, 5, True), (40, 8, False), (40, 9, True)],
)
def test_few_are_believed_at_once_and_many_are_not(
    known: int, missing: int, doubted: bool, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    Partner.objects.all().delete()
    one = partners(sandbox)[0]
    told = [{**one, "partnerId": str(number)} for number in range(1, known + 1)]
    answer(sandbox, "partners", *told)
    mirror.mirror_partners(portal)
    answer(sandbox, "partners", *told[missing:])
    result = mirror.mirror_partners(portal)
    assert (result.gone, result.doubted) == ((0, missing) if doubted else (missing, 0))


def test_without_the_cache_many_are_kept_and_a_few_still_go(
    portal: PartnerPortal, sandbox: Sandbox, settings: Any
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    told = partners(sandbox)
    answer(sandbox, "partners", *told[:3])
    for _ in range(3):
        assert mirror.mirror_partners(portal).gone == 0
    answer(sandbox, "partners", *told[1:])
    assert mirror.mirror_partners(portal).gone == 1
