"""Which mail domains belong to nobody's company."""

# The large free-mail providers, and throw-away services seen most in sign-ups. Country domains of one provider are
# matched by their first label (yahoo.co.uk, hotmail.fr).
FREE = frozenset(
    """aol.com duck.com fastmail.com freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hey.com
    hushmail.com icloud.com laposte.net libero.it mac.com mail.com mail.ru me.com msn.com naver.com orange.fr
    pm.me proton.me protonmail.com qq.com rediffmail.com rocketmail.com t-online.de tuta.com tuta.io tutanota.com web.de
    yandex.com yandex.ru ymail.com zoho.com 126.com 163.com 10minutemail.com discard.email dispostable.com
    fakeinbox.com getnada.com guerrillamail.com mailinator.com maildrop.cc mintemail.com sharklasers.com temp-mail.org
    tempmail.com throwawaymail.com trashmail.com yopmail.com""".split()
)
FREE_FIRST_LABELS = frozenset({"yahoo", "hotmail", "outlook", "live"})


def domain_of(email: str) -> str:
    """The part after the last @, in small letters."""
    return email.rsplit("@", 1)[-1].strip().lower()


def is_free_mail(email: str) -> bool:
    """Whether anybody could have this address without belonging to a company."""
    return is_free_domain(domain_of(email))


def is_free_domain(domain: str) -> bool:
    """Whether it is one that belongs to nobody's company."""
    return domain in FREE or domain.split(".", 1)[0] in FREE_FIRST_LABELS


def parents_of(domain: str) -> list[str]:
    """The domains above it that could be its company's, the nearest first; none that is a single label."""
    labels = domain.split(".")
    above = (".".join(labels[begin:]) for begin in range(1, len(labels) - 1))
    return [parent for parent in above if not is_free_domain(parent)]
