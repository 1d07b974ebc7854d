"""What a result says of a policy.

Its own file because the tests of each level ask the same.
Changes when: a denial is told in another way.
"""


def raised(result):
    """"Type: message" of the exception that ended it."""
    assert result.status == "exception", result
    return "%(type)s: %(message)s" % result.exception


def denied(result):
    """[(what, the feature that would allow it)] of the policy's denials."""
    return [(d["what"], d.get("feature")) for d in result.denials if d["layer"] == "policy"]
