"""The pages of the application: few, calm, and honest about being a stand-in."""

from html import escape
from http import HTTPStatus

from starlette.responses import HTMLResponse

from devcloud.application.accounts import Account
from devcloud.application.instances import Instance

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b26; --soft: #5e6179; --paper: #f7f7fb; --card: #fff; --line: #e3e4ee;
  --accent: #5033e1 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef5; --soft: #a3a7bf; --paper: #14141c; --card: #1d1d28; --line: #31324a; --accent: #9d8cff }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
main { width: min(28rem, 92vw); padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 12px }
h1 { font-size: 1.35rem; margin: 0 0 .25rem }
p { margin: .25rem 0 1rem; color: var(--soft) }
label { display: block; margin: .75rem 0 .25rem; font-weight: 600; font-size: .9rem }
input { width: 100%; padding: .55rem .7rem; border: 1px solid var(--line); border-radius: 8px; background: transparent;
  color: inherit; font: inherit }
button { margin-top: 1.25rem; width: 100%; padding: .65rem; border: 0; border-radius: 8px; background: var(--accent);
  color: #fff; font: inherit; font-weight: 600; cursor: pointer }
@media (prefers-color-scheme: dark) { button { color: #14141c } }
.version { font-variant-numeric: tabular-nums; font-size: .85rem; margin-top: 1.5rem; padding-top: 1rem;
  border-top: 1px solid var(--line) }
"""


def home_page(instance: Instance, account: Account | None) -> HTMLResponse:
    """Who is signed in, or the form to sign in with."""
    if account:
        body = f"<h1>Signed in as {escape(account.username)}</h1><p>{escape(account.email)}, site admin</p>"
    else:
        body = f"<h1>Sign in to Sourcegraph</h1><p>{escape(instance.host)}</p>" + _form(
            "/-/sign-in", [("email", "Email", "email"), ("password", "Password", "password")], "Sign in"
        )
    return _page("Sourcegraph", body + _version(instance))


def sign_in_failed_page(instance: Instance) -> HTMLResponse:
    body = "<h1>That did not fit</h1><p>No account has this email and password. Go back and try again.</p>"
    return _page("Sign in", body + _version(instance), HTTPStatus.UNAUTHORIZED)


def password_page(instance: Instance, account: Account, code: str) -> HTMLResponse:
    """The form for a new password, for whoever holds the one-time link."""
    body = f"<h1>Choose your password</h1><p>For {escape(account.email)} on {escape(instance.host)}.</p>"
    form = _form(f"/password-reset?code={escape(code)}", [("password", "New password", "password")], "Set password")
    return _page("Choose your password", body + form + _version(instance))


def password_set_page(instance: Instance) -> HTMLResponse:
    body = (
        '<h1>Your password is set</h1><p>The link is spent. You are signed in: <a href="/">go to Sourcegraph</a>.</p>'
    )
    return _page("Password set", body + _version(instance))


def used_code_page(instance: Instance) -> HTMLResponse:
    body = "<h1>This link does not work any more</h1><p>It works once. Sign in, or ask for a new link.</p>"
    return _page("Link used", body + _version(instance), HTTPStatus.GONE)


def starting_page(host: str) -> HTMLResponse:
    body = f"<h1>Starting</h1><p>{escape(host)} is not available yet. Reload in a moment.</p>"
    return _page("Starting", body, HTTPStatus.SERVICE_UNAVAILABLE)


def shut_out_page() -> HTMLResponse:
    """What Cloud Armor answers in the application's place."""
    body = "<h1>Error: Forbidden</h1><p>Your client does not have permission to get this URL from this server.</p>"
    return _page("403 Forbidden", body, HTTPStatus.FORBIDDEN)


def unknown_page(host: str) -> HTMLResponse:
    body = f"<h1>No such instance</h1><p>Nothing answers on {escape(host)}.</p>"
    return _page("No such instance", body, HTTPStatus.NOT_FOUND)


def _version(instance: Instance) -> str:
    return f'<p class="version">Version {escape(instance.version)}</p>'


def _form(action: str, fields: list[tuple[str, str, str]], button: str) -> str:
    inputs = "".join(
        f'<label for="{name}">{label}</label><input id="{name}" name="{name}" type="{kind}" required>'
        for name, label, kind in fields
    )
    return f'<form method="post" action="{action}">{inputs}<button>{button}</button></form>'


def _page(title: str, body: str, status: int = HTTPStatus.OK) -> HTMLResponse:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    page = f"<head>{head}<style>{_STYLE}</style></head><body><main>{body}</main></body>"
    return HTMLResponse(f'<!doctype html><html lang="en">{page}</html>', status)
