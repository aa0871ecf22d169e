"""The countries of `GET /user/openapi/area/v1/page`: ISO code and English name."""

from __future__ import annotations

_LIST = """
AE United Arab Emirates;AL Albania;AM Armenia;AO Angola;AR Argentina;AT Austria;AU Australia;AZ Azerbaijan
BA Bosnia and Herzegovina;BD Bangladesh;BE Belgium;BG Bulgaria;BH Bahrain;BO Bolivia;BR Brazil;BY Belarus
CA Canada;CH Switzerland;CI Côte d'Ivoire;CL Chile;CM Cameroon;CN China;CO Colombia;CR Costa Rica;CY Cyprus
CZ Czech Republic;DE Germany;DK Denmark;DO Dominican Republic;DZ Algeria;EC Ecuador;EE Estonia;EG Egypt
ES Spain;ET Ethiopia;FI Finland;FR France;GB United Kingdom;GE Georgia;GH Ghana;GR Greece;GT Guatemala
HK Hong Kong;HN Honduras;HR Croatia;HU Hungary;ID Indonesia;IE Ireland;IL Israel;IN India;IQ Iraq;IS Iceland
IT Italy;JM Jamaica;JO Jordan;JP Japan;KE Kenya;KH Cambodia;KR South Korea;KW Kuwait;KZ Kazakhstan;LB Lebanon
LK Sri Lanka;LT Lithuania;LU Luxembourg;LV Latvia;MA Morocco;MD Moldova;MG Madagascar;MK North Macedonia
MM Myanmar;MN Mongolia;MT Malta;MU Mauritius;MX Mexico;MY Malaysia;MZ Mozambique;NA Namibia;NG Nigeria
NI Nicaragua;NL Netherlands;NO Norway;NP Nepal;NZ New Zealand;OM Oman;PA Panama;PE Peru;PH Philippines
PK Pakistan;PL Poland;PR Puerto Rico;PT Portugal;PY Paraguay;QA Qatar;RO Romania;RS Serbia;RW Rwanda
SA Saudi Arabia;SE Sweden;SG Singapore;SI Slovenia;SK Slovakia;SN Senegal;SV El Salvador;TH Thailand
TN Tunisia;TR Turkey;TT Trinidad and Tobago;TW Taiwan;TZ Tanzania;UA Ukraine;UG Uganda;US United States
UY Uruguay;UZ Uzbekistan;VE Venezuela;VN Vietnam;YE Yemen;ZA South Africa;ZM Zambia;ZW Zimbabwe
"""

COUNTRIES: list[dict[str, str]] = [
    {"code": entry[:2], "id": str(number), "name": entry[3:]}
    for number, entry in enumerate(_LIST.strip().replace("\n", ";").split(";"), start=1)
]
"""Rows `{code, id, name}`, by code."""

COUNTRY_NAMES = frozenset(country["name"] for country in COUNTRIES)
