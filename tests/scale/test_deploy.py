"""What is deployed fits what is here: files, ports, versions, and where a page says it is well."""

import re

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
PARTS = {
    (part["kind"], part["metadata"]["name"]): part
    for part in yaml.safe_load_all((ROOT / "deploy" / "kuberay.yaml").read_text())
}
RAY = Requirement(
    next(
        line
        for line in (ROOT / "deploy" / "requirements-ray.txt").read_text().splitlines()
        if line.startswith("ray")
    )
)


def test_what_the_image_copies_is_here_and_goes_there():
    copied = [line.split()[1] for line in DOCKERFILE.splitlines() if re.match("COPY [^-]", line)]
    assert copied and all((ROOT / name).exists() for name in copied)
    left_out = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().split()
    needed = ["app.py", "model.py", "inkling", "checkpoints", "data", "examples", "deploy"]
    assert not {*needed, *copied} & set(left_out)


def test_the_image_has_a_user_without_rights_and_a_look_at_its_health():
    assert re.search(r"^USER 1000$", DOCKERFILE, re.M)
    port = re.search(r"GRADIO_SERVER_PORT=(\d+)", DOCKERFILE)[1]
    assert f"EXPOSE {port}" in DOCKERFILE and f"127.0.0.1:{port}/healthz" in DOCKERFILE


def test_pages_reach_readers_and_visitors_reach_pages():
    pages = PARTS["Deployment", "pages"]["spec"]["template"]
    page = pages["spec"]["containers"][0]
    assert f"{PARTS['RayCluster', 'readers']['metadata']['name']}-head-svc:6379" in page["args"][0]
    port = int(re.search(r"GRADIO_SERVER_PORT=(\d+)", DOCKERFILE)[1])
    assert page["ports"] == [{"containerPort": port, "name": "http"}]
    for probe in ("readinessProbe", "livenessProbe"):
        assert page[probe]["httpGet"] == {"path": "/healthz", "port": "http"}
    service = PARTS["Service", "page"]["spec"]
    assert service["selector"] == pages["metadata"]["labels"]
    rule = PARTS["Ingress", "page"]["spec"]["rules"][0]["http"]["paths"][0]
    assert rule["backend"]["service"]["name"] == "page"
    affinity = PARTS["Ingress", "page"]["metadata"]["annotations"]
    assert affinity["nginx.ingress.kubernetes.io/affinity"] == "cookie"


def test_the_cluster_keeps_readers_off_its_head_and_grows():
    cluster = PARTS["RayCluster", "readers"]["spec"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    [workers] = cluster["workerGroupSpecs"]
    assert workers["minReplicas"] <= workers["replicas"] < workers["maxReplicas"]
    assert RAY.specifier.contains(cluster["rayVersion"])


@pytest.mark.parametrize("group", ["headGroupSpec", "workerGroupSpecs"])
def test_every_part_of_the_cluster_has_bounds(group):
    found = PARTS["RayCluster", "readers"]["spec"][group]
    for one in found if isinstance(found, list) else [found]:
        for container in one["template"]["spec"]["containers"]:
            assert set(container["resources"]) == {"requests", "limits"}
