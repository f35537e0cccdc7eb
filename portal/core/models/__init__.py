"""Customers, the people of customers, what they did, and the mail they get."""

from portal.core.models.audit import AuditEvent, AuditSeal
from portal.core.models.mail import Mail
from portal.core.models.organizations import Membership, Organization, Role
from portal.core.models.people import User
from portal.core.models.tokens import ApiToken, Scope, StaffScope

__all__ = [
    "ApiToken",
    "AuditEvent",
    "AuditSeal",
    "Mail",
    "Membership",
    "Organization",
    "Role",
    "Scope",
    "StaffScope",
    "User",
]
