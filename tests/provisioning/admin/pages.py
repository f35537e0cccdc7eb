"""Addresses and habits of the admin's pages."""

from django.urls import reverse


def page(target, view="change", *more):
    meta = target._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{view}", args=[target.pk, *more])


def listing(model):
    return reverse(f"admin:{model}_changelist")


def do(client, target, deed, **answers):
    """The deed's form is sent."""
    return client.post(page(target, "deed", deed), answers)


def text(client, address, **query):
    response = client.get(address, query)
    assert response.status_code == 200
    return response.content.decode()
