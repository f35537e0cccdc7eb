"""What somebody pastes as a kubeconfig is used only when it is whole and harmless."""

import pytest
import yaml

from provisioning.clients.kubeconfig import Kubeconfig, UnsafeKubeconfig

WHOLE = {
    "current-context": "theirs",
    "contexts": [{"name": "theirs", "context": {"cluster": "c", "user": "u", "namespace": "x"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1"}}, {"name": "other", "cluster": {}}],
    "users": [{"name": "u", "user": {"token": "secret"}}],
}


def test_it_is_reduced_to_its_current_context():
    parsed = Kubeconfig.parse(yaml.safe_dump(WHOLE))
    assert parsed.server == "https://10.0.0.1"
    assert parsed.document["users"] == [{"name": "portal", "user": {"token": "secret"}}]
    assert len(parsed.document["clusters"]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"clusters": []},
        {"current-context": "another"},
        {"current-context": None},
        {"contexts": "theirs"},
        {"contexts": ["theirs"]},
        {"contexts": [{"name": "theirs"}]},
        {"contexts": [{"name": "theirs", "context": {}}]},
        {"clusters": [{"name": "c"}]},
        {"users": None},
        {"users": [{"name": "u", "user": None}]},
        {"users": [{"name": "u", "user": {"exec": {"command": "sh"}}}]},
        {"users": [{"name": "u", "user": {"tokenFile": "/etc/passwd"}}]},
        {"clusters": [{"name": "c", "cluster": {"server": "http://10.0.0.1"}}]},
    ],
    ids=str,
)
def test_it_is_refused_in_words(changes):
    with pytest.raises(UnsafeKubeconfig):
        Kubeconfig.parse(yaml.safe_dump({**WHOLE, **changes}))


@pytest.mark.parametrize("text", ["", "[]", "a word", "clusters: 1"])
def test_what_is_no_kubeconfig_is_refused_in_words(text):
    with pytest.raises(UnsafeKubeconfig):
        Kubeconfig.parse(text)
