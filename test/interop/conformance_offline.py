"""
Lets the conformance suite run without the network: it asks for an identity token before every test,
also where nothing is signed. The suite itself stays as it is.
"""

import base64
import json

import urllib3

CLAIMS = {"email": "nobody@example.test", "iss": "https://example.test", "exp": 4102444800}


class Answer:
    data = b".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "none"}, CLAIMS, "")
    )


def request(method, url, **_options):
    if "testing-token" not in url:
        raise RuntimeError(f"the suite asked the network for {url}")
    return Answer()


urllib3.request = request
