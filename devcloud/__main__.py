"""python -m devcloud: runs one devcloud until it is interrupted."""

import argparse
from dataclasses import replace
from pathlib import Path

import uvloop

from devcloud.google.seed import BILLING_ACCOUNT
from devcloud.profile import PROFILES
from devcloud.server import Options, run


def main() -> None:
    arguments = _parser().parse_args()
    if arguments.speed <= 0:
        raise SystemExit("devcloud: --speed must be above 0.")
    everywhere = arguments.host in {"0.0.0.0", "::"}  # noqa: S104 - it is compared, not listened on
    options = Options(
        host=arguments.host,
        public_host=arguments.public_host or ("127.0.0.1" if everywhere else arguments.host),
        http_port=arguments.http_port,
        https_port=arguments.https_port,
        smtp_port=arguments.smtp_port,
        elsewhere_port=arguments.elsewhere_port,
        state=arguments.state,
        profile=replace(PROFILES[arguments.profile], speed=arguments.speed),
        billing_accounts=(BILLING_ACCOUNT, *arguments.billing_account),
    )
    try:
        uvloop.run(run(options))
    except OSError as error:
        raise SystemExit(f"devcloud: {error}. Is another one running? Ports can be chosen by flags.") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devcloud", description="Stand-ins for Google Cloud, Kubernetes and mail.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--public-host", default="", help="how others reach it, if not by --host")
    parser.add_argument("--http-port", type=int, default=9400, help="0 is a free one, for all ports")
    parser.add_argument("--https-port", type=int, default=9443)
    parser.add_argument("--smtp-port", type=int, default=9425)
    parser.add_argument(
        "--elsewhere-port", type=int, default=80, help="where the web is at addresses that are not devcloud's"
    )
    parser.add_argument("--state", type=Path, default=Path("var/devcloud"), help="the folder that it remembers in")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="fast", help="how long things take")
    parser.add_argument("--speed", type=float, default=1.0, help="divides all durations")
    parser.add_argument(
        "--billing-account", action="append", default=[], help="one more that projects may be linked to"
    )
    return parser


if __name__ == "__main__":
    main()
