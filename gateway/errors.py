"""Everything that can go wrong, as one tree of exceptions. Codecs turn it into each protocol's own words.

GatewayError
├── BadRequest          400  the client's request cannot be understood or served as it stands
├── Unauthorized        401  no key, or a key that is not valid
├── InsufficientQuota   402  the key's money is used up
├── Forbidden           403  the key may not do this
├── NotFound            404  no such path, model or object
├── MethodNotAllowed    405
├── UpgradeRequired     426  a WebSocket was asked for
├── TooLarge            413
├── UnsupportedMedia    415
├── RateLimited         429
├── Internal            500  our own fault
├── UpstreamFailed      502  an upstream failed or answered nonsense
├── Unavailable         503  nothing can serve this now
├── UpstreamTimeout     504
├── PortTaken           the gateway cannot listen where it was told to
└── Cut                 the operator, a revocation or a shutdown ended a running answer
"""

from typing import ClassVar


class GatewayError(Exception):
    """A failure as a client may see it: never holds a secret, a host or an account of ours."""

    status: ClassVar[int] = 500
    code: str = "internal_error"
    """Stable machine-readable name; the same in the client's error, the log and the console."""

    def __init__(
        self, message: str, *, code: str | None = None, param: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.param = param
        self.retry_after = retry_after
        """Seconds after which trying again may help."""


class BadRequest(GatewayError):
    status = 400
    code = "invalid_request"


class Unauthorized(GatewayError):
    status = 401
    code = "invalid_api_key"


class InsufficientQuota(GatewayError):
    status = 402
    code = "insufficient_quota"


class Forbidden(GatewayError):
    status = 403
    code = "permission_denied"


class NotFound(GatewayError):
    status = 404
    code = "not_found"


class MethodNotAllowed(GatewayError):
    status = 405
    code = "method_not_allowed"


class UpgradeRequired(GatewayError):
    status = 426
    code = "upgrade_required"


class TooLarge(GatewayError):
    status = 413
    code = "request_too_large"


class UnsupportedMedia(GatewayError):
    status = 415
    code = "unsupported_media_type"


class RateLimited(GatewayError):
    status = 429
    code = "rate_limit_exceeded"


class Internal(GatewayError):
    status = 500
    code = "internal_error"


class UpstreamFailed(GatewayError):
    status = 502
    code = "upstream_error"


class Unavailable(GatewayError):
    status = 503
    code = "unavailable"


class UpstreamTimeout(GatewayError):
    status = 504
    code = "upstream_timeout"


class Cut(GatewayError):
    status = 503
    code = "cut"


class PortTaken(GatewayError):
    status = 503
    code = "port_taken"
