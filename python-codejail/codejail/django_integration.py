"""A Django middleware that configures jails when the server starts, and is then left out.

Its own file because it needs Django.
Changes when: Django's middleware does.
"""

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed

from . import django_integration_utils

__all__ = ["ConfigureCodeJailMiddleware", "MiddlewareNotUsed"]


class ConfigureCodeJailMiddleware:
    """Its name stands in MIDDLEWARE, and the settings in CODE_JAIL."""

    def __init__(self, get_response=None) -> None:
        django_integration_utils.apply_django_settings(settings.CODE_JAIL)
        raise MiddlewareNotUsed("configured; there is nothing to do for a request")
