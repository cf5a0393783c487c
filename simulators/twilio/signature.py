"""X-Twilio-Signature, as Twilio makes it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping


def sign(auth_token: str, url: str, params: Mapping[str, str]) -> str:
    """base64(HMAC-SHA1(token, url + every key and value, sorted by key)); empty values count.

    Source: https://www.twilio.com/docs/usage/security#validating-requests
    """
    text = url + "".join(key + params[key] for key in sorted(params))
    digest = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
