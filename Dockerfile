# One image for web, workers, the scheduler and migrations; docker-compose.yml says which runs what.

# The pinned helm, checked against its SHA-256.
FROM python:3.11.14-slim-bookworm AS helm
WORKDIR /build
COPY tools/ tools/
RUN python -m tools.helm /opt/helm/bin

FROM python:3.11.14-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --system --uid 10001 --create-home portal
WORKDIR /srv/portal

COPY requirements.txt ./
RUN pip install --requirement requirements.txt

COPY --from=helm /opt/helm/bin/helm /usr/local/bin/helm
COPY manage.py ./
COPY portal/ portal/
COPY provisioning/ provisioning/
COPY billing/ billing/
COPY devcloud/ devcloud/
COPY templates/ templates/
COPY static/ static/
COPY charts/ charts/
COPY docs/runbooks/ docs/runbooks/

# Settings want their variables even here, where nothing is asked of the database; none of these reaches the image.
RUN SECRET_KEY=build KUBECONFIG_ENCRYPTION_KEY=build DATABASE_URL=postgresql:///build REDIS_URL=redis://build \
    python manage.py collectstatic --noinput --ignore "src/*"

USER portal
EXPOSE 8000
CMD ["gunicorn", "portal.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--no-control-socket"]
