"""An OpenID Connect provider of one's own, as the browser and the portal meet one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response


@contextmanager
def provider() -> Iterator[str]:
    """The issuer's address. Somebody is signed in there as the demo manager, by more than a password."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    asked: dict[str, str] = {}

    def authorize(request: Request) -> Response:
        asked.update(request.args)
        back = f"{asked['redirect_uri']}?code=the-code&state={asked['state']}"
        return Response(status=302, headers={"Location": back})

    def token(_: Request) -> Response:
        now = int(time.time())
        person = {"sub": "1", "email": "manager@example.com", "email_verified": True, "amr": ["mfa"]}
        claims = {**person, "iss": server.url_for("").rstrip("/"), "aud": "portal", "iat": now, "exp": now + 300}
        signed = jwt.encode({**claims, "nonce": asked["nonce"]}, key, "RS256", {"kid": "k"})
        return Response(json.dumps({"access_token": "x", "id_token": signed}), content_type="application/json")

    with HTTPServer() as server:
        issuer = server.url_for("").rstrip("/")
        urls = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
        config = {"issuer": issuer, **{name: f"{issuer}/{path}" for name, path in urls.items()}}
        server.expect_request("/.well-known/openid-configuration").respond_with_json(config)
        public = {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "k", "alg": "RS256"}
        server.expect_request("/keys").respond_with_json({"keys": [public]})
        server.expect_request("/auth").respond_with_handler(authorize)
        server.expect_request("/token").respond_with_handler(token)
        yield issuer
