"""The tables of codes of findings, which are no decisions of the webhook's; one module for each that finds them."""

from webhook.injection.findings.audits import FindingCode
from webhook.injection.findings.limits import LimitCode
from webhook.injection.findings.lint import LintCode
from webhook.injection.findings.manifests import InjectCode
from webhook.injection.findings.policies import GuardCode, ManifestCode

__all__ = ["FindingCode", "GuardCode", "InjectCode", "LimitCode", "LintCode", "ManifestCode"]
